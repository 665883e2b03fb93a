import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  IN_R1_A4,
  IN_R1_A5,
  IN_R1_A6,
  IN_R1_B1,
  IN_R1_B2,
  IN_R2_A4,
  OUT_R1_A6,
  OUT_R1_A8,
  OUT_R1_A9,
  OUT_R1_A10,
  OUT_R1_A11,
  OUT_R2_A2,
  OUT_R2_A4,
  OUT_R2_A6,
  OUT_R2_A8,
  OUT_R2_B1,
  OUT_R2_B2,
  OUT_R2_B3,
  OUT_R2_C1,
} from '../../src/rpch/pdus.ts';
import type { Machine } from '../../src/rpch/role.ts';
import { TRANSITIONS } from '../../src/rpch/transitions.ts';
import { openedClient } from './client-scene.ts';
import { inA1, openedInbound, serverAck, startInbound } from './inbound-scene.ts';
import { clientAck, openedOutbound, outA3, startOutbound } from './outbound-scene.ts';
import { A2, B2, inR1A2, openedServer, outR1A4, startServer } from './server-scene.ts';
import { cookie, NEXT_IN, NEXT_OUT, run, TRANSITIONS_MADE, transition, watch } from './support.ts';

const SHORT = 128 * 1024;
/** Any longer than this and every patience is at its end. */
const TOO_LONG = 1_000_000;

/** Time passes with nothing happening. */
function lapse(role: { tick(now: number): void }): void {
  role.tick(0);
  role.tick(TOO_LONG);
}

function client(...steps: ('in' | 'out' | 'R1' | 'R2' | 'end')[]) {
  const made = openedClient({ channelLifetime: SHORT, inWindow: 262_144 });
  const { role, out } = made;
  const isIn = steps.includes('in');
  if (isIn) role.fromRuntime(run(60_000, 60_000), 2);
  else out.from.rts(OUT_R2_A2.encode({ destination: 0 }));
  if (steps.includes('R1')) {
    if (isIn) {
      const values = { destination: 0 as const, version: 1, receiveWindowSize: 65_536, connectionTimeout: 120_000 };
      out.from.rts(IN_R1_A4.encode(values));
    } else {
      out.from.rts(OUT_R1_A6.encode({ destination: 0, version: 1, connectionTimeout: 120_000 }));
    }
  }
  if (steps.includes('R2')) out.from.rts((isIn ? IN_R2_A4 : OUT_R2_A6).encode({ destination: 0 }));
  if (steps.includes('end')) out.from.rts(steps.includes('R1') ? OUT_R1_A10.encode({}) : OUT_R2_B3.encode({}));
  return made;
}

function inSuccessor() {
  const made = startInbound({ first: inA1() });
  made.role.serverConnected();
  return made;
}

function inR2(successorCookie?: Uint8Array) {
  const made = openedInbound();
  made.succeed();
  if (successorCookie !== undefined) made.from.rts(IN_R1_A5.encode({ successorCookie }));
  return made;
}

function inFlushing() {
  const made = openedInbound({}, 8192);
  made.from.rpc(run(5000, 5000), 2);
  made.from.rts(IN_R1_A5.encode({ successorCookie: NEXT_IN }));
  return made;
}

function outSuccessor() {
  const made = startOutbound({ first: outA3() });
  made.role.serverConnected();
  return made;
}

const SHORT_OUT = { channelLifetime: SHORT, receiveWindow: 262_144, clientWindow: 65_536 };

/** An outbound proxy whose short channel is all but used up, with a PDU that waits for its client and will not fit. */
function outUsedUp() {
  const made = openedOutbound(SHORT_OUT);
  made.role.fromServer.rpc(run(65_000, 65_000, 2000), 3);
  return made;
}

/** OUT_R2: `C` for the client's C1, `1` and `2` for the server's B1 and B2. */
function outR2(steps: string, made = openedOutbound({ clientWindow: 8192 })) {
  const { from } = made.succeed();
  for (const step of steps) {
    if (step === 'C') from.rts(OUT_R2_C1.encode({}));
    else if (step === 'w') made.role.fromServer.rpc(run(5000, 5000), 2);
    else made.role.fromServer.rts((step === '1' ? OUT_R2_B1 : OUT_R2_B2).encode({}));
  }
  return made;
}

function outFlushing(made = openedOutbound({ clientWindow: 8192 })) {
  made.role.fromServer.rpc(run(5000, 5000), 2);
  made.role.fromServer.rts(OUT_R1_A9.encode({}));
  return made;
}

/** The client acknowledges everything, and the PDU that does not fit is due. */
function useUp({ role }: ReturnType<typeof outUsedUp>): void {
  role.fromServer.rts(clientAck(65_000, 65_536));
  role.fromServer.rts(clientAck(130_000, 65_536));
}

function serverIn(...steps: readonly ('A6' | 'B1')[]) {
  const made = openedServer();
  made.attach('next', inR1A2());
  if (steps.includes('A6')) made.inLeg.from.rts(IN_R1_A6.encode({ successorCookie: NEXT_IN }));
  if (steps.includes('B1')) made.inLeg.from.rts(IN_R1_B1.encode({}));
  return made;
}

function serverOut(...steps: readonly ('R1' | 'R2' | 'A8')[]) {
  const made = openedServer({ channelLifetime: SHORT, outWindow: 262_144 });
  made.role.fromRuntime(run(60_000, 60_000), 2);
  if (steps.includes('R1')) made.attach('next', outR1A4());
  if (steps.includes('R2')) made.outLeg.from.rts(OUT_R2_A4.encode({ successorCookie: NEXT_OUT }));
  const row = steps.includes('R1') ? OUT_R1_A8 : OUT_R2_A8;
  if (steps.includes('A8')) made.inLeg.from.rts(row.encode({ destination: 2, successorCookie: NEXT_OUT }));
  return made;
}

