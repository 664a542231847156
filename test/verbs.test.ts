import { describe, expect, test, vi } from 'vitest';
import type { Received } from './support/listen.ts';
import { person } from './support/person.ts';
import {
  activeCalls,
  allHeard,
  type CallScene,
  hush,
  iso,
  kindsOf,
  openDevice,
  openScene,
  originOf,
  privilegeIn,
  readCall,
  recordsOf,
  refusedVerb,
  ringing,
  socketOf,
  talking,
  toAlice,
  toBob,
  untilEnded,
} from './support/scenario.ts';
import { engines } from './support/service.ts';

/** What every logged signal has, whatever it says. */
const logged = {
  id: expect.stringMatching(/^sig_/),
  cursor: expect.stringMatching(/^[0-9a-f]+:\d+$/),
  sentAt: expect.stringMatching(/Z$/),
  hubId: 'team',
};

/** A whole `CallUpdated`: the rest is what differs. */
function updated(
  { callId }: Pick<CallScene, 'callId'>,
  { call, ...rest }: { readonly call: object; readonly [field: string]: unknown },
) {
  const parties = { caller: 'alice', callee: 'bob', roomId: 'room-1' };
  return { __typename: 'CallUpdated', ...logged, ...rest, call: { id: callId, ...parties, ...call } };
}

const leg = (deviceId: 'phone' | 'tablet', state: string, since: number) => ({
  deviceId,
  deviceLabel: deviceId === 'phone' ? 'Pocket' : 'Sofa',
  state,
  since: iso(since),
});

const atDesk = { deviceId: 'desk', deviceLabel: 'Office' };
const onPhone = { deviceId: 'phone', deviceLabel: 'Pocket' };

const nothing = { atDesk: [], onPhone: [], onTablet: [] };

describe.each(engines)('acknowledgeRing on %s', (engine) => {
  test('tells both sides that a device rings, and neither of the other’s devices', async () => {
    const scene = await ringing(engine);
    const { clock, alice, bob, desk, phone, callId } = scene;
    const ringsUntil = clock.now() - 1000 + 60_000;
    const said = await bob.acknowledgeRing(callId, socketOf(phone));
    expect(said).toMatchObject({ changed: true, call: { state: 'RINGING', rev: 2, legs: 2, alerting: 1 } });

    const shared = {
      service: 'signaling.acknowledgeRing',
      origin: originOf('bob'),
      change: 'ALERTING',
      call: { state: 'RINGING', reason: null, rev: 2, legs: 2, alerting: 1 },
      expiresAt: iso(ringsUntil),
      remainingMs: 59_000,
    };
    const heard = await allHeard(scene);
    const device = { ...atDesk, socketId: socketOf(desk) };
    expect(heard.atDesk).toEqual([updated(scene, { ...shared, device, legs: [] })]);
    const legs = [leg('phone', 'ALERTING', clock.now()), leg('tablet', 'SENT', clock.now() - 1000)];
    const forBob = updated(scene, { ...shared, device: null, legs: expect.any(Array) });
    expect(heard.onPhone).toEqual([forBob]);
    expect(heard.onTablet).toEqual(heard.onPhone);
    expect(byDevice(heard.onPhone[0].legs)).toEqual(legs);
    expect(await readCall(alice, callId)).toMatchObject({ rev: 2, alerting: 1 });
  });

  test('changes nothing when it is said again, by the caller, or too late', async () => {
    const scene = await ringing(engine);
    const { alice, bob, desk, phone, tablet, callId } = scene;
    await bob.acknowledgeRing(callId, socketOf(phone));
    await bob.decline(callId, { socketId: socketOf(tablet) });
    await hush(scene);
    const repeated = [
      await bob.acknowledgeRing(callId, socketOf(phone)),
      await bob.acknowledgeRing(callId, socketOf(tablet)),
      await alice.acknowledgeRing(callId, socketOf(desk)),
    ];
    for (const said of repeated)
      expect(said).toMatchObject({ changed: false, call: { rev: 3, alerting: 1 } });
    await alice.hangUp(callId);
    await hush(scene);
    const late = await bob.acknowledgeRing(callId, socketOf(phone));
    expect(late).toMatchObject({ changed: false, call: { state: 'ENDED', reason: 'CANCELLED', rev: 4 } });
    expect(await allHeard(scene)).toEqual(nothing);
  });
});

/** Legs in the order of the devices' names: theirs among each other is nobody's business. */
function byDevice(legs: Received[]): Received[] {
  return legs.toSorted((a, b) => (a.deviceId < b.deviceId ? -1 : 1));
}

