import { type ClientOf, type ContextHandle, nspiDeclaration, rfrDeclaration } from '@rpch/rpc/internal';
import { ErrorCode, PidTag } from '@rpch/store/client';
import type { LogExpectation } from './mail-log.ts';
import { STAT } from './mail-requests.ts';
import type { MailScene } from './mail-scene.ts';
import type { MailTally } from './mail-tally.ts';

/** The lengths that the DN of a server may have ([MS-OXABREF] 3.1.4.2), its terminator among them. */
const MIN_SERVER_DN = 10;
const MAX_SERVER_DN = 1024;

/** The address book is everybody's to read and nobody's to change. */
export async function writeAddressBook(
  scene: MailScene,
  tally: MailTally,
  log: LogExpectation,
  names: readonly string[],
): Promise<void> {
  const client = scene.client('mallory');
  const nspi = await client.bind(nspiDeclaration);
  const rfr = await client.bind(rfrDeclaration);
  const { contextHandle: hRpc } = await nspi.bind({ dwFlags: 0, pStat: STAT, pServerGuid: null });
  const pNames = { Strings: ['alice', 'bob', 'mallory', 'tea'].map(scene.dnOf) };
  const { ppOutMIds: found } = await nspi.dnToMId({ hRpc, Reserved: 0, pNames });
  const link = { ulPropTag: 0x8009_000d };
  let denied = 0;
  const seen = await everybody(nspi, hRpc);
  for (const mid of new Set([...Array(32).keys(), ...(found?.aulPropTag ?? [])])) {
    const pStat = { ...STAT, CurrentRec: mid };
    for (const tag of [PidTag.DisplayName, PidTag.EmailAddress, 0x3a08001f, 0x8005001f]) {
      const value = { ulPropTag: tag, ulReserved: 0, Value: { case: 31 as const, value: 'mallory was here' } };
      const pRow = { Reserved: 0, lpProps: [value] };
      const pPropTags = { aulPropTag: [tag] };
      await tally.mustFail('NspiModProps', async () => {
        return (await nspi.modProps({ hRpc, Reserved: 0, pStat, pPropTags, pRow })).result;
      });
    }
    for (const dwFlags of [0, 1]) {
      const lpEntryIds = { lpbin: [{ lpb: Uint8Array.of(1, 2, 3, 4) }] };
      const attempt = async () => (await nspi.modLinkAtt({ hRpc, dwFlags, ...link, dwMId: mid, lpEntryIds })).result;
      // Of what has no members nothing is changed, and that is no error ([MS-OXNSPI] 3.1.4.1.15).
      if ((await tally.result(attempt)) === ErrorCode.AccessDenied) denied++;
    }
  }
  if (denied === 0) tally.found('NspiModLinkAtt of a group was not denied');
  log.expect('nspi.refused', denied);
  const after = await everybody(nspi, hRpc);
  if (after !== seen) tally.found('the address book has changed');
  for (const name of names) {
    const { ppszServer } = await rfr.getNewDSA({ ulFlags: 0, pUserDN: name, ppszUnused: null, ppszServer: null });
    scene.look('RfrGetNewDSA', Buffer.from(String(ppszServer)));
    if (name.length < MIN_SERVER_DN || name.length >= MAX_SERVER_DN) continue;
    await tally.mustFail(`RfrGetFQDNFromServerDN of ${name}`, async () => {
      return (await rfr.getFQDNFromServerDN({ ulFlags: 0, szMailboxServerDN: name })).result;
    });
  }
  scene.close(client);
}

/** All rows of the address book as they are now. */
async function everybody(nspi: ClientOf<typeof nspiDeclaration>, hRpc: ContextHandle): Promise<string> {
  const pPropTags = { aulPropTag: [PidTag.DisplayName, PidTag.EmailAddress, 0x8009_000d] };
  const { ppRows } = await nspi.queryRows({ hRpc, dwFlags: 0, pStat: STAT, lpETable: null, Count: 100, pPropTags });
  if (ppRows === null || ppRows.aRow.length === 0) throw new Error('the address book is empty');
  return JSON.stringify(ppRows, (_, value) => (typeof value === 'bigint' ? String(value) : value));
}
