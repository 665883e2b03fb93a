import { setImmediate as afterMicrotasks } from 'node:timers/promises';
import {
  AssociationGroups,
  AuthLevel,
  bindClient,
  type Call,
  ClientAssociation,
  ECHO,
  EchoOpnum,
  EndpointRegistry,
  echoDeclaration,
  echoServer,
  epmDeclaration,
  epmServer,
  FaultStatus,
  type InterfaceDeclaration,
  type MessageProtection,
  mgmtDeclaration,
  mgmtServer,
  RpcFaultError,
  RpchError,
  type RpcInterface,
  type SecurityAcceptor,
  type SecurityInitiator,
  ServerAssociation,
  ServerStatistics,
} from '@rpch/rpc/internal';
import { lsarpcServer } from '../src/rpc-server-interfaces.ts';
import { ACCEPTORS, INITIATORS } from './fuzz-accounts.ts';
import { must } from './fuzz-target.ts';
import { Wire } from './fuzz-wire.ts';

/** How a client of the fuzzed associations behaves, from one byte, so that an input carries it. */
export interface Conduct {
  readonly littleEndian: boolean;
  /** Whoever is fuzzed has room for one run at a time. */
  readonly isFull: boolean;
  readonly level: number;
  readonly provider: 'none' | 'ntlm' | 'spnego' | 'secondChoice';
  readonly multiplexed: boolean;
}

const LEVELS = [AuthLevel.privacy, AuthLevel.integrity, AuthLevel.packet, AuthLevel.connect] as const;
const PROVIDERS = ['ntlm', 'none', 'spnego', 'secondChoice'] as const;

/** Any byte is a conduct; 0 is NTLM, sealed, little-endian, multiplexed, with room. */
export function conductOf(byte: number): Conduct {
  return {
    littleEndian: (byte & 1) === 0,
    isFull: (byte & 2) !== 0,
    level: LEVELS[(byte >> 2) & 3] ?? AuthLevel.privacy,
    provider: PROVIDERS[(byte >> 4) & 3] ?? 'ntlm',
    multiplexed: (byte & 0x40) === 0,
  };
}

/** A server's side with its wire and what must be empty when it is closed. */
export interface ServerSide {
  readonly association: ServerAssociation;
  readonly wire: Wire;
  readonly groups: AssociationGroups;
}

/** rpcecho whose answers stay small: what is fuzzed is how they are asked for. */
function smallEcho(): RpcInterface {
  const echo = echoServer({
    sleep: async (_milliseconds, signal) => {
      await afterMicrotasks();
      signal.throwIfAborted();
    },
  });
  return {
    ...echo,
    handle: (opnum, stub, littleEndian, call) => {
      if (opnum === EchoOpnum.SourceData && stub.length >= 4) {
        const length = new DataView(stub.buffer, stub.byteOffset).getUint32(0, littleEndian);
        if (length > 20_000) throw new RpcFaultError(FaultStatus.nca_s_out_args_too_big);
      }
      return echo.handle(opnum, stub, littleEndian, call);
    },
  };
}

function interfaces(): RpcInterface[] {
  const registry = new EndpointRegistry();
  for (const [protocol, port] of [
    ['ncacn_ip_tcp', 49_152],
    ['ncacn_http', 6001],
    ['ncacn_ip_tcp', 49_153],
  ] as const) {
    registry.add({ syntax: ECHO, protocol, port, address: '192.0.2.1', annotation: 'rpcecho' });
  }
  const statistics = new ServerStatistics();
  return [smallEcho(), epmServer(registry), mgmtServer({ interfaces: [ECHO], statistics }), lsarpcServer()];
}

export function serverSide(
  isFull: boolean,
  security: Readonly<Record<string, () => SecurityAcceptor>> = ACCEPTORS,
): ServerSide {
  const wire = new Wire(isFull);
  const groups = new AssociationGroups();
  const association = new ServerAssociation({
    interfaces: interfaces(),
    security,
    groups,
    client: 'a',
    secondaryAddress: '49152',
    peer: { transport: 'tcp', address: '192.0.2.2', label: '192.0.2.2:1', clientAddressHint: undefined },
    statistics: new ServerStatistics(),
    output: wire,
    maxSecurityContexts: 4,
  });
  return { association, wire, groups };
}

