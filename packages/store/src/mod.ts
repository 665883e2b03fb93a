/** The public door of @rpch/store. */
export { DIRECTORY_FILE, EmbeddedDirectory } from './directory/embedded-directory.ts';
export type { Directory, DirectoryEntry } from './directory/model.ts';
export { demoDirectory } from './import/demo/demo-directory.ts';
export { fillDemoMailbox } from './import/demo/fill.ts';
export { type ImportProgress, type ImportResult, importMail } from './import/import-mail.ts';
export { openMailSource } from './import/sources/open-source.ts';
export { FolderId } from './mailbox/folder-ids.ts';
export { Mailbox } from './mailbox/mailbox.ts';
export { mailboxFile } from './mailbox/mailbox-file.ts';
export { BoundedLog } from './services/bounded-log.ts';
export { nspiServer } from './services/nspi/nspi-server.ts';
export { rfrServer } from './services/rfr/rfr-server.ts';
export { StoreHost } from './services/store-host.ts';
export { afterTimeout } from './services/timer.ts';
