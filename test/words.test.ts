import { describe, expect, test } from 'vitest';
import type { Received } from './support/listen.ts';
import { idsOf, type Person, person } from './support/person.ts';
import {
  activeCalls,
  kindsOf,
  openDevice,
  openScene,
  privilegeIn,
  readCall,
  recordsOf,
  type Scene,
  socketOf,
  startScene,
  toAlice,
  toBob,
  untilEnded,
} from './support/scenario.ts';
import { type EngineName, engines } from './support/service.ts';

/*
 * Clients that know the seed's three services and its words, and nothing of calls: they never send a `callId`, name no
 * device, and do not look at what `dial` answers.
 */

const fromAlice = { target: { uid: 'bob' }, role: 'CALLER' };
const fromBob = { target: { uid: 'alice' }, role: 'CALLEE' };

/** Both have a page open, as the seed's clients open it. */
async function pages(engine: EngineName) {
  const scene = await startScene(engine);
  const [alices, bobs] = [await scene.alice.open(), await scene.bob.open()];
  scene.clock.advance(1);
  return { ...scene, alices, bobs };
}

/** What somebody was sent by the other side: its words. */
const wordsOf = (signals: readonly Received[]): string[] =>
  signals.filter(({ __typename }) => __typename === 'PeerMessage').map(({ type }) => type);

/** Alice dials, and Bob picks up. Resolves with the call's id, which no client of the seed would look at. */
async function talkByWord({ alice, bob }: Scene): Promise<string> {
  const { call } = await alice.dial(toBob);
  expect(await bob.message({ ...fromBob, type: 'pickup' })).toMatchObject({ call: { state: 'ACCEPTED' } });
  return call.id;
}

