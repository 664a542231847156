import { describe, expect, test, vi } from 'vitest';
import type { Call } from '../client/src/index.ts';
import { startChaosProxy } from './support/chaos-proxy.ts';
import { transports } from './support/listen.ts';
import { joined, type Member, type MemberOptions, member, onCall } from './support/sdk.ts';
import { engines, startService } from './support/service.ts';

/** Alice and Bob on one node; Bob is ready to be called. */
async function aliceAndBob(
  engine: (typeof engines)[number],
  { url, ...options }: MemberOptions & { url?: string } = {},
) {
  const address = url ?? (await startService({ engine })).url;
  const [alice, bob] = await Promise.all([
    joined(address, 'alice', options),
    joined(address, 'bob', { deviceLabel: 'phone', ...options }),
  ]);
  return { url: address, alice, bob, rings: bob.on('call') };
}

/** Two who talk: the call as each side has it. */
async function talk({ alice, rings }: Awaited<ReturnType<typeof aliceAndBob>>) {
  const call = await alice.signaling.dial('bob');
  const incoming = await rings.next();
  const accepted = onCall(call, 'accepted');
  expect(await incoming.accept()).toBe(true);
  await accepted.next();
  return { call, incoming };
}

/** Waits until somebody has received everything that was sent to them before. */
async function fence(from: Member, to: Member): Promise<void> {
  const { signalId } = await from.signaling.message({ uid: to.uid }, 'fence');
  await to.signals.until(({ id }) => id === signalId);
}

/** Tells the hub twenty times as much; no more than 1 MiB is replayed. */
async function sendMuch({ signaling }: Member, bytes: number): Promise<void> {
  for (let i = 0; i < 20; i++) await signaling.notify(['team'], 'note', 'x'.repeat(bytes));
}

