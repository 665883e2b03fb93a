import type { OpenedMailbox } from '@rpch/store/client';
import { Command, Option } from 'commander';
import { type AttachmentFlags, printAttachments } from '../mail/attachments.ts';
import { printRemoved } from '../mail/delete.ts';
import { type DeletedFlags, printDeleted } from '../mail/deleted.ts';
import { printFolders } from '../mail/folders.ts';
import { type ListFlags, printList, SORT_NAMES } from '../mail/list.ts';
import { type MailIo, processMailIo } from '../mail/mail-io.ts';
import { type MailboxFlags, withMailbox } from '../mail/open.ts';
import { namesOfPermissions, type PermissionFlags, printPermissions } from '../mail/permissions.ts';
import { printRecovered, type RecoverFlags } from '../mail/recover.ts';
import { ROLE_NAMES } from '../mail/roles.ts';
import { printSearch, type SearchFlags } from '../mail/search.ts';
import { printMessage, type ShowFlags } from '../mail/show.ts';
import { addClientFlags, usage } from '../ping/client-flags.ts';
import { collect } from './collect.ts';

const HELP = `
What to do:
  folders            every folder with its counts of messages
  list FOLDER        its messages, the newest first; ● unread, @ with attachments, ! important
  show ID            a message: who, when, its text, and what is attached
  search TEXT        messages that contain it in their subject, sender, recipients or text
  attachments ID     what is attached to a message; with --save DIR the files
  delete ID…         moves messages to Deleted Items; what is there already is deleted, and can be recovered for as long as the
                     server keeps it
  deleted [FOLDER]   what can be recovered, the last deleted first: messages that were deleted from Deleted Items, or past it;
                     from that folder, or else from any (what was deleted once is in Deleted Items: list shows it)
  recover ID…        brings back what deleted shows, to its folder or, with --to, to another; its id is a new one then
  permissions FOLDER who may do what there; with --grant USER:ROLE and --revoke USER that is changed first

FOLDER is a path such as Inbox/Projects, an id, or a default folder's English name, such as Calendar; ID is what list and deleted print.
USER is a name, an alias or an address of the address book, "default" (everybody else) or "anonymous"; ROLE is one of
  ${ROLE_NAMES.join(', ')},
of the Calendar "Free/Busy time" or "Free/Busy time, subject, location" too; or rights as permissions prints them.

Examples:
  rpch mail 'ncacn_http:demo[6001,RpcProxy=127.0.0.1:8080]' -u alice -p wonderland folders
  rpch mail 'ncacn_http:demo[6001,RpcProxy=127.0.0.1:8080]' -u alice -p wonderland list Inbox -n 10
  rpch mail 'ncacn_http:demo[6001,RpcProxy=127.0.0.1:8080]' -u alice -p wonderland show d.1a4
  rpch mail 'ncacn_http:exchange01[,RpcProxy=mail.example.org]' -u 'EXAMPLE\\alice' search invoice --in Inbox
  rpch mail 'ncacn_http:demo[6001,RpcProxy=127.0.0.1:8080]' -u alice -p wonderland recover b.1f0 --to Inbox
  rpch mail 'ncacn_http:demo[6001,RpcProxy=127.0.0.1:8080]' -u alice -p wonderland permissions Calendar --grant bob:Reviewer
  rpch mail 'ncacn_http:demo[6001,RpcProxy=127.0.0.1:8080]' -u bob -p builder --mailbox alice list Calendar

Behind an RPC Proxy the information store is called at port 6001 and the address book at 6004, unless the binding names another
port, where both are then; over TCP the endpoint mapper is asked.`;

type MailFlags = MailboxFlags &
  ListFlags &
  ShowFlags &
  SearchFlags &
  AttachmentFlags &
  DeletedFlags &
  RecoverFlags &
  PermissionFlags & { readonly all?: boolean };

interface Task {
  /** What it needs beside its name, for people; undefined: nothing. */
  readonly argument?: string;
  /** How many of these. Default `one`. */
  readonly takes?: 'one' | 'one or none' | 'several';
  /** Those of whom the address book is asked on the way. Throws RpchError for wrong usage. */
  names?(flags: MailFlags): readonly string[];
  run(opened: OpenedMailbox, what: readonly string[], flags: MailFlags, io: MailIo): Promise<void>;
}

