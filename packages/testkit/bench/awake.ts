import { type FileHandle, open } from 'node:fs/promises';

const LATENCY_FILE = '/dev/cpu_dma_latency';

/** Cores that are kept from halting until `release`; `reason` says why they are not. */
export type Awake = { readonly release: () => Promise<void> } | { readonly reason: string };

/**
 * Keeps idle cores from halting, through Linux' interface for programs that can bear no wake-up latency (admin-guide/pm/
 * cpuidle). Waking a halted core of a virtual machine takes longer than a call: rates at 1 connection then tell how the
 * host schedules, and vary by a factor of four. Needs root.
 */
export async function keepAwake(): Promise<Awake> {
  let file: FileHandle;
  try {
    file = await open(LATENCY_FILE, 'r+');
    await file.write(new Uint8Array(4));
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
  return { release: () => file.close() };
}
