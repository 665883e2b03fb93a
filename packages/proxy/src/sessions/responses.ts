import { ECHO_PDU, encodeReply, type HttpReply } from '@rpch/rpc/internal';

/** Field that names a refusal in the log without telling a client anything. */
export const INCIDENT_FIELD = 'RPCH-Incident';

/**
 * The one refusal that clients see, whatever the cause: [MS-RPCH] 2.1.2.1.3 with RPC_S_SERVER_UNAVAILABLE.
 * @param incident from {@link newIncident}; all have the same length.
 */
export function refusal(incident: string): HttpReply {
  return { statusLine: 'HTTP/1.0 503 RPC Error: 6ba', fields: [[INCIDENT_FIELD, incident]], close: true };
}

/** The same for a connection that has become a channel already. */
export function rawRefusal(incident: string): Uint8Array {
  return encodeReply(refusal(incident), true);
}

/** Head of the OUT channel's response ([MS-RPCH] 2.1.2.1.4). */
export function successHead(channelLifetime: number): Uint8Array {
  return Buffer.from(
    `HTTP/1.1 200 Success\r\nContent-Type: application/rpc\r\nContent-Length: ${channelLifetime}\r\n\r\n`,
    'latin1',
  );
}

/** [MS-RPCH] 2.1.2.1.6 */
export const ECHO_REPLY: HttpReply = {
  statusLine: 'HTTP/1.1 200 Success',
  fields: [['Content-Type', 'application/rpc']],
  body: ECHO_PDU.encode({}),
};

const ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';

/** An opaque incident id of 12 characters that cannot be mistaken for one another when read aloud. */
export function newIncident(random: (length: number) => Uint8Array): string {
  return Array.from(random(12), (byte) => ALPHABET[byte % ALPHABET.length]).join('');
}
