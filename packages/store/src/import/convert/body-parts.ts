import type { MimePart } from '../mime/part.ts';

/** A part that becomes an attachment. */
export interface AttachedPart {
  readonly part: MimePart;
  /** `related`: beside the HTML that shows it; `alternative`: another form of the body, which nobody should see as a file. */
  readonly role: 'file' | 'related' | 'alternative';
}

/** What each part of a message is ([MS-OXCMAIL] 2.2.3.3 and 2.2.3.4). */
export interface ChosenParts {
  readonly plain: MimePart | undefined;
  readonly html: MimePart | undefined;
  /** Stands among the attachments, too. */
  readonly calendar: MimePart | undefined;
  readonly attached: readonly AttachedPart[];
}

/** Chooses the bodies of a message; every other leaf is attached, in the order in which they stand. */
export function chooseParts(root: MimePart): ChosenParts {
  if (root.children.length === 0) return chooseLeaf(root);
  if (root.type === 'multipart/alternative') return chooseAlternative(root);
  if (root.type === 'multipart/related') return chooseRelated(root);
  return chooseMixed(root);
}

function chooseLeaf(part: MimePart): ChosenParts {
  const none = { plain: undefined, html: undefined, calendar: undefined, attached: [] };
  const file: AttachedPart = { part, role: 'file' };
  if (part.type === 'text/calendar') return { ...none, calendar: part, attached: [file] };
  if (isFile(part)) return { ...none, attached: [file] };
  if (part.type === 'text/plain') return { ...none, plain: part };
  if (part.type === 'text/html') return { ...none, html: part };
  return { ...none, attached: [file] };
}

/** Text with a file's name is a file, although it may be shown inline. */
function isFile(part: MimePart): boolean {
  const { disposition, parameters } = part;
  return (
    disposition?.value === 'attachment' || disposition?.parameters.has('filename') === true || parameters.has('name')
  );
}

/** RFC 2046 5.1.4: the last form is the best one; of each kind that a message has a property for, the last is taken. */
function chooseAlternative(root: MimePart): ChosenParts {
  const attached: AttachedPart[] = [];
  let { plain, html, calendar }: Partial<ChosenParts> = {};
  for (const child of root.children) {
    const chosen = chooseParts(child);
    for (const older of [chosen.plain && plain, chosen.html && html]) {
      if (older !== undefined) attached.push({ part: older, role: 'alternative' });
    }
    plain = chosen.plain ?? plain;
    html = chosen.html ?? html;
    calendar = chosen.calendar ?? calendar;
    const isOtherForm = child.children.length === 0 && child.disposition?.value !== 'attachment';
    attached.push(...(isOtherForm ? chosen.attached.map(({ part }) => asAlternative(part)) : chosen.attached));
  }
  return { plain, html, calendar, attached };
}

function asAlternative(part: MimePart): AttachedPart {
  return { part, role: 'alternative' };
}

/** RFC 2387 3.2: the root is the part that `start` names, else the first. */
function chooseRelated(root: MimePart): ChosenParts {
  const start = root.parameters.get('start');
  const named = root.children.find((child) => start !== undefined && child.headers.get('content-id') === start);
  const main = named ?? root.children[0];
  if (main === undefined) return chooseLeaf(root);
  const { plain, html, calendar, attached } = chooseParts(main);
  const others = root.children.filter((child) => child !== main).flatMap(leaves);
  return {
    plain,
    html,
    calendar,
    attached: [...attached, ...others.map((part) => ({ part, role: 'related' as const }))],
  };
}

/** The first body is the body; text that follows is attached, as it may stand behind the pictures that it speaks of. */
function chooseMixed(root: MimePart): ChosenParts {
  const attached: AttachedPart[] = [];
  let { plain, html, calendar }: Partial<ChosenParts> = {};
  for (const child of root.children) {
    const chosen = chooseParts(child);
    calendar ??= chosen.calendar;
    if (plain === undefined && html === undefined) {
      ({ plain, html } = chosen);
    } else {
      for (const part of [chosen.plain, chosen.html]) if (part !== undefined) attached.push({ part, role: 'file' });
    }
    attached.push(...chosen.attached);
  }
  return { plain, html, calendar, attached };
}

function leaves(part: MimePart): readonly MimePart[] {
  return part.children.length === 0 ? [part] : part.children.flatMap(leaves);
}
