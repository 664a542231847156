import { describe, expect, test } from 'vitest';
import type { Received } from './support/listen.ts';
import { idsOf, type PersonalListener, person } from './support/person.ts';
import {
  type CallScene,
  hush,
  kindsOf,
  openDevice,
  readCall,
  ringing,
  socketOf,
  talking,
  toBob,
} from './support/scenario.ts';
import { engines } from './support/service.ts';

/** What a socket has heard, without what a socket of the same device had sent itself to know that it heard everything. */
async function heardBy(listener: PersonalListener): Promise<Received[]> {
  const isProbe = (type: unknown) => typeof type === 'string' && /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(type);
  return (await listener.heard()).filter(({ type }) => !isProbe(type));
}

/** Tells signals of one kind from each other: the words of messages, and what changed in a call. */
const gistOf = (signals: readonly Received[]): string[] =>
  signals.map(({ __typename, type, change }) => type ?? change ?? __typename);

const watch = { variables: { deviceId: 'watch', deviceLabel: 'Wrist' } };

/** Alice describes herself to all of Bob's devices: the first candidate overtakes the offer. */
async function offerToAll({ alice, desk, callId }: CallScene): Promise<string[]> {
  const to = { target: { uid: 'bob' }, origin: { socketId: socketOf(desk) }, callId };
  const early = await alice.message({ ...to, type: 'candidate', payload: 1 });
  expect(early.held).toBe(true);
  const offer = await alice.message({ ...to, type: 'offer' });
  const late = await alice.message({ ...to, type: 'candidate', payload: 2 });
  return [offer, early, late].map(({ signalId }) => signalId);
}