describe.each(engines)('two clients of the seed on %s', (engine) => {
  test.each([
    ['the caller', 'the caller’s other words'],
    ['the called user', 'the caller’s echo'],
  ])('ring, talk for ten minutes, and hang up, %s first: one record for each side', async (first) => {
    const scene = await pages(engine);
    const { alice, bob, alices, bobs, pass } = scene;
    const { call } = await alice.dial(toBob);
    const ring = await bobs.next();
    expect(ring).toMatchObject({ __typename: 'IncomingCall', hub_id: 'alice', nid: 'room-1', ring: true });
    await pass(4000);

    await bob.message({ target: { uid: ring.hub_id }, role: 'CALLEE', type: 'pickup' });
    await alice.message({ ...fromAlice, type: 'offer', payload: { sdp: 'v=0' } });
    await bob.message({ ...fromBob, type: 'answer', payload: { sdp: 'v=0' } });
    for (const type of ['candidate', 'linkup']) {
      await alice.message({ ...fromAlice, type });
      await bob.message({ ...fromBob, type });
    }
    expect(wordsOf(await alices.heard())).toEqual(['pickup', 'answer', 'candidate', 'linkup']);
    expect(wordsOf(await bobs.heard())).toEqual(['offer', 'candidate', 'linkup']);
    const acceptedAt = new Date(scene.clock.now()).toISOString();

    await pass(600_000);
    const callers = () => alice.message({ ...fromAlice, type: 'leave', duration: 3 });
    const callees = () => bob.message({ ...fromBob, type: 'leave', duration: 86_400 });
    for (const leave of first === 'the caller' ? [callers, callees] : [callees, callers]) {
      expect(await leave()).toMatchObject({ offline: false, call: { id: call.id, state: 'ENDED' } });
      await pass(1000);
    }
    expect(wordsOf(await alices.heard())).toEqual(['leave']);
    expect(wordsOf(await bobs.heard())).toEqual(['leave']);

    const record = {
      id: expect.any(String),
      callId: call.id,
      caller: 'alice',
      reason: 'HANGUP',
      status: 'leave',
      missed: false,
      startedAt: call.createdAt,
      acceptedAt,
      endedAt: new Date(Date.parse(acceptedAt) + 600_000).toISOString(),
      duration: 600,
      hubId: 'team',
    };
    expect(await recordsOf(alice)).toEqual([{ ...record, peer: 'bob', direction: 'OUTGOING' }]);
    expect(await recordsOf(bob)).toEqual([{ ...record, peer: 'alice', direction: 'INCOMING' }]);
    expect(await privilegeIn(scene, 'bob')).toBe(0);
  });

  test('name their sockets, if they like: the words mean the same, whoever says which again', async () => {
    const { alice, bob, alices, bobs, pass } = await pages(engine);
    const { call } = await alice.dial(toBob);
    const [callers, callees] = [
      { ...fromAlice, origin: { socketId: socketOf(alices) } },
      { ...fromBob, origin: { socketId: socketOf(bobs) } },
    ];
    // Clients are not careful where they name it.
    for (const said of [callees, fromBob, callees]) {
      for (const type of ['pickup', 'accept', 'answer']) await bob.message({ ...said, type });
    }
    expect(wordsOf(await alices.heard())).toHaveLength(9);
    expect(await readCall(alice, call.id)).toMatchObject({ state: 'ACCEPTED', rev: 2 });
    await pass(5000);
    await alice.message({ ...callers, type: 'leave' });
    await bob.message({ ...callees, type: 'leave' });
    expect(await recordsOf(bob)).toMatchObject([{ reason: 'HANGUP', duration: 5 }]);
  });

  test('may lose their connections while they talk, for as long as they like', async () => {
    const scene = await pages(engine);
    const { alice, bob, alices, bobs, pass } = scene;
    const callId = await talkByWord(scene);
    await pass(60_000);
    await Promise.all([alices.leave(), bobs.leave()]);
    for (let minutes = 0; minutes < 60; minutes += 5) await pass(5 * 60_000);
    expect(await readCall(alice, callId)).toMatchObject({ state: 'ACCEPTED', rev: 2 });
    expect(await privilegeIn(scene, 'bob')).toBe(3);
    await bob.message({ ...fromBob, type: 'leave' });
    expect(await recordsOf(alice)).toMatchObject([{ reason: 'HANGUP', duration: 61 * 60 }]);
  });

  test('who never hang up have talked for 24 hours at most', async () => {
    const scene = await pages(engine);
    const callId = await talkByWord(scene);
    const { createdAt } = await readCall(scene.alice, callId);
    await Promise.all([scene.alices.leave(), scene.bobs.leave()]);
    await scene.pass(24 * 60 * 60 * 1000 - 10_000);
    expect(await readCall(scene.alice, callId)).toMatchObject({ state: 'ACCEPTED', rev: 2 });
    const ended = await untilEnded(scene, callId, 5000);
    expect(ended).toMatchObject({ reason: 'EXPIRED', rev: 3 });
    const lateMs = Date.parse(ended.endedAt) - Date.parse(createdAt) - 24 * 60 * 60 * 1000;
    expect(lateMs).toBeGreaterThanOrEqual(0);
    expect(lateMs).toBeLessThan(60_000);
    expect(await recordsOf(scene.bob)).toMatchObject([{ reason: 'EXPIRED', missed: false }]);
  });

  test('an `answer` counts as picking up, and later ones are passed on', async () => {
    const { alice, bob, alices, bobs } = await pages(engine);
    const { call } = await alice.dial(toBob);
    // The caller's own says nothing.
    expect(await alice.message({ ...fromAlice, type: 'answer' })).toMatchObject({
      call: { state: 'RINGING' },
    });
    expect(await bob.message({ ...fromBob, type: 'answer' })).toMatchObject({
      held: false,
      call: { id: call.id, state: 'ACCEPTED', rev: 2 },
    });
    await bob.message({ ...fromBob, type: 'answer' });
    await bob.message({ ...fromBob, type: 'pickup' });
    expect(wordsOf(await alices.heard())).toEqual(['answer', 'answer', 'pickup']);
    expect(wordsOf(await bobs.heard())).toEqual(['answer']);
    expect((await readCall(alice, call.id)).rev).toBe(2);
  });

  test('an `answer` with a `callId` is only a description: who knows calls says `accept`', async () => {
    const { alice, bob, bobs } = await pages(engine);
    const { call } = await alice.dial(toBob);
    const said = { ...fromBob, type: 'answer', callId: call.id, origin: { socketId: socketOf(bobs) } };
    expect(await bob.message(said)).toMatchObject({ call: null, held: false });
    expect(await readCall(alice, call.id)).toMatchObject({ state: 'RINGING', rev: 1 });
  });

  test('say a word again with the same key: it is said once', async () => {
    const { alice, bob, alices } = await pages(engine);
    await alice.dial(toBob);
    const pickup = { ...fromBob, type: 'pickup', clientMutationId: 'key-1' };
    const first = await bob.message(pickup);
    expect(await bob.message(pickup)).toEqual(first);
    expect(kindsOf(await alices.heard()).toSorted()).toEqual(['CallUpdated', 'PeerMessage']);
  });
});

