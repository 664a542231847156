import { describe, expect, inject, test } from 'vitest';
import {
  createReport,
  endsOf,
  expectRecords,
  privilegeOn,
  recordsOf,
  ringBob,
  startCallingClient,
  summary,
  updateOf,
} from './support/calls.ts';
import { startChildNode } from './support/child-node.ts';
import { manualClock } from './support/clock.ts';
import { type Received, type Transport, transports } from './support/listen.ts';
import { operations } from './support/operations.ts';
import { type Person, type PersonalListener, person } from './support/person.ts';
import { type EngineName, engines, randomPrefix, startService, tokenFor } from './support/service.ts';

/*
 * People who are gone without a word. Where something must not happen yet, Carol has done all that Alice does, a tenth of a
 * second earlier: once her call has ended, the service has looked at Alice's in the same sweep, and left it alone.
 */

const report = createReport();

/** How much earlier Carol is, and how often the service looks for what is due at least, in milliseconds. */
const earlier = 100;
const sweep = 1000;

const seconds = 1000;
const minutes = 60 * seconds;
const hours = 60 * minutes;

/** A node whose time the test moves; nobody's token ends while it does. */
async function startStanding(engine: EngineName, prefix = randomPrefix()) {
  const clock = manualClock();
  const { url, stop } = await startService({ engine, prefix, overrides: { clock } });
  const enter = (uid: string, admin = false) => person(url, uid, { admin, expiresIn: 100 * 60 * 60 });
  return { url, clock, prefix, stop, enter };
}

type Standing = Awaited<ReturnType<typeof startStanding>>;

/** A call that rings or is talked on, and who made it, from which socket. */
interface Made {
  readonly caller: Person;
  readonly desk: PersonalListener;
  readonly callId: string;
}

/** Both dial Bob, each from a desk of theirs: first Alice, so that the service looks at her call first. */
async function bothDial(
  { clock }: Standing,
  callers: readonly [alice: Person, carol: Person],
  {
    transport = 'sse',
    ...more
  }: { transport?: Transport; deviceId?: null; ringTimeoutSeconds?: number } = {},
): Promise<readonly [alice: Made, carol: Made]> {
  const made: Made[] = [];
  for (const caller of callers) {
    const desk = await caller.open({ transport, variables: { deviceId: 'desk' } });
    const input = { ...ringBob, roomId: `${caller.uid}-room`, deviceId: 'desk', ...more };
    const { call } = await caller.dial(input);
    expect(call).toMatchObject({ state: 'RINGING' });
    made.push({ caller, desk, callId: call.id });
    clock.advance(1);
  }
  return made as unknown as readonly [Made, Made];
}

/** Carol is gone, and a moment later Alice. */
async function oneAfterTheOther(
  { clock }: Standing,
  [alice, carol]: readonly [Made, Made],
  go: (made: Made) => Promise<unknown>,
): Promise<void> {
  await go(carol);
  clock.advance(earlier);
  await go(alice);
}

const byThemselves = ({ desk }: Made) => desk.leave();

/** Waits for the next end of a call that a listener is told of: it must be that of this call, for this reason. */
async function expectEnd(listener: PersonalListener, { callId }: Made, reason: string): Promise<void> {
  let signal = await listener.nextOf('CallUpdated');
  while (signal.change !== 'ENDED') signal = await listener.nextOf('CallUpdated');
  expect(signal).toMatchObject({ service: 'signaling.call', call: { id: callId, state: 'ENDED', reason } });
}

/** The same for Carol's call while Alice's goes on, and for Alice's with the next sweep. */
async function expectEnds(
  { clock }: Standing,
  listener: PersonalListener,
  [alice, carol]: readonly [Made, Made],
  reason: string,
): Promise<void> {
  const { state } = await callOf(alice);
  await expectEnd(listener, carol, reason);
  expect(await callOf(alice)).toMatchObject({ state });
  expect(state).not.toBe('ENDED');
  clock.advance(sweep);
  await expectEnd(listener, alice, reason);
}

