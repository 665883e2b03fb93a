import type { Measurement } from './measurements.ts';

/** What a ratio of two measurements must reach. */
export interface Goal {
  readonly title: string;
  readonly of: Measurement;
  readonly to: Measurement;
  readonly least: number;
}

/** What is promised of the run-time: client and server pinned to a core each, medians of the rounds of one run. */
export const GOALS: readonly Goal[] = [
  { title: "TCP, one call at a time, to Samba's client", of: 'ours tcp-1', to: 'samba tcp-1', least: 1 },
  { title: "TCP, 16 calls in flight, to Samba's client", of: 'ours tcp-16', to: 'samba tcp-1', least: 3 },
  { title: "TCP, one call at a time, to impacket's", of: 'ours tcp-1', to: 'impacket tcp-1', least: 5 },
  { title: "HTTP, one call at a time, to Samba's client", of: 'ours http-1', to: 'samba http-1', least: 1 },
  { title: "HTTP, 16 calls in flight, to Samba's client", of: 'ours http-16', to: 'samba http-1', least: 3 },
  { title: "HTTP, one call at a time, to impacket's", of: 'ours http-1', to: 'impacket http-1', least: 5 },
  { title: 'small calls, sealed to plain', of: 'ours sealed-1', to: 'ours plain-1', least: 0.5 },
  { title: 'small calls, 16 in flight, sealed to plain', of: 'ours sealed-16', to: 'ours plain-16', least: 0.5 },
  { title: 'echoes of 100 KB, sealed to plain', of: 'ours sealed-bulk', to: 'ours plain-bulk', least: 0.25 },
  { title: "server, 64 connections, to Samba's", of: 'our server', to: "Samba's server", least: 0.8 },
];