/** A client's side, its wire, and what its user does with it. */
export interface ClientSide {
  readonly association: ClientAssociation;
  readonly wire: Wire;
  readonly initiator: SecurityInitiator | undefined;
  /** Resolves when all that was begun is over, with what went wrong: RpchErrors alone. */
  readonly script: Promise<readonly RpchError[]>;
}

export function clientSide(conduct: Conduct, make?: () => SecurityInitiator): ClientSide {
  const { provider, level, littleEndian, multiplexed, isFull } = conduct;
  const wire = new Wire(isFull);
  const initiator = make?.() ?? (provider === 'none' ? undefined : INITIATORS[provider](level));
  const association = new ClientAssociation({
    output: wire,
    interfaces: [echoDeclaration, epmDeclaration],
    security: initiator && { initiator, authLevel: level },
    littleEndian,
    multiplexed,
    maxFrag: MAX_FRAG,
  });
  return { association, wire, initiator, script: runScript(association, littleEndian) };
}

/** Short, so that calls of several fragments are short. */
const MAX_FRAG = 1432;
const DATA = Uint8Array.from({ length: 1500 }, (_, i) => i & 0xff);

/** What a user of an association does: binds, calls, side by side and with an answer of several fragments, adds an interface. */
async function runScript(association: ClientAssociation, littleEndian: boolean): Promise<RpchError[]> {
  const wrong: RpchError[] = [];
  const note = (error: unknown): void => {
    must(error instanceof RpchError, `what rejects is an RpchError: ${error instanceof Error ? error.stack : error}`);
    wrong.push(error);
  };
  const carrier =
    (declaration: InterfaceDeclaration): Call =>
    (opnum, stub, decode) =>
      association.callAndDecode(
        { contextId: association.contextOf(declaration.syntax), opnum, stub, littleEndian },
        decode,
      );
  const echo = bindClient(echoDeclaration, carrier(echoDeclaration), littleEndian);
  const mgmt = bindClient(mgmtDeclaration, carrier(mgmtDeclaration), littleEndian);
  try {
    await association.bind();
    await Promise.all([
      echo.addOne({ in_data: 1 }).catch(note),
      echo.echoData({ in_data: DATA }).catch(note),
      echo.sourceData({ len: 3000 }).catch(note),
      echo.testCall({ s1: 'text' }).catch(note),
    ]);
    await association.addInterfaces([mgmtDeclaration]);
    await mgmt.inqIfIds().catch(note);
    await echo.addOne({ in_data: 2 }).catch(note);
  } catch (error) {
    note(error);
  }
  return wrong;
}

/** Lets both ends speak until they are silent; tells of every PDU. */
export async function converse(
  client: ClientSide,
  server: ServerSide,
  tell: (from: 'client' | 'server', pdu: Uint8Array) => void = () => {},
): Promise<void> {
  for (let quiet = 0; quiet < 3; ) {
    await afterMicrotasks();
    const requests = client.wire.take();
    const answers = server.wire.take();
    quiet = requests.length + answers.length === 0 ? quiet + 1 : 0;
    for (const pdu of requests) {
      tell('client', pdu.slice());
      server.association.rpc(pdu, 1);
    }
    for (const pdu of answers) {
      tell('server', pdu.slice());
      client.association.rpc(pdu, 1);
    }
    if (client.wire.full) {
      client.wire.full = false;
      client.association.drained();
    }
    if (server.wire.full) {
      server.wire.full = false;
      server.association.resume();
    }
  }
}

/** Protects nothing: what is recorded with it is what is inside of sealed PDUs. */
const BARE: MessageProtection = {
  signatureLength: 16,
  canSeal: true,
  sign: () => {},
  seal: () => {},
  verify: () => {},
  unseal: () => {},
};

/** A provider of as many legs as NTLM has. */
export const BARE_PROVIDER = {
  initiator: (): SecurityInitiator => {
    let steps = 0;
    return {
      authType: 10,
      get complete() {
        return steps === 2;
      },
      protection: BARE,
      step: async () => Uint8Array.of(++steps),
    };
  },
  acceptor: (): SecurityAcceptor => {
    let steps = 0;
    return {
      get complete() {
        return steps === 2;
      },
      step: async () =>
        ++steps === 1
          ? { kind: 'challenge', token: Uint8Array.of(9) }
          : {
              kind: 'accepted',
              token: undefined,
              user: 'alice',
              domain: 'PEER',
              workstation: '',
              protection: () => BARE,
            },
    };
  },
};
