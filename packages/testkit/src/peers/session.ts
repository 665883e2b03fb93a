import { type ProxyOptions, type RunningProxy, startProxy } from './proxy.ts';
import { type SambaPeer, startSamba } from './samba.ts';

/**
 * Samba and the real proxy in front of it, for the tests of one file: each is started by the first test that asks for it
 * and stopped by `close`.
 */
export class PeerSession {
  readonly #options: ProxyOptions;
  #samba: Promise<SambaPeer> | undefined;
  #proxy: Promise<RunningProxy> | undefined;

  constructor(options: ProxyOptions = {}) {
    this.#options = options;
  }

  samba(): Promise<SambaPeer> {
    this.#samba ??= startSamba();
    return this.#samba;
  }

  proxy(): Promise<RunningProxy> {
    this.#proxy ??= this.samba().then((samba) => startProxy(samba, this.#options));
    return this.#proxy;
  }

  /**
   * Stops what was started. Throws when the proxy does not end as it should. What never started has failed the tests that
   * asked for it, and is not reported a second time.
   */
  async close(): Promise<void> {
    const [proxy, samba] = await Promise.allSettled([this.#proxy, this.#samba]);
    try {
      if (proxy.status === 'fulfilled') await proxy.value?.stop();
    } finally {
      if (samba.status === 'fulfilled') await samba.value?.stop();
    }
  }
}