describe.each(engines)('accept on %s', (engine) => {
  test('gives the call to one device, and tells both sides, neither of the other’s devices', async () => {
    const scene = await ringing(engine);
    const { clock, bob, desk, phone, callId } = scene;
    const dialledAt = clock.now() - 1000;
    const accepted = await bob.accept(callId, socketOf(phone));
    expect(accepted).toEqual({
      __typename: 'Accepted',
      polite: true,
      call: {
        id: callId,
        state: 'ACCEPTED',
        reason: null,
        rev: 2,
        hubId: 'team',
        roomId: 'room-1',
        roomType: 'video',
        caller: 'alice',
        callee: 'bob',
        legs: 2,
        alerting: 0,
        acceptedAt: iso(clock.now()),
        endedAt: null,
      },
    });

    const shared = {
      service: 'signaling.accept',
      origin: originOf('bob', socketOf(phone)),
      change: 'ACCEPTED',
      call: { state: 'ACCEPTED', reason: null, rev: 2, legs: 2, alerting: 0 },
      expiresAt: iso(dialledAt + 24 * 60 * 60 * 1000),
      remainingMs: 0,
    };
    const heard = await allHeard(scene);
    const own = { ...atDesk, socketId: socketOf(desk) };
    expect(heard.atDesk).toEqual([updated(scene, { ...shared, device: own, legs: [] })]);
    const device = { ...onPhone, socketId: socketOf(phone) };
    expect(heard.onPhone).toEqual([updated(scene, { ...shared, device, legs: expect.any(Array) })]);
    expect(heard.onTablet).toEqual(heard.onPhone);
    expect(byDevice(heard.onPhone[0].legs)).toEqual([
      leg('phone', 'WON', clock.now()),
      leg('tablet', 'LOST', clock.now()),
    ]);
  });

  test('tells every other device, and the winner’s other socket, where it was answered', async () => {
    const scene = await ringing(engine);
    const { bob, phone, tablet, callId } = scene;
    const otherTab = await openDevice(bob, 'phone');
    await bob.accept(callId, socketOf(phone));
    await hush(scene);
    const device = { ...onPhone, socketId: socketOf(phone) };
    for (const loser of [tablet, otherTab]) {
      expect(await bob.accept(callId, socketOf(loser))).toMatchObject({
        __typename: 'AnsweredElsewhere',
        device,
        call: { state: 'ACCEPTED', rev: 2 },
      });
    }
    expect(await allHeard(scene)).toEqual(nothing);
  });

  test('may be repeated by who has the call, also with a socket that is gone; nobody hears of it', async () => {
    const scene = await talking(engine);
    const { alice, bob, desk, phone, tablet, callId } = scene;
    const accepted = { __typename: 'Accepted', call: { state: 'ACCEPTED', rev: 2 } };
    expect(await bob.accept(callId, socketOf(phone))).toMatchObject({ ...accepted, polite: true });
    expect(await alice.accept(callId, socketOf(desk))).toMatchObject({ ...accepted, polite: false });
    await phone.leave();
    expect(await bob.accept(callId, socketOf(phone))).toMatchObject({ ...accepted, polite: true });
    expect(await bob.accept(callId, socketOf(phone))).toMatchObject({ ...accepted, polite: true });
    expect([await desk.heard(), await tablet.heard()]).toEqual([[], []]);
  });

  test('moves the call to a new socket of the device that has it, once the old one is gone', async () => {
    const scene = await talking(engine);
    const { clock, bob, desk, phone, tablet, callId } = scene;
    const acceptedAt = clock.now() - 1000;
    const back = await openDevice(bob, 'phone');
    await back.heard();
    expect(await bob.accept(callId, socketOf(back))).toMatchObject({ __typename: 'AnsweredElsewhere' });
    await phone.leave();
    expect(await bob.accept(callId, socketOf(back))).toMatchObject({
      __typename: 'Accepted',
      polite: true,
      call: { state: 'ACCEPTED', rev: 3, acceptedAt: iso(acceptedAt) },
    });

    const shared = {
      service: 'signaling.accept',
      origin: originOf('bob', socketOf(back)),
      change: 'MOVED',
      call: { state: 'ACCEPTED', reason: null, rev: 3, legs: 2, alerting: 0 },
      expiresAt: expect.any(String),
      remainingMs: 0,
    };
    const own = { ...atDesk, socketId: socketOf(desk) };
    expect(await desk.heard()).toEqual([updated(scene, { ...shared, device: own, legs: [] })]);
    const device = { ...onPhone, socketId: socketOf(back) };
    const [moved] = await back.heard();
    expect(moved).toEqual(updated(scene, { ...shared, device, legs: expect.any(Array) }));
    expect(byDevice(moved.legs).map(({ state }) => state)).toEqual(['WON', 'LOST']);
    expect(await tablet.heard()).toEqual([moved]);
    // And the tablet, whose socket lives, has no way in.
    expect(await bob.accept(callId, socketOf(tablet))).toMatchObject({
      __typename: 'AnsweredElsewhere',
      device,
    });
  });

  test('a device that came while it rang may win', async () => {
    const { bob, desk, callId } = await ringing(engine);
    const watch = await bob.open({ variables: { deviceId: 'watch', deviceLabel: 'Wrist' } });
    expect(await bob.accept(callId, socketOf(watch))).toMatchObject({
      __typename: 'Accepted',
      call: { legs: 3 },
    });
    expect(JSON.stringify(await desk.heard())).not.toMatch(/watch|Wrist/);
  });

  test('after the end says that it has ended, and why', async () => {
    const scene = await ringing(engine);
    const { alice, bob, phone, callId } = scene;
    await alice.hangUp(callId);
    await hush(scene);
    expect(await bob.accept(callId, socketOf(phone))).toMatchObject({
      __typename: 'CallEnded',
      call: { state: 'ENDED', reason: 'CANCELLED', rev: 2 },
    });
    expect(await allHeard(scene)).toEqual(nothing);
  });

  test('at its deadline says that nobody answered, whether or not that was noticed before', async () => {
    const { clock, bob, phone, callId } = await ringing(engine);
    clock.advance(59_000);
    expect(await bob.accept(callId, socketOf(phone))).toMatchObject({
      __typename: 'CallEnded',
      call: { state: 'ENDED', reason: 'NO_ANSWER' },
    });
  });

  test('is refused to the caller, with a socket of somebody else, and for a call of others', async () => {
    const scene = await ringing(engine);
    const { here, there, alice, bob, desk, phone, callId } = scene;
    const carol = await person(here, 'carol');
    const ear = await carol.open();
    const refusals = [
      await refusedVerb(here, alice, 'accept', { callId, socketId: socketOf(desk) }),
      await refusedVerb(there, bob, 'accept', { callId, socketId: socketOf(desk) }),
      await refusedVerb(there, bob, 'accept', { callId, socketId: 'sock_unknown' }),
      await refusedVerb(here, carol, 'accept', { callId, socketId: socketOf(ear) }),
      await refusedVerb(there, bob, 'accept', { callId: 'call_unknown', socketId: socketOf(phone) }),
    ];
    expect(refusals).toMatchObject([
      { code: 'BAD_USER_INPUT', field: 'callId' },
      { code: 'BAD_USER_INPUT', field: 'socketId' },
      { code: 'BAD_USER_INPUT', field: 'socketId' },
      { code: 'NOT_FOUND', field: 'callId' },
      { code: 'NOT_FOUND', field: 'callId' },
    ]);
    expect(await allHeard(scene)).toEqual(nothing);
    expect((await readCall(bob, callId)).rev).toBe(1);
  });
});

