import assert from 'node:assert/strict';
import { BOB } from '../../src/live-proxy.ts';
import { basic, ScriptedClient, type ScriptedClientOptions } from '../../src/scripted-client.ts';
import { describeLine, GOES_ON, NOBODY, type Outcome, type Row, Stage, seen, seenRefusal, TIMEOUT } from './row.ts';

/** Rows about channels that find no partner, or claim one that is not theirs. */
export const PAIRING_ROWS: readonly Row[] = [
  {
    name: 'only OUT comes',
    timeout: TIMEOUT.pair,
    expected: { in: '-', out: 'FIN', server: 'FIN', log: 'session.ended setup-timeout' },
    run: () => half('out'),
  },
  {
    name: 'only IN comes',
    timeout: TIMEOUT.pair,
    expected: { in: 'FIN', out: '-', server: 'FIN', log: 'session.ended setup-timeout' },
    run: () => half('in'),
  },
  {
    name: 'IN and OUT come without their first PDU',
    timeout: TIMEOUT.pair,
    expected: { in: 'FIN', out: 'FIN', server: '-', log: 'channel.ended setup-timeout' },
    run: headsAlone,
  },
  intruder('IN of another account with the cookie of an open OUT', 'in', {
    authorization: basic(BOB.name, BOB.password),
  }),
  intruder('OUT of another account with the cookie of an open IN', 'out', {
    authorization: basic(BOB.name, BOB.password),
  }),
  intruder('IN of the same account to another server with the cookie of an open OUT', 'in', {
    server: 'localhost:135',
  }),
  duplicate('second IN with the cookie of an open session', 'in'),
  duplicate('second OUT with the cookie of an open session', 'out'),
];

async function half(kind: 'in' | 'out'): Promise<Outcome> {
  const stage = await Stage.open();
  try {
    const client = new ScriptedClient(stage.options());
    await (kind === 'in' ? client.openIn() : client.openOut());
    const server = await stage.server.connection();
    const at = performance.now();
    const [channel, serverSaw] = await Promise.all([seen(client[kind], at), seen(server, at)]);
    const gone = (await stage.live.empty()) - at;
    const log = describeLine((await stage.live.line('session.ended')).fields);
    return { in: NOBODY, out: NOBODY, [kind]: channel, server: serverSaw, gone, log };
  } finally {
    await stage.close();
  }
}

async function headsAlone(): Promise<Outcome> {
  const stage = await Stage.open();
  try {
    const options = stage.options();
    const client = new ScriptedClient(options);
    client.connA1 = () => new Uint8Array(0);
    client.connB1 = () => new Uint8Array(0);
    await client.openOut();
    await client.openIn();
    await stage.live.untilLoad({ connections: 2, sessions: 2 });
    const at = performance.now();
    const [inSaw, out] = await Promise.all([seen(client.in, at), seen(client.out, at)]);
    const gone = (await stage.live.empty()) - at;
    assert.equal(stage.server.connections.length, 0, 'no server is dialled for half a request');
    return { in: inSaw, out, server: NOBODY, gone, log: describeLine((await stage.live.line('channel.ended')).fields) };
  } finally {
    await stage.close();
  }
}

/** A channel that may not join is refused; the one that was there is still good for its owner. */
function intruder(name: string, kind: 'in' | 'out', differences: Partial<ScriptedClientOptions>): Row {
  const other = kind === 'in' ? 'out' : 'in';
  return {
    name,
    timeout: TIMEOUT.connect,
    expected: { in: 'goes on', out: 'goes on', [kind]: '503', server: 'goes on', log: 'channel.refused' },
    run: async () => {
      const allow = ['ncacn_ip_tcp:localhost[135]'];
      const stage = await Stage.open({ pairTimeout: 10 }, allow);
      try {
        const owner = new ScriptedClient(stage.options());
        await (other === 'in' ? owner.openIn() : owner.openOut());
        const server = await stage.server.connection();
        const thief = new ScriptedClient(stage.options({ cookie: owner.virtualConnectionCookie, ...differences }));
        await (kind === 'in' ? thief.openIn() : thief.openOut());
        const refusal = await seenRefusal(thief[kind], performance.now());
        await (kind === 'in' ? owner.openIn() : owner.openOut());
        await owner.opened();
        await owner.call();
        assert.equal(stage.server.connections.length, 1);
        assert.equal(server.over, undefined);
        const { fields } = await stage.live.line('channel.refused');
        owner.cut('FIN');
        return { in: GOES_ON, out: GOES_ON, [kind]: refusal, server: GOES_ON, log: describeLine(fields) };
      } finally {
        await stage.close();
      }
    },
  };
}

function duplicate(name: string, kind: 'in' | 'out'): Row {
  return {
    name,
    timeout: TIMEOUT.connect,
    expected: { in: 'goes on', out: 'goes on', [kind]: '503', server: 'goes on', log: 'channel.refused' },
    run: async () => {
      const stage = await Stage.open();
      try {
        const owner = await stage.session();
        const twin = new ScriptedClient(stage.options({ cookie: owner.virtualConnectionCookie }));
        await (kind === 'in' ? twin.openIn() : twin.openOut());
        const refusal = await seenRefusal(twin[kind], performance.now());
        await owner.call();
        const { fields } = await stage.live.line('channel.refused');
        owner.cut('FIN');
        return { in: GOES_ON, out: GOES_ON, [kind]: refusal, server: GOES_ON, log: describeLine(fields) };
      } finally {
        await stage.close();
      }
    },
  };
}
