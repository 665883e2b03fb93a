import { Buffer } from 'node:buffer';
import type { AttachmentContent } from '../../mailbox/model.ts';
import type { PropertyTag } from '../../mapi/property.ts';
import { PidTag } from '../../mapi/property-tags.ts';
import { AttachMethod } from '../../mapi/property-values.ts';
import { contentOf, type MimePart } from '../mime/part.ts';

const SIGNATURE = /^application\/(?:x-)?pkcs7-signature$/;
const ENVELOPE = /^application\/(?:x-)?pkcs7-mime$/;

/** Message classes of S/MIME ([MS-OXOSMIME] 2.1); undefined for all other mail. */
export function smimeClass({ type, parameters, children }: MimePart): string | undefined {
  if (ENVELOPE.test(type)) return 'IPM.Note.SMIME';
  const protocol = parameters.get('protocol')?.toLowerCase() ?? children[1]?.type ?? '';
  return type === 'multipart/signed' && SIGNATURE.test(protocol) ? 'IPM.Note.SMIME.MultipartSigned' : undefined;
}

/**
 * The one attachment of such a message: the whole of what is signed or encrypted, so that the client can check or open it
 * ([MS-OXOSMIME] 2.1.3.1 and 2.1.3.2). What is signed has its canonical line ends (RFC 8551 3.1.1), whatever ends the file had.
 */
export function smimeAttachment(root: MimePart): AttachmentContent {
  const content = root.type === 'multipart/signed' ? signedEntity(root) : contentOf(root);
  const properties = new Map<PropertyTag, string | number | Uint8Array>([
    [PidTag.AttachMethod, AttachMethod.ByValue],
    [PidTag.AttachMimeTag, root.type],
    [PidTag.AttachLongFilename, 'smime.p7m'],
    [PidTag.AttachFilename, 'SMIME.P7M'],
    [PidTag.AttachExtension, '.p7m'],
    [PidTag.DisplayName, 'smime.p7m'],
    [PidTag.RenderingPosition, -1],
    [PidTag.AttachDataBinary, content],
  ]);
  return { number: 0, properties };
}

function signedEntity({ headers, body }: MimePart): Uint8Array {
  const head = Buffer.from(`Content-Type: ${headers.get('content-type') ?? ''}\r\n\r\n`);
  return new Uint8Array(Buffer.concat([head, withCrlf(body)]));
}

/** The bytes with every line ending in CR LF. */
function withCrlf(bytes: Uint8Array): Uint8Array {
  let bare = 0;
  for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) if (bytes[at - 1] !== 0x0d) bare += 1;
  if (bare === 0) return bytes;
  const out = new Uint8Array(bytes.length + bare);
  let length = 0;
  let from = 0;
  for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) {
    if (bytes[at - 1] === 0x0d) continue;
    out.set(bytes.subarray(from, at), length);
    length += at - from;
    out[length] = 0x0d;
    length += 1;
    from = at;
  }
  out.set(bytes.subarray(from), length);
  return out;
}