describe.each(engines)('decline on %s', (engine) => {
  test('on one device leaves the others ringing, and tells both sides', async () => {
    const scene = await ringing(engine);
    const { clock, bob, desk, tablet, callId } = scene;
    const said = await bob.decline(callId, { socketId: socketOf(tablet) });
    expect(said).toMatchObject({ changed: true, call: { state: 'RINGING', rev: 2 } });
    const shared = {
      service: 'signaling.decline',
      origin: originOf('bob'),
      change: 'DECLINED',
      call: { state: 'RINGING', reason: null, rev: 2, legs: 2, alerting: 0 },
      expiresAt: iso(clock.now() + 59_000),
      remainingMs: 59_000,
    };
    const heard = await allHeard(scene);
    const device = { ...atDesk, socketId: socketOf(desk) };
    expect(heard.atDesk).toEqual([updated(scene, { ...shared, device, legs: [] })]);
    expect(heard.onPhone).toEqual([updated(scene, { ...shared, device: null, legs: expect.any(Array) })]);
    expect(heard.onTablet).toEqual(heard.onPhone);
    expect(byDevice(heard.onPhone[0].legs)).toEqual([
      leg('phone', 'SENT', clock.now() - 1000),
      leg('tablet', 'DECLINED', clock.now()),
    ]);
    // Whoever changes their mind may still answer.
    expect(await bob.accept(callId, socketOf(tablet))).toMatchObject({ __typename: 'Accepted' });
  });

  test('on the last device ends the call', async () => {
    const scene = await ringing(engine);
    const { clock, bob, desk, phone, tablet, callId } = scene;
    await bob.decline(callId, { socketId: socketOf(tablet) });
    await hush(scene);
    const said = await bob.decline(callId, { socketId: socketOf(phone) });
    expect(said).toMatchObject({ changed: true, call: { state: 'ENDED', reason: 'DECLINED', rev: 3 } });
    const shared = {
      service: 'signaling.decline',
      origin: originOf('bob'),
      change: 'ENDED',
      call: { state: 'ENDED', reason: 'DECLINED', rev: 3, legs: 2, alerting: 0 },
      expiresAt: iso(clock.now() + 59_000),
      remainingMs: 0,
    };
    const heard = await allHeard(scene);
    expect(kindsOf(heard.atDesk)).toEqual(['CallUpdated', 'CallLogged']);
    const device = { ...atDesk, socketId: socketOf(desk) };
    expect(heard.atDesk[0]).toEqual(updated(scene, { ...shared, device, legs: [] }));
    expect(heard.onPhone[0]).toEqual(updated(scene, { ...shared, device: null, legs: expect.any(Array) }));
    expect(heard.onTablet).toEqual(heard.onPhone);
    const declined = ['phone', 'tablet'].map((deviceId) => ({ deviceId, state: 'DECLINED' }));
    expect(byDevice(heard.onPhone[0].legs)).toMatchObject(declined);
  });

  test('without a socket refuses on all devices at once', async () => {
    const scene = await ringing(engine);
    const { bob, callId } = scene;
    const said = await bob.decline(callId);
    expect(said).toMatchObject({ changed: true, call: { state: 'ENDED', reason: 'DECLINED', rev: 2 } });
    const { onTablet } = await allHeard(scene);
    expect(onTablet[0].legs.map(({ state }: Received) => state)).toEqual(['DECLINED', 'DECLINED']);
  });

  test('as busy ends the call so', async () => {
    const scene = await ringing(engine);
    const { bob, phone, tablet, callId } = scene;
    expect(await bob.decline(callId, { socketId: socketOf(tablet), busy: true })).toMatchObject({
      changed: true,
      call: { state: 'RINGING' },
    });
    expect(await bob.decline(callId, { socketId: socketOf(phone), busy: true })).toMatchObject({
      changed: true,
      call: { state: 'ENDED', reason: 'BUSY' },
    });
    const { onPhone: heard } = await allHeard(scene);
    const ended = heard.find(({ change }) => change === 'ENDED');
    expect(ended.legs.map(({ state }: Received) => state)).toEqual(['BUSY', 'BUSY']);
  });

  test('changes nothing when it is said again, by the caller, after an answer, or after the end', async () => {
    const scene = await ringing(engine);
    const { alice, bob, desk, phone, tablet, callId } = scene;
    const own = { socketId: socketOf(tablet) };
    await bob.decline(callId, own);
    await hush(scene);
    expect(await bob.decline(callId, own)).toMatchObject({ changed: false, call: { rev: 2 } });
    expect(await alice.decline(callId)).toMatchObject({ changed: false, call: { rev: 2 } });
    await bob.accept(callId, socketOf(phone));
    await hush(scene);
    const variants = [own, { socketId: socketOf(phone) }, {}, { busy: true }];
    for (const late of variants) {
      expect(await bob.decline(callId, late)).toMatchObject({
        changed: false,
        call: { state: 'ACCEPTED', rev: 3 },
      });
    }
    await alice.hangUp(callId, { socketId: socketOf(desk) });
    await hush(scene);
    for (const late of variants) {
      expect(await bob.decline(callId, late)).toMatchObject({
        changed: false,
        call: { state: 'ENDED', reason: 'HANGUP', rev: 4 },
      });
    }
    expect(await allHeard(scene)).toEqual(nothing);
  });
});

