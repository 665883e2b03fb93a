import { entering, ip, layCable, NetworkNamespace, newCable, runCommand } from './network-namespace.ts';

/** A connection in the firewall's table, both directions together. */
export interface TrackedConnection {
  /** Ports as the side that opened it used them. */
  readonly sourcePort: number;
  readonly targetPort: number;
  readonly state: string;
  /** What it may be silent for until it is forgotten, s. */
  readonly secondsLeft: number;
  readonly packets: number;
  readonly bytes: number;
}

/**
 * A network namespace behind a router that is a stateful firewall, Linux' own: it knows each connection from its SYN on and
 * forgets it after `silence` seconds without a packet; packets of connections that it does not know are dropped without a
 * word. Unlike what relays bytes (`Middlebox`), it sees TCP keep-alive as a sign of life. Needs root, iproute2, iptables.
 */
export class FirewalledNamespace {
  readonly name: string;
  /** This machine's address, as reached from inside. */
  readonly here: string;
  readonly #router: string;

  private constructor(name: string, router: string, here: string) {
    this.name = name;
    this.#router = router;
    this.here = here;
  }

  /** Why this cannot be made here; undefined when it can. */
  static async obstacle(): Promise<string | undefined> {
    const obstacle = await NetworkNamespace.obstacle();
    if (obstacle !== undefined) return obstacle;
    try {
      const namespace = await FirewalledNamespace.make(1);
      await namespace.remove();
      return undefined;
    } catch {
      return 'needs iptables and connection tracking';
    }
  }

  /** @param silence whole seconds. */
  static async make(silence: number): Promise<FirewalledNamespace> {
    const [outer, inner] = [newCable(), newCable()];
    const namespace = new FirewalledNamespace(inner.name, outer.name, outer.near);
    const inRouter = entering(outer.name);
    try {
      await ip('netns', 'add', outer.name);
      await ip('netns', 'add', inner.name);
      await layCable(outer, undefined, outer.name);
      await layCable(inner, outer.name, inner.name);
      await ip('-n', inner.name, 'route', 'add', 'default', 'via', inner.near);
      await ip('route', 'add', inner.subnet, 'via', outer.far);
      // The folder of settings for connection tracking is there once something uses it.
      await runCommand([...inRouter, 'iptables', '--policy', 'FORWARD', 'DROP']);
      const forward = [...inRouter, 'iptables', '--append', 'FORWARD', '--protocol', 'tcp'];
      await runCommand([...forward, '--match', 'conntrack', '--ctstate', 'ESTABLISHED', '--jump', 'ACCEPT']);
      await runCommand([...forward, '--syn', '--match', 'conntrack', '--ctstate', 'NEW', '--jump', 'ACCEPT']);
      const settings = {
        'ipv4/ip_forward': 1,
        'netfilter/nf_conntrack_tcp_timeout_established': silence,
        'netfilter/nf_conntrack_tcp_loose': 0,
        'netfilter/nf_conntrack_acct': 1,
      };
      for (const [name, value] of Object.entries(settings)) {
        await runCommand([...inRouter, 'sh', '-c', `echo ${value} > /proc/sys/net/${name}`]);
      }
    } catch (cause) {
      await namespace.remove();
      throw cause;
    }
    return namespace;
  }

  /** The words before a command that is to run inside. */
  get enter(): readonly string[] {
    return entering(this.name);
  }

  /** What the firewall knows now. */
  async connections(): Promise<TrackedConnection[]> {
    const table = await runCommand([...entering(this.#router), 'cat', '/proc/net/nf_conntrack']);
    return table.split('\n').flatMap((line) => {
      const known = /^\S+ +\d+ +tcp +\d+ (?<left>\d+) (?<state>\S+) /.exec(line)?.groups;
      if (known === undefined) return [];
      return {
        sourcePort: all(line, 'sport')[0] ?? 0,
        targetPort: all(line, 'dport')[0] ?? 0,
        state: known.state ?? '',
        secondsLeft: Number(known.left),
        packets: sum(all(line, 'packets')),
        bytes: sum(all(line, 'bytes')),
      };
    });
  }

  /** Packets that it dropped so far. */
  async dropped(): Promise<number> {
    const list = ['iptables', '--list', 'FORWARD', '--numeric', '--verbose', '--exact'];
    const chain = await runCommand([...entering(this.#router), ...list]);
    return Number(/policy DROP (\d+) packets/.exec(chain)?.[1] ?? Number.NaN);
  }

  async remove(): Promise<void> {
    for (const name of [this.name, this.#router]) await ip('netns', 'delete', name);
  }
}

function all(line: string, field: string): number[] {
  return [...line.matchAll(new RegExp(` ${field}=(\\d+)`, 'g'))].map(([, value]) => Number(value));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
