import { HttpStatusError } from '@rpch/rpc/internal';
import { explainNetwork } from './explain-network.ts';
import { explainProxy } from './explain-proxy.ts';
import { explainRpc } from './explain-rpc.ts';
import type { HopName } from './journey.ts';
import { printable } from './tell-found.ts';
import type { Trouble } from './trouble.ts';

/** A failed journey, as it is reported. */
export interface Failure {
  readonly hop: HopName;
  /** What it means. */
  readonly what: string;
  /** What to check. */
  readonly check: string;
  /** Of the error, for programs. */
  readonly code: string;
  /** Under which the proxy's log has the reason. */
  readonly incident?: string;
}

/** Says of a failure what it means and what to check, as far as the client's side can know. */
export function explain(trouble: Trouble): Failure {
  const { error, hop } = trouble;
  const advice = explainNetwork(trouble) ??
    explainProxy(trouble) ??
    explainRpc(trouble) ?? { what: printable(error.message), check: 'the last hop above was the last to answer' };
  const incident = error instanceof HttpStatusError ? error.head.field('rpch-incident') : undefined;
  return {
    hop: advice.hop ?? hop,
    what: advice.what,
    check: advice.check,
    code: error.code,
    ...(incident === undefined ? {} : { incident: printable(incident) }),
  };
}