describe.each(engines)('hangUp on %s', (engine) => {
  test('by the caller before an answer cancels the call', async () => {
    const scene = await ringing(engine);
    const { clock, alice, desk, callId } = scene;
    const said = await alice.hangUp(callId, { socketId: socketOf(desk) });
    expect(said).toMatchObject({ changed: true, call: { state: 'ENDED', reason: 'CANCELLED', rev: 2 } });
    const shared = {
      service: 'signaling.hangUp',
      origin: originOf('alice'),
      change: 'ENDED',
      call: { state: 'ENDED', reason: 'CANCELLED', rev: 2, legs: 2, alerting: 0 },
      expiresAt: iso(clock.now() + 59_000),
      remainingMs: 0,
    };
    const heard = await allHeard(scene);
    const device = { ...atDesk, socketId: socketOf(desk) };
    expect(heard.atDesk[0]).toEqual(updated(scene, { ...shared, device, legs: [] }));
    expect(heard.onPhone[0]).toEqual(updated(scene, { ...shared, device: null, legs: expect.any(Array) }));
    expect(heard.onTablet).toEqual(heard.onPhone);
    expect(byDevice(heard.onPhone[0].legs)).toEqual([
      leg('phone', 'CANCELLED', clock.now()),
      leg('tablet', 'CANCELLED', clock.now()),
    ]);
  });

  test.each([
    ['the caller', undefined, 'HANGUP'],
    ['the caller, because sound or picture failed', 'MEDIA_FAILED', 'MEDIA_FAILED'],
    ['the device that answered', undefined, 'HANGUP'],
    ['the device that answered, because sound or picture failed', 'MEDIA_FAILED', 'MEDIA_FAILED'],
  ])('by %s ends the talk', async (who, given, reason) => {
    const scene = await talking(engine);
    const { clock, alice, bob, desk, phone, callId } = scene;
    const byCaller = who.startsWith('the caller');
    const hangUp = byCaller ? alice.hangUp : bob.hangUp;
    const said = await hangUp(callId, {
      socketId: socketOf(byCaller ? desk : phone),
      ...(given && { reason: given }),
    });
    const ended = { state: 'ENDED', reason, rev: 3 };
    expect(said).toMatchObject({ changed: true, call: { ...ended, endedAt: iso(clock.now()) } });
    const shared = {
      service: 'signaling.hangUp',
      origin: originOf(byCaller ? 'alice' : 'bob'),
      change: 'ENDED',
      call: { ...ended, legs: 2, alerting: 0 },
      expiresAt: expect.any(String),
      remainingMs: 0,
    };
    const heard = await allHeard(scene);
    const own = { ...atDesk, socketId: socketOf(desk) };
    expect(heard.atDesk[0]).toEqual(updated(scene, { ...shared, device: own, legs: [] }));
    const device = { ...onPhone, socketId: socketOf(phone) };
    expect(heard.onPhone[0]).toEqual(updated(scene, { ...shared, device, legs: expect.any(Array) }));
    expect(byDevice(heard.onPhone[0].legs)).toEqual([
      leg('phone', 'WON', clock.now() - 1000),
      leg('tablet', 'LOST', clock.now() - 1000),
    ]);
    expect(heard.onTablet).toEqual(heard.onPhone);
    expect(kindsOf(heard.onTablet)).toEqual(['CallUpdated', 'CallLogged']);
  });

  test('by a called device while it rings refuses the call there', async () => {
    const { bob, tablet, callId } = await ringing(engine);
    expect(await bob.hangUp(callId, { socketId: socketOf(tablet) })).toMatchObject({
      changed: true,
      call: { state: 'RINGING', rev: 2 },
    });
    expect(await bob.hangUp(callId)).toMatchObject({
      changed: true,
      call: { state: 'ENDED', reason: 'DECLINED' },
    });
  });

  test('needs no socket of the called user where nobody knows which device has the call', async () => {
    const { alice, bob } = await openScene(engine);
    // Both dial; who came second is the called user, without having been asked.
    const { call } = await alice.dial({ ...toBob, deviceId: 'desk' });
    expect(await bob.dial(toAlice)).toMatchObject({ merged: true, call: { id: call.id, state: 'ACCEPTED' } });
    expect(await bob.hangUp(call.id)).toMatchObject({
      changed: true,
      call: { state: 'ENDED', reason: 'HANGUP' },
    });
  });

  test('by a device that lost changes nothing; the called user must say which device it is', async () => {
    const scene = await talking(engine);
    const { there, bob, tablet, callId } = scene;
    expect(await bob.hangUp(callId, { socketId: socketOf(tablet) })).toMatchObject({
      changed: false,
      call: { state: 'ACCEPTED', rev: 2 },
    });
    expect(await refusedVerb(there, bob, 'hangUp', { callId })).toMatchObject({
      code: 'BAD_USER_INPUT',
      field: 'socketId',
    });
    expect(await allHeard(scene)).toEqual(nothing);
  });

  test.each(['the caller', 'the device that answered'])(
    'by %s works with the socket of a stream that is broken, and may be repeated',
    async (who) => {
      const scene = await talking(engine);
      const { alice, bob, desk, phone, tablet, callId } = scene;
      const byCaller = who === 'the caller';
      const listener = byCaller ? desk : phone;
      const hangUp = byCaller ? alice.hangUp : bob.hangUp;
      await listener.leave();
      const own = { socketId: socketOf(listener) };
      const ended = { state: 'ENDED', reason: 'HANGUP', rev: 3 };
      expect(await hangUp(callId, own)).toMatchObject({ changed: true, call: ended });
      expect(kindsOf(await tablet.heard())).toEqual(['CallUpdated', 'CallLogged']);
      expect(await hangUp(callId, own)).toMatchObject({ changed: false, call: ended });
      expect(await hangUp(callId, { ...own, reason: 'MEDIA_FAILED' })).toMatchObject({
        changed: false,
        call: ended,
      });
      expect(await tablet.heard()).toEqual([]);
    },
  );

  test('a device whose stream is broken can still decline, and a device that lost can still do no harm', async () => {
    const scene = await ringing(engine);
    const { bob, phone, tablet, callId } = scene;
    await tablet.leave();
    const own = { socketId: socketOf(tablet) };
    expect(await bob.decline(callId, own)).toMatchObject({ changed: true, call: { state: 'RINGING' } });
    await bob.accept(callId, socketOf(phone));
    expect(await bob.hangUp(callId, own)).toMatchObject({ changed: false, call: { state: 'ACCEPTED' } });
  });
});

