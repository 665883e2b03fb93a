/** A subscription to what happens in a mailbox ([MS-OXCNOTIF] 3.1.1.1): its handle is what RopNotify names. */
export class SubscriptionObject {
  readonly kind = 'subscription';
  readonly #watch: (handle: number) => () => void;
  #unwatch: (() => void) | undefined;

  constructor(watch: (handle: number) => () => void) {
    this.#watch = watch;
  }

  opened(handle: number): void {
    this.#unwatch = this.#watch(handle);
  }

  close(): void {
    this.#unwatch?.();
  }
}
