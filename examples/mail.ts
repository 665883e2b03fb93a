/**
 * Opens a mailbox as Outlook does: lists its folders and the newest messages of the Inbox with attachments, and reads the first of them.
 *
 * Usage: node examples/mail.ts BINDING -u USER [FLAGS]     USER's mailbox, on a server such as 'ncacn_http:demo[6001,RpcProxy=127.0.0.1:8443]'
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseBinding } from '@rpch/rpc';
import {
  BitmapRelOp,
  dateOf,
  MessageFlag,
  objectIdOf,
  openMailbox,
  PidTag,
  RpcServers,
  SortDirection,
  textOf,
} from '@rpch/store/client';
import { commandLine, run } from './command-line.ts';

const { binding, options } = commandLine(
  "node examples/mail.ts 'ncacn_http:server[6001,RpcProxy=proxy:443]' -u USER [FLAGS]",
);

await run(async () => {
  const user = options.credentials?.user ?? '';

  // #region open
  const servers = new RpcServers(parseBinding(binding), { client: options });
  const wait = (ms: number, signal?: AbortSignal) => sleep(ms, undefined, signal === undefined ? {} : { signal });
  const { mailbox, session } = await openMailbox(servers, { user, session: { wait } }); // wait: where a server asks for patience
  // #endregion

  // #region folders
  for (const { path, messages, unread } of await mailbox.folders()) {
    console.log(`${path.join('/')}: ${messages} messages, ${unread} unread`);
  }
  // #endregion

  // #region contents
  const { inbox } = mailbox.folderIds;
  const found: bigint[] = [];
  const rows = mailbox.contents(inbox, {
    columns: [PidTag.Mid, PidTag.Subject, PidTag.MessageDeliveryTime],
    sort: [{ tag: PidTag.MessageDeliveryTime, order: SortDirection.Descending }],
    restriction: {
      kind: 'bitmask',
      relOp: BitmapRelOp.NotZero,
      tag: PidTag.MessageFlags,
      mask: MessageFlag.HasAttachments,
    },
    limit: 10,
  });
  for await (const { values } of rows) {
    const date = dateOf(values.get(PidTag.MessageDeliveryTime));
    console.log(date?.toISOString(), textOf(values, PidTag.Subject));
    const id = objectIdOf(values, PidTag.Mid);
    if (id !== undefined) found.push(id);
  }
  // #endregion

  const [newest] = found;
  if (newest !== undefined) {
    // #region message
    using message = await mailbox.message(inbox, newest);
    const { values } = await message.properties([PidTag.SenderName, PidTag.InternetMessageId]);
    console.log(message.subject, 'from', textOf(values, PidTag.SenderName));
    for (const { type, name, address } of await message.recipients()) console.log(type, name, address);
    console.log(await message.text());
    for (const { number, name, mimeType } of await message.attachments()) {
      using attachment = await message.attachment(number);
      let bytes = 0;
      for await (const block of attachment.data()) bytes += block.length;
      console.log(`${name}: ${bytes} bytes of ${mimeType}`);
    }
    // #endregion
  }

  // #region close
  await session[Symbol.asyncDispose](); // EcDoDisconnect; `await using` does so by itself
  servers.close();
  // #endregion
});