interface End {
  readonly reason: string;
  /** The seed's word for it. */
  readonly status: string | null;
  readonly missed: boolean;
  readonly answered: boolean;
  /** What the service says caused it. */
  readonly service: string;
  end(scene: CallScene): Promise<unknown>;
}

const ends: readonly End[] = [
  {
    reason: 'CANCELLED',
    status: 'cancel',
    missed: true,
    answered: false,
    service: 'hangUp',
    end: ({ alice, callId }) => alice.hangUp(callId),
  },
  {
    reason: 'DECLINED',
    status: 'reject',
    missed: false,
    answered: false,
    service: 'decline',
    end: ({ bob, callId }) => bob.decline(callId),
  },
  {
    reason: 'BUSY',
    status: 'busy',
    missed: false,
    answered: false,
    service: 'decline',
    end: ({ bob, callId }) => bob.decline(callId, { busy: true }),
  },
  {
    reason: 'NO_ANSWER',
    status: null,
    missed: true,
    answered: false,
    service: 'call',
    end: (scene) => untilEnded(scene, scene.callId, 10_000),
  },
  {
    reason: 'CALLER_LOST',
    status: null,
    missed: true,
    answered: false,
    service: 'call',
    async end(scene) {
      await scene.desk.leave();
      await untilEnded(scene, scene.callId, 1000);
    },
  },
  {
    reason: 'HANGUP',
    status: 'leave',
    missed: false,
    answered: true,
    service: 'hangUp',
    async end({ bob, phone, callId, pass }) {
      await pass(90_000);
      await bob.hangUp(callId, { socketId: socketOf(phone) });
    },
  },
  {
    reason: 'MEDIA_FAILED',
    status: null,
    missed: false,
    answered: true,
    service: 'hangUp',
    async end({ alice, callId, pass }) {
      await pass(7000);
      await alice.hangUp(callId, { reason: 'MEDIA_FAILED' });
    },
  },
  {
    reason: 'CONNECTION_LOST',
    status: null,
    missed: false,
    answered: true,
    service: 'call',
    async end(scene) {
      await Promise.all([scene.desk.leave(), scene.phone.leave()]);
      await untilEnded(scene, scene.callId, 20_000);
    },
  },
  {
    reason: 'EXPIRED',
    status: null,
    missed: false,
    answered: true,
    service: 'call',
    async end(scene) {
      await scene.pass(24 * 60 * 60 * 1000 - 5000);
      await untilEnded(scene, scene.callId, 1000);
    },
  },
];

