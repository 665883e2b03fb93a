import { Cursor, Writer } from '@rpch/rpc/internal';
import { ErrorCode, StoreError } from '../../mapi/error-code.ts';

const VERSION = 1;
/** Categories that are remembered at most: the state has to fit a response. */
const MAX_TOGGLED = 3000;
const ENTRY = 8;

/** What RopGetCollapseState returns, for RopSetCollapseState ([MS-OXCTABL] 2.2.2.19, 2.2.2.20). */
export interface CollapseState {
  /** PidTagInstID and PidTagInstanceNum of the row that becomes the current one. */
  readonly rowId: bigint;
  readonly instance: number;
  /** Levels that are expanded, and the ids of categories that are not as their level. */
  readonly levels: number;
  readonly toggled: readonly bigint[];
}

/** u8 version, u64 row, u32 instance, u16 levels, u16 count, u64 for each category. */
export function writeCollapseState({ rowId, instance, levels, toggled }: CollapseState): Uint8Array {
  const kept = toggled.slice(0, MAX_TOGGLED);
  const writer = new Writer(17 + ENTRY * kept.length);
  writer.u8(VERSION).u64(BigInt.asUintN(64, rowId)).u32(instance).u16(levels).u16(kept.length);
  for (const id of kept) writer.u64(id);
  return writer.finish();
}

/** Throws StoreError InvalidParam for what is no such state. */
export function readCollapseState(bytes: Uint8Array): CollapseState {
  const cursor = new Cursor(bytes, 'collapse state');
  try {
    if (cursor.u8() !== VERSION) throw invalid();
    const rowId = cursor.u64();
    const instance = cursor.u32();
    const levels = cursor.u16();
    const count = cursor.u16();
    if (count * ENTRY !== cursor.remaining) throw invalid();
    return { rowId, instance, levels, toggled: Array.from({ length: count }, () => cursor.u64()) };
  } catch (cause) {
    if (cause instanceof StoreError) throw cause;
    throw invalid(cause);
  }
}

function invalid(cause?: unknown): StoreError {
  return new StoreError(ErrorCode.InvalidParam, 'no collapse state of this store', { cause });
}
