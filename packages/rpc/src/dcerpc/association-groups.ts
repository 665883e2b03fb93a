interface Group {
  readonly client: string;
  members: number;
}

/**
 * The association groups of one server (C706 9.3.3, [MS-RPCE] 3.3.1.5.7): associations of one client that share an id.
 * A group lives as long as it has members, so that there are never more groups than associations.
 */
export class AssociationGroups {
  readonly #groups = new Map<number, Group>();
  #last = 0;

  /**
   * Joins group `id`, or a new one where `id` is 0, and returns its id; undefined where the group does not exist or is
   * another client's. `client` is what the transport knows of who is calling: over TCP the remote address.
   */
  join(id: number, client: string): number | undefined {
    if (id === 0) return this.#create(client);
    const group = this.#groups.get(id);
    if (group === undefined || group.client !== client) return undefined;
    group.members++;
    return id;
  }

  /** Takes one member out of a group that it joined. */
  leave(id: number): void {
    const group = this.#groups.get(id);
    if (group !== undefined && --group.members === 0) this.#groups.delete(id);
  }

  /** Groups that have members. */
  get size(): number {
    return this.#groups.size;
  }

  #create(client: string): number {
    do {
      this.#last = (this.#last + 1) >>> 0;
    } while (this.#last === 0 || this.#groups.has(this.#last));
    this.#groups.set(this.#last, { client, members: 1 });
    return this.#last;
  }
}