describe.each(engines)('the end of a call on %s', (engine) => {
  test.each(ends)(
    '$reason: the room is closed, and both sides have one record',
    async ({ reason, status, missed, answered, service, end }) => {
      const scene = answered ? await talking(engine) : await ringing(engine);
      const { alice, bob, callId, tablet } = scene;
      expect(await privilegeIn(scene, 'bob')).toBe(3);
      expect(await privilegeIn(scene, 'alice')).toBe(0);

      await end(scene);

      const call = await readCall(alice, callId);
      expect(call).toMatchObject({ state: 'ENDED', reason });
      // What the service ends by itself, it ends while time goes on.
      const now = iso(scene.clock.now());
      if (service === 'call') expect(call.endedAt <= now).toBe(true);
      else expect(call.endedAt).toBe(now);
      expect(await readCall(bob, callId)).toEqual(call);
      expect(await privilegeIn(scene, 'bob')).toBe(0);
      expect([await activeCalls(alice), await activeCalls(bob)]).toEqual([[], []]);

      const { createdAt, acceptedAt, endedAt } = call;
      const talkedMs = Date.parse(endedAt) - Date.parse(acceptedAt);
      const shared = {
        id: expect.any(String),
        callId,
        caller: 'alice',
        reason,
        status,
        startedAt: createdAt,
        acceptedAt,
        endedAt,
        duration: answered ? Math.round(talkedMs / 1000) : 0,
        hubId: 'team',
      };
      const callers = { ...shared, peer: 'bob', direction: 'OUTGOING', missed: false };
      const callees = { ...shared, peer: 'alice', direction: 'INCOMING', missed };
      expect(await recordsOf(alice)).toEqual([callers]);
      expect(await recordsOf(bob)).toEqual([callees]);
      expect(await recordsOf(bob, { peer: 'alice' })).toEqual([callees]);
      expect(answered).toBe(acceptedAt !== null);

      const told = (await tablet.heard()).filter(({ change }) => change === undefined || change === 'ENDED');
      expect(told).toMatchObject([
        { __typename: 'CallUpdated', service: `signaling.${service}`, call: { reason } },
        { __typename: 'CallLogged', service: `signaling.${service}`, record: callees },
      ]);
    },
  );

  test('UNREACHABLE: the room was never opened, and both sides have one record', async () => {
    const scene = await openScene(engine);
    const { alice, bob, phone, tablet } = scene;
    await Promise.all([phone.leave(), tablet.leave()]);
    const { call, offline } = await alice.dial(toBob);
    expect(offline).toBe(true);
    expect(await privilegeIn(scene, 'bob')).toBe(0);
    const record = { callId: call.id, reason: 'UNREACHABLE', missed: false, acceptedAt: null, duration: 0 };
    expect(await recordsOf(alice)).toMatchObject([{ ...record, peer: 'bob', direction: 'OUTGOING' }]);
    expect(await recordsOf(bob)).toMatchObject([{ ...record, peer: 'alice', direction: 'INCOMING' }]);
  });

  test('the room of two calls stays open until the last of them has ended', async () => {
    const scene = await openScene(engine);
    const { alice, bob, here } = scene;
    const carol = await person(here, 'carol');
    const first = await alice.dial(toBob);
    const second = await carol.dial(toBob);
    expect(await privilegeIn(scene, 'bob')).toBe(3);
    await bob.decline(first.call.id);
    expect(await privilegeIn(scene, 'bob')).toBe(3);
    await bob.decline(second.call.id);
    expect(await privilegeIn(scene, 'bob')).toBe(0);
  });

  test('callHistory pages through calls, newest first, as a Relay connection does', async () => {
    const { alice, bob, clock } = await openScene(engine);
    const ended: string[] = [];
    for (let i = 0; i < 5; i++) {
      const { call } = await alice.dial(toBob);
      clock.advance(1000);
      await bob.decline(call.id);
      ended.unshift(call.id);
    }
    const page = async (after: string | null) => {
      const fields = 'edges { cursor node { callId } } pageInfo { hasNextPage hasPreviousPage endCursor }';
      const query = `query ($after: String) { callHistory(first: 2, after: $after) { ${fields} } }`;
      return (await bob.ask(query, { after })).callHistory;
    };
    const seen: string[] = [];
    let after: string | null = null;
    for (const hasNextPage of [true, true, false]) {
      const { edges, pageInfo }: Received = await page(after);
      expect(pageInfo).toMatchObject({ hasNextPage, hasPreviousPage: after !== null });
      seen.push(...edges.map(({ node }: Received) => node.callId));
      after = pageInfo.endCursor;
    }
    expect(seen).toEqual(ended);
  });
});

