import type { OpenedMailbox } from '@rpch/store/client';
import { Command, Option } from 'commander';
import { type AttachmentFlags, printAttachments } from '../mail/attachments.ts';
import { printFolders } from '../mail/folders.ts';
import { type ListFlags, printList, SORT_NAMES } from '../mail/list.ts';
import { type MailIo, processMailIo } from '../mail/mail-io.ts';
import { type MailboxFlags, withMailbox } from '../mail/open.ts';
import { printSearch, type SearchFlags } from '../mail/search.ts';
import { printMessage, type ShowFlags } from '../mail/show.ts';
import { addClientFlags, usage } from '../ping/client-flags.ts';

const HELP = `
What to do:
  folders            every folder with its counts of messages
  list FOLDER        its messages, the newest first; ● unread, @ with attachments, ! important
  show ID            a message: who, when, its text, and what is attached
  search TEXT        messages that contain it in their subject, sender, recipients or text
  attachments ID     what is attached to a message; with --save DIR the files

FOLDER is a path such as Inbox/Projects, or an id; ID is what list prints.

Examples:
  rpch mail 'ncacn_http:demo[6001,RpcProxy=127.0.0.1:8080]' -u alice -p wonderland folders
  rpch mail 'ncacn_http:demo[6001,RpcProxy=127.0.0.1:8080]' -u alice -p wonderland list Inbox -n 10
  rpch mail 'ncacn_http:demo[6001,RpcProxy=127.0.0.1:8080]' -u alice -p wonderland show d.1a4
  rpch mail 'ncacn_http:exchange01[,RpcProxy=mail.example.org]' -u 'EXAMPLE\\alice' search invoice --in Inbox

Behind an RPC Proxy the information store is called at port 6001 and the address book at 6004, unless the binding names another
port, where both are then; over TCP the endpoint mapper is asked.`;

type MailFlags = MailboxFlags & ListFlags & ShowFlags & SearchFlags & AttachmentFlags & { readonly all?: boolean };

interface Task {
  /** What it needs beside its name, for people; undefined: nothing. */
  readonly argument?: string;
  run(opened: OpenedMailbox, argument: string, flags: MailFlags, io: MailIo): Promise<void>;
}

const TASKS: Readonly<Record<string, Task>> = {
  folders: { run: (opened, _, flags, io) => printFolders(opened, flags, io) },
  list: { argument: 'a folder', run: printList },
  show: { argument: 'the id of a message', run: printMessage },
  search: { argument: 'a text', run: printSearch },
  attachments: { argument: 'the id of a message', run: printAttachments },
};

/** `rpch mail`: reads a mailbox by MAPI. */
export function mailCommand(io: MailIo = processMailIo()): Command {
  const command = new Command('mail')
    .description('read a mailbox by MAPI, as Outlook does: folders, messages, attachments')
    .argument('<binding>', "for instance 'ncacn_http:server[6001,RpcProxy=proxy.example.org:443]'")
    .argument('<task>', Object.keys(TASKS).join(', '))
    .argument('[what]', 'a folder, the id of a message, or a text');
  return addClientFlags(command, 'ntlm, sealed, unless this, --level or the binding says otherwise')
    .option('--mailbox <name>', "another's mailbox: a name or an address, or its legacyExchangeDN")
    .option('--user-dn <DN>', 'your legacyExchangeDN; else the address book is asked for it')
    .option('--ports <list>', 'ports of the services: emsmdb=6001,rfr=6002,nspi=6004, or "mapper" to ask the server')
    .option('--referral', 'follow the names of servers that the referral service gives')
    .option('--json', 'for programs')
    .option('--all', 'folders: those that Outlook does not show too')
    .option('-n, --count <number>', 'list, search: messages at most', '50')
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
    .addHelpText('after', HELP)
    .action((binding: string, task: string, what: string | undefined, flags: MailFlags) =>
      run(io, binding, task, what, flags),
    );
}

async function run(
  io: MailIo,
  binding: string,
  name: string,
  what: string | undefined,
  flags: MailFlags,
): Promise<void> {
  const task = TASKS[name];
  if (task === undefined) throw usage(`expected one of ${Object.keys(TASKS).join(', ')}, found "${name}"`);
  const { argument } = task;
  if (argument === undefined ? what !== undefined : what === undefined) {
    throw usage(argument === undefined ? `${name} takes nothing beside it` : `${name} needs ${argument}`);
  }
  await withMailbox(binding, flags, io, (opened) => task.run(opened, what ?? '', flags, io));
}