describe.each(engines)('a device that opens while it rings on %s', (engine) => {
  test('rings for what is left, and gets the offer and the candidates in their order', async () => {
    const scene = await ringing(engine);
    const { here, alice, phone, callId, pass } = scene;
    const negotiation = await offerToAll(scene);
    // What is not of the call, and what is for another device, is none of its business.
    await alice.message({ target: { uid: 'bob' }, type: 'chat' });
    await alice.message({ target: { socketId: socketOf(phone) }, type: 'offer', callId, generation: 1 });
    await pass(20_000);

    // On whichever node it comes.
    const bob = await person(here, 'bob');
    const late = await bob.open(watch);
    expect(late.ready).toMatchObject({
      recovered: false,
      reason: null,
      calls: [{ id: callId, state: 'RINGING' }],
    });
    const [ring, ...rest] = await heardBy(late);
    expect(ring).toMatchObject({
      __typename: 'IncomingCall',
      ring: true,
      remainingMs: 39_000,
      waiting: false,
      call: { id: callId, state: 'RINGING' },
    });
    expect(idsOf(rest)).toEqual(negotiation);
    expect(rest.map(({ type, payload }) => [type, payload])).toEqual([
      ['offer', null],
      ['candidate', 1],
      ['candidate', 2],
    ]);
    // And goes on live.
    const next = await alice.message({ target: { uid: 'bob' }, type: 'chat' });
    expect(idsOf(await heardBy(late))).toEqual([next.signalId]);
    expect(await bob.accept(callId, socketOf(late))).toMatchObject({ __typename: 'Accepted' });
  });

  test('loses nothing when it resumes from any place of that', async () => {
    const scene = await ringing(engine);
    const { bob, callId, phone } = scene;
    await offerToAll(scene);
    await bob.acknowledgeRing(callId, socketOf(phone));
    const late = await bob.open(watch);
    await secondCall(scene);
    await heardBy(late);
    const all = late.received.slice(0, -1);
    expect(gistOf(all)).toEqual([
      'SocketReady',
      'IncomingCall',
      'offer',
      'candidate',
      'candidate',
      'ALERTING',
      'IncomingCall',
      'offer',
      'candidate',
      'candidate',
    ]);
    for (const [i, { cursor }] of all.entries()) {
      const back = await bob.open({ variables: { ...watch.variables, after: cursor } });
      expect(back.ready).toMatchObject({ recovered: true, cursor });
      const heard = idsOf(await heardBy(back));
      expect({ i, heard: heard.slice(0, all.length - i - 1) }).toEqual({ i, heard: idsOf(all.slice(i + 1)) });
      back.close();
    }
  });

  /** Carol dials Bob too, with all that Alice sends. */
  async function secondCall({ here }: CallScene) {
    const carol = await person(here, 'carol');
    const own = await carol.open();
    const { call } = await carol.dial(toBob);
    const to = { target: { uid: 'bob' }, origin: { socketId: socketOf(own) }, callId: call.id };
    for (const type of ['candidate', 'offer', 'candidate']) await carol.message({ ...to, type });
    return call;
  }

  test('with two calls rings for both', async () => {
    const scene = await ringing(engine);
    const { bob, callId, clock } = scene;
    clock.advance(1000);
    const second = await secondCall(scene);
    const late = await bob.open(watch);
    expect(late.ready.calls.map(({ id }: Received) => id)).toEqual([callId, second.id]);
    const rings = (await heardBy(late)).filter(({ __typename }) => __typename === 'IncomingCall');
    expect(rings.map(({ call, remainingMs }) => [call.id, remainingMs])).toEqual([
      [callId, 58_000],
      [second.id, 60_000],
    ]);
  });

  test.each([
    [57_000, true],
    [57_001, false],
    [59_999, false],
  ])('%i ms after the dial: it rings: %s', async (ms, ring) => {
    const { bob, pass } = await ringing(engine);
    await pass(ms - 1000);
    const late = await bob.open(watch);
    expect(await heardBy(late)).toMatchObject([{ ring, remainingMs: 60_000 - ms }]);
  });

  test('also when it brings a cursor that cannot be followed', async () => {
    const { bob, callId } = await ringing(engine);
    const late = await bob.open({ variables: { ...watch.variables, after: 'abcdef:1' } });
    expect(late.ready).toMatchObject({ recovered: false, reason: 'EPOCH', calls: [{ id: callId }] });
    expect(kindsOf(await heardBy(late))).toEqual(['IncomingCall']);
  });

  test('does not ring again once it has refused, but may still answer', async () => {
    const { bob, callId, tablet } = await ringing(engine);
    await bob.decline(callId, { socketId: socketOf(tablet) });
    await tablet.leave();
    for (const after of [null, tablet.ready.cursor]) {
      const back = await openDevice(bob, 'tablet', { after });
      expect(back.ready.calls).toMatchObject([{ id: callId, state: 'RINGING' }]);
      expect(gistOf(await heardBy(back))).toEqual(['DECLINED']);
      await back.leave();
    }
    const elsewhere = await bob.open(watch);
    expect(gistOf(await heardBy(elsewhere))).toEqual(['IncomingCall', 'DECLINED']);
    const back = await openDevice(bob, 'tablet');
    expect(await bob.accept(callId, socketOf(back))).toMatchObject({ __typename: 'Accepted' });
  });
});

describe.each(engines)('a device that opens after an answer elsewhere on %s', (engine) => {
  test('is told the state, and gets neither a ring nor the negotiation', async () => {
    const scene = await ringing(engine);
    const { alice, bob, desk, phone, callId } = scene;
    await offerToAll(scene);
    await bob.acknowledgeRing(callId, socketOf(phone));
    await bob.accept(callId, socketOf(phone));
    const to = { target: { socketId: socketOf(desk) }, origin: { socketId: socketOf(phone) }, callId };
    await bob.message({ ...to, type: 'answer' });
    await alice.message({ target: { uid: 'bob' }, type: 'chat' });

    const late = await bob.open(watch);
    expect(late.ready.calls).toMatchObject([{ id: callId, state: 'ACCEPTED' }]);
    const [update, ...more] = await heardBy(late);
    expect(more).toEqual([]);
    expect(update).toMatchObject({
      change: 'ACCEPTED',
      remainingMs: 0,
      call: { id: callId, state: 'ACCEPTED', rev: 3 },
      device: { deviceId: 'phone', deviceLabel: 'Pocket', socketId: socketOf(phone) },
    });
    expect(await bob.accept(callId, socketOf(late))).toMatchObject({ __typename: 'AnsweredElsewhere' });

    // The caller's other device neither.
    const laptop = await alice.open({ variables: { deviceId: 'laptop' } });
    expect(gistOf(await heardBy(laptop))).toEqual(['ACCEPTED']);
  });
});

