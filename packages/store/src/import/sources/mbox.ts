import { open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { MailSource, SourceMail } from './mail-source.ts';
import { type FromQuoting, type MboxMessage, MboxSplitter } from './mbox-splitter.ts';

const CHUNK = 1024 * 1024;

/** An mbox file. */
export async function mboxSource(
  path: string,
  quoting: FromQuoting,
  folder: readonly string[] = [],
): Promise<MailSource> {
  const { size } = await stat(path);
  return { size, read: () => readMbox(path, quoting, folder) };
}

async function* readMbox(path: string, quoting: FromQuoting, folder: readonly string[]): AsyncGenerator<SourceMail> {
  const splitter = new MboxSplitter(quoting);
  let count = 0;
  const mailOf = ({ bytes, size, received }: MboxMessage): SourceMail => {
    count += 1;
    const origin = `${basename(path)}, message ${count}`;
    return { origin, bytes, size, folder, ...(received === undefined ? {} : { received }) };
  };
  const file = await open(path);
  try {
    for (;;) {
      // A new buffer each time: messages keep views of it.
      const { bytesRead, buffer } = await file.read(new Uint8Array(CHUNK), 0, CHUNK);
      if (bytesRead === 0) break;
      for (const message of splitter.push(buffer.subarray(0, bytesRead))) yield mailOf(message);
    }
    for (const message of splitter.end()) yield mailOf(message);
  } finally {
    await file.close();
  }
}
