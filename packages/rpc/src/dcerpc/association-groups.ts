import { randomUUID } from 'node:crypto';
import { ContextHandles } from './context-handles.ts';

/** One association group, as its members see it. */
export interface AssociationGroup {
  /** Never 0. */
  readonly id: number;
  readonly contextHandles: ContextHandles;
}

interface Group extends AssociationGroup {
  /** The names of the client that made it. */
  readonly clients: readonly string[];
  members: number;
}

/**
 * The association groups of one server (C706 9.3.3, [MS-RPCE] 3.3.1.5.7): associations of one client that share an id and
 * context handles. A group lives as long as it has members, so that there are never more groups than associations.
 */
export class AssociationGroups {
  readonly #groups = new Map<number, Group>();
  readonly #newUuid: () => string;
  #last = 0;

  /** @param newUuid makes the random UUIDs of context handles. */
  constructor(newUuid: () => string = randomUUID) {
    this.#newUuid = newUuid;
  }

  /**
   * Joins group `id`, or a new one where `id` is 0; undefined where the group does not exist or is another client's.
   * `client` is what the transport knows of who is calling: over TCP the remote address; `alias` another such name. Whoever has
   * one of the two in common with the group's maker is the same client.
   */
  join(id: number, client: string, alias?: string): AssociationGroup | undefined {
    const clients = alias === undefined ? [client] : [client, alias];
    if (id === 0) return this.#create(clients);
    const group = this.#groups.get(id);
    if (group === undefined || !group.clients.some((name) => clients.includes(name))) return undefined;
    group.members++;
    return group;
  }

  /** Takes one member out of a group that it joined. With the last one go its context handles. */
  leave(id: number): void {
    const group = this.#groups.get(id);
    if (group === undefined || --group.members > 0) return;
    this.#groups.delete(id);
    group.contextHandles.rundown();
  }

  /** Groups that have members. */
  get size(): number {
    return this.#groups.size;
  }

  #create(clients: readonly string[]): AssociationGroup {
    do {
      this.#last = (this.#last + 1) >>> 0;
    } while (this.#last === 0 || this.#groups.has(this.#last));
    const group = { id: this.#last, clients, members: 1, contextHandles: new ContextHandles(this.#newUuid) };
    this.#groups.set(group.id, group);
    return group;
  }
}
