/** One record of a session: bytes of one channel, one way. */
export interface SessionRecord {
  readonly channel: 'in' | 'out';
  readonly fromClient: boolean;
  readonly bytes: Uint8Array;
}

const RECORD = /^(in|out) (from-client|to-client|request|reply)\b ?(.*)$/;

/** Says how a channel's TLS, which was taken off, was agreed. */
const TLS = /^TLS TLSv1/;

/**
 * Whether a text is a session as our proxies' recorder writes it: `in request …`, `out reply …` with the first line of each HTTP
 * head, and `in from-client pdu …`, `out to-client pdu …` with the PDU in hex on the next line.
 */
export function looksLikeSession(text: string): boolean {
  const lines = text.slice(0, 4096).split('\n', 10);
  return lines.some((line) => RECORD.test(line.trimEnd()));
}

/** Reads a session, or says which line is none of it. Of a head there is its first line only; an empty line is put behind it. */
export function readSession(text: string): readonly SessionRecord[] | { readonly line: number } {
  const records: SessionRecord[] = [];
  let awaited: Omit<SessionRecord, 'bytes'> | undefined;
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || TLS.test(line)) continue;
    const record = RECORD.exec(line);
    if (record !== null) {
      const [, channel, what, rest = ''] = record;
      const fromClient = what === 'from-client' || what === 'request';
      awaited = { channel: channel === 'in' ? 'in' : 'out', fromClient };
      if (what === 'request' || what === 'reply')
        records.push({ ...awaited, bytes: Buffer.from(`${rest}\r\n\r\n`, 'latin1') });
    } else if (awaited !== undefined && line.length % 2 === 0 && /^[0-9a-f]+$/i.test(line)) {
      records.push({ ...awaited, bytes: Buffer.from(line, 'hex') });
    } else return { line: index + 1 };
  }
  return records;
}
