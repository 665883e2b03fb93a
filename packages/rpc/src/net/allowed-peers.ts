import { BlockList, isIP } from 'node:net';
import { RpchError } from '../errors.ts';

/** The proxies of an endpoint that was told of none: processes of the same machine. */
export const LOOPBACK: readonly string[] = ['127.0.0.0/8', '::1'];

/** IP addresses and networks that are known as proxies. */
export class AllowedPeers {
  readonly #list = new BlockList();

  /**
   * @param entries addresses (`10.0.0.5`, `fd00::5`) and networks (`10.0.0.0/24`). Anything else, names too, throws
   *   {@link RpchError} `RPCH_BAD_ADDRESS`.
   */
  constructor(entries: readonly string[]) {
    for (const entry of entries) this.#add(entry);
  }

  /** Whether an address is listed. An IPv4 address mapped to IPv6 (`::ffff:10.0.0.5`) is the IPv4 address. */
  has(address: string): boolean {
    const zone = address.indexOf('%');
    const plain = zone < 0 ? address : address.slice(0, zone);
    const family = isIP(plain);
    return family !== 0 && this.#list.check(plain, family === 4 ? 'ipv4' : 'ipv6');
  }

  #add(entry: string): void {
    const [address = '', prefix, ...more] = entry.split('/');
    const family = isIP(address);
    const bits = family === 4 ? 32 : 128;
    const length = prefix === undefined ? bits : Number(prefix);
    if (family === 0 || more.length > 0 || !/^\d{1,3}$/.test(prefix ?? '0') || length > bits) {
      throw new RpchError('RPCH_BAD_ADDRESS', 'configuration', `${JSON.stringify(entry)} is no address and no network`);
    }
    this.#list.addSubnet(address, length, family === 4 ? 'ipv4' : 'ipv6');
  }
}
