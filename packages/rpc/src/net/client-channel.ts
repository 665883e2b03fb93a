import type { Socket } from 'node:net';
import { RpchError } from '../errors.ts';
import { ChannelOpening, needsLogin } from './channel-opening.ts';
import { type DialOptions, ProxyDial } from './dial-proxy.ts';
import { type ChannelRequestOptions, channelRequestHead } from './http-client-request.ts';
import { type HttpResponseHead, ResponseHeadReader } from './http-response.ts';
import type { ChannelKind } from './http-status-error.ts';
import { Leg } from './leg.ts';
import type { ProxyAddress } from './proxy-address.ts';

/** How long a connection that ends may take to send what was written, ms. */
const LINGER = 500;
/** The same for a channel that has a successor: its last bytes must get through. */
const RETIRED_LINGER = 60_000;
/** How long an IN channel that has a successor waits for the proxy to close it first, ms. */
const FAREWELL = 1_000;
/** What may wait until the channel's request is on its way, bytes: one RTS PDU, and whatever a role may send behind it. */
export const MAX_WAITING = 64 * 1024;

/** How a connection ended that should not have. */
export interface ChannelEnd {
  /** It was closed in good order; reset; did not answer TCP keep-alive; or failed otherwise. */
  readonly how: 'closed' | 'reset' | 'vanished' | 'failed';
  readonly cause: Error | undefined;
}

/** What happens on a channel. None of these is called after `close` and `retire`. */
export interface ClientChannelEvents {
  /** TCP, and TLS, are open. */
  connected(): void;
  /** The RPC Proxy has answered a leg of the login that stands before the request. */
  challenged(head: HttpResponseHead): void;
  /** The head of the request's response is in; 1xx responses are passed over. */
  response(head: HttpResponseHead): void;
  /** Bytes of the response's body: a view that is valid until the call returns. */
  body(chunk: Uint8Array): void;
  /** Room again: TCP has taken what it had not. */
  drained(): void;
  /** It could not be dialled. Nothing follows. */
  unreachable(error: RpchError): void;
  /** What was thrown over bytes that came in, here or by `response` and `body`, or why the login failed. */
  failed(error: unknown): void;
  /** The connection is over. Nothing follows. */
  lost(end: ChannelEnd): void;
}

/**
 * One HTTP request of a client, from dialling to its end: RPC_IN_DATA or RPC_OUT_DATA. It can be written to at once; what
 * is written before the request's head is on its way waits, {@link MAX_WAITING} bytes at most: for TCP and TLS, for
 * {@link ClientChannel.request}, and for the legs of the login, where there are some.
 */
export class ClientChannel {
  readonly kind: ChannelKind;
  /** 1 for the first channel of its kind, 2 for that one's successor, and so on. */
  readonly number: number;
  readonly proxy: ProxyAddress;
  #request: ChannelRequestOptions;
  readonly #dialling: Omit<DialOptions, 'tunnel'>;
  readonly #events: ClientChannelEvents;
  #dial: ProxyDial | undefined;
  #socket: Socket | undefined;
  /** TCP, and TLS, are open. */
  #connected: Leg | undefined;
  #contentLength: number | undefined;
  #opening: ChannelOpening | undefined;
  #scheme: string | undefined;
  /** The request's head is written: what is written is its body. */
  #leg: Leg | undefined;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #unflushed = 0;
  /** Undefined when the response's head is in. */
  #head: ResponseHeadReader | undefined = new ResponseHeadReader();
  #blocked = false;
  #paused = false;
  #over = false;
  #farewell: NodeJS.Timeout | undefined;
  #written = 0;
  #heard = 0;
  #atTick = { written: 0, heard: 0 };
  #activity: { spoke: number; heard: number } | undefined;

  constructor(
    { kind, number, proxy }: Pick<ClientChannel, 'kind' | 'number' | 'proxy'>,
    dial: Omit<DialOptions, 'httpProxy' | 'tunnel'>,
    request: ChannelRequestOptions,
    events: ClientChannelEvents,
  ) {
    this.kind = kind;
    this.number = number;
    this.proxy = proxy;
    this.#request = request;
    this.#events = events;
    this.#dialling = { ...dial, httpProxy: request.httpProxy };
    this.#dial = new ProxyDial(proxy, this.#dialling, (outcome) => this.#dialled(outcome, () => events.connected()));
  }

