import type { SyntaxId } from '../dcerpc/syntax-id.ts';
import type { TowerProtocol } from './towers.ts';

/** One entry of an endpoint map: where an interface is served (C706 6.1.1). */
export interface EndpointEntry {
  /** The interface's object, in text form; undefined where it has none. */
  readonly object?: string;
  readonly syntax: SyntaxId;
  readonly protocol: TowerProtocol;
  readonly port: number;
  /** IPv4; `0.0.0.0` where the server listens on all addresses. */
  readonly address: string;
  /** At most 63 characters, for people. */
  readonly annotation: string;
}

/** The endpoint map of a process: filled by its servers, asked by whoever uses the endpoint mapper. */
export class EndpointRegistry {
  readonly #entries = new Set<EndpointEntry>();

  /** All entries, in the order in which they were added. */
  get entries(): readonly EndpointEntry[] {
    return [...this.#entries];
  }

  /** Adds an entry; the function that is returned takes it away. */
  add(entry: EndpointEntry): () => void {
    this.#entries.add(entry);
    return () => this.#entries.delete(entry);
  }
}
