import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, describe, type TestContext, test } from 'node:test';
import {
  AuthLevel,
  type InitiatorMechanism,
  type MessageProtection,
  NtlmAcceptor,
  type NtlmAcceptorOptions,
  type NtlmInitiatorOptions,
  ntlmMechanism,
  ntlmSecurity,
  ntowfv1,
  type SecurityInitiator,
  spnegoAcceptance,
  spnegoSecurity,
} from '@rpch/rpc/internal';
import { GensecPeer } from '../../../src/peers/gensec.ts';
import { requirePeer } from '../../../src/peers/requirePeer.ts';
import { PeerSession } from '../../../src/peers/session.ts';

const session = new PeerSession();
const LEVELS = { connect: AuthLevel.connect, sign: AuthLevel.integrity, seal: AuthLevel.privacy } as const;
type Level = keyof typeof LEVELS;
const levels = Object.keys(LEVELS) as Level[];
/** Kerberos' object identifier, 1.2.840.113554.1.2.2, as it stands in a list. */
const KERBEROS = Buffer.from('06092a864886f712010202', 'hex');
const PASSWORD = 'Al1ce.Passw0rd';

const now = () => performance.timeOrigin + performance.now();

const acceptorOptions: NtlmAcceptorOptions = {
  target: { netbiosDomain: 'PEER', netbiosComputer: 'SERVER', dnsDomain: 'peer.test', dnsComputer: 'server.peer.test' },
  now,
  random: randomBytes,
  lookup: async (user) => (/^alice(@peer\.test)?$/i.test(user) ? ntowfv1(PASSWORD) : undefined),
};

async function gensec(t: TestContext, args: readonly string[], runner: readonly string[] = []): Promise<GensecPeer> {
  const peer = new GensecPeer(args, runner);
  t.after(() => peer.close());
  return peer;
}

/** Messages of three sizes both ways: signed whole as PDUs are, then wrapped, which is sealed where that was agreed on. */
async function converse(ours: MessageProtection, samba: GensecPeer, level: Level): Promise<void> {
  for (const size of [1, 100, 5840]) {
    const message = randomBytes(size);
    const signature = new Uint8Array(ours.signatureLength);
    ours.sign(message, signature);
    await samba.expect('check', message, signature);
    ours.verify(message, (await samba.expect('sign', message)).data);

    const sealed = Buffer.from(message);
    if (level === 'seal') ours.seal(sealed, sealed, signature);
    else ours.sign(sealed, signature);
    assert.deepEqual((await samba.expect('unwrap', Buffer.concat([signature, sealed]))).data, message);
    const wrapped = (await samba.expect('wrap', message)).data;
    const [mac, secret] = [wrapped.subarray(0, 16), wrapped.subarray(16)];
    if (level === 'seal') ours.unseal(secret, secret, mac);
    else ours.verify(secret, mac);
    assert.deepEqual(secret, message);
  }
  // A byte that was changed is refused by Samba too; it is the last message, as the context is spoilt by it.
  const message = randomBytes(50);
  const signature = new Uint8Array(16);
  ours.sign(message, signature);
  assert.equal((await samba.ask('check', message.fill(0, 0, 8), signature)).word, 'error');
}

/** Samba's client against `mechanism` of ours; returns the number of its tokens. */
async function acceptSamba(samba: GensecPeer, mechanism: 'ntlmssp' | 'spnego', level: Level): Promise<number> {
  const acceptor = mechanism === 'spnego' ? spnegoAcceptance(acceptorOptions)() : new NtlmAcceptor(acceptorOptions);
  let said = await samba.expect('update', Buffer.alloc(0));
  for (let tokens = 1; ; tokens++) {
    const result = await acceptor.step(said.data);
    assert.notEqual(result.kind, 'refused', JSON.stringify(result));
    if (result.kind !== 'refused' && result.token !== undefined) said = await samba.expect('update', result.token);
    if (result.kind !== 'accepted') continue;
    assert.equal(said.word, 'done');
    assert.equal(result.user.toLowerCase(), 'alice');
    await converse(result.protection(), samba, level);
    return tokens;
  }
}

describe('Samba’s client against our acceptors', { concurrency: 2 }, () => {
  for (const mechanism of ['ntlmssp', 'spnego'] as const) {
    for (const level of levels) {
      test(`${mechanism}, ${level}`, async (t) => {
        if (!(await requirePeer(t, 'samba'))) return;
        const account = ['--user', 'alice', '--domain', 'PEER', '--password', PASSWORD];
        const samba = await gensec(t, ['client', mechanism, '--level', level, ...account]);
        assert.equal(await acceptSamba(samba, mechanism, level), 2);
      });
    }
  }

  test('spnego without SPNEGO: NTLM alone', async (t) => {
    if (!(await requirePeer(t, 'samba'))) return;
    const account = ['--user', 'alice', '--domain', 'PEER', '--password', PASSWORD];
    const samba = await gensec(t, ['client', 'ntlmssp', '--level', 'seal', ...account]);
    assert.equal(await acceptSamba(samba, 'spnego', 'seal'), 2);
  });

  for (const mechanism of ['ntlmssp', 'spnego'] as const) {
    test(`nobody, ${mechanism}: let in where that is said, and without a key that protects anything`, async (t) => {
      if (!(await requirePeer(t, 'samba'))) return;
      for (const anonymous of [true, false]) {
        // It wants to sign, but gives up extended session security, without which nothing is signed here.
        const samba = await gensec(t, ['client', mechanism, '--level', 'sign']);
        const acceptor = spnegoAcceptance({ ...acceptorOptions, anonymous })();
        const first = await acceptor.step((await samba.expect('update', Buffer.alloc(0))).data);
        assert.ok(first.kind === 'challenge');
        const second = await acceptor.step((await samba.expect('update', first.token)).data);
        assert.equal(second.kind, anonymous ? 'anonymous' : 'refused', JSON.stringify(second));
        if (second.kind !== 'anonymous') continue;
        assert.throws(() => second.protection(), { code: 'RPCH_NTLM_NO_PROTECTION' });
        if (second.token !== undefined) assert.equal((await samba.expect('update', second.token)).word, 'done');
      }
    });
  }

  test('a wrong password is refused', async (t) => {
    if (!(await requirePeer(t, 'samba'))) return;
    const account = ['--user', 'alice', '--domain', 'PEER', '--password', 'wrong'];
    const samba = await gensec(t, ['client', 'spnego', ...account]);
    const acceptor = spnegoAcceptance(acceptorOptions)();
    const first = await acceptor.step((await samba.expect('update', Buffer.alloc(0))).data);
    assert.ok(first.kind === 'challenge');
    const second = await acceptor.step((await samba.expect('update', first.token)).data);
    assert.ok(second.kind === 'refused' && /wrong password/.test(second.why));
  });
});