async function callOf({ caller, callId }: Made): Promise<Received> {
  const query =
    'query ($callId: ID!) { call(callId: $callId) { state reason createdAt acceptedAt endedAt } }';
  return (await caller.ask(query, { callId })).call;
}

/** How long a call took from one of its moments to its end, in milliseconds. */
async function lasted(made: Made, from: 'createdAt' | 'acceptedAt'): Promise<number> {
  const call = await callOf(made);
  return Date.parse(call.endedAt) - Date.parse(call[from]);
}

/** What is left of a call that has ended: a record for each side, and no way into the room. */
async function expectLeft(
  { url }: Standing,
  { caller, callId }: Made,
  callee: Person,
  expected: { readonly reason: string; readonly missed: boolean; readonly duration?: number },
): Promise<void> {
  await expectRecords(caller, callee, { callId, ...expected });
  expect(await privilegeOn(url, `${caller.uid}-room`, callee.uid)).toBe(0);
  expect((await callee.ask('{ activeCalls { id } }')).activeCalls).not.toContainEqual({ id: callId });
}

describe.each(engines)('%s: while it rings', (engine) => {
  async function ringing(more: Parameters<typeof bothDial>[2] = {}) {
    const standing = await startStanding(engine);
    const [alice, bob, carol] = await Promise.all(
      ['alice', 'bob', 'carol'].map((uid) => standing.enter(uid)),
    );
    const phone = await (bob as Person).open({ variables: { deviceId: 'phone' } });
    const made = await bothDial(standing, [alice as Person, carol as Person], more);
    return { standing, bob: bob as Person, phone, made };
  }

  test.each(transports)(
    'a caller who closes the stream is lost after 10 s and no sooner (%s)',
    async (transport) => {
      const { standing, bob, phone, made } = await ringing({ transport });
      const [alice] = made;
      expect(await privilegeOn(standing.url, 'alice-room', 'bob')).toBe(3);
      await oneAfterTheOther(standing, made, byThemselves);
      const left = standing.clock.now();

      standing.clock.advance(10 * seconds - earlier);

      await expectEnds(standing, phone, made, 'CALLER_LOST');
      expect(standing.clock.now() - left).toBeLessThan(11 * seconds);
      await expectLeft(standing, alice, bob, { reason: 'CALLER_LOST', missed: true, duration: 0 });
      expect(await phone.heard()).not.toContainEqual(expect.objectContaining({ change: 'ENDED' }));
    },
  );

  test('a caller who comes back on the same device within 10 s is not lost, and is when gone again', async () => {
    const { standing, bob, phone, made } = await ringing();
    const [alice, carol] = made;
    const { clock } = standing;
    await oneAfterTheOther(standing, made, byThemselves);
    clock.advance(10 * seconds - earlier - 1);
    const desk = await alice.caller.open({ variables: { deviceId: 'desk' } });
    clock.advance(sweep);
    await expectEnd(phone, carol, 'CALLER_LOST');
    expect(await callOf(alice)).toMatchObject({ state: 'RINGING' });

    clock.advance(10 * seconds);
    expect(await callOf(alice)).toMatchObject({ state: 'RINGING' });
    await desk.leave();
    clock.advance(10 * seconds);

    await expectEnd(phone, alice, 'CALLER_LOST');
    expect(await lasted(alice, 'createdAt')).toBeGreaterThan(30 * seconds);
    await expectLeft(standing, alice, bob, { reason: 'CALLER_LOST', missed: true });
  });

  test('a caller who comes back in time rings on to the deadline', async () => {
    const { standing, bob, phone, made } = await ringing({ ringTimeoutSeconds: 20 });
    const [alice, carol] = made;
    await alice.desk.leave();
    await carol.desk.leave();
    standing.clock.advance(5 * seconds);
    await alice.caller.open({ variables: { deviceId: 'desk' } });
    standing.clock.advance(5 * seconds);
    await expectEnd(phone, carol, 'CALLER_LOST');

    standing.clock.advance(10 * seconds);

    await expectEnd(phone, alice, 'NO_ANSWER');
    await expectLeft(standing, alice, bob, { reason: 'NO_ANSWER', missed: true });
  });

  test('a caller whose socket the service closes is lost after 30 s and no sooner', async () => {
    const { standing, bob, phone, made } = await ringing();
    const server = await standing.enter('server', true);
    await oneAfterTheOther(standing, made, async ({ caller, desk }) => {
      const tablet = await caller.open({ variables: { deviceId: 'tablet' } });
      await server.ask(operations.disconnectUser, { uid: caller.uid, deviceId: 'desk' });
      await desk.ended;
      // That another device leaves by itself, and later, says nothing of the one that dialled.
      standing.clock.advance(1);
      await tablet.leave();
    });
    // What is known of a departure is found at once, and kept.
    standing.clock.advance(5 * seconds);

    standing.clock.advance(25 * seconds - earlier - 2);

    await expectEnds(standing, phone, made, 'CALLER_LOST');
    await expectLeft(standing, made[0], bob, { reason: 'CALLER_LOST', missed: true });
  });

  test('a dial without a socket rings to its deadline', async () => {
    const standing = await startStanding(engine);
    const [alice, bob] = [await standing.enter('alice'), await standing.enter('bob')];
    const phone = await bob.open();
    // A socket of another device is none of the dialling one's.
    const other = await alice.open({ variables: { deviceId: 'tablet' } });
    const { call } = await alice.dial({ ...ringBob, roomId: 'alice-room', deviceId: 'desk' });
    const made = { caller: alice, desk: other, callId: call.id };
    standing.clock.advance(1);
    await other.leave();

    for (let looks = 0; looks < 11; looks++) {
      standing.clock.advance(5 * seconds);
      expect(await callOf(made)).toMatchObject({ state: 'RINGING' });
    }
    standing.clock.advance(5 * seconds);

    await expectEnd(phone, made, 'NO_ANSWER');
    await expectLeft(standing, made, bob, { reason: 'NO_ANSWER', missed: true });
  });

  test('another device of the caller does not keep it ringing', async () => {
    const { standing, phone, made } = await ringing();
    for (const { caller } of made) await caller.open({ variables: { deviceId: 'tablet' } });
    await oneAfterTheOther(standing, made, byThemselves);

    standing.clock.advance(10 * seconds - earlier);

    await expectEnds(standing, phone, made, 'CALLER_LOST');
  });

  test('any device of the caller keeps it ringing when the dial named none', async () => {
    const { standing, phone, made } = await ringing({ deviceId: null });
    const [alice, carol] = made;
    const tablet = await alice.caller.open({ variables: { deviceId: 'tablet' } });
    await oneAfterTheOther(standing, made, byThemselves);
    standing.clock.advance(10 * seconds);
    await expectEnd(phone, carol, 'CALLER_LOST');
    expect(await callOf(alice)).toMatchObject({ state: 'RINGING' });

    await tablet.leave();
    standing.clock.advance(10 * seconds);

    await expectEnd(phone, alice, 'CALLER_LOST');
  });
});

