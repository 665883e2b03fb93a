import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runOrThrow } from './commands.ts';

export interface CurlRequest {
  readonly method?: string;
  readonly body?: Uint8Array;
  /** `NAME:PASSWORD`. */
  readonly user?: string;
  readonly auth?: 'basic' | 'ntlm';
}

export interface CurlReply {
  readonly status: number;
  readonly contentType: string;
  readonly body: Uint8Array;
}

/** Makes one request with curl, any certificate accepted, and returns the last reply of what the authentication took. */
export async function curl(url: string, request: CurlRequest = {}): Promise<CurlReply> {
  const folder = mkdtempSync(join(tmpdir(), 'rpch-curl-'));
  const reply = join(folder, 'reply');
  const body = join(folder, 'body');
  try {
    writeFileSync(reply, '');
    if (request.body !== undefined) writeFileSync(body, request.body);
    const printed = await runOrThrow(
      'curl',
      [
        ...['--silent', '--show-error', '--insecure', '--max-time', '20', '--output', reply],
        ...['--write-out', '%{http_code} %{content_type}'],
        ...(request.method === undefined ? [] : ['--request', request.method]),
        ...(request.body === undefined ? [] : ['--data-binary', `@${body}`]),
        ...(request.user === undefined ? [] : ['--user', request.user]),
        ...(request.auth === undefined ? [] : [`--${request.auth}`]),
        url,
      ],
      { timeoutMs: 30_000 },
    );
    const [status = '', ...contentType] = printed.split(' ');
    return { status: Number(status), contentType: contentType.join(' '), body: readFileSync(reply) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
