import { CLIENT_MUTANTS } from './mutants-client.ts';
import type { Mutant } from './mutants-fault.ts';
import { FLOW_MUTANTS } from './mutants-flow.ts';
import { PROXY_MUTANTS } from './mutants-proxies.ts';
import { SERVER_MUTANTS } from './mutants-server.ts';

export type { Mutant } from './mutants-fault.ts';

/** Every fault that is planted. Each must be caught by the simulation of the roles. */
export const MUTANTS: readonly Mutant[] = [...CLIENT_MUTANTS, ...PROXY_MUTANTS, ...SERVER_MUTANTS, ...FLOW_MUTANTS];