describe.each(engines)('%s: while people talk', (engine) => {
  /** Alice and Carol both talk to Bob, who holds both calls with his phone; his tablet is told how they end. */
  async function talking() {
    const standing = await startStanding(engine);
    const [alice, bob, carol] = await Promise.all(
      ['alice', 'bob', 'carol'].map((uid) => standing.enter(uid)),
    );
    const phone = await (bob as Person).open({ variables: { deviceId: 'phone' } });
    const tablet = await (bob as Person).open({ variables: { deviceId: 'tablet' } });
    const made = await bothDial(standing, [alice as Person, carol as Person]);
    for (const { callId } of made) {
      const accepted = await (bob as Person).accept(callId, phone.ready.socketId);
      expect(accepted).toMatchObject({ __typename: 'Accepted' });
      standing.clock.advance(1);
    }
    standing.clock.advance(10 * seconds);
    return { standing, bob: bob as Person, phone, tablet, made };
  }

  test('a call that both have left ends after 2 min and no sooner', async () => {
    const { standing, bob, phone, tablet, made } = await talking();
    const { clock } = standing;
    await phone.leave();
    await oneAfterTheOther(standing, made, byThemselves);
    clock.advance(1 * minutes);
    await tablet.heard();

    clock.advance(1 * minutes - earlier);

    await expectEnds(standing, tablet, made, 'CONNECTION_LOST');
    // From the answer: ten seconds of talk, and two minutes.
    await expectLeft(standing, made[0], bob, { reason: 'CONNECTION_LOST', missed: false, duration: 131 });
  });

  test('a call that one of the two has left ends after 30 min and no sooner', async () => {
    const { standing, bob, tablet, made } = await talking();
    const { clock } = standing;
    await oneAfterTheOther(standing, made, byThemselves);
    clock.advance(1 * minutes);
    await tablet.heard();

    clock.advance(29 * minutes - earlier);

    await expectEnds(standing, tablet, made, 'CONNECTION_LOST');
    await expectLeft(standing, made[0], bob, { reason: 'CONNECTION_LOST', missed: false, duration: 1811 });
  });

  test('a call whose called device is gone ends after 30 min, whatever other device they have', async () => {
    const { standing, phone, tablet, made } = await talking();
    await phone.leave();
    standing.clock.advance(1 * minutes);
    await tablet.heard();
    standing.clock.advance(29 * minutes - 1);
    await tablet.heard();
    expect(await callOf(made[0])).toMatchObject({ state: 'ACCEPTED' });

    standing.clock.advance(sweep);

    const ends = await endsOf(
      tablet,
      made.map(({ callId }) => callId),
      5 * seconds,
    );
    for (const { signal } of ends.values()) expect(signal.call).toMatchObject({ reason: 'CONNECTION_LOST' });
  });

  test('whoever comes back to a call in time has it still', async () => {
    const { standing, bob, phone, tablet, made } = await talking();
    const [alice, carol] = made;
    const { clock } = standing;
    await phone.leave();
    await oneAfterTheOther(standing, made, byThemselves);
    clock.advance(2 * minutes - earlier - 1);
    const desk = await alice.caller.open({ variables: { deviceId: 'desk' } });
    clock.advance(sweep);
    await expectEnd(tablet, carol, 'CONNECTION_LOST');
    expect(await callOf(alice)).toMatchObject({ state: 'ACCEPTED' });

    // Bob is back within his thirty minutes, and nothing of them is left to count from.
    clock.advance(27 * minutes);
    await tablet.heard();
    const back = await bob.open({ variables: { deviceId: 'phone' } });
    for (let half = 0; half < 3; half++) {
      clock.advance(20 * minutes);
      await tablet.heard();
    }
    expect(await callOf(alice)).toMatchObject({ state: 'ACCEPTED' });
    expect(await bob.accept(alice.callId, back.ready.socketId)).toMatchObject({ __typename: 'Accepted' });
    expect(await bob.hangUp(alice.callId, { socketId: back.ready.socketId })).toMatchObject({
      changed: true,
    });

    const { call } = await updateOf(desk, alice.callId, 'ENDED');
    expect(call).toMatchObject({ reason: 'HANGUP' });
    const duration = Math.round((await lasted(alice, 'acceptedAt')) / seconds);
    await expectLeft(standing, alice, bob, { reason: 'HANGUP', missed: false, duration });
    expect(duration).toBeGreaterThan(89 * 60);
  });

  test('a call ends 24 h after it was made and no sooner, with both of them there', async () => {
    const { standing, bob, tablet, made } = await talking();
    const [alice, carol] = made;
    const { clock } = standing;
    const left = async (call: Made) =>
      24 * hours - (clock.now() - Date.parse((await callOf(call)).createdAt));
    clock.advance((await left(alice)) - 1);
    await tablet.heard();
    for (const call of made) expect(await callOf(call)).toMatchObject({ state: 'ACCEPTED' });

    clock.advance(sweep);

    const ends = await endsOf(tablet, [alice.callId, carol.callId], 5 * seconds);
    for (const { signal } of ends.values()) expect(signal.call).toMatchObject({ reason: 'EXPIRED' });
    expect(await lasted(alice, 'createdAt')).toBe(24 * hours + sweep - 1);
    const [record] = await recordsOf(bob, 'alice');
    const duration = Math.round((await lasted(alice, 'acceptedAt')) / seconds);
    await expectLeft(standing, alice, bob, { reason: 'EXPIRED', missed: false, duration });
    expect(record).toMatchObject({ status: null });
  });
});