/** The words that may speak of a call. */
const words = ['pickup', 'accept', 'answer', 'reject', 'busy', 'cancel', 'leave'] as const;
type Word = (typeof words)[number];

type Said = 'RINGING' | 'ACCEPTED' | 'CANCELLED' | 'DECLINED' | 'BUSY' | 'HANGUP';

interface Row {
  readonly state: 'rings' | 'talk' | 'has just ended' | 'ended a minute ago';
  readonly side: 'caller' | 'callee';
  /** The state, or the reason of the end, that the call has afterwards. */
  readonly after: Readonly<Record<Word, Said>>;
  /** What is not passed on. */
  readonly kept?: readonly Word[];
  /** What is written to the history, by a caller's client. */
  readonly logged?: readonly Word[];
}

const all = (said: Said): Record<Word, Said> =>
  Object.fromEntries(words.map((word) => [word, said])) as Record<Word, Said>;

const answered = (said: Said) => ({ pickup: said, accept: said, answer: said });
const over = { cancel: 'HANGUP', leave: 'HANGUP' } as const;

const rows: readonly Row[] = [
  { state: 'rings', side: 'caller', after: { ...all('CANCELLED'), ...answered('RINGING') } },
  {
    state: 'rings',
    side: 'callee',
    after: { ...all('DECLINED'), ...answered('ACCEPTED'), busy: 'BUSY' },
  },
  { state: 'talk', side: 'caller', after: { ...all('ACCEPTED'), ...over } },
  { state: 'talk', side: 'callee', after: { ...all('ACCEPTED'), ...over }, kept: ['reject', 'busy'] },
  { state: 'has just ended', side: 'caller', after: all('HANGUP') },
  { state: 'has just ended', side: 'callee', after: all('HANGUP') },
  {
    state: 'ended a minute ago',
    side: 'caller',
    after: all('HANGUP'),
    logged: ['reject', 'cancel', 'leave'],
  },
  { state: 'ended a minute ago', side: 'callee', after: all('HANGUP') },
];

