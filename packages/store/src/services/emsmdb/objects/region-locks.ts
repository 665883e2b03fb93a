import { ErrorCode, StoreError } from '../../../mapi/error-code.ts';

/** LockFlags of a lock that leaves the region readable to others; any other value does not ([MS-OXCPRPT] 2.2.24.1). */
export const LOCK_WRITES = 1;
/** Locks that a session may have in one mailbox. */
export const MAX_LOCKS = 64;
/** Milliseconds for which a session must have done nothing before others may take its locks ([MS-OXCPRPT] 3.2.5.21). */
const EXPIRY = 30_000;

/** The session that a lock belongs to. */
export interface LockOwner {
  /** When it last called, in milliseconds since 1970. */
  readonly lastActivity: number;
}

/** Bytes of a stream from one position to before another, which may be beyond its end. */
export interface Region {
  readonly from: bigint;
  readonly to: bigint;
}

interface RegionLock extends Region {
  readonly holder: StreamLocks;
  readonly isReadable: boolean;
  /** Another session may have the region now. */
  isExpired: boolean;
  /** Throws away what was written and not committed. */
  readonly discard: () => void;
}

/** The locks on regions of streams in one mailbox ([MS-OXCPRPT] 3.2.5.21). They are in memory: they end with their stream. */
export class RegionLocks {
  readonly #locks = new Set<RegionLock>();

  /** Locks on a region of the property that a stream is over. */
  overlapping({ property }: StreamLocks, { from, to }: Region): readonly RegionLock[] {
    if (this.#locks.size === 0 || from >= to) return [];
    return [...this.#locks].filter((lock) => {
      return lock.holder.property.equals(property) && lock.from < to && from < lock.to;
    });
  }

  /** How many a session has. */
  countOf(owner: LockOwner): number {
    let count = 0;
    for (const { holder } of this.#locks) if (holder.owner === owner) count += 1;
    return count;
  }

  add(lock: RegionLock): void {
    this.#locks.add(lock);
  }

  remove(lock: RegionLock): void {
    this.#locks.delete(lock);
  }

  /** A stream is closed. */
  forget(holder: StreamLocks): void {
    for (const lock of this.#locks) if (lock.holder === holder) this.#locks.delete(lock);
  }
}

/** What streams that stand for the same bytes have in common, whichever session has opened them. */
export class LockedProperty {
  readonly #object: string | object;
  readonly #id: number;

  /** @param object names what has the property in its mailbox; of what is not stored yet, it is the object itself. */
  constructor(object: string | object, propertyId: number) {
    this.#object = object;
    this.#id = propertyId;
  }

  equals(other: LockedProperty): boolean {
    return this.#object === other.#object && this.#id === other.#id;
  }
}

/** The locks that were taken by one stream, and what those of others forbid it. */
export class StreamLocks {
  readonly owner: LockOwner;
  readonly property: LockedProperty;
  readonly #all: RegionLocks;

  constructor(all: RegionLocks, owner: LockOwner, property: LockedProperty) {
    this.#all = all;
    this.owner = owner;
    this.property = property;
  }

  /** For another stream of the session over the same property. */
  another(): StreamLocks {
    return new StreamLocks(this.#all, this.owner, this.property);
  }

  /**
   * Locks a region. One that is locked already, by whomever, is AccessDenied, unless its owner was silent for too long: his lock is
   * expired then ([MS-OXCPRPT] 3.2.5.21). A region of no bytes needs no lock. Throws MaxObjsExceeded for too many.
   * @param discard is called when the lock expires: throws away what was written and not committed.
   */
  lock(region: Region, flags: number, now: number, discard: () => void): void {
    if (region.from >= region.to) return;
    this.#requireUnexpired(region);
    const found = this.#all.overlapping(this, region).filter(({ isExpired }) => !isExpired);
    let isTaken = false;
    for (const lock of found) {
      if (now - lock.holder.owner.lastActivity > EXPIRY) {
        lock.isExpired = true;
        lock.discard();
      } else isTaken = true;
    }
    if (isTaken) throw new StoreError(ErrorCode.AccessDenied, 'the region is locked already');
    const count = this.#all.countOf(this.owner);
    if (count >= MAX_LOCKS) throw new StoreError(ErrorCode.MaxObjsExceeded, `${count} locks`);
    this.#all.add({ ...region, holder: this, isReadable: flags === LOCK_WRITES, isExpired: false, discard });
  }

  /** Takes away what its session has locked of a region, and nothing of others' ([MS-OXCPRPT] 3.2.5.22). */
  unlock(region: Region): void {
    this.#requireUnexpired(region);
    for (const lock of this.#all.overlapping(this, region)) {
      if (lock.holder.owner === this.owner) this.#all.remove(lock);
    }
  }

  /** Throws AccessDenied, or StreamAccessDenied of writing, for a region that another has locked; NetworkError for one that was lost to another. */
  check(region: Region, access: 'read' | 'write'): void {
    this.#requireUnexpired(region);
    for (const { holder, isReadable, isExpired } of this.#all.overlapping(this, region)) {
      if (isExpired || holder.owner === this.owner || (access === 'read' && isReadable)) continue;
      const code = access === 'read' ? ErrorCode.AccessDenied : ErrorCode.StreamAccessDenied;
      throw new StoreError(code, 'another session has locked the region');
    }
  }

  close(): void {
    this.#all.forget(this);
  }

  #requireUnexpired(region: Region): void {
    const isLost = this.#all
      .overlapping(this, region)
      .some(({ holder, isExpired }) => isExpired && holder.owner === this.owner);
    if (isLost) throw new StoreError(ErrorCode.NetworkError, 'the lock has expired, and another session has taken it');
  }
}