describe('redis: with a node that is gone', () => {
  /** The same as on one node, with the callers' sockets on another one. */
  async function ringingFrom(url: string, standing: Standing) {
    const bob = await standing.enter('bob');
    const phone = await bob.open();
    const callers = await Promise.all(['alice', 'carol'].map((uid) => person(url, uid)));
    const made = await bothDial(standing, callers as [Person, Person]);
    return { bob, phone, made };
  }

  /** Callers' own nodes are gone: they ask the one that is left. */
  async function onNode(standing: Standing, { caller, ...rest }: Made): Promise<Made> {
    return { ...rest, caller: await standing.enter(caller.uid) };
  }

  test('a caller whose node is stopped is lost after 30 s and no sooner', async () => {
    const standing = await startStanding('redis');
    const { clock, prefix } = standing;
    const leaving = await startService({ engine: 'redis', prefix, overrides: { clock } });
    const { bob, phone, made } = await ringingFrom(leaving.url, standing);
    await leaving.stop();
    const [alice] = await Promise.all(made.map((each) => onNode(standing, each)));
    if (!alice) throw new Error('nobody dialled');

    clock.advance(30 * seconds - 1);
    await phone.heard();
    expect(await callOf(alice)).toMatchObject({ state: 'RINGING' });
    clock.advance(sweep);

    await endsOf(
      phone,
      made.map(({ callId }) => callId),
      5 * seconds,
    );
    await expectLeft(standing, alice, bob, { reason: 'CALLER_LOST', missed: true });
  });

  test('a caller whose node is killed is lost 30 s after its lease, and is not when back on another', async () => {
    const prefix = randomPrefix();
    const killed = await startChildNode({ REDIS_URL: inject('redisUrl'), REDIS_PREFIX: prefix });
    const standing = await startStanding('redis', prefix);
    const { clock } = standing;
    const { bob, phone, made } = await ringingFrom(killed.url, standing);
    await killed.end('SIGKILL');
    const [alice, carol] = await Promise.all(made.map((each) => onNode(standing, each)));
    if (!alice || !carol) throw new Error('nobody dialled');

    // Its time went on while ours stood still. Eight seconds from now its lease is over, and both are missed.
    clock.advance(Math.max(0, Date.now() - clock.now()));
    await phone.heard();
    clock.advance(8 * seconds);
    await phone.heard();
    clock.advance(20 * seconds);
    await alice.caller.open({ variables: { deviceId: 'desk' } });
    clock.advance(10 * seconds - 1);
    await phone.heard();
    expect(await callOf(carol)).toMatchObject({ state: 'RINGING' });
    clock.advance(sweep);

    await expectEnd(phone, carol, 'CALLER_LOST');
    await expectLeft(standing, carol, bob, { reason: 'CALLER_LOST', missed: true });
    clock.advance(60 * seconds);
    await expectEnd(phone, alice, 'NO_ANSWER');
  });
});