describe.each(engines)('each word on %s', (engine) => {
  /** Brings the two into a state; resolves with the call. */
  async function reach(scene: Scene, state: Row['state']): Promise<string> {
    if (state === 'rings') return (await scene.alice.dial(toBob)).call.id;
    const callId = await talkByWord(scene);
    if (state === 'talk') return callId;
    await scene.alice.message({ ...fromAlice, type: 'leave' });
    if (state === 'ended a minute ago') await scene.pass(61_000);
    return callId;
  }

  test.each(rows)('of the $side while the call $state', async ({ state, side, after, kept, logged }) => {
    const scene = await pages(engine);
    const { alice, bob, alices, bobs, pass } = scene;
    const [speaker, said, listener] = side === 'caller' ? [alice, fromAlice, bobs] : [bob, fromBob, alices];
    for (const type of words) {
      const callId = await reach(scene, state);
      await listener.heard();
      const before = (await recordsOf(bob)).length;

      const { call, signalId } = await speaker.message({ ...said, type, duration: 5 });

      const now = await readCall(alice, callId);
      expect({ type, now: now.reason ?? now.state }).toEqual({ type, now: after[type] });
      if (state === 'ended a minute ago') expect(call).toBeNull();
      else expect(call).toMatchObject({ id: callId, state: now.state, reason: now.reason, rev: now.rev });
      const heard = await listener.heard();
      expect({ type, relayed: idsOf(heard).includes(signalId) }).toEqual({
        type,
        relayed: !kept?.includes(type),
      });
      const wasLive = state === 'rings' || state === 'talk';
      const written = (await recordsOf(bob)).length - before;
      const ended = wasLive && now.state === 'ENDED';
      expect({ type, written }).toEqual({ type, written: ended || logged?.includes(type) ? 1 : 0 });
      // For the next word.
      if (now.state !== 'ENDED') await alice.hangUp(callId);
      await pass(1000);
    }
  });
});

describe.each(engines)('a word with a `callId` on %s', (engine) => {
  test('is the verb, by the device that says it', async () => {
    const scene = await openScene(engine);
    const { alice, bob, desk, phone, tablet } = scene;
    const { call } = await alice.dial({ ...toBob, deviceId: 'desk' });
    const [byPhone, byTablet] = [phone, tablet].map((listener) => ({
      ...fromBob,
      callId: call.id,
      origin: { socketId: socketOf(listener) },
    }));
    expect(await bob.message({ ...byPhone, type: 'accept' })).toMatchObject({
      call: { id: call.id, state: 'ACCEPTED', rev: 2 },
    });
    const [relayed, accepted] = await desk.heard();
    expect(relayed).toMatchObject({ __typename: 'PeerMessage', type: 'accept', callId: call.id });
    expect(accepted).toMatchObject({
      __typename: 'CallUpdated',
      service: 'signaling.message',
      change: 'ACCEPTED',
      origin: { uid: 'bob', socketId: socketOf(phone) },
    });
    // What the device that lost says comes too late, whatever it is, and the caller does not hear it.
    for (const type of words.filter((word) => word !== 'answer')) {
      expect(await bob.message({ ...byTablet, type })).toMatchObject({ call: { state: 'ACCEPTED', rev: 2 } });
    }
    expect(await desk.heard()).toEqual([]);
    expect(await bob.message({ ...byPhone, type: 'leave' })).toMatchObject({
      call: { state: 'ENDED', reason: 'HANGUP', rev: 3 },
    });
    expect(kindsOf(await desk.heard())).toEqual(['PeerMessage', 'CallUpdated', 'CallLogged']);
  });

  test('declines on all devices, ends what rings, and writes no record of its own', async () => {
    const { clock, alice, bob, desk, tablet } = await openScene(engine);
    const first = await alice.dial({ ...toBob, deviceId: 'desk' });
    const origin = { socketId: socketOf(tablet) };
    const said = { ...fromBob, origin, callId: first.call.id, type: 'reject' };
    expect(await bob.message(said)).toMatchObject({ call: { state: 'ENDED', reason: 'DECLINED' } });
    clock.advance(1);
    const second = await alice.dial({ ...toBob, deviceId: 'desk' });
    const cancel = { ...fromAlice, callId: second.call.id, type: 'cancel', duration: 77 };
    for (let i = 0; i < 2; i++) {
      expect(await alice.message(cancel)).toMatchObject({ call: { state: 'ENDED', reason: 'CANCELLED' } });
    }
    const records = [
      { callId: second.call.id, reason: 'CANCELLED', duration: 0 },
      { callId: first.call.id, reason: 'DECLINED', duration: 0 },
    ];
    expect(await recordsOf(alice)).toMatchObject(records);
    expect(await recordsOf(bob)).toMatchObject(records);
    const ending = ['CallUpdated', 'CallLogged'];
    expect(kindsOf(await desk.heard())).toEqual(['PeerMessage', ...ending, ...ending]);
  });

  test('speaks of a client that can come back: its talk is watched like any other', async () => {
    const scene = await openScene(engine);
    const { alice, bob, desk, phone } = scene;
    const { call } = await alice.dial({ ...toBob, deviceId: 'desk' });
    const origin = { socketId: socketOf(phone) };
    await bob.message({ ...fromBob, origin, callId: call.id, type: 'pickup' });
    scene.clock.advance(1000);
    await Promise.all([desk.leave(), phone.leave()]);
    expect(await untilEnded(scene, call.id, 20_000)).toMatchObject({ reason: 'CONNECTION_LOST' });
  });

  test('of others is refused, and changes nothing', async () => {
    const { here, alice, bob, bobs } = await pages(engine);
    const carol = await person(here, 'carol');
    await carol.open();
    const { call } = await alice.dial(toBob);
    await bobs.heard();
    for (const type of words) {
      expect(await carol.refused('message', { target: { uid: 'bob' }, type, callId: call.id })).toMatchObject(
        {
          code: 'NOT_FOUND',
        },
      );
    }
    expect(await bobs.heard()).toEqual([]);
    expect(await readCall(bob, call.id)).toMatchObject({ state: 'RINGING', rev: 1 });
  });
});