const TASKS: Readonly<Record<string, Task>> = {
  folders: { run: (opened, _, flags, io) => printFolders(opened, flags, io) },
  list: { argument: 'a folder', run: ofOne(printList) },
  show: { argument: 'the id of a message', run: ofOne(printMessage) },
  search: { argument: 'a text', run: ofOne(printSearch) },
  attachments: { argument: 'the id of a message', run: ofOne(printAttachments) },
  delete: { argument: 'the ids of messages', takes: 'several', run: printRemoved },
  deleted: {
    argument: 'a folder',
    takes: 'one or none',
    run: (opened, [folder], flags, io) => printDeleted(opened, folder, flags, io),
  },
  recover: { argument: 'the ids of messages', takes: 'several', run: printRecovered },
  permissions: { argument: 'a folder', names: namesOfPermissions, run: ofOne(printPermissions) },
};

function ofOne(
  run: (opened: OpenedMailbox, argument: string, flags: MailFlags, io: MailIo) => Promise<void>,
): Task['run'] {
  return (opened, [argument = ''], flags, io) => run(opened, argument, flags, io);
}

/** `rpch mail`: reads a mailbox by MAPI, deletes and recovers messages, and changes permissions. */
export function mailCommand(io: MailIo = processMailIo()): Command {
  const command = new Command('mail')
    .description(
      'read a mailbox by MAPI, as Outlook does: folders, messages, attachments; delete and recover; who may do what in a folder',
    )
    .argument('<binding>', "for instance 'ncacn_http:server[6001,RpcProxy=proxy.example.org:443]'")
    .argument('<task>', Object.keys(TASKS).join(', '))
    .argument('[what...]', 'a folder, the id of a message, or a text');
  return addClientFlags(command, 'ntlm, sealed, unless this, --level or the binding says otherwise')
    .option('--mailbox <name>', "another's mailbox: a name or an address, or its legacyExchangeDN")
    .option('--user-dn <DN>', 'your legacyExchangeDN; else the address book is asked for it')
    .option('--ports <list>', 'ports of the services: emsmdb=6001,rfr=6002,nspi=6004, or "mapper" to ask the server')
    .option('--referral', 'follow the names of servers that the referral service gives')
    .option('--json', 'for programs')
    .option('--all', 'folders: those that Outlook does not show too')
    .option('-n, --count <number>', 'list, search, deleted: messages at most', '50')
    .option('--skip <number>', 'list: messages that are passed over first', '0')
    .addOption(new Option('--sort <by>', 'list: what by').choices(SORT_NAMES).default('date'))
    .option('--reverse', 'list: the other way round')
    .option('--unread', 'list: unread messages alone')
    .option('--in <folder>', 'search: this folder alone')
    .option('--no-body', 'search: not in texts')
    .option('--headers', 'show: the headers with which it has come')
    .option('--html', 'show: the HTML as it is')
    .option('--raw', 'show: the bytes with which it has come, where the server has kept them')
    .option('--save <directory>', 'attachments: saves the files there')
    .option('--force', 'attachments: overwrite files that are there already')
    .option('--to <folder>', 'recover: to this folder')
    .option('--grant <user:role>', 'permissions: gives a role, in place of the one before; repeatable', collect)
    .option('--revoke <user>', 'permissions: takes all rights away; repeatable', collect)
    .addHelpText('after', HELP)
    .action((binding: string, task: string, what: readonly string[], flags: MailFlags) =>
      run(io, binding, task, what, flags),
    );
}

async function run(
  io: MailIo,
  binding: string,
  name: string,
  what: readonly string[],
  flags: MailFlags,
): Promise<void> {
  const task = TASKS[name];
  if (task === undefined) throw usage(`expected one of ${Object.keys(TASKS).join(', ')}, found "${name}"`);
  const { argument, takes = 'one' } = task;
  if (argument === undefined && what.length > 0) throw usage(`${name} takes nothing beside it`);
  if (argument !== undefined && what.length === 0 && takes !== 'one or none') throw usage(`${name} needs ${argument}`);
  if (what.length > 1 && takes !== 'several') throw usage(`${name} takes ${argument}, found "${what.join('" "')}"`);
  if (task.names === undefined && (flags.grant ?? flags.revoke) !== undefined) {
    throw usage('--grant and --revoke belong to permissions');
  }
  if (name !== 'recover' && flags.to !== undefined) throw usage('--to belongs to recover');
  const look = task.names?.(flags) ?? [];
  await withMailbox(binding, flags, io, look, (opened) => task.run(opened, what, flags, io));
}
