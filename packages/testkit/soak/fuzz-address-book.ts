import { ContextHandles, type RpcCall, RpcFaultError } from '@rpch/rpc/internal';
import { nspiServer, rfrServer } from '@rpch/store';
import { type DirectoryEntry, DirectorySnapshot, organizationOf, recipientDn } from '@rpch/store/internal';
import { must, type Target } from './fuzz-target.ts';
import { STAT } from './mail-requests.ts';
import { declarationOf, STUB_SAMPLES, stubOf } from './mail-stubs.ts';

const ORGANIZATION = organizationOf({ domain: 'example.org', serverName: 'mail.example.org' });
const GUIDS = '00000000-0000-4000-8000-00000000000';
const SERVER_GUID = '0a1b2c3d-4e5f-4789-9abc-def012345678';
const NOBODY = { attributes: 0, uuid: '01020304-0506-0708-090a-0b0c0d0e0f10' };
/** Bytes of a context handle: it is where all stubs but that of NspiBind begin. */
const HANDLE = 20;

const ENTRIES: readonly DirectoryEntry[] = ['alice', 'bob', 'zoe', 'tea'].map((alias, i) => ({
  guid: `${GUIDS}${i}`,
  kind: alias === 'tea' ? 'group' : 'user',
  ...(alias === 'tea' ? { members: [`${GUIDS}0`, `${GUIDS}1`] } : { account: alias }),
  legacyDn: recipientDn(ORGANIZATION, alias),
  displayName: `${alias} Ångström`,
  alias,
  address: `${alias}@example.org`,
  proxyAddresses: [`SMTP:${alias}@example.org`],
  hidden: alias === 'zoe',
}));
const snapshot = new DirectorySnapshot(ORGANIZATION, 1, ENTRIES);
const directory = () => snapshot;
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const SERVERS = {
  nspi: nspiServer({ directory, serverGuid: SERVER_GUID, log }),
  rfri: rfrServer({ directory, log }),
};

function rpcCall(): RpcCall {
  return {
    identity: { user: 'mallory', domain: '', workstation: '' },
    ...{ authType: 10, authLevel: 6, object: undefined, associationGroup: 1 },
    peer: { transport: 'tcp', address: '127.0.0.1', label: '127.0.0.1:1', clientAddressHint: undefined },
    signal: new AbortController().signal,
    contextHandles: new ContextHandles(),
  };
}

/** The first byte chooses the operation. Of the address book and the referral it is carried out, by somebody who has bound. */
async function stubs(bytes: Uint8Array): Promise<void> {
  const sample = STUB_SAMPLES[(bytes[0] ?? 0) % STUB_SAMPLES.length];
  must(sample !== undefined, 'there are samples');
  const procedure = declarationOf(sample.of).procedures[sample.method];
  must(procedure !== undefined, 'samples are of operations');
  const stub = bytes.slice(1);
  if (sample.of !== 'nspi' && sample.of !== 'rfri') {
    procedure.decodeRequest(stub, true);
    return;
  }
  const call = rpcCall();
  if (sample.of === 'nspi' && sample.method !== 'bind') {
    const { bind } = declarationOf('nspi').procedures;
    must(bind !== undefined, 'NspiBind is declared');
    const input = { dwFlags: 0, pStat: STAT, pServerGuid: null };
    const bound = await SERVERS.nspi.handle(bind.opnum, bind.encodeRequest(input, true), true, call);
    // Behind the GUID that was not asked for stands the handle.
    if (stub.length >= HANDLE) stub.set(bound.subarray(4, 4 + HANDLE));
  }
  const answer = await SERVERS[sample.of].handle(procedure.opnum, stub, true, call);
  must(answer.length >= 4, 'there is a return value');
}

const SEEDS = STUB_SAMPLES.map((sample, i) => {
  const stub = stubOf(sample, { emsmdb: NOBODY, asyncemsmdb: NOBODY, nspi: NOBODY });
  return Buffer.concat([Uint8Array.of(i), stub]);
});

/** Stubs of the four interfaces of mail, and the address book behind two of them. */
export const ADDRESS_BOOK_TARGETS: readonly Target[] = [
  { name: 'mail stubs', seeds: SEEDS, mayThrow: (error) => error instanceof RpcFaultError, run: stubs },
];