describe('in real time', () => {
  /** The node that took three dials dies: of callers with a socket on it, with one elsewhere, and with none. */
  async function killNode(): Promise<void> {
    const prefix = randomPrefix();
    const [killed, { url }] = await Promise.all([
      startChildNode({ REDIS_URL: inject('redisUrl'), REDIS_PREFIX: prefix }),
      startService({ engine: 'redis', prefix }),
    ]);
    const bob = await person(url, 'bob');
    const phone = await bob.open();
    const uids = ['alice', 'carol', 'dave'];
    await (await person(killed.url, 'alice')).open({ variables: { deviceId: 'desk' } });
    await (await person(url, 'carol')).open({ variables: { deviceId: 'desk' } });
    const dialled = await Promise.all(
      uids.map(async (uid) => {
        const input = { ...ringBob, roomId: `${uid}-room`, deviceId: 'desk', ringTimeoutSeconds: 10 };
        return (await (await person(killed.url, uid)).dial(input)).call;
      }),
    );
    for (const uid of uids) expect(await privilegeOn(url, `${uid}-room`, 'bob')).toBe(3);
    await killed.end('SIGKILL');

    const ends = await endsOf(
      phone,
      dialled.map(({ id }) => id),
      15 * seconds,
    );

    const late: number[] = [];
    for (const call of dialled) {
      const { signal } = ends.get(call.id) ?? {};
      expect(signal).toMatchObject({
        service: 'signaling.call',
        call: { state: 'ENDED', reason: 'NO_ANSWER' },
      });
      late.push(Date.parse(signal.sentAt) - Date.parse(call.expiresAt));
      const caller = await person(url, call.caller);
      await expectRecords(caller, bob, { callId: call.id, reason: 'NO_ANSWER', missed: true });
      expect(await privilegeOn(url, call.roomId, 'bob')).toBe(0);
    }
    report('node killed: after the deadline', summary(late));
    expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...late)).toBeLessThanOrEqual(1 * seconds);
  }

  /** A process dies that has dialled on every engine, with a stream over every transport. */
  async function killCaller(): Promise<void> {
    const nodes = await Promise.all(
      engines.map(async (engine) => {
        const { url } = await startService({ engine });
        const bob = await person(url, 'bob');
        return { url, bob, phone: await bob.open() };
      }),
    );
    const calls = await Promise.all(
      nodes.flatMap((node) =>
        transports.map(async (transport) => {
          const uid = `alice-${transport}`;
          const input = { ...ringBob, roomId: `${uid}-room` };
          return { ...node, uid, input, transport, token: await tokenFor(uid) };
        }),
      ),
    );
    const order = calls.map(({ url, token, transport, input }) => ({ url, token, transport, input }));
    const { callIds, kill } = await startCallingClient({ calls: order });
    const killedAt = performance.now();
    await kill();

    const ends = await Promise.all(
      nodes.map(({ phone }, i) => endsOf(phone, callIds.slice(2 * i, 2 * i + 2), 15 * seconds)),
    );

    const took: number[] = [];
    for (const [i, { url, bob, uid, input }] of calls.entries()) {
      const callId = callIds[i] ?? '';
      const { signal, at } = ends.map((each) => each.get(callId)).find(Boolean) ?? {};
      expect(signal?.call).toMatchObject({ state: 'ENDED', reason: 'CALLER_LOST' });
      took.push((at ?? Number.NaN) - killedAt);
      await expectRecords(await person(url, uid), bob, { callId, reason: 'CALLER_LOST', missed: true });
      expect(await privilegeOn(url, input.roomId, 'bob')).toBe(0);
    }
    report('caller killed: until the ringing stops', summary(took));
    expect(Math.min(...took)).toBeGreaterThanOrEqual(10 * seconds);
    expect(Math.max(...took)).toBeLessThanOrEqual(11 * seconds);
  }

  // They wait ten seconds each, and do it together.
  test('rings end 1 s after the deadline at the latest when their node is killed, and 11 s after their caller is', {
    timeout: 40 * seconds,
  }, async () => {
    await Promise.all([killNode(), killCaller()]);
  });
});
