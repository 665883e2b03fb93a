/** Extensions of files that came without a name; `.dat` for all others. */
const EXTENSIONS: ReadonlyMap<string, string> = new Map([
  ['text/plain', '.txt'],
  ['text/html', '.htm'],
  ['text/calendar', '.ics'],
  ['text/csv', '.csv'],
  ['text/vcard', '.vcf'],
  ['text/x-vcard', '.vcf'],
  ['text/directory', '.vcf'],
  ['text/xml', '.xml'],
  ['application/xml', '.xml'],
  ['application/json', '.json'],
  ['application/pdf', '.pdf'],
  ['application/zip', '.zip'],
  ['application/rtf', '.rtf'],
  ['application/msword', '.doc'],
  ['application/pkcs7-mime', '.p7m'],
  ['application/pkcs7-signature', '.p7s'],
  ['application/pgp-signature', '.asc'],
  ['application/ms-tnef', '.dat'],
  ['image/png', '.png'],
  ['image/jpeg', '.jpg'],
  ['image/gif', '.gif'],
  ['image/svg+xml', '.svg'],
  ['image/tiff', '.tif'],
  ['audio/mpeg', '.mp3'],
  ['audio/wav', '.wav'],
  ['video/mp4', '.mp4'],
  ['message/rfc822', '.eml'],
  ['message/delivery-status', '.txt'],
  ['message/disposition-notification', '.txt'],
  ['text/rfc822-headers', '.txt'],
]);
const MAX_NAME = 255;
const MAX_EXTENSION = 16;

/** The names of a file that is attached. */
export interface FileNames {
  /** PidTagAttachLongFilename. */
  readonly long: string;
  /** PidTagAttachFilename: eight characters, a point, and three ([MS-OXCMSG] 2.2.2.11). */
  readonly short: string;
  /** PidTagAttachExtension: with its point, or empty. */
  readonly extension: string;
}

/**
 * The names of an attachment: no path, nothing that a file system refuses. A file without a name is called ATT and a number
 * ([MS-OXCMAIL] 2.2.3.4.1.3 leaves the name to us).
 */
export function fileNames(written: string | undefined, type: string, number: number): FileNames {
  const safe = safeName(written ?? '');
  const long = safe === '' ? `ATT${String(number + 1).padStart(5, '0')}${EXTENSIONS.get(type) ?? '.dat'}` : safe;
  const extension = extensionOf(long);
  const stem = plain(long.slice(0, long.length - extension.length)) || 'FILE';
  const short = stem.length > 8 ? `${stem.slice(0, 6)}~1` : stem;
  return { long, short: short + (extension === '' ? '' : `.${plain(extension).slice(0, 3)}`), extension };
}

/** What stands behind the last point, with it. */
function extensionOf(name: string): string {
  const dot = name.lastIndexOf('.');
  return dot > 0 && name.length - dot <= MAX_EXTENSION && dot < name.length - 1 ? name.slice(dot) : '';
}

function safeName(written: string): string {
  const name = written.replace(/^.*[\\/]/s, '').replace(/["*:<>?|\p{Cc}]/gu, '_');
  const trimmed = name.replace(/^[. ]+|[. ]+$/g, '');
  if (trimmed.length <= MAX_NAME) return trimmed;
  const extension = extensionOf(trimmed);
  return trimmed.slice(0, MAX_NAME - extension.length).replace(/[\ud800-\udbff]$/, '') + extension;
}

/** Letters and digits of a short name. */
function plain(text: string): string {
  return text.toUpperCase().replace(/[^A-Z0-9_$~-]/g, '');
}
