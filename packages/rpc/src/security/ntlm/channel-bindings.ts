import { createHash } from 'node:crypto';
import { Writer } from '../../bytes/writer.ts';

/**
 * What MsvAvChannelBindings holds for a channel: the MD5 of its gss_channel_bindings_struct, 16 bytes ([MS-NLMP]
 * 2.2.2.1 and 3.1.5.1.2, RFC 4121 4.1.1.2). Addresses are not used; `applicationData` is the binding's name, a colon
 * and its value, for instance `tls-server-end-point:` and the hash of the server's certificate (RFC 5929 4).
 *
 * ```
 * 0 initiator_addrtype, 4 initiator_address.length, 8 acceptor_addrtype, 12 acceptor_address.length,
 * 16 application_data.length, 20 application_data
 * ```
 */
export function channelBindingsHash(applicationData: Uint8Array): Uint8Array {
  const struct = new Writer(20 + applicationData.length)
    .zeros(16)
    .u32(applicationData.length)
    .bytes(applicationData)
    .finish();
  return createHash('md5').update(struct).digest();
}
