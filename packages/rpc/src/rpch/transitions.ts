import type { Machine } from './role.ts';

/** One transition of a state machine, by the specification's names where it has one. */
export interface Transition {
  readonly machine: Machine;
  readonly from: string;
  /** The PDU that was received or sent, or what else happened. */
  readonly event: string;
  readonly to: string;
  /** Section of [MS-RPCH]; undefined for what the specification leaves to implementations. */
  readonly section: string | undefined;
}

type Row = readonly [from: string, event: string, to: string, section?: string];

const ROWS: Readonly<Record<Machine, readonly Row[]>> = {
  client: [
    ['Start', 'open', 'OUT_Channel_Wait', '3.2.2.4.1.2'],
    ['OUT_Channel_Wait', '200', 'Wait_A3W', '3.2.2.5.2'],
    ['Wait_A3W', 'CONN/A3', 'Wait_C2', '3.2.2.5.3'],
    ['Wait_C2', 'CONN/C2', 'Opened', '3.2.2.5.4'],
    ['Opened', 'in-channel-used-up', 'Finished', '2.1.2.1.7'],
    ['Opened', 'recycling-timeout', 'Finished'],
    ['Opened', 'out-silent', 'Finished'],
  ],
  'client-in': [
    ['Opened', 'lifetime', 'Opened_A4W', '3.2.2.5.12'],
    ['Opened_A4W', 'IN_R1/A4', 'Opened', '3.2.2.5.5'],
    ['Opened_A4W', 'IN_R2/A4', 'Opened', '3.2.2.5.5'],
    ['Opened_A4W', 'time-out', 'Opened_A4W'],
  ],
  'client-out': [
    ['Opened', 'OUT_Rx/A2', 'Opened_A6W', '3.2.2.5.6'],
    ['Opened_A6W', 'OUT_R1/A6', 'Opened_A10W', '3.2.2.5.7'],
    ['Opened_A6W', 'OUT_R2/A6', 'B3W', '3.2.2.5.9'],
    ['Opened_A10W', 'OUT_R1/A10', 'Opened', '3.2.2.5.8'],
    ['B3W', 'OUT_R2/B3', 'Opened', '3.2.2.5.10'],
    ['Opened_A6W', 'time-out', 'Opened_A6W'],
    ['Opened_A10W', 'time-out', 'Opened_A10W'],
    ['B3W', 'time-out', 'B3W'],
  ],
  inbound: [
    ['Connecting', 'CONN/B1', 'B3W', '3.2.3.5.3'],
    ['Connecting', 'IN_R1/A1', 'Wait_B2', '3.2.3.5.5.2'],
    ['B3W', 'CONN/B3', 'Opened', '3.2.3.5.4'],
    ['Wait_B2', 'IN_R1/B2', 'Opened', '3.2.3.5.7'],
    ['Wait_B2', 'recycling-timeout', 'Finished'],
    ['Opened', 'IN_R2/A1', 'Opened_A5W', '3.2.3.5.5.1'],
    ['Opened_A5W', 'IN_R2/A5', 'Opened', '3.2.3.5.8'],
    ['Opened_A5W', 'IN_R2/A5 of another successor', 'Opened', '3.2.3.5.8'],
    ['Opened_A5W', 'recycling-timeout', 'Finished'],
    ['Opened', 'IN_R1/A5', 'Flushing', '3.2.3.5.6'],
    ['Flushing', 'recycled', 'Finished', '3.2.3.5.6'],
    ['Flushing', 'recycling-timeout', 'Finished'],
  ],
  outbound: [
    ['Connecting', 'CONN/A1', 'C1W', '3.2.4.5.3'],
    ['Connecting', 'OUT_R1/A3', 'A11W', '3.2.4.5.6.2'],
    ['C1W', 'CONN/C1', 'Opened', '3.2.4.5.4'],
    ['A11W', 'OUT_R1/A11', 'Opened', '3.2.4.5.9'],
    ['A11W', 'recycling-timeout', 'Finished'],
    ['Opened', 'out-channel-used-up', 'Finished', '2.1.2.1.8'],
    ['Opened', 'OUT_R1/A9', 'Flushing_A10', '3.2.4.5.8'],
    ['Flushing_A10', 'recycled', 'Finished', '3.2.4.5.8'],
    ['Flushing_A10', 'recycling-timeout', 'Finished'],
    ['Flushing_A10', 'out-channel-used-up', 'Finished', '2.1.2.1.8'],
    ['Opened', 'OUT_R2/A3', 'B1OrC1W', '3.2.4.5.6.1'],
    ['B1OrC1W', 'OUT_R2/C1', 'B1W', '3.2.4.5.11'],
    ['B1OrC1W', 'OUT_R2/B1', 'Flushing_B3', '3.2.4.5.10'],
    ['B1OrC1W', 'OUT_R2/B2', 'Opened', '3.2.4.5.12'],
    ['B1OrC1W', 'recycling-timeout', 'Finished'],
    ['B1OrC1W', 'out-channel-used-up', 'Finished', '2.1.2.1.8'],
    ['B1W', 'OUT_R2/B1', 'Flushing_B3', '3.2.4.5.10'],
    ['B1W', 'OUT_R2/B2', 'Opened', '3.2.4.5.12'],
    ['B1W', 'recycling-timeout', 'Finished'],
    ['B1W', 'out-channel-used-up', 'Finished', '2.1.2.1.8'],
    ['Flushing_B3', 'queue empty', 'Opened', '3.2.4.5.10'],
    ['Flushing_B3', 'queue empty', 'R2C1W', '3.2.4.5.10'],
    ['Flushing_B3', 'recycling-timeout', 'Finished'],
    ['Flushing_B3', 'out-channel-used-up', 'Finished', '2.1.2.1.8'],
    ['R2C1W', 'OUT_R2/C1', 'Opened', '3.2.4.5.11'],
    ['R2C1W', 'recycling-timeout', 'Finished'],
  ],
  server: [
    ['Open_Start', 'CONN/A2', 'B2W', '3.2.5.5.3.1'],
    ['Open_Start', 'CONN/B2', 'A2W', '3.2.5.5.4.1'],
    ['B2W', 'CONN/B2', 'Opened', '3.2.5.5.4.2'],
    ['A2W', 'CONN/A2', 'Opened', '3.2.5.5.3.2'],
    ['A2W', 'setup-timeout', 'Finished', '3.2.5.6.1'],
    ['B2W', 'setup-timeout', 'Finished', '3.2.5.6.1'],
    ['Opened', 'recycling-timeout', 'Finished', '3.2.5.6.1'],
    ['Opened', 'out-channel-used-up', 'Finished', '2.1.2.1.8'],
  ],
  'server-in': [
    ['Opened', 'IN_R1/A2', 'A6W', '3.2.5.5.5'],
    ['A6W', 'IN_R1/A6', 'Opened_B1W', '3.2.5.5.6'],
    ['Opened_B1W', 'IN_R1/B1', 'Opened', '3.2.5.5.7'],
    ['Opened', 'IN_R2/A2', 'Opened', '3.2.5.5.8'],
    ['A6W', 'time-out', 'A6W', '3.2.5.6.1'],
    ['Opened_B1W', 'time-out', 'Opened_B1W'],
  ],
  'server-out': [
    ['Opened', 'lifetime', 'Opened_A4W', '3.2.5.5.15'],
    ['Opened_A4W', 'OUT_R1/A4', 'Opened_A8W', '3.2.5.5.9'],
    ['Opened_A8W', 'OUT_R1/A8', 'Opened', '3.2.5.5.10'],
    ['Opened_A4W', 'OUT_R2/A4', 'Opened_R2A8W', '3.2.5.5.11'],
    ['Opened_R2A8W', 'OUT_R2/A8', 'Opened', '3.2.5.5.12'],
    ['Opened_A8W', 'time-out', 'Opened_A8W'],
    ['Opened_R2A8W', 'time-out', 'Opened_R2A8W'],
  ],
};

/**
 * Every transition that the state machines make, but for those that an exception or a lost connection ends. Whatever a
 * machine does that is not here is a defect, and so is a row that never happens.
 */
export const TRANSITIONS: readonly Transition[] = Object.entries(ROWS).flatMap(([machine, rows]) =>
  rows.map(([from, event, to, section]) => ({ machine: machine as Machine, from, event, to, section })),
);
