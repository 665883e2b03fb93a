import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** Namespaces made by this process: each has a subnet and names of its own. */
let made = 0;

/**
 * A network namespace of its own, joined to this machine's by one cable: for tests in which a machine falls silent. Needs
 * root and iproute2.
 */
export class NetworkNamespace {
  readonly name: string;
  /** Address of this machine's end of the cable. */
  readonly here: string;
  /** Address inside the namespace. */
  readonly inside: string;
  readonly #cable: string;

  private constructor() {
    made++;
    // Names of devices have at most 15 characters.
    this.#cable = `rpch${process.pid}x${made}`;
    this.name = this.#cable;
    const subnet = `10.99.${process.pid & 0xff}`;
    this.here = `${subnet}.${made * 4 + 1}`;
    this.inside = `${subnet}.${made * 4 + 2}`;
  }

  /** Why namespaces cannot be made here; undefined when they can. */
  static async obstacle(): Promise<string | undefined> {
    if (process.getuid?.() !== 0) return 'needs root';
    try {
      await run('ip', ['netns', 'list']);
      return undefined;
    } catch {
      return 'needs ip netns (iproute2)';
    }
  }

  static async make(): Promise<NetworkNamespace> {
    const namespace = new NetworkNamespace();
    const { name, here, inside } = namespace;
    const [mine, theirs] = [`${namespace.#cable}a`, `${namespace.#cable}b`];
    try {
      await ip('netns', 'add', name);
      await ip('link', 'add', mine, 'type', 'veth', 'peer', 'name', theirs, 'netns', name);
      await ip('address', 'add', `${here}/30`, 'dev', mine);
      await ip('link', 'set', mine, 'up');
      await ip('-n', name, 'address', 'add', `${inside}/30`, 'dev', theirs);
      await ip('-n', name, 'link', 'set', theirs, 'up');
      // A machine that is switched off behind a router is not reported as missing, as its neighbours would report it.
      await ip(
        'neighbour',
        'replace',
        inside,
        'lladdr',
        await hardwareAddress(name, theirs),
        'dev',
        mine,
        'nud',
        'permanent',
      );
    } catch (cause) {
      await namespace.remove();
      throw cause;
    }
    return namespace;
  }

  /** The words before a command that is to run inside. */
  get enter(): readonly string[] {
    return ['ip', 'netns', 'exec', this.name];
  }

  /** Pulls the cable out inside: no packet passes any more, and nobody is told. */
  async vanish(): Promise<void> {
    await ip('-n', this.name, 'link', 'set', `${this.#cable}b`, 'down');
  }

  async remove(): Promise<void> {
    await ip('netns', 'delete', this.name);
  }
}

async function ip(...args: string[]): Promise<string> {
  return (await run('ip', args)).stdout;
}

async function hardwareAddress(namespace: string, device: string): Promise<string> {
  const [link] = JSON.parse(await ip('-n', namespace, '-json', 'link', 'show', device)) as [{ address: string }];
  return link.address;
}
