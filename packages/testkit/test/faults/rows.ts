import { CLIENT_ROWS } from './client-rows.ts';
import { PAIRING_ROWS } from './pairing-rows.ts';
import { REFUSAL_ROWS } from './refusal-rows.ts';
import type { Row } from './row.ts';
import { SERVER_ROWS } from './server-rows.ts';
import { SIGNAL_ROWS } from './signal-rows.ts';

/** The table of faults, but for the rows that need a network namespace. */
export const ROWS: readonly Row[] = [...SERVER_ROWS, ...CLIENT_ROWS, ...PAIRING_ROWS, ...REFUSAL_ROWS, ...SIGNAL_ROWS];