interface Over {
  readonly how: string;
  readonly reason: string;
  end(scene: CallScene): Promise<unknown>;
}

const overs: readonly Over[] = [
  { how: 'was cancelled', reason: 'CANCELLED', end: ({ alice, callId }) => alice.hangUp(callId) },
  { how: 'was refused', reason: 'DECLINED', end: ({ bob, callId }) => bob.decline(callId) },
  {
    how: 'was refused by a word',
    reason: 'DECLINED',
    end: ({ bob }) => bob.message({ target: { uid: 'alice' }, type: 'reject' }),
  },
  {
    how: 'was answered and is over',
    reason: 'HANGUP',
    async end({ alice, bob, callId, phone }) {
      await bob.accept(callId, socketOf(phone));
      await alice.hangUp(callId);
    },
  },
  {
    how: 'rang until its deadline',
    reason: 'NO_ANSWER',
    async end({ pass, phone }) {
      await pass(60_000);
      while ((await phone.nextOf('CallUpdated')).change !== 'ENDED');
    },
  },
];

describe.each(engines)('a ring that is over on %s', (engine) => {
  test.each(overs)('is in no replay and no new socket, when it $how', async ({ reason, end }) => {
    const scene = await ringing(engine);
    const { bob, callId, phone, tablet } = scene;
    await offerToAll(scene);
    await bob.acknowledgeRing(callId, socketOf(phone));
    await tablet.leave();
    await end(scene);
    expect(await readCall(bob, callId)).toMatchObject({ state: 'ENDED', reason });

    const fresh = await bob.open(watch);
    expect(fresh.ready.calls).toEqual([]);
    expect(await heardBy(fresh)).toEqual([]);

    const replay = await openDevice(bob, 'tablet', { after: tablet.ready.cursor });
    expect(replay.ready).toMatchObject({ recovered: true, calls: [] });
    const heard = await heardBy(replay);
    expect(gistOf(heard)).toEqual(['offer', 'candidate', 'candidate', 'ENDED', 'CallLogged']);
    expect(heard[3].call).toMatchObject({ id: callId, state: 'ENDED', reason });

    // Nor for one that wants to hear of nothing else.
    const kinds = { after: tablet.ready.cursor, kinds: ['INCOMING_CALL', 'PEER_MESSAGE'] };
    const ringsOnly = await openDevice(bob, 'tablet', kinds);
    expect(kindsOf(await heardBy(ringsOnly))).not.toContain('IncomingCall');
  });

  test('is in no replay after an answer elsewhere either', async () => {
    const { bob, callId, phone, tablet } = await ringing(engine);
    await tablet.leave();
    await bob.accept(callId, socketOf(phone));
    const replay = await openDevice(bob, 'tablet', { after: tablet.ready.cursor });
    expect(replay.ready.calls).toMatchObject([{ id: callId, state: 'ACCEPTED' }]);
    expect(gistOf(await heardBy(replay))).toEqual(['ACCEPTED']);
  });

  test('rings no more at its deadline, whether or not that was noticed', async () => {
    const { bob, clock, tablet } = await ringing(engine);
    await tablet.leave();
    clock.advance(59_000);
    for (const after of [tablet.ready.cursor, null]) {
      const late = await openDevice(bob, 'tablet', { after });
      expect(late.ready.calls).toEqual([]);
      for (const signal of await heardBy(late)) {
        if (signal.__typename === 'IncomingCall')
          expect(signal).toMatchObject({ ring: false, remainingMs: 0 });
      }
      late.close();
    }
  });

  test('does not hide the next one', async () => {
    const { alice, bob, callId, tablet } = await ringing(engine);
    await tablet.leave();
    await alice.hangUp(callId);
    const { call, signalId } = await alice.dial({ ...toBob, deviceId: 'desk' });
    const replay = await openDevice(bob, 'tablet', { after: tablet.ready.cursor });
    const heard = await heardBy(replay);
    expect(gistOf(heard)).toEqual(['ENDED', 'CallLogged', 'IncomingCall']);
    expect(heard[2]).toMatchObject({ id: signalId, ring: true, call: { id: call.id } });
  });
});

