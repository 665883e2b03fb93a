import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { decodeCommand } from '../../src/commands/decode.ts';
import { connection, pcap } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'rpch-decode-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** `xxd -p` of CONN/A3. */
const A3 = '05001403100000001c000000000000000000010002000000c0d40100\n';

async function rpchDecode(args: readonly string[], input = '', reads = Number.POSITIVE_INFINITY) {
  let [out, err, code, writes] = ['', '', 0, 0];
  const command = decodeCommand({
    stdin: (async function* () {
      yield Buffer.from(input, 'latin1');
    })(),
    out: async (text) => {
      out += text;
      return ++writes < reads;
    },
    err: (text) => {
      err += text;
    },
    exitWith: (given) => {
      code = given;
    },
  });
  await command.parseAsync([...args], { from: 'user' });
  return { out, err, code };
}

test('tells PDUs and a summary, and exits with 0', async () => {
  const { out, err, code } = await rpchDecode(['-'], A3);
  assert.match(out, /^@00000000 {2}#1 {2}proxy → client {3}CONN\/A3 +28 bytes, connection timeout 120 s$/m);
  assert.match(out, /^Summary\n {2}streams: 1 channel without HTTP\n {2}PDUs: 1\n {2}nothing noteworthy$/m);
  assert.deepEqual([err, code], ['', 0]);
});

test('-v adds fields and a dump', async () => {
  const { out } = await rpchDecode(['-v', '-'], A3);
  assert.match(out, /^ {4}commands ConnectionTimeout$/m);
  assert.match(out, /^ {4}00000010 {2}00 00 01 00 02 00 00 00 {2}c0 d4 01 00/m);
});

test('--json is one object a line, the summary last', async () => {
  const file = join(folder, 'one.pcap');
  writeFileSync(file, pcap(connection([{ fromClient: false, data: Buffer.from(A3, 'hex') }], { serverPort: 593 })));
  const { out } = await rpchDecode(['--json', file]);
  const lines: Record<string, unknown>[] = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.map(({ kind }) => kind),
    ['stream', 'pdu', 'end', 'summary'],
  );
  assert.equal(lines[1]?.name, 'CONN/A3');
  assert.equal(lines[1]?.time, '2024-01-01T00:00:00.002000Z');
  assert.equal(lines[3]?.pdus, 1);
});

test('what cannot be read is one sentence, and exits with 1', async () => {
  const text = join(folder, 'notes.txt');
  writeFileSync(text, 'nothing that was ever on a wire\n');
  const cases: readonly (readonly [args: string[], input: string, sentence: RegExp])[] = [
    [[join(folder, 'none')], '', /there is no such file/],
    [[folder], '', /it is a directory/],
    [['-'], '', /it is empty/],
    [[text], '', /it is neither a capture \(pcap, pcapng, hex\) nor a stream of PDUs/],
    [['-'], '\x1f\x8b\x08', /it is compressed/],
    [['--format', 'pcap', text], '', /this is no pcap file/],
    [['--format', 'hex', text], '', /line 1 is not hex/],
  ];
  for (const [args, input, sentence] of cases) {
    const { out, err, code } = await rpchDecode(args, input);
    assert.match(err, sentence);
    assert.match(err, /^rpch decode: .*\n$/);
    assert.deepEqual([out, code], ['', 1], err);
  }
});

test('a damaged capture is told as far as it goes, and exits with 1', async () => {
  const file = join(folder, 'damaged.pcap');
  const frames = connection([{ fromClient: false, data: Buffer.from(A3, 'hex') }], { serverPort: 593 });
  writeFileSync(file, Buffer.concat([pcap(frames), Buffer.alloc(16, 0xff)]));
  const { out, err, code } = await rpchDecode([file]);
  assert.match(out, /CONN\/A3[\s\S]*Summary/);
  assert.match(err, /the capture is damaged behind packet 5/);
  assert.equal(code, 1);
});

test('an unknown format is wrong usage', async () => {
  const { err, code } = await rpchDecode(['--format', 'snoop', '-'], A3);
  assert.match(err, /expected a format of pcap, pcapng, hex, raw, found "snoop"/);
  assert.equal(code, 2);
});
