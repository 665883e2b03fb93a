import { setTimeout as wait } from 'node:timers/promises';
import { RpchError } from '@rpch/rpc/internal';
import {
  MAPI_PORTS,
  MapiError,
  type MapiPorts,
  type MapiService,
  type OpenedMailbox,
  openMailbox,
  type Reach,
  RpcServers,
} from '@rpch/store/client';
import { type ClientFlags, type Destination, destinationOf, usage } from '../ping/client-flags.ts';
import { Journey } from '../ping/journey.ts';
import { failureOf, MAPPER_PORTS, routeOf } from '../ping/session.ts';
import { tellFailure } from '../ping/tell-failure.ts';
import type { MailIo } from './mail-io.ts';
import { mapiFailure } from './tell-mail-failure.ts';

/** What `rpch mail` is told of the mailbox and the way to it. */
export interface MailboxFlags extends ClientFlags {
  readonly userDn?: string;
  readonly mailbox?: string;
  readonly referral?: boolean;
  readonly ports?: string;
  readonly json?: boolean;
}

/** Errors of the command line: the process ends with 2. */
const USAGE: ReadonlySet<string> = new Set([
  'RPCH_USAGE',
  'RPCH_STRING_BINDING',
  'RPCH_NO_CREDENTIALS',
  'RPCH_NO_SUCH_PROVIDER',
  'RPCH_BAD_DN',
]);

/** Errors that say all there is in their message: there is no hop to look at. */
const PLAIN: ReadonlySet<string> = new Set([
  'RPCH_NO_SUCH_FOLDER',
  'RPCH_AMBIGUOUS_FOLDER',
  'RPCH_NOT_FOLDER_OWNER',
  'RPCH_NOT_CALENDAR',
  'RPCH_NOT_A_USER',
  'RPCH_NO_PERMISSION',
  'RPCH_NO_SUCH_ATTACHMENT',
  'RPCH_MESSAGE_STATE',
  'RPCH_NO_SOFT_DELETION',
  'RPCH_NO_ORIGINAL',
  'RPCH_NO_BODY',
  'RPCH_FILE',
  'RPCH_FILE_EXISTS',
  'RPCH_UNKNOWN_USER',
  'RPCH_AMBIGUOUS_USER',
  'RPCH_TOO_LARGE',
]);

/**
 * Opens the mailbox, has the work done, and closes it. What goes wrong on the way or with the server is told on standard error, by the service that was
 * called and the hop; rejects with RpchError for wrong usage.
 * @param look others of whom the address book is asked on the way.
 */
export async function withMailbox(
  text: string,
  flags: MailboxFlags,
  io: MailIo,
  look: readonly string[],
  work: (opened: OpenedMailbox) => Promise<void>,
): Promise<void> {
  const destination = sealed(await destinationOf(text, flags, io), flags);
  const user = flags.user ?? flags.httpUser;
  if (user === undefined) throw usage('whose mailbox? Say who you are with --user');
  const ports = parsePorts(flags.ports);
  const journey = new Journey(
    () => performance.now(),
    () => {},
  );
  let reach: Reach | undefined;
  const servers = new RpcServers(destination.binding, {
    client: { ...destination.client, onHop: (hop, found) => journey.onHop(hop, found) },
    ports,
    onReach: (next) => {
      reach = next;
      const goal = next.port === undefined ? 'endpoint mapper' : 'server';
      if (!next.again) journey.setOut(goal, routeOf(reached(destination, next), next.port));
    },
    onBound: ({ service }) => journey.passed('interface', service),
  });
  try {
    const opened = await openMailbox(servers, {
      user,
      look,
      follow: flags.referral === true,
      session: { wait: (ms, signal) => wait(ms, undefined, signal === undefined ? {} : { signal }) },
      ...(flags.userDn === undefined ? {} : { legacyDn: flags.userDn }),
      ...(flags.mailbox === undefined ? {} : { mailbox: flags.mailbox }),
    });
    await work(opened);
    await opened.session[Symbol.asyncDispose]();
  } catch (error) {
    if (!(error instanceof RpchError) || USAGE.has(error.code)) throw error;
    await tell(error, { destination, reach, journey, flags, io });
  } finally {
    servers.close();
  }
}

/** Mail is for no one else to read: calls are sealed unless the command line or the binding says otherwise. */
function sealed({ binding, client }: Destination, { rpcAuth }: MailboxFlags): Destination {
  if (rpcAuth !== undefined || client.provider !== 'none' || client.credentials === undefined)
    return { binding, client };
  return { binding, client: { ...client, provider: 'ntlm', level: 'privacy' } };
}

interface Told {
  readonly destination: Destination;
  readonly reach: Reach | undefined;
  readonly journey: Journey;
  readonly flags: MailboxFlags;
  readonly io: MailIo;
}

async function tell(error: RpchError, { destination, reach, journey, flags, io }: Told): Promise<void> {
  const where = reach === undefined ? undefined : tellReach(reach);
  if (error instanceof MapiError) {
    const failure = mapiFailure(error);
    if (flags.json === true) io.out(`${JSON.stringify({ failed: { service: reach?.service, ...failure } })}\n`);
    io.err(`rpch mail: ${where}: ${sentence(failure.what)}\n  Check: ${sentence(failure.check)}\n`);
  } else if (PLAIN.has(error.code) || reach === undefined) {
    if (flags.json === true) io.out(`${JSON.stringify({ failed: { what: error.message, code: error.code } })}\n`);
    io.err(`rpch mail: ${error.message}\n`);
  } else {
    const failure = await failureOf(error, reached(destination, reach), journey);
    if (flags.json === true) io.out(`${JSON.stringify({ failed: { service: reach.service, ...failure } })}\n`);
    io.err(tellFailure(`rpch mail: ${where}`, failure));
  }
  io.fail();
}

function sentence(text: string): string {
  return text.endsWith('?') ? text : `${text}.`;
}

function tellReach({ service, server, port }: Reach): string {
  return port === undefined ? `endpoint mapper of ${server}, for the ${service}` : `${service} at ${server}:${port}`;
}

/** The destination as the client goes there: to the endpoint mapper where the port is not known. */
function reached({ binding, client }: Destination, { server, port }: Reach): Destination {
  const endpoint = port ?? MAPPER_PORTS[binding.protocol];
  return { binding: { ...binding, networkAddress: server, endpoint }, client };
}

const NAMES: Readonly<Record<string, MapiService>> = {
  emsmdb: 'information store',
  nspi: 'address book',
  rfr: 'referral',
};

/** `mapper`, or `emsmdb=6001,nspi=6004`. Throws RpchError (caller). */
export function parsePorts(text: string | undefined): MapiPorts {
  if (text === undefined) return {};
  if (text === 'mapper') {
    return Object.fromEntries(Object.keys(MAPI_PORTS).map((service) => [service, 'mapper'])) as MapiPorts;
  }
  const entries = text.split(',').map((part): readonly [MapiService, number] => {
    const [, name = '', digits = ''] = /^(emsmdb|nspi|rfr)=(\d{1,5})$/.exec(part.trim()) ?? [];
    const service = NAMES[name];
    const port = Number(digits);
    if (service === undefined || port < 1 || port > 65_535) {
      throw usage(`expected "mapper" or a list such as emsmdb=6001,rfr=6002,nspi=6004 for --ports, found "${text}"`);
    }
    return [service, port];
  });
  return Object.fromEntries(entries) as MapiPorts;
}
