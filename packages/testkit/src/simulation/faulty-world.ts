import type { VirtualClock } from '../virtual-clock.ts';
import type { Connection } from './connection.ts';
import type { Conversation } from './conversation.ts';
import type { Plan } from './plan.ts';
import type { ProcessName } from './planned-faults.ts';
import type { Process } from './process.ts';
import type { Trace } from './surroundings.ts';

/** What faults and hostile parties act on. */
export interface FaultyWorld {
  readonly plan: Plan;
  readonly clock: VirtualClock;
  readonly trace: Trace | undefined;
  readonly conversation: Conversation;
  readonly processes: readonly Process[];
  /** Those that not both ends have closed. */
  readonly connections: ReadonlySet<Connection>;
  /** A host's OUT channels move away; it is not given any more. */
  drain(host: number): void;
  /** A hostile party opens a connection of its own and says one thing on it. */
  strangerConnects(name: ProcessName, kind: 'in' | 'out' | 'server', pdu: Uint8Array): void;
}