describe.each(engines)('who is busy on %s', (engine) => {
  /** Bob talks to Alice; Carol is there to dial him. */
  async function withCarol(busy: 'reject' | 'waiting') {
    const scene = await talking(engine, { bob: { busy } });
    const carol = await person(scene.here, 'carol');
    const own = await carol.open();
    return { ...scene, carol, own };
  }

  test('and wants to be left alone is not rung: the call has ended already', async () => {
    const scene = await withCarol('reject');
    const { carol, own, bob, callId } = scene;
    const { call, offline, merged } = await carol.dial({ ...toBob, roomId: 'room-2' });
    expect({ offline, merged }).toEqual({ offline: false, merged: false });
    expect(call).toMatchObject({ state: 'ENDED', reason: 'BUSY', rev: 1, legs: 0, endedAt: call.createdAt });
    const heard = await allHeard(scene);
    expect(heard.atDesk).toEqual([]);
    expect(kindsOf(heard.onPhone)).toEqual(['CallLogged']);
    expect(kindsOf(heard.onTablet)).toEqual(['CallLogged']);
    expect(kindsOf(await own.heard())).toEqual(['CallLogged']);
    expect(await privilegeIn(scene, 'bob', 'room-2')).toBe(0);
    const record = { callId: call.id, reason: 'BUSY', status: 'busy', duration: 0, missed: false };
    expect(await recordsOf(carol)).toMatchObject([{ ...record, peer: 'bob', direction: 'OUTGOING' }]);
    expect(await recordsOf(bob)).toMatchObject([{ ...record, peer: 'carol', direction: 'INCOMING' }]);
    expect(await activeCalls(bob)).toEqual([callId]);
  });

  test('and says nothing of it is rung, and told', async () => {
    const scene = await withCarol('waiting');
    const { carol, callId, bob } = scene;
    const { call } = await carol.dial(toBob);
    expect(call).toMatchObject({ state: 'RINGING', legs: 2 });
    const heard = await allHeard(scene);
    const ring = { __typename: 'IncomingCall', waiting: true, ring: true, call: { id: call.id } };
    expect([heard.onPhone, heard.onTablet]).toMatchObject([[ring], [ring]]);
    expect(await activeCalls(bob)).toEqual([callId, call.id]);
  });

  test('is so only while they talk, and while the other side is there', async () => {
    const scene = await withCarol('reject');
    const { alice, carol, phone, tablet, bob, pass, callId } = scene;
    await scene.desk.leave();
    const { call } = await carol.dial(toBob);
    expect(call.state).toBe('RINGING');
    expect((await phone.next()).waiting).toBe(false);
    expect((await tablet.next()).waiting).toBe(false);
    await carol.hangUp(call.id);
    // Alice is back, and so is the talk.
    await openDevice(alice, 'desk');
    expect((await carol.dial(toBob)).call.reason).toBe('BUSY');
    await bob.hangUp(callId, { socketId: socketOf(phone) });
    const again = await carol.dial(toBob);
    expect(again.call.state).toBe('RINGING');
    await pass(1000);
    // Whom it only rings is not busy.
    const dave = await person(scene.here, 'dave');
    expect((await dave.dial(toBob)).call.state).toBe('RINGING');
  });

  test('is not so because of a talk with the very caller who dials anew', async () => {
    const scene = await talking(engine, { bob: { busy: 'reject' } });
    const { alice, phone, tablet, callId } = scene;
    await phone.leave();
    const { call, merged } = await alice.dial({ ...toBob, deviceId: 'desk' });
    expect(merged).toBe(false);
    expect(call).toMatchObject({ state: 'RINGING', legs: 1 });
    expect(await readCall(alice, callId)).toMatchObject({ state: 'ENDED', reason: 'CONNECTION_LOST' });
    const [first, second, ring] = await tablet.heard();
    expect([first, second]).toMatchObject([{ change: 'ENDED' }, { __typename: 'CallLogged' }]);
    expect(ring).toMatchObject({ __typename: 'IncomingCall', waiting: false, call: { id: call.id } });
  });
});

