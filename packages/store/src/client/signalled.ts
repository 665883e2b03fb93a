/** Options of what may be given up before it is done. */
export interface Signalled {
  readonly signal?: AbortSignal;
}
