import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** Cables laid by this process: each has a subnet and names of its own. */
let laid = 0;

/** A cable between two network namespaces: a pair of virtual Ethernet devices, and a subnet of two addresses. */
export interface Cable {
  /** Also the name for a namespace at its far end. */
  readonly name: string;
  readonly nearDevice: string;
  readonly farDevice: string;
  readonly near: string;
  readonly far: string;
  /** Both addresses, in CIDR notation. */
  readonly subnet: string;
}

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
  readonly #cable: Cable;

  private constructor(cable: Cable) {
    this.#cable = cable;
    this.name = cable.name;
    this.here = cable.near;
    this.inside = cable.far;
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
    const namespace = new NetworkNamespace(newCable());
    const { name, inside } = namespace;
    const { nearDevice, farDevice } = namespace.#cable;
    try {
      await ip('netns', 'add', name);
      await layCable(namespace.#cable, undefined, name);
      // A machine that is switched off behind a router is not reported as missing, as its neighbours would report it.
      const address = await hardwareAddress(name, farDevice);
      await ip('neighbour', 'replace', inside, 'lladdr', address, 'dev', nearDevice, 'nud', 'permanent');
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

  /** Pulls the cable out inside: no packet passes any more, and nobody is told. */
  async vanish(): Promise<void> {
    await ip('-n', this.name, 'link', 'set', this.#cable.farDevice, 'down');
  }

  async remove(): Promise<void> {
    await ip('netns', 'delete', this.name);
  }
}

/** Names and addresses for a cable that no other of this process has. */
export function newCable(): Cable {
  laid++;
  // Names of devices have at most 15 characters.
  const name = `rpch${process.pid}x${laid}`;
  const subnet = `10.99.${process.pid & 0xff}`;
  const first = laid * 4;
  return {
    name,
    nearDevice: `${name}a`,
    farDevice: `${name}b`,
    near: `${subnet}.${first + 1}`,
    far: `${subnet}.${first + 2}`,
    subnet: `${subnet}.${first}/30`,
  };
}

/** Joins two namespaces; `near` undefined is this machine's. */
export async function layCable(cable: Cable, near: string | undefined, far: string): Promise<void> {
  const { nearDevice, farDevice } = cable;
  const at = near === undefined ? [] : ['-n', near];
  await ip(...at, 'link', 'add', nearDevice, 'type', 'veth', 'peer', 'name', farDevice, 'netns', far);
  await ip(...at, 'address', 'add', `${cable.near}/30`, 'dev', nearDevice);
  await ip(...at, 'link', 'set', nearDevice, 'up');
  await ip('-n', far, 'address', 'add', `${cable.far}/30`, 'dev', farDevice);
  await ip('-n', far, 'link', 'set', farDevice, 'up');
}

/** The words before a command that is to run in a namespace. */
export function entering(name: string): readonly string[] {
  return ['ip', 'netns', 'exec', name];
}

/** Runs a command to its end and returns what it printed; throws when it fails. */
export async function runCommand(command: readonly string[]): Promise<string> {
  const [program = '', ...args] = command;
  return (await run(program, args)).stdout;
}

/** iproute2. */
export function ip(...args: string[]): Promise<string> {
  return runCommand(['ip', ...args]);
}

async function hardwareAddress(namespace: string, device: string): Promise<string> {
  const [link] = JSON.parse(await ip('-n', namespace, '-json', 'link', 'show', device)) as [{ address: string }];
  return link.address;
}