describe.each(engines)('a call of the client, on %s', (engine) => {
  test.each(transports)('over %s: rings, is accepted, talks and ends on both sides', async (transport) => {
    const { alice, bob, rings } = await aliceAndBob(engine, { transport });
    const call = await alice.signaling.dial('bob', { roomId: 'room', roomType: 'audio', payload: { a: 1 } });
    expect(call).toMatchObject({
      direction: 'outgoing',
      state: 'RINGING',
      here: true,
      peer: 'bob',
      roomId: 'room',
      roomType: 'audio',
      merged: false,
      polite: false,
    });
    expect(call.remainingMs).toBeGreaterThan(50_000);

    const incoming = await rings.next();
    expect(incoming).toMatchObject({
      id: call.id,
      direction: 'incoming',
      state: 'RINGING',
      here: false,
      peer: 'alice',
      peerName: 'Alice Example',
      payload: { a: 1 },
      polite: true,
      waiting: false,
    });
    expect(await onCall(call, 'ringing').next()).toBe(1);

    const accepted = onCall(call, 'accepted');
    expect(await incoming.accept()).toBe(true);
    await onCall(incoming, 'accepted').next();
    await accepted.next();
    expect(incoming).toMatchObject({ state: 'ACCEPTED', here: true, remainingMs: 0 });
    expect(call).toMatchObject({ state: 'ACCEPTED', here: true, acceptedAt: incoming.acceptedAt });
    expect([...alice.signaling.calls.values()]).toEqual([call]);

    const heard = onCall(incoming, 'message');
    await Promise.all([1, 2, 3].map((number) => call.send('note', number)));
    const notes = [await heard.next(), await heard.next(), await heard.next()];
    expect(notes.map(({ payload }) => payload)).toEqual([1, 2, 3]);
    expect(bob.on('message').all).toEqual([]);

    const logged = [alice.on('logged'), bob.on('logged')];
    await incoming.hangUp();
    expect(await onCall(call, 'ended').next()).toBe('HANGUP');
    expect(await onCall(incoming, 'ended').next()).toBe('HANGUP');
    expect((await logged[0]?.next())?.direction).toBe('OUTGOING');
    expect((await logged[1]?.next())?.direction).toBe('INCOMING');
    expect([alice.signaling.calls.size, bob.signaling.calls.size]).toEqual([0, 0]);
    const { edges } = await alice.signaling.callHistory({ peer: 'bob', first: 1 });
    expect(edges[0]?.node).toMatchObject({ callId: call.id, reason: 'HANGUP' });
    // There is nothing more to say.
    await call.hangUp();
    await expect(call.send('late')).rejects.toMatchObject({ code: 'CLOSED' });
  });

  test('rings on each device until one has answered, and tells the others which', async () => {
    const { url, alice, bob, rings } = await aliceAndBob(engine);
    const tablet = await joined(url, 'bob', { deviceLabel: 'tablet' });
    const tabletRings = tablet.on('call');
    const call = await alice.signaling.dial('bob');
    const [here, there] = [await rings.next(), await tabletRings.next()];
    const stops = onCall(there, 'answeredElsewhere');
    const [first, second] = [await here.accept(), await there.accept()];
    expect([first, second]).toEqual([true, false]);
    expect(await stops.next()).toMatchObject({ deviceId: bob.signaling.deviceId, deviceLabel: 'phone' });
    expect(there).toMatchObject({ state: 'ACCEPTED', here: false, answeredOn: 'phone' });

    // What is said in the call is for the one that has it.
    const [spoken, overheard] = [onCall(here, 'message'), onCall(there, 'message')];
    await call.send('note', 1);
    expect(await spoken.next()).toMatchObject({ payload: 1 });
    await fence(alice, tablet);
    expect(overheard.all).toEqual([]);

    await call.hangUp();
    expect(await onCall(there, 'ended').next()).toBe('HANGUP');
  });

  test('is not told to ring where nobody takes it', async () => {
    const { alice, bob, rings } = await aliceAndBob(engine, { acknowledgeRings: false });
    const call = await alice.signaling.dial('bob');
    await rings.next();
    await fence(bob, alice);
    expect(call.alerting).toBe(0);
    await bob.signaling.acknowledgeRing(call.id);
    expect(await onCall(call, 'ringing').next()).toBe(1);
  });

  test('is declined on one device, and on all', async () => {
    const { url, alice, rings } = await aliceAndBob(engine);
    const tablet = await joined(url, 'bob', { deviceLabel: 'tablet' });
    const tabletRings = tablet.on('call');
    const call = await alice.signaling.dial('bob');
    await (await rings.next()).decline();
    const onTablet = await tabletRings.next();
    expect(onTablet.state).toBe('RINGING');
    await onTablet.decline({ busy: true });
    expect(await onCall(call, 'ended').next()).toBe('BUSY');

    const again = await alice.signaling.dial('bob');
    await (await rings.next()).decline({ everywhere: true });
    expect(await onCall(again, 'ended').next()).toBe('DECLINED');
    expect(await onCall(await tabletRings.next(), 'ended').next()).toBe('DECLINED');
  });

  test('is cancelled by who dialled', async () => {
    const { alice, rings } = await aliceAndBob(engine);
    const call = await alice.signaling.dial('bob');
    const incoming = await rings.next();
    await call.hangUp();
    expect(await onCall(incoming, 'ended').next()).toBe('CANCELLED');
    expect(await incoming.accept()).toBe(false);
  });

  test('has ended before it rang when nobody is there', async () => {
    const { alice } = await aliceAndBob(engine);
    const call = await alice.signaling.dial('nobody');
    expect(await onCall(call, 'ended').next()).toBe('UNREACHABLE');
    expect(alice.signaling.calls.size).toBe(0);
  });

  test('is one call when both dial each other', async () => {
    const { alice, bob } = await aliceAndBob(engine);
    const [one, other] = await Promise.all([alice.signaling.dial('bob'), bob.signaling.dial('alice')]);
    expect(one.id).toBe(other.id);
    await Promise.all([one, other].map((call) => onCall(call, 'accepted').next()));
    expect([one.here, other.here]).toEqual([true, true]);
    expect([one.merged, other.merged].filter(Boolean)).toHaveLength(1);
    expect([one.polite, other.polite].filter(Boolean)).toHaveLength(1);
    await one.send('note', 1);
    expect(await onCall(other, 'message').next()).toMatchObject({ payload: 1 });
    await other.hangUp();
    expect(await onCall(one, 'ended').next()).toBe('HANGUP');
  });

  test('is won once, also when the answer to that is lost', async () => {
    const { url } = await startService({ engine });
    const proxy = await startChaosProxy(Number(new URL(url).port));
    const alice = await joined(url, 'alice');
    const bob = await joined(proxy.url, 'bob');
    const rings = bob.on('call');
    const call = await alice.signaling.dial('bob');
    const incoming = await rings.next();
    const accepted = onCall(incoming, 'accepted');
    proxy.loseAnswerTo('accept(');
    expect(await incoming.accept()).toBe(true);
    await accepted.next();
    await onCall(call, 'accepted').next();
    expect(accepted.all).toHaveLength(1);

    proxy.loseAnswerTo('hangUp(');
    await incoming.hangUp();
    expect(await onCall(call, 'ended').next()).toBe('HANGUP');
  });

  test('goes on with another socket, and its messages find it', async () => {
    const both = await aliceAndBob(engine);
    const { call, incoming } = await talk(both);
    const heard = onCall(incoming, 'message');
    both.bob.signaling.reconnect();
    await Promise.all([1, 2, 3].map((number) => call.send('note', number)));
    await both.bob.until('recovered');
    const notes = [await heard.next(), await heard.next(), await heard.next()];
    expect(notes.map(({ payload }) => payload)).toEqual([1, 2, 3]);
    await incoming.hangUp();
    expect(await onCall(call, 'ended').next()).toBe('HANGUP');
  });

  test.each([
    { missed: 'little', bytes: 1, state: 'recovered' },
    { missed: 'more than is replayed', bytes: 60_000, state: 'connected' },
  ] as const)('tells its end to who was away and missed $missed', async ({ bytes, state }) => {
    const { url } = await startService({ engine });
    const proxy = await startChaosProxy(Number(new URL(url).port));
    const alice = await joined(url, 'alice');
    const bob = await joined(proxy.url, 'bob');
    const rings = bob.on('call');
    const call = await alice.signaling.dial('bob');
    const incoming = await rings.next();
    const ended = onCall(incoming, 'ended');
    proxy.freeze('all');
    proxy.reset();
    await bob.until('reconnecting');
    await call.hangUp();
    await sendMuch(alice, bytes);
    proxy.thaw();
    await bob.until(state);
    expect(await ended.next()).toBe('CANCELLED');
    expect(ended.all).toEqual(['CANCELLED']);
    expect(bob.signaling.calls.size).toBe(0);
  });

  test('neither rings again nor repeats what was said, when there was a gap', async () => {
    const { url } = await startService({ engine });
    const proxy = await startChaosProxy(Number(new URL(url).port));
    const alice = await joined(url, 'alice');
    const bob = await joined(proxy.url, 'bob');
    const rings = bob.on('call');
    const call = await alice.signaling.dial('bob');
    await call.send('note', 1);
    const incoming = await rings.next();
    const heard = onCall(incoming, 'message');
    await heard.next();
    const calls = bob.on('calls');
    proxy.freeze('all');
    proxy.reset();
    await bob.until('reconnecting');
    await sendMuch(alice, 60_000);
    proxy.thaw();
    expect(await bob.until('connected')).toMatchObject({ reason: 'TOO_MUCH' });
    expect(await calls.next()).toEqual([incoming]);
    await call.send('note', 2);
    expect(await heard.next()).toMatchObject({ payload: 2 });
    expect([rings.all.length, heard.all.length]).toEqual([1, 2]);
    const ids = bob.signals.all.map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)]);
  });

  test('rings on a device that comes late', async () => {
    const { url, alice } = await aliceAndBob(engine);
    await alice.signaling.dial('bob', { payload: 'late' });
    const tablet = member(url, 'bob');
    const rings = tablet.on('call');
    expect(await rings.next()).toMatchObject({ payload: 'late', state: 'RINGING' });
  });

  test('is taken over by the same device after a reload, on either side', async () => {
    const both = await aliceAndBob(engine, { deviceId: 'tab' });
    const { url, alice, bob } = both;
    const { call } = await talk(both);
    for (const former of [bob, alice]) {
      former.signaling.close();
      const reloaded = member(url, former.uid, { deviceId: 'tab' });
      let found: Call | undefined;
      reloaded.signaling.on('calls', (calls) => {
        found = calls[0];
      });
      await reloaded.signaling.ready();
      expect(found).toMatchObject({ id: call.id, state: 'ACCEPTED', here: false });
      await vi.waitFor(async () => expect(await found?.accept()).toBe(true));
      expect(found?.here).toBe(true);
    }
  });

  test('keeps what is said in it for handlers that come late', async () => {
    const both = await aliceAndBob(engine);
    const { call, incoming } = await talk(both);
    await call.send('note', 1);
    await call.send('note', 2);
    await fence(both.alice, both.bob);
    const heard = onCall(incoming, 'message');
    expect([(await heard.next()).payload, (await heard.next()).payload]).toEqual([1, 2]);
  });

  test('never goes back to an older state', async () => {
    const { alice, rings } = await aliceAndBob(engine);
    const call = await alice.signaling.dial('bob');
    const revs: number[] = [];
    call.on('change', () => revs.push(call.rev));
    const incoming = await rings.next();
    await incoming.accept();
    await onCall(call, 'accepted').next();
    // The answer to a verb may come before the signal of an earlier change.
    await Promise.all([call.hangUp(), incoming.hangUp()]);
    await onCall(call, 'ended').next();
    expect(revs).toEqual(revs.toSorted((a, b) => a - b));
    expect(call.state).toBe('ENDED');
  });
});