/** Scripts that make every transition of each machine. */
const SCRIPTS: Readonly<Record<Machine, readonly (() => void)[]>> = {
  client: [
    () => lapse(client('in').role),
    () => lapse(openedClient().role),
    () => {
      const { role } = client('in');
      for (let i = 0; i < TOO_LONG / 1000; i++) role.keepAlive(60_000);
    },
  ],
  'client-in': [() => client('in', 'R1'), () => client('in', 'R2'), () => lapse(client('in').role)],
  'client-out': [
    () => client('out', 'R1', 'end'),
    () => client('out', 'R2', 'end'),
    () => lapse(client('out').role),
    () => lapse(client('out', 'R1').role),
    () => lapse(client('out', 'R2').role),
  ],
  inbound: [
    () => openedInbound().from.rts(IN_R1_A5.encode({ successorCookie: NEXT_IN })),
    () => inSuccessor().role.fromServer.rts(IN_R1_B2.encode({ receiveWindowSize: 65_536 })),
    () => lapse(inSuccessor().role),
    () => inR2(NEXT_IN),
    () => inR2(cookie(0x99)),
    () => lapse(inR2().role),
    () => inFlushing().role.fromServer.rts(serverAck(5000, 8192)),
    () => lapse(inFlushing().role),
  ],
  outbound: [
    () => outSuccessor().from.rts(OUT_R1_A11.encode({})),
    () => lapse(outSuccessor().role),
    () => useUp(outUsedUp()),
    () => outFlushing().role.fromServer.rts(clientAck(5000, 8192)),
    () => lapse(outFlushing().role),
    () => {
      const made = outUsedUp();
      made.role.fromServer.rts(OUT_R1_A9.encode({}));
      useUp(made);
    },
    () => outR2('C1'),
    () => outR2('1C'),
    () => outR2('2'),
    () => outR2('C2'),
    () => lapse(outR2('').role),
    () => lapse(outR2('C').role),
    () => lapse(outR2('1').role),
    () => lapse(outR2('w1').role),
    () => useUp(outR2('', outUsedUp())),
    () => useUp(outR2('C', outUsedUp())),
    () => useUp(outR2('1', outUsedUp())),
    () => outR2('w1C').role.fromServer.rts(clientAck(5000, 8192)),
  ],
  server: [
    () => {
      const { attach } = startServer();
      attach('in', B2);
      attach('out', A2);
    },
    () => {
      const { role, attach } = startServer();
      attach('in', B2);
      lapse(role);
    },
    () => {
      const { role, attach } = startServer();
      attach('out', A2);
      lapse(role);
    },
    () => lapse(serverIn().role),
    () => {
      const { role } = openedServer({ mayRecycle: false, channelLifetime: SHORT, outWindow: 262_144 });
      role.fromRuntime(run(60_000, 60_000, 20_000), 3);
    },
  ],
  'server-in': [
    () => serverIn('A6', 'B1'),
    () => openedServer().inLeg.from.rts(IN_R1_A6.encode({ successorCookie: NEXT_IN })),
    () => lapse(serverIn().role),
    () => lapse(serverIn('A6').role),
  ],
  'server-out': [
    () => serverOut('R1', 'A8'),
    () => serverOut('R2', 'A8'),
    () => lapse(serverOut('R1').role),
    () => lapse(serverOut('R2').role),
    () => lapse(serverOut('R1', 'A8').role),
  ],
};

for (const [machine, scripts] of Object.entries(SCRIPTS)) {
  test(`every transition of the table is made: ${machine}`, () => {
    TRANSITIONS_MADE.clear();
    for (const script of scripts) script();
    const missing = TRANSITIONS.filter((row) => row.machine === machine).map(transition);
    assert.deepEqual(
      missing.filter((line) => !TRANSITIONS_MADE.has(line)),
      [],
    );
  });
}

test('no row stands in the table twice, and every state leads somewhere and can be reached', () => {
  assert.equal(new Set(TRANSITIONS.map(transition)).size, TRANSITIONS.length);
  const first = new Set(['Start', 'Connecting', 'Open_Start', 'Opened']);
  for (const machine of Object.keys(SCRIPTS)) {
    const rows = TRANSITIONS.filter((row) => row.machine === machine);
    for (const { from, to } of rows) {
      assert.ok(first.has(from) || rows.some((row) => row.to === from && row.from !== from), `${machine} ${from}`);
      assert.ok(to === 'Finished' || rows.some((row) => row.from === to), `${machine} ${to}`);
    }
  }
});

test('sections are those of the roles, and given for all that the specification knows', () => {
  const chapter = { client: '2', inbound: '3', outbound: '4', server: '5' } as const;
  for (const { machine, from, event, section } of TRANSITIONS) {
    if (section === undefined) {
      assert.match(event, /time-?out|queue empty|recycled|out-silent/, `${machine} ${from}`);
      continue;
    }
    const role = machine.split('-')[0] as keyof typeof chapter;
    assert.ok(section.startsWith(`3.2.${chapter[role]}.`) || section.startsWith('2.1.2.1.'), `${machine} ${section}`);
  }
});

test('a transition that is not in the table is a defect', () => {
  assert.throws(() => watch('inbound', 'Opened', 'CONN/B3', 'Opened'), /not in the table/);
});
