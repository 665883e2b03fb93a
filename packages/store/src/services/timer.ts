/** Calls back after some milliseconds; the function that is returned gives up on that. */
export type After = (milliseconds: number, callback: () => void) => () => void;

/** {@link After} by the timers of the process, which does not stay for them. */
export const afterTimeout: After = (milliseconds, callback) => {
  const timer = setTimeout(callback, milliseconds);
  timer.unref();
  return () => clearTimeout(timer);
};
