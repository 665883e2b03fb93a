import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { freePort } from './ports.ts';

/** A capture of the loopback interface that is under way. */
export interface Capture {
  readonly file: string;
  /** Ends the capture when everything sent before this call is in the file. Throws when packets were lost. */
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 20_000;
/** The kernel's buffer for packets that dumpcap has not fetched yet. */
const BUFFER_MIB = '256';

/**
 * Captures the TCP traffic of `ports` on the loopback interface to a pcap file (root). Resolves when packets are being
 * taken. A datagram sent last marks the end: when it has come out of the capture, so has all that went before it.
 */
export async function startCapture(file: string, ports: readonly number[]): Promise<Capture> {
  const markerPort = await freePort();
  const filter = [`udp port ${markerPort}`, ...ports.map((port) => `tcp port ${port}`)].join(' or ');
  const child = spawn('dumpcap', ['-P', '-q', '-i', 'lo', '-B', BUFFER_MIB, '-w', '-', '-f', filter], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const marker = randomBytes(32);
  const out = createWriteStream(file);
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString('utf8');
  });
  let started = () => {};
  let marked = () => {};
  let tail = Buffer.alloc(0);
  child.stdout.on('data', (chunk: Buffer) => {
    started();
    out.write(chunk);
    const window = Buffer.concat([tail, chunk]);
    if (window.includes(marker)) marked();
    tail = window.subarray(-marker.length);
  });
  const failure = () => `dumpcap: ${said}`;
  // The file's header comes first, as soon as the interface is open.
  await within(START_TIMEOUT_MS, child, failure, (done) => {
    started = done;
  });
  return {
    file,
    stop: async () => {
      await within(STOP_TIMEOUT_MS, child, failure, (done) => {
        marked = done;
        sendMarker(marker, markerPort);
      });
      const ended = once(child, 'close');
      child.kill('SIGINT');
      await ended;
      out.end();
      await once(out, 'finish');
      const lost = /received\/dropped on interface '[^']*': \d+\/(\d+)/.exec(said)?.[1];
      if (lost !== '0')
        throw new Error(`the capture is not whole, ${lost ?? 'an unknown number of'} packets were lost`);
    },
  };
}

function sendMarker(marker: Uint8Array, port: number): void {
  const socket = createSocket('udp4');
  socket.send(marker, port, '127.0.0.1', () => socket.close());
}

/** Waits for `done`; the child's end and the time-out are failures, after which it is gone. */
function within(
  timeoutMs: number,
  child: ChildProcess,
  message: () => string,
  begin: (done: () => void) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = () => {
      clearTimeout(timer);
      child.off('exit', fail);
      child.off('error', fail);
      child.kill('SIGKILL');
      reject(new Error(message()));
    };
    const timer = setTimeout(fail, timeoutMs);
    child.once('exit', fail);
    child.once('error', fail);
    begin(() => {
      clearTimeout(timer);
      child.off('exit', fail);
      child.off('error', fail);
      resolve();
    });
  });
}
