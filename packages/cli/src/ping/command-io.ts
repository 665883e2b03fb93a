import type { ProxyEnvironment } from '@rpch/rpc/internal';
import type { PasswordInput } from '../commands/password-input.ts';

/** What a command that calls an RPC server touches of the process. */
export interface CommandIo {
  readonly stdin: PasswordInput;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Where HTTP proxies are looked for. */
  readonly env: ProxyEnvironment;
  /** The command ends without success. */
  readonly fail: () => void;
}

/** The process that runs. */
export function processIo(): CommandIo {
  return {
    stdin: process.stdin,
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    env: process.env,
    fail: () => {
      process.exitCode = 1;
    },
  };
}