/** An initiator of ours against Samba's server; returns the number of our tokens, or what Samba refused with. */
async function initiateToSamba(initiator: SecurityInitiator, samba: GensecPeer): Promise<number | string> {
  let token = await initiator.step(undefined);
  for (let tokens = 0; ; tokens++) {
    if (token === undefined) return tokens;
    const said = await samba.ask('update', token);
    if (said.word === 'error') return said.data.toString();
    if (said.data.length === 0) {
      assert.equal(said.word, 'done');
      return tokens + 1;
    }
    token = await initiator.step(said.data);
  }
}

describe('our initiators against Samba’s server', { concurrency: 2 }, () => {
  after(() => session.close());

  async function server(t: TestContext, mechanism: 'ntlmssp' | 'spnego', level: Level) {
    const samba = await session.samba();
    const peer = await gensec(t, ['server', mechanism, '--level', level, '--conf', `${samba.dir}/etc/smb.conf`]);
    const options = (password: string): NtlmInitiatorOptions => ({
      credentials: { user: samba.user.name, domain: samba.domain, password },
      level: LEVELS[level],
      now,
      random: randomBytes,
      workstation: 'CLIENT',
      targetName: `host/${samba.host}`,
    });
    return { peer, options: options(samba.user.password), wrong: options('wrong') };
  }

  for (const level of levels) {
    test(`ntlmssp, ${level}`, async (t) => {
      if (!(await requirePeer(t, 'samba'))) return;
      const { peer, options } = await server(t, 'ntlmssp', level);
      const initiator = ntlmSecurity(options)();
      assert.equal(await initiateToSamba(initiator, peer), 2);
      if (level !== 'connect') await converse(initiator.protection, peer, level);
    });

    test(`spnego, ${level}`, async (t) => {
      if (!(await requirePeer(t, 'samba'))) return;
      const { peer, options } = await server(t, 'spnego', level);
      const initiator = spnegoSecurity([ntlmMechanism(options)])();
      assert.equal(await initiateToSamba(initiator, peer), 2);
      assert.equal(initiator.complete, true);
      if (level !== 'connect') await converse(initiator.protection, peer, level);
    });

    test(`spnego, ${level}, Samba takes our second choice and asks for MICs`, async (t) => {
      if (!(await requirePeer(t, 'samba'))) return;
      const { peer, options } = await server(t, 'spnego', level);
      const second = ntlmMechanism(options);
      // Nobody's mechanism: Samba cannot know it.
      const first: InitiatorMechanism = { ...second, oid: '1.3.6.1.4.1.32473.1' };
      const initiator = spnegoSecurity([first, second])();
      assert.equal(await initiateToSamba(initiator, peer), 3);
      if (level !== 'connect') await converse(initiator.protection, peer, level);
    });
  }

  test('a wrong password is refused by Samba', async (t) => {
    if (!(await requirePeer(t, 'samba'))) return;
    const { peer, wrong } = await server(t, 'spnego', 'seal');
    assert.match(`${await initiateToSamba(spnegoSecurity([ntlmMechanism(wrong)])(), peer)}`, /NTSTATUS/);
  });

  test('Samba’s client prefers Kerberos, and our acceptor takes NTLM and asks for MICs', async (t) => {
    if (!(await requirePeer(t, 'samba'))) return;
    const samba = await session.samba();
    const account = ['--user', samba.user.name, '--domain', samba.domain, '--password', samba.user.password];
    const args = ['client', 'spnego', '--kerberos', '--conf', samba.clientConf, '--host', samba.host, ...account];
    const peer = await gensec(t, args, [samba.peerRun]);
    const first = await peer.expect('update', Buffer.alloc(0));
    assert.ok(first.data.includes(KERBEROS), 'Kerberos is on the list');
    const acceptor = spnegoAcceptance(acceptorOptions)();
    let said = first;
    for (let tokens = 1; ; tokens++) {
      const result = await acceptor.step(said.data);
      assert.notEqual(result.kind, 'refused', JSON.stringify(result));
      if (result.kind !== 'refused' && result.token !== undefined) said = await peer.expect('update', result.token);
      if (result.kind !== 'accepted') continue;
      assert.deepEqual([tokens, said.word], [3, 'done']);
      await converse(result.protection(), peer, 'seal');
      return;
    }
  });
});