describe.each(engines)('joining on %s', (engine) => {
  test('who dials again while it rings gets the same call, and nobody is rung again', async () => {
    const scene = await ringing(engine);
    const { alice, callId } = scene;
    for (const input of [toBob, { ...toBob, deviceId: 'desk' }, { ...toBob, roomId: 'room-2' }]) {
      const again = await alice.dial(input);
      expect(again).toMatchObject({ merged: true, offline: false, polite: false });
      expect(again.call).toMatchObject({ id: callId, state: 'RINGING', rev: 1, roomId: 'room-1' });
    }
    expect(await allHeard(scene)).toEqual(nothing);
    expect(await privilegeIn(scene, 'bob', 'room-2')).toBe(0);
    expect(await activeCalls(alice)).toEqual([callId]);
  });

  test('who dials while they talk is in the talk, from either side', async () => {
    const scene = await talking(engine);
    const { alice, bob, callId } = scene;
    const joins = [
      [await alice.dial({ ...toBob, deviceId: 'desk' }), false],
      [await alice.dial(toBob), false],
      [await bob.dial({ ...toAlice, deviceId: 'phone' }), true],
      [await bob.dial(toAlice), true],
    ] as const;
    for (const [joined, polite] of joins) {
      expect(joined).toMatchObject({ merged: true, offline: false, polite });
      expect(joined.call).toMatchObject({ id: callId, state: 'ACCEPTED', rev: 2, caller: 'alice' });
    }
    expect(await allHeard(scene)).toEqual(nothing);
  });

  test('who dials from another device while they talk takes the talk there', async () => {
    const scene = await talking(engine);
    const { clock, alice, bob, desk, phone, tablet, callId } = scene;
    const taken = await bob.dial({ ...toAlice, deviceId: 'tablet' });
    expect(taken).toMatchObject({ merged: true, polite: true, call: { id: callId, rev: 3 } });
    const shared = {
      service: 'signaling.dial',
      origin: originOf('bob', socketOf(tablet)),
      change: 'MOVED',
      call: { state: 'ACCEPTED', reason: null, rev: 3, legs: 2, alerting: 0 },
      expiresAt: expect.any(String),
      remainingMs: 0,
    };
    const heard = await allHeard(scene);
    const own = { ...atDesk, socketId: socketOf(desk) };
    expect(heard.atDesk).toEqual([updated(scene, { ...shared, device: own, legs: [] })]);
    const device = { deviceId: 'tablet', deviceLabel: 'Sofa', socketId: socketOf(tablet) };
    expect(heard.onPhone).toEqual([updated(scene, { ...shared, device, legs: expect.any(Array) })]);
    expect(byDevice(heard.onPhone[0].legs)).toEqual([
      leg('phone', 'LOST', clock.now()),
      leg('tablet', 'WON', clock.now()),
    ]);
    expect(heard.onTablet).toEqual(heard.onPhone);
    // The phone has no say in it any more.
    expect(await bob.hangUp(callId, { socketId: socketOf(phone) })).toMatchObject({ changed: false });

    const laptop = await alice.open({ variables: { deviceId: 'laptop', deviceLabel: 'Kitchen' } });
    await laptop.heard();
    expect(await alice.dial({ ...toBob, deviceId: 'laptop' })).toMatchObject({
      merged: true,
      polite: false,
      call: { id: callId, rev: 4 },
    });
    const moved = await allHeard(scene);
    const kitchen = { deviceId: 'laptop', deviceLabel: 'Kitchen', socketId: socketOf(laptop) };
    expect(moved.atDesk).toMatchObject([{ change: 'MOVED', device: kitchen, legs: [] }]);
    expect(moved.onTablet).toMatchObject([{ change: 'MOVED', device, call: { rev: 4 } }]);
    expect(moved.onTablet[0].origin.socketId).toBe(socketOf(laptop));
    expect(JSON.stringify(moved.onTablet)).not.toMatch(/laptop|Kitchen|desk|Office/);
  });

  test('an answered call whose other side is gone does not swallow a new dial', async () => {
    const scene = await talking(engine);
    const { alice, bob, phone, tablet, callId } = scene;
    await phone.leave();
    const { call, merged } = await alice.dial({ ...toBob, deviceId: 'desk', roomId: 'room-2' });
    expect({ merged, state: call.state, legs: call.legs }).toEqual({
      merged: false,
      state: 'RINGING',
      legs: 1,
    });
    expect(call.id).not.toBe(callId);
    expect(await readCall(bob, callId)).toMatchObject({ state: 'ENDED', reason: 'CONNECTION_LOST' });
    expect(kindsOf(await tablet.heard())).toEqual(['CallUpdated', 'CallLogged', 'IncomingCall']);
    expect([await activeCalls(alice), await activeCalls(bob)]).toEqual([[call.id], [call.id]]);
    expect([await privilegeIn(scene, 'bob'), await privilegeIn(scene, 'bob', 'room-2')]).toEqual([0, 3]);
    expect(await recordsOf(bob)).toMatchObject([{ callId, reason: 'CONNECTION_LOST', missed: false }]);
  });

  test('with everybody of the other side gone a new dial is offline, and the old talk is over', async () => {
    const scene = await talking(engine);
    const { alice, phone, tablet, callId } = scene;
    await Promise.all([phone.leave(), tablet.leave()]);
    const { call, merged, offline } = await alice.dial({ ...toBob, deviceId: 'desk' });
    expect({ merged, offline, reason: call.reason }).toEqual({
      merged: false,
      offline: true,
      reason: 'UNREACHABLE',
    });
    expect(await readCall(alice, callId)).toMatchObject({ reason: 'CONNECTION_LOST' });
    expect(await activeCalls(alice)).toEqual([]);
  });

  test('an ended call is not joined, at once or at its unnoticed deadline', async () => {
    const { clock, alice, bob, phone, callId } = await ringing(engine);
    await alice.hangUp(callId);
    const second = await alice.dial(toBob);
    expect(second).toMatchObject({ merged: false, call: { state: 'RINGING' } });
    expect(second.call.id).not.toBe(callId);
    clock.advance(60_000);
    const third = await bob.dial({ ...toAlice, deviceId: 'phone' });
    expect(third.merged).toBe(false);
    expect(third.call).toMatchObject({ caller: 'bob', callee: 'alice' });
    await vi.waitFor(async () =>
      expect(await readCall(bob, second.call.id)).toMatchObject({ state: 'ENDED', reason: 'NO_ANSWER' }),
    );
    expect(phone.received.filter(({ __typename }) => __typename === 'IncomingCall')).toHaveLength(2);
  });
});

describe.each(engines)('what the two sides learn of each other on %s', (engine) => {
  test('is never the name of a device, in a whole conversation', async () => {
    const scene = await openScene(engine);
    const { alice, bob, desk, phone, tablet } = scene;
    const answers: unknown[] = [];
    const { call } = await alice.dial({ ...toBob, deviceId: 'desk' });
    answers.push({ ...call });
    for (const listener of [phone, tablet]) await bob.acknowledgeRing(call.id, socketOf(listener));
    await bob.decline(call.id, { socketId: socketOf(tablet) });
    await bob.accept(call.id, socketOf(phone));
    answers.push(await alice.accept(call.id, socketOf(desk)));
    await bob.dial({ ...toAlice, deviceId: 'tablet' });
    const origin = { socketId: socketOf(tablet) };
    await bob.message({ target: { uid: 'alice' }, origin, type: 'answer', callId: call.id });
    await alice.message({ target: { uid: 'bob' }, type: 'offer', callId: call.id });
    answers.push(await alice.hangUp(call.id), await alice.ask('{ activeCalls { id } }'));
    await hush(scene);
    const late = await openDevice(alice, 'desk', { after: desk.ready.cursor });
    await late.heard();
    const aliceSees = JSON.stringify([answers, withoutOwn(desk.received), withoutOwn(late.received)]);
    expect(aliceSees).not.toMatch(/phone|Pocket|tablet|Sofa/);
    expect(JSON.stringify([withoutOwn(phone.received), withoutOwn(tablet.received)])).not.toMatch(
      /desk|Office/,
    );
  });

  /** `SocketReady` names the device that reads it. */
  const withoutOwn = (signals: readonly Received[]): Received[] =>
    signals.filter(({ __typename }) => __typename !== 'SocketReady');
});