describe.each(engines)('a device that is in the call and comes back on %s', (engine) => {
  /** Offer, answer and candidates between the sockets that talk, and a chat. */
  async function negotiate({ alice, bob, desk, phone, callId }: CallScene) {
    const way = (from: PersonalListener, to: PersonalListener) => ({
      target: { socketId: socketOf(to) },
      origin: { socketId: socketOf(from) },
      callId,
    });
    for (const type of ['candidate', 'offer', 'candidate'])
      await alice.message({ ...way(desk, phone), type });
    for (const type of ['candidate', 'answer', 'candidate']) await bob.message({ ...way(phone, desk), type });
    await alice.message({ target: { uid: 'bob' }, type: 'chat' });
    await bob.message({ target: { uid: 'alice' }, type: 'chat' });
  }

  test('gets the negotiation again, without the ring, and may go on with its new socket', async () => {
    const scene = await talking(engine);
    const { bob, phone, callId } = scene;
    await negotiate(scene);
    await phone.leave();
    const back = await openDevice(bob, 'phone');
    expect(back.ready.calls).toMatchObject([{ id: callId, state: 'ACCEPTED' }]);
    expect(gistOf(await heardBy(back))).toEqual(['ACCEPTED', 'offer', 'candidate', 'candidate']);
    expect(await bob.accept(callId, socketOf(back))).toMatchObject({ __typename: 'Accepted', polite: true });
    // Once more, and it is told where the call is now.
    await back.leave();
    const again = await openDevice(bob, 'phone');
    expect(gistOf(await heardBy(again))).toEqual(['offer', 'candidate', 'candidate', 'MOVED']);
  });

  test('gets it as who dialled just as well', async () => {
    const scene = await talking(engine);
    const { alice, desk, callId } = scene;
    await negotiate(scene);
    await desk.leave();
    const back = await openDevice(alice, 'desk');
    expect(back.ready.calls).toMatchObject([{ id: callId, state: 'ACCEPTED' }]);
    expect(gistOf(await heardBy(back))).toEqual(['ACCEPTED', 'answer', 'candidate', 'candidate']);
  });

  test('with its cursor misses nothing, and gets nothing twice', async () => {
    const scene = await talking(engine);
    const { bob, phone } = scene;
    const cursor = phone.received.at(-1).cursor;
    await phone.leave();
    // What is for the socket that is gone waits for the device.
    await scene.alice.message({ target: { uid: 'bob' }, type: 'first' });
    const back = await openDevice(bob, 'phone', { after: cursor });
    await scene.alice.message({ target: { uid: 'bob' }, type: 'second' });
    expect(gistOf(await heardBy(back))).toEqual(['first', 'second']);
  });

  test('in another window of the device that talks sees only what is for all of the device', async () => {
    const scene = await talking(engine);
    await negotiate(scene);
    const other = await openDevice(scene.bob, 'phone');
    expect(gistOf(await heardBy(other))).toEqual(['ACCEPTED']);
  });
});

describe.each(engines)('a replay on %s', (engine) => {
  test('holds of each call its newest state only, in its place, and everything that is not of a call', async () => {
    const scene = await ringing(engine);
    const { here, alice, bob, desk, phone, tablet, callId } = scene;
    const cursor = tablet.ready.cursor;
    const carol = await person(here, 'carol');
    await carol.open();
    const second = await carol.dial(toBob);
    await bob.acknowledgeRing(callId, socketOf(phone));
    await bob.acknowledgeRing(second.call.id, socketOf(phone));
    await alice.message({ target: { uid: 'bob' }, type: 'chat' });
    await alice.message({ target: { hubId: 'team' }, type: 'hub chat' });
    await bob.decline(callId, { socketId: socketOf(phone) });
    await bob.accept(second.call.id, socketOf(phone));
    await alice.message({ target: { uid: 'bob' }, type: 'more' });
    await hush(scene);

    const replay = await openDevice(bob, 'tablet', { after: cursor });
    const heard = await heardBy(replay);
    expect(gistOf(heard)).toEqual(['IncomingCall', 'chat', 'hub chat', 'DECLINED', 'ACCEPTED', 'more']);
    // They are the same signals as went out live.
    expect(idsOf(phone.received)).toEqual(expect.arrayContaining(idsOf(heard)));
    expect(heard[0].call.id).toBe(callId);
    expect(await heardBy(desk)).toEqual([]);
  });
});
