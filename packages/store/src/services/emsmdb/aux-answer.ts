import { EnableFlags, EndpointCapabilities, writeAuxBlocks } from '../../mapi/aux-blocks.ts';
import { writeExtendedBuffer } from '../../mapi/extended-buffer.ts';

/** ms that the client is to go by AUX_CLIENT_CONTROL: a week. */
const EXPIRY_TIME = 7 * 24 * 60 * 60 * 1000;

/**
 * rgbAuxOut of EcDoConnectEx ([MS-OXCRPC] 3.1.4.1.2): there are no public folders, and compression is understood. With
 * `singleEndpoint` the address book is at this endpoint too.
 */
export function connectAux(singleEndpoint: boolean): Uint8Array {
  const blocks = writeAuxBlocks([
    { name: 'EXORGINFO', orgFlags: 0 },
    {
      name: 'CLIENT_CONTROL',
      enableFlags: EnableFlags.Compression | EnableFlags.HttpTunneling,
      expiryTime: EXPIRY_TIME,
    },
    ...(singleEndpoint
      ? [{ name: 'ENDPOINT_CAPABILITIES', endpointCapabilityFlag: EndpointCapabilities.SingleEndpoint } as const]
      : []),
  ]);
  return writeExtendedBuffer(blocks);
}
