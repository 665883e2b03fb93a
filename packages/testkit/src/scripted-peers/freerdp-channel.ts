import { randomBytes } from 'node:crypto';
import { formatGuid, md4 } from '@rpch/rpc/internal';
import { Initiator } from '../ntlm-initiator.ts';
import type { RawConnection } from '../raw-connection.ts';
import type { FreerdpGeneration } from './freerdp-generation.ts';

/** Content-Length of the first RPC_OUT_DATA: CONN/A1; of its successors: OUT_R2/A3 and OUT_R2/C1. Bytes. */
export const FIRST_OUT_BODY = 76;
export const NEXT_OUT_BODY = 120;

/** The interface of a terminal services gateway ([MS-TSGU] 1.9), which FreeRDP names in every request. */
const RESOURCE_TYPE = '44e265dd-7daf-42cd-8560-3cdb6e7a2729';
/** What FreeRDP 2 says in every session of everybody. */
const FIXED_SESSION = 'fbd9c34f-397d-471d-a109-1b08cc554624';

export interface FreerdpAccount {
  readonly name: string;
  readonly password: string;
}

/** What the heads of one session have in common. */
export interface FreerdpHeads {
  readonly generation: FreerdpGeneration;
  /** FreeRDP has localhost:3388 and nothing else. */
  readonly server: string;
  readonly account: FreerdpAccount;
  readonly virtualConnectionCookie: Uint8Array;
}

/**
 * One connection of FreeRDP to its gateway: the request in two legs of NTLM, of which the first has no body, and then the
 * body. There is no other way in: Basic is never sent.
 */
export class FreerdpChannel {
  readonly connection: RawConnection;
  readonly method: 'RPC_IN_DATA' | 'RPC_OUT_DATA';
  readonly cookie: Uint8Array = randomBytes(16);
  readonly #heads: FreerdpHeads;
  readonly #connectionId = randomBytes(16);
  #initiator: Initiator | undefined;

  constructor(connection: RawConnection, method: FreerdpChannel['method'], heads: FreerdpHeads) {
    const { name, password } = heads.account;
    this.connection = connection;
    this.method = method;
    this.#heads = heads;
    this.#initiator = new Initiator({ user: name, domain: '', ntHash: md4(Buffer.from(password, 'utf16le')) });
    connection.send(this.#head(0, this.#initiator.negotiate));
  }

  /** Whether the second leg has not been sent yet. */
  get authenticating(): boolean {
    return this.#initiator !== undefined;
  }

  /**
   * The next response's head, once it is there; while authenticating, with its body, of which there may be 64 MiB. Throws where
   * the Content-Length is more than a signed integer holds.
   */
  takeResponse(): { readonly status: number; readonly head: string } | undefined {
    const { connection } = this;
    const end = connection.received.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    const head = connection.received.toString('latin1', 0, end);
    const body = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    if (body > MAX_CONTENT_LENGTH) throw new Error(`Content-Length ${body} is too large`);
    const length = end + 4 + (this.authenticating && body < MAX_BODY ? body : 0);
    if (connection.received.length < length) return undefined;
    connection.takeNow(length);
    return { status: Number(head.split(' ')[1]), head };
  }

  /**
   * The second leg and what follows it at once. False where the response has no challenge: the status is not looked at, but
   * without a challenge NTLM cannot go on.
   */
  answer(head: string, contentLength: number, firstPdu: Uint8Array): boolean {
    const challenge = /^www-authenticate: *ntlm +(\S+)/im.exec(head)?.[1];
    if (challenge === undefined || this.#initiator === undefined) return false;
    const token = this.#initiator.authenticate(Buffer.from(challenge, 'base64'));
    this.#initiator = undefined;
    this.connection.send(this.#head(contentLength, token));
    this.connection.send(firstPdu);
    return true;
  }

  #head(contentLength: number, token: Uint8Array): string {
    const { generation, server, virtualConnectionCookie } = this.#heads;
    const session = formatGuid(virtualConnectionCookie);
    return [
      `${this.method} /rpc/rpcproxy.dll?${server} HTTP/1.1`,
      'Cache-Control: no-cache',
      `Pragma: ResourceTypeUuid=${RESOURCE_TYPE}, SessionId=${generation.ownSessionId ? session : FIXED_SESSION}`,
      'Accept: application/rpc',
      'User-Agent: MSRPC',
      'Host: 127.0.0.1',
      'Connection: Keep-Alive',
      ...(generation.ownSessionId
        ? [`RDG-Connection-Id: {${formatGuid(this.#connectionId)}}`, `RDG-Correlation-Id: {${session}}`]
        : []),
      `Content-Length: ${contentLength}`,
      `Authorization: NTLM ${Buffer.from(token).toString('base64')}`,
      '\r\n',
    ].join('\r\n');
  }
}

/** Bytes. The specification's largest Content-Length is one more ([MS-RPCH] 2.1.2.1.4). */
const MAX_CONTENT_LENGTH = 0x7fff_ffff;
const MAX_BODY = 64 * 1024 * 1024;