  /** The scheme of the login to the RPC Proxy, once the request is on its way; undefined: none. */
  get scheme(): string | undefined {
    return this.#scheme;
  }

  /** Makes the request, as soon as TCP and TLS are open. To be called once. */
  request(contentLength: number): void {
    this.#contentLength = contentLength;
    this.#begin();
  }

  /** Bytes written that the kernel has not taken: they must not change. */
  get unsent(): number {
    if (this.#socket?.destroyed === true) return 0;
    return this.#waitingBytes + this.#unflushed + (this.#leg?.unsent ?? 0);
  }

  /** Of those, the bytes that whoever has more should wait for: `drained` comes when the kernel has taken them. */
  get congested(): number {
    return this.#waitingBytes + this.#unflushed + (this.#blocked ? (this.#leg?.unsent ?? 0) : 0);
  }

  /** Adds to what this turn sends. The bytes must not change afterwards. Throws RpchError where too much waits for TCP. */
  write(bytes: Uint8Array): void {
    if (this.#over) return;
    this.#written += bytes.length;
    if (this.#leg !== undefined) {
      this.#unflushed += bytes.length;
      this.#leg.write(bytes);
      return;
    }
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes > MAX_WAITING) {
      const what = `${this.#waitingBytes} bytes wait for a channel that is not open yet`;
      throw new RpchError('RPCH_CHANNEL_NOT_OPEN', 'peer', what);
    }
    this.#waiting.push(bytes);
  }

  /** Sends what was written since the last time, in one call. */
  flush(): void {
    this.#unflushed = 0;
    this.#leg?.flush();
  }

  /** Stops or goes on reading. */
  pause(paused: boolean): void {
    if (paused === this.#paused) return;
    this.#paused = paused;
    this.#connected?.pause(paused);
  }

  /** Ends the channel for its virtual connection ends. Nothing is reported any more. */
  close(): void {
    if (this.#giveUp()) this.#connected?.close(LINGER);
  }

  /** Ends the channel for it has a successor: all that was written goes out first. Nothing is reported any more. */
  retire(): void {
    const leg = this.#connected;
    if (!this.#giveUp() || leg === undefined) return;
    if (this.kind === 'OUT') {
      leg.close(RETIRED_LINGER, true);
      return;
    }
    // The inbound proxy closes when it has IN_R1/A5 or IN_R2/A5 ([MS-RPCH] 3.2.3.5.8): reverse proxies may drop the end of a
    // body whose sender has gone.
    leg.flush();
    this.#farewell = setTimeout(() => leg.close(RETIRED_LINGER, true), FAREWELL);
  }

  /** To be told at every tick: what was sent or heard since the last one is taken to have been now. */
  tick(now: number): void {
    const { written, heard } = this.#atTick;
    this.#activity ??= { spoke: now, heard: now };
    if (written !== this.#written) this.#activity.spoke = now;
    if (heard !== this.#heard) this.#activity.heard = now;
    this.#atTick = { written: this.#written, heard: this.#heard };
  }

  /** For how long nothing was sent and nothing was heard, ms, as exactly as the ticks are. */
  silence(now: number): { readonly sent: number; readonly heard: number } {
    const { written, heard } = this.#atTick;
    const { spoke, heard: heardAt } = this.#activity ?? { spoke: now, heard: now };
    return {
      sent: written === this.#written ? now - spoke : 0,
      heard: heard === this.#heard ? now - heardAt : 0,
    };
  }

  #giveUp(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#dial?.cancel();
    this.#opening?.cancel();
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#unflushed = 0;
    return true;
  }

  #dialled(outcome: Socket | RpchError, connected?: () => void): void {
    this.#dial = undefined;
    if (outcome instanceof RpchError) {
      this.#over = true;
      this.#events.unreachable(outcome);
      return;
    }
    const leg = new Leg(outcome, {
      data: (chunk) => this.#read(chunk),
      blocked: (blocked) => {
        this.#blocked = blocked;
        if (!blocked && !this.#over) this.#events.drained();
      },
      closed: (error) => {
        clearTimeout(this.#farewell);
        this.#ended(error);
      },
    });
    this.#socket = outcome;
    this.#connected = leg;
    this.#begin();
    this.flush();
    connected?.();
    leg.start();
    if (this.#paused) leg.pause(true);
  }

  #begin(): void {
    const [leg, socket, contentLength] = [this.#connected, this.#socket, this.#contentLength];
    if (this.#over || leg === undefined || socket === undefined || contentLength === undefined) return;
    const { kind, proxy } = this;
    const request = this.#request;
    if (!needsLogin(request)) {
      const { authorization } = request;
      this.#open(leg, channelRequestHead({ kind, contentLength, authorization }, proxy, request));
      return;
    }
    this.#opening = new ChannelOpening(
      socket,
      { kind, contentLength, proxy, request },
      {
        send: (head) => {
          this.#written += head.length;
          leg.write(head);
          leg.flush();
        },
        challenged: (answer) => this.#events.challenged(answer),
        opened: (head, scheme) => {
          this.#opening = undefined;
          this.#scheme = scheme;
          this.#open(leg, head);
          this.flush();
        },
        again: (scheme) => this.#redial(scheme),
        failed: (error) => this.#events.failed(error),
      },
    );
  }

  /** The proxy closes with its 401. Which scheme it wants is known now, so that it need not be asked again: this happens once. */
  #redial(scheme: 'basic' | 'ntlm'): void {
    this.#connected?.close(LINGER);
    this.#opening = undefined;
    this.#connected = undefined;
    this.#socket = undefined;
    const { credentials } = this.#request;
    if (credentials !== undefined) this.#request = { ...this.#request, credentials: { ...credentials, scheme } };
    const dialling = { ...this.#dialling, onHop: undefined };
    this.#dial = new ProxyDial(this.proxy, dialling, (outcome) => this.#dialled(outcome));
  }

  #open(leg: Leg, head: Uint8Array): void {
    this.#leg = leg;
    this.write(head);
    for (const bytes of this.#waiting) leg.write(bytes);
    this.#unflushed += this.#waitingBytes;
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  #read(chunk: Uint8Array): void {
    if (this.#over) return;
    this.#heard += chunk.length;
    try {
      if (this.#head === undefined) this.#events.body(chunk);
      else this.#readHead(this.#head, chunk);
    } catch (error) {
      this.#events.failed(error);
    }
  }

  #readHead(reader: ResponseHeadReader, chunk: Uint8Array): void {
    if (this.#opening !== undefined) {
      this.#opening.received(chunk);
      return;
    }
    const response = reader.read(chunk);
    if (response === undefined) return;
    this.#head = undefined;
    this.#events.response(response.head);
    if (response.body.length > 0 && !this.#over) this.#events.body(response.body);
  }

  #ended(cause: (Error & { readonly code?: string }) | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#opening?.cancel();
    if (this.#opening === undefined) this.#events.lost({ how: wayOf(cause), cause });
    else this.#events.failed(endedInLogin(this, cause));
  }
}

function endedInLogin({ kind, proxy }: ClientChannel, cause: Error | undefined): RpchError {
  const how = cause === undefined ? 'was closed by the other side' : `failed: ${cause.message}`;
  const what = `the connection of the ${kind} channel to ${proxy.host}:${proxy.port} ${how} in the middle of the login`;
  return new RpchError('RPCH_LOGIN_CLOSED', 'network', what, { cause });
}

function wayOf(cause: (Error & { readonly code?: string }) | undefined): ChannelEnd['how'] {
  if (cause === undefined) return 'closed';
  if (cause.code === 'ECONNRESET' || cause.code === 'EPIPE') return 'reset';
  return cause.code === 'ETIMEDOUT' || cause.code === 'EHOSTUNREACH' ? 'vanished' : 'failed';
}
