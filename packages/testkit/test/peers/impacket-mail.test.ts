import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { MailServerProcess } from '../../src/mail-server-process.ts';
import { runOrThrow } from '../../src/peers/commands.ts';
import { SYSTEM_PYTHON } from '../../src/peers/impacket.ts';
import { makeMailbox, userDn } from '../../src/peers/mail-account.ts';
import { requirePeer } from '../../src/peers/requirePeer.ts';
import { peerScript } from '../../src/peers/scripts.ts';

const ACCOUNT = { domain: 'PEER', name: 'alice', password: 'Al1ce.Passw0rd' } as const;
/** Folders that RopLogon names, and a null context handle. */
const FOLDERS = 13;
const NULL_HANDLE = '00'.repeat(20);

const folder = mkdtempSync(join(tmpdir(), 'rpch-impacket-mail-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a script against `rpch serve` with calls sealed, and returns the object that it prints. */
async function run(script: string): Promise<Readonly<Record<string, unknown>>> {
  const server = await MailServerProcess.start({ dataDir: folder, users: [ACCOUNT], domain: ACCOUNT.domain });
  try {
    const { domain, name, password } = ACCOUNT;
    const login = ['--user', `${domain}/${name}:${password}`, '--user-dn', userDn(ACCOUNT)];
    const args = [peerScript(script), server.host, String(server.port), ...login];
    return JSON.parse(await runOrThrow(SYSTEM_PYTHON, args, { timeoutMs: 60_000 }));
  } finally {
    assert.equal(await server.stop(), 0);
  }
}

test("impacket's NDR: EcDummyRpc, EcDoConnectEx, EcDoRpcExt2 with a logon and a table, EcDoDisconnect", async (t) => {
  if (!(await requirePeer(t, 'impacket'))) return;
  await makeMailbox(folder, ACCOUNT);
  const { auxOut, auxOutSize, inbox, subjects, ...found } = await run('impacket-emsmdb.py');
  assert.deepEqual(found, {
    ...{ displayName: ACCOUNT.name, dnPrefix: '', pollsMax: 60_000, bestVersion: [12, 0x183e, 1000] },
    ...{ folders: FOLDERS, handle: NULL_HANDLE, again: 'nca_s_fault_context_mismatch ' },
  });
  // RPC_HEADER_EXT, then blocks: as many bytes as are said.
  assert.ok(typeof auxOut === 'string' && auxOut.length === 2 * Number(auxOutSize) && auxOut.length > 16);
  assert.ok(Number(inbox) > 50);
  assert.ok(Array.isArray(subjects) && subjects.length === 5 && subjects.every((text) => text !== ''));
});

test("impacket's declarations of NSPI, of operations that exchanger.py does not call", async (t) => {
  if (!(await requirePeer(t, 'impacket'))) return;
  const { NspiGetPropList, NspiQueryColumns, NspiGetTemplateInfo, ...found } = await run('impacket-nspi.py');
  const resolved = [[2, 0], [ACCOUNT.name]];
  assert.deepEqual(found, {
    // Success, and a position behind the only row of one.
    NspiUpdateStat: [0, 1, 1],
    NspiCompareMIds: [0, 0],
    NspiResolveNames: resolved,
    NspiResolveNamesW: resolved,
    NspiGetNamesFromIDs: [0, 1],
    NspiModLinkAtt: 'done',
    NspiUnbind: 1,
  });
  const [displayName, narrow] = [0x3001001f, 0x3001001e];
  assert.ok(Array.isArray(NspiGetPropList) && NspiGetPropList.includes(narrow));
  assert.ok(Array.isArray(NspiQueryColumns) && NspiQueryColumns.includes(displayName));
  // PidTagTemplateData ([MS-OXNSPI] 2.2.1.15).
  assert.deepEqual(Object.keys(NspiGetTemplateInfo ?? {}), [String(0x00010102)]);
});