describe.each(engines)('which call a word means on %s', (engine) => {
  const ask = (who: Person, uid: string, type: string, more: object = {}) =>
    who.message({ target: { uid }, role: 'CALLER', type, ...more });

  test('none, where the two have none: it is passed on, and logged as the seed does', async () => {
    const { here, clock, alice, bob, alices, bobs } = await pages(engine);
    const carol = await person(here, 'carol');
    const carols = await carol.open();
    const { call } = await alice.dial(toBob);
    await bobs.heard();
    for (const type of words) {
      clock.advance(1);
      expect(await ask(carol, 'bob', type, { duration: 9 })).toMatchObject({ call: null, held: false });
    }
    expect(wordsOf(await bobs.heard())).toEqual([...words]);
    const own = (await recordsOf(carol)).map(({ callId, status, duration }) => ({
      callId,
      status,
      duration,
    }));
    const expected = ['leave', 'cancel', 'reject'];
    expect(own).toEqual(expected.map((status) => ({ callId: null, status, duration: 9 })));
    expect(await readCall(alice, call.id)).toMatchObject({ state: 'RINGING', rev: 1 });
    // Nor does what Bob says to Carol mean his call with Alice.
    await ask(bob, 'carol', 'pickup');
    expect(wordsOf(await carols.heard())).toEqual(['pickup']);
    expect(await alices.heard()).toEqual([]);
    expect(await readCall(alice, call.id)).toMatchObject({ state: 'RINGING', rev: 1 });
  });

  test('the one with whom it is sent to, of several', async () => {
    const { here, alice, bob, bobs } = await pages(engine);
    const carol = await person(here, 'carol');
    await carol.open();
    const [first, second] = [await alice.dial(toBob), await carol.dial(toBob)];
    await ask(bob, 'carol', 'pickup');
    expect(await readCall(bob, first.call.id)).toMatchObject({ state: 'RINGING' });
    expect(await readCall(bob, second.call.id)).toMatchObject({ state: 'ACCEPTED' });
    await ask(bob, 'alice', 'reject');
    expect(await readCall(bob, first.call.id)).toMatchObject({ reason: 'DECLINED' });
    expect(await readCall(bob, second.call.id)).toMatchObject({ state: 'ACCEPTED' });
    expect(kindsOf(await bobs.heard()).filter((kind) => kind === 'IncomingCall')).toHaveLength(2);
  });

  test('there are never two between the same two, whoever dials, in whatever room and hub', async () => {
    const scene = await startScene(engine, {
      alice: { hubs: { team: 'write', lobby: 'write' } },
      bob: { hubs: { team: 'write', lobby: 'write' } },
    });
    const { alice, bob } = scene;
    await Promise.all([openDevice(alice, 'desk'), bob.open()]);
    const dials = await Promise.all([
      alice.dial(toBob),
      bob.dial(toAlice),
      alice.in('lobby').dial({ ...toBob, roomId: 'room-2' }),
      bob.in('lobby').dial({ ...toAlice, roomId: 'room-3' }),
      alice.dial({ ...toBob, deviceId: 'desk' }),
    ]);
    const calls = new Set(dials.map(({ call }) => call.id));
    expect(calls.size).toBe(1);
    expect(await activeCalls(alice)).toEqual([...calls]);
    expect(await activeCalls(bob)).toEqual([...calls]);
  });

  test('to one socket of the other side it is the same call', async () => {
    const { alice, bob, alices, bobs } = await pages(engine);
    const { call } = await alice.dial(toBob);
    const target = { socketId: socketOf(alices) };
    expect(await bob.message({ target, type: 'pickup' })).toMatchObject({
      scope: 'SOCKET',
      call: { id: call.id, state: 'ACCEPTED' },
    });
    expect(wordsOf(await alices.heard())).toEqual(['pickup']);
    const leave = { target: { socketId: socketOf(bobs) }, type: 'leave' };
    expect(await alice.message(leave)).toMatchObject({ call: { state: 'ENDED', reason: 'HANGUP' } });
  });

  test('to a hub, or to oneself, it means none', async () => {
    const { alice, bob, alices, bobs } = await pages(engine);
    const { call } = await alice.dial(toBob);
    for (const target of [{ hubId: 'team' }, { uid: 'bob' }]) {
      expect(await bob.message({ target, type: 'reject' })).toMatchObject({ call: null });
    }
    expect(wordsOf(await bobs.heard())).toEqual(['reject', 'reject']);
    expect(wordsOf(await alices.heard())).toEqual(['reject']);
    expect(await readCall(alice, call.id)).toMatchObject({ state: 'RINGING', rev: 1 });
  });
});

