import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runOrThrow } from '../../src/peers/commands.ts';
import { type Conversation, writePcap } from '../../src/peers/pcap.ts';
import { requirePeer } from '../../src/peers/requirePeer.ts';
import { readFields } from '../../src/peers/tshark.ts';

const captures = fileURLToPath(new URL('../../peers/captures/', import.meta.url));
const rpch = fileURLToPath(new URL('../../../cli/bin/rpch.js', import.meta.url));
/** A port that tshark knows for RPC over HTTP ([MS-RPCH] 1.9). */
const PORT = 593;
const FIRST_CLIENT_PORT = 10_000;
const RTS = 20;

/** What `rpch decode --json` says of one PDU. */
interface ToldPdu {
  readonly kind: string;
  readonly from: string;
  readonly to: string;
  readonly name: string;
  readonly ptype?: number;
  readonly callId?: number;
  readonly opnum?: number;
  readonly statusNumber?: number;
}

describe('rpch decode', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rpch-decode-'));
  const file = join(folder, 'channels.pcap');
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('says of the PDUs of real clients what tshark says: types, calls, operations, faults, names of RTS PDUs', async (t) => {
    if (!(await requirePeer(t, 'tshark'))) return;
    writePcap(file, readdirSync(captures).flatMap(channelsOf));
    const fields = [
      'tcp.srcport',
      'tcp.dstport',
      'dcerpc.pkt_type',
      'dcerpc.cn_call_id',
      'dcerpc.opnum',
      'dcerpc.cn_status',
    ];
    const theirs = (await readFields(file, 'dcerpc', fields)).map(
      ([source = '', destination = '', type = '', call = '', opnum = '', status = '']) =>
        // tshark repeats the request's opnum at its response.
        [source, destination, type, call, type === '0' ? opnum : '', status],
    );
    const printed = await runOrThrow(process.execPath, [rpch, 'decode', '--json', file], { timeoutMs: 60_000 });
    const told: ToldPdu[] = printed
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const pdus = told.filter(({ kind }) => kind === 'pdu');
    assert.ok(pdus.length > 100, `${pdus.length} PDUs`);
    assert.deepEqual(pdus.map(row), theirs);
    const rts = pdus.filter(({ ptype = RTS }) => ptype === RTS);
    const infos = await readFields(file, `dcerpc.pkt_type == ${RTS}`, ['_ws.col.Info']);
    assert.equal(rts.length, infos.length);
    for (const [index, [info = '']] of infos.entries()) {
      // tshark does not look at where a PDU stands, and names all that it could be.
      const names = (rts[index]?.name ?? '').split('|');
      assert.ok(
        names.every((name) => info.includes(name)),
        `${info}: ${names.join()}`,
      );
    }
  });
});

function row({ from, to, ptype = RTS, callId = 0, opnum, statusNumber }: ToldPdu): string[] {
  const port = (end: string): string => end.slice(end.lastIndexOf(':') + 1);
  const status = statusNumber === undefined ? '' : `0x${statusNumber.toString(16).padStart(8, '0')}`;
  return [port(from), port(to), String(ptype), String(callId), String(opnum ?? ''), status];
}

/** A session's channels, without HTTP, as two plain connections. */
function channelsOf(name: string, index: number): Conversation[] {
  const session = readFileSync(join(captures, name, 'session.txt'), 'utf8');
  const pdus = [...session.matchAll(/^(in|out) (from|to)-client pdu .*\n\s*([0-9a-f]+)$/gm)];
  return ['in', 'out'].map((channel, i) => {
    const sent = (way: string) =>
      pdus.filter((pdu) => pdu[1] === channel && pdu[2] === way).map((pdu) => Buffer.from(pdu[3] ?? '', 'hex'));
    const clientPort = FIRST_CLIENT_PORT + 2 * index + i;
    return { clientPort, serverPort: PORT, fromClient: sent('from'), fromServer: sent('to') };
  });
}
