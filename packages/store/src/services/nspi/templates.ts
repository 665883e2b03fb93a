import { Nspi, type PropertyRowR, Writer } from '@rpch/rpc/internal';
import { PropertyType, withType } from '../../mapi/property.ts';
import { PidTag } from '../../mapi/property-tags.ts';
import { encodeString8 } from '../../mapi/text-coding.ts';
import { rowOf } from './rows.ts';
import { wireValue } from './wire-values.ts';

/** ControlType ([MS-OXOABKT] 2.2.2.1.2). */
const Control = { Label: 0, Edit: 1, ListBox: 2, GroupBox: 6, Page: 8, MultiValueListBox: 0x0b } as const;

/** One control of a dialog; positions and sizes in dialog units ([MS-OXOABKT] 2.2.2.1.2). */
interface TemplateRow {
  readonly x: number;
  readonly width: number;
  readonly y: number;
  readonly height: number;
  readonly type: number;
  /** The property that is shown, with an 8-bit type; 0 of controls that show none. */
  readonly tag: number;
  /** The longest text of an edit control. */
  readonly size: number;
  /** The label, or the characters that may be entered. */
  readonly text: string;
}

const VERSION = 1;
const HEAD_SIZE = 8;
const ROW_SIZE = 36;
const ANYTHING = '*';
const LONGEST = 1024;

const [LEFT, MIDDLE] = [12, 189];
const [LABEL_WIDTH, EDIT_WIDTH] = [70, 100];
const LINE = 17;

/** A page with a name, and what is on it. */
function page(title: string, rows: readonly TemplateRow[]): TemplateRow[] {
  return [{ x: 0, width: 0, y: 0, height: 0, type: Control.Page, tag: 0, size: 0, text: title }, ...rows];
}

/** A label and the text beside it, in one of two columns. Nobody may write: the address book is changed elsewhere. */
function field(label: string, tag: number, column: 0 | 1, line: number): TemplateRow[] {
  const x = column === 0 ? LEFT : MIDDLE;
  const y = LINE * (line + 1);
  return [
    { x, width: LABEL_WIDTH, y: y + 2, height: 8, type: Control.Label, tag: 0, size: 0, text: label },
    {
      x: x + LABEL_WIDTH + 1,
      width: EDIT_WIDTH,
      y,
      height: 12,
      type: Control.Edit,
      tag: withType(tag, PropertyType.String8),
      size: LONGEST,
      text: ANYTHING,
    },
  ];
}

function frame(title: string, line: number, lines: number): TemplateRow {
  const y = LINE * line + 5;
  return { x: 6, width: 359, y, height: LINE * lines + 14, type: Control.GroupBox, tag: 0, size: 0, text: title };
}

/** A page that a list fills. */
function list(title: string, type: number, tag: number): TemplateRow[] {
  return page(title, [{ x: 6, width: 359, y: 6, height: 160, type, tag, size: 0, text: ANYTHING }]);
}

const addresses = list(
  'E-mail &Addresses',
  Control.MultiValueListBox,
  withType(PidTag.AddressBookProxyAddresses, 0x101e),
);
const memberOf = list('Member &Of', Control.ListBox, PidTag.AddressBookIsMemberOfDistributionList);

const person: readonly TemplateRow[] = [
  ...page('General', [
    frame('Name', 0, 3),
    ...field('&First:', PidTag.GivenName, 0, 0),
    ...field('&Last:', PidTag.Surname, 1, 0),
    ...field('&Display:', PidTag.DisplayName, 0, 1),
    ...field('Al&ias:', PidTag.Account, 1, 1),
    ...field('&E-mail:', PidTag.SmtpAddress, 0, 2),
    frame('Work', 4, 4),
    ...field('&Title:', PidTag.Title, 0, 4),
    ...field('&Company:', PidTag.CompanyName, 1, 4),
    ...field('De&partment:', PidTag.DepartmentName, 0, 5),
    ...field('&Office:', PidTag.OfficeLocation, 1, 5),
    ...field('&Business:', PidTag.BusinessTelephoneNumber, 0, 6),
    ...field('&Mobile:', PidTag.MobileTelephoneNumber, 1, 6),
  ]),
  ...memberOf,
  ...addresses,
];

const group: readonly TemplateRow[] = [
  ...page('General', [
    frame('Name', 0, 2),
    ...field('&Display:', PidTag.DisplayName, 0, 0),
    ...field('Al&ias:', PidTag.Account, 1, 0),
    ...field('&E-mail:', PidTag.SmtpAddress, 0, 1),
  ]),
  ...list('&Members', Control.ListBox, PidTag.AddressBookMember),
  ...memberOf,
  ...addresses,
];

/** The details of what can be shown, by display type. English for everyone: there are no others. */
const TEMPLATES: ReadonlyMap<number, readonly TemplateRow[]> = new Map([
  [Nspi.DT_MAILUSER, person],
  [Nspi.DT_REMOTE_MAILUSER, person],
  [Nspi.DT_DISTLIST, group],
]);

/**
 * What NspiGetTemplateInfo answers for a display type: of what is asked for only the template itself; details have no script and no
 * address type ([MS-OXOABKT] 2.2.2). Undefined where there is no template.
 */
export function templateInfo(flags: number, displayType: number, codePage: number): PropertyRowR | undefined {
  const rows = TEMPLATES.get(displayType);
  if (rows === undefined) return undefined;
  if ((flags & Nspi.TI_TEMPLATE) === 0) return rowOf([]);
  return rowOf([wireValue(PidTag.TemplateData, templateData(rows, codePage), codePage)]);
}

/** TRowSet ([MS-OXOABKT] 2.2.2.1.1): the rows, then the strings that they point to by their offsets. */
function templateData(rows: readonly TemplateRow[], codePage: number): Uint8Array {
  const head = new Writer(HEAD_SIZE + ROW_SIZE * rows.length);
  const strings = new Writer(1024);
  head.u32(VERSION).u32(rows.length);
  for (const { x, width, y, height, type, tag, size, text } of rows) {
    const offset = HEAD_SIZE + ROW_SIZE * rows.length + strings.length;
    head.u32(x).u32(width).u32(y).u32(height).u32(type).u32(0).u32(tag).u32(size).u32(offset);
    strings.bytes(encodeString8(text, codePage)).u8(0);
  }
  return head.bytes(strings.finish()).finish();
}