describe.each(engines)('a word that comes too late on %s', (engine) => {
  test('from a device that lost is not passed on, and changes nothing', async () => {
    const { alice, bob, desk, phone, tablet } = await openScene(engine);
    const { call } = await alice.dial({ ...toBob, deviceId: 'desk' });
    const by = (listener: typeof phone) => ({ ...fromBob, origin: { socketId: socketOf(listener) } });
    await bob.message({ ...by(phone), type: 'pickup' });
    expect(wordsOf(await desk.heard())).toEqual(['pickup']);
    for (const type of words) await bob.message({ ...by(tablet), type });
    expect(await desk.heard()).toEqual([]);
    const otherTab = await openDevice(bob, 'phone');
    // Another window of the phone has no part in it either while the first is open.
    await bob.message({ ...by(otherTab), type: 'pickup' });
    expect(await readCall(alice, call.id)).toMatchObject({ state: 'ACCEPTED', rev: 2 });
    // Its own words still arrive, but for a refusal: that would end the talk on the other side.
    for (const type of words.filter((word) => word !== 'leave' && word !== 'cancel')) {
      await bob.message({ ...by(phone), type });
    }
    const heard = wordsOf(await desk.heard()).filter((type) => type !== 'pickup');
    expect(heard).toEqual(['accept', 'answer']);
    expect(await readCall(alice, call.id)).toMatchObject({ state: 'ACCEPTED', rev: 2 });
  });

  test('after the deadline finds that nobody answered', async () => {
    const { clock, alice, bob } = await pages(engine);
    const { call } = await alice.dial(toBob);
    clock.advance(60_000);
    await bob.message({ ...fromBob, type: 'pickup' });
    expect(await readCall(alice, call.id)).toMatchObject({ state: 'ENDED', reason: 'NO_ANSWER' });
    expect(await recordsOf(bob)).toMatchObject([{ reason: 'NO_ANSWER', missed: true }]);
    expect(await recordsOf(alice)).toHaveLength(1);
  });
});
