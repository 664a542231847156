import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Call, type NegotiateOptions, negotiate } from '../client/src/index.ts';
import { startChaosProxy } from './support/chaos-proxy.ts';
import { ModelPeerConnection } from './support/peer-connection.ts';
import { joined, type Member, onCall } from './support/sdk.ts';
import { startService } from './support/service.ts';

/** One side of a call with its connection. */
interface Side {
  readonly member: Member;
  readonly call: Call;
  readonly pc: ModelPeerConnection;
  readonly errors: unknown[];
  stop(): void;
}

/** Alice has dialled Bob; nobody has answered. Only Bob is behind the proxy. */
async function ringing(jitter: () => number, options: NegotiateOptions = {}) {
  const { url } = await startService({ engine: 'memory' });
  const proxy = await startChaosProxy(Number(new URL(url).port));
  const [alice, bob] = await Promise.all([joined(url, 'alice'), joined(proxy.url, 'bob')]);
  const rings = bob.on('call');
  const call = await alice.signaling.dial('bob');
  const side = (member: Member, own: Call): Side => {
    const pc = new ModelPeerConnection(jitter);
    const errors: unknown[] = [];
    const stop = negotiate(own, pc, { batchMs: 5, onError: (error) => errors.push(error), ...options });
    onTestFinished(stop);
    return { member, call: own, pc, errors, stop };
  };
  return { proxy, caller: side(alice, call), callee: side(bob, await rings.next()) };
}

/** Both sides have the same idea of everything, and all candidates that matter. */
async function agreed(
  caller: Side,
  callee: Side,
  tracks: { caller: string[]; callee: string[] },
): Promise<void> {
  await vi.waitFor(
    () => {
      expect([caller.errors, callee.errors]).toEqual([[], []]);
      expect(viewOf(caller.pc)).toEqual(settled(callee.pc, tracks.callee));
      expect(viewOf(callee.pc)).toEqual(settled(caller.pc, tracks.caller));
    },
    { timeout: 8_000 },
  );
}

function viewOf(pc: ModelPeerConnection) {
  const { local, remote } = pc.fragments;
  return {
    state: pc.signalingState,
    local,
    remote,
    tracks: [...pc.remoteTracks].sort(),
    candidates: [...(pc.added.get(remote) ?? [])].sort(),
  };
}

/** What one side must see when the other one is like this. */
function settled(other: ModelPeerConnection, tracks: readonly string[]) {
  const { local, remote } = other.fragments;
  return {
    state: 'stable',
    local: remote,
    remote: local,
    tracks: [...tracks].sort(),
    candidates: [`${local}/1`, `${local}/2`],
  };
}

/** The same numbers for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

describe('negotiate', () => {
  test('begins when the call is accepted: tracks of both sides, and all candidates, arrive', async () => {
    const { caller, callee } = await ringing(() => 1);
    caller.pc.addTrack('a');
    callee.pc.addTrack('b');
    await delay(20);
    expect(caller.pc.localDescription).toBeNull();
    await callee.call.accept();
    await agreed(caller, callee, { caller: ['a'], callee: ['b'] });
  });

  test('begins with who was called, when who dialled has nothing to send', async () => {
    const { caller, callee } = await ringing(() => 1);
    callee.pc.addTrack('b');
    await callee.call.accept();
    await agreed(caller, callee, { caller: [], callee: ['b'] });
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('agrees whatever happens at the same time (%i)', async (seed) => {
    const random = randomFrom(seed);
    const { proxy, caller, callee } = await ringing(() => random() * 20);
    const tracks = { caller: ['a0'], callee: ['b0'] };
    caller.pc.addTrack('a0');
    callee.pc.addTrack('b0');
    await callee.call.accept();
    for (let turn = 1; turn <= 8; turn++) {
      await delay(random() * 80);
      const [side, name] = random() < 0.5 ? (['caller', 'a'] as const) : (['callee', 'b'] as const);
      const { pc } = { caller, callee }[side];
      if (random() < 0.3) pc.restartIce();
      else if (random() < 0.2) proxy.cut();
      else {
        pc.addTrack(`${name}${turn}`);
        tracks[side].push(`${name}${turn}`);
      }
    }
    await agreed(caller, callee, tracks);
  });

  test('both sides offer at once: who was called gives way', async () => {
    const { caller, callee } = await ringing(() => 5);
    caller.pc.addTrack('a');
    await callee.call.accept();
    await agreed(caller, callee, { caller: ['a'], callee: [] });
    for (let turn = 0; turn < 5; turn++) {
      caller.pc.restartIce();
      callee.pc.restartIce();
      caller.pc.addTrack(`a${turn}`);
      callee.pc.addTrack(`b${turn}`);
      await delay(30);
    }
    await agreed(caller, callee, {
      caller: ['a', 'a0', 'a1', 'a2', 'a3', 'a4'],
      callee: ['b0', 'b1', 'b2', 'b3', 'b4'],
    });
  });

  test('restarts ICE when it failed, and when it is disconnected too long; each with a new generation', async () => {
    const { caller, callee } = await ringing(() => 1, { disconnectedMs: 20 });
    const generations: unknown[] = [];
    callee.call.on('message', ({ type, generation }) => type === 'offer' && generations.push(generation));
    caller.pc.addTrack('a');
    await callee.call.accept();
    await agreed(caller, callee, { caller: ['a'], callee: [] });
    const before = caller.pc.fragments;

    caller.pc.setIceConnectionState('failed');
    await expect.poll(() => caller.pc.fragments.remote).not.toBe(before.remote);
    await agreed(caller, callee, { caller: ['a'], callee: [] });
    const between = caller.pc.fragments;
    caller.pc.setIceConnectionState('disconnected');
    await expect.poll(() => caller.pc.fragments.remote).not.toBe(between.remote);
    await agreed(caller, callee, { caller: ['a'], callee: [] });
    expect(generations).toEqual([0, 1, 2]);

    // One that comes back by itself is left alone.
    const last = caller.pc.fragments;
    caller.pc.setIceConnectionState('disconnected');
    caller.pc.setIceConnectionState('connected');
    await delay(60);
    expect(caller.pc.fragments).toEqual(last);
  });

  test('restarts ICE at once when the signaling is back and media is not', async () => {
    const { proxy, caller, callee } = await ringing(() => 1, { disconnectedMs: 3_600_000 });
    caller.pc.addTrack('a');
    await callee.call.accept();
    await agreed(caller, callee, { caller: ['a'], callee: [] });
    const before = callee.pc.fragments;
    callee.pc.setIceConnectionState('disconnected');
    proxy.cut();
    await expect.poll(() => callee.pc.fragments.local, { timeout: 5_000 }).not.toBe(before.local);
    await agreed(caller, callee, { caller: ['a'], callee: [] });
  });

  test('sends candidates in batches, with the call and its generation', async () => {
    const { caller, callee } = await ringing(() => 1, { batchMs: 40 });
    const batches: unknown[] = [];
    const callIds = new Set<unknown>();
    callee.call.on('message', ({ type, payload, generation, callId }) => {
      callIds.add(callId);
      if (type === 'candidate')
        batches.push([(payload as { candidates: unknown[] }).candidates.length, generation]);
    });
    caller.pc.addTrack('a');
    await callee.call.accept();
    await agreed(caller, callee, { caller: ['a'], callee: [] });
    expect(batches).toEqual([[2, 0]]);
    expect([...callIds]).toEqual([caller.call.id]);
  });

  test('takes candidates of another client one by one, and before their description', async () => {
    const { caller, callee } = await ringing(() => 1);
    caller.stop();
    await callee.call.accept();
    await onCall(caller.call, 'accepted').next();
    const candidate = (number: number) => ({ candidate: `early/${number}`, usernameFragment: 'early' });
    // The service holds the first ones back until their description has come.
    expect(await caller.call.send('candidate', candidate(1), { generation: 0 })).toMatchObject({
      held: true,
    });
    await caller.call.send('candidate', { candidates: [candidate(2)] }, { generation: 0 });
    await caller.call.send(
      'offer',
      { type: 'offer', sdp: 'v=0\r\na=ice-ufrag:early\r\n' },
      { generation: 0 },
    );
    // Of a generation that is not there yet, and of one that is over.
    await expect.poll(() => callee.pc.added.get('early')).toEqual(['early/1', 'early/2']);
    expect(callee.errors).toEqual([]);
  });

  test.each(['caller', 'callee'] as const)('goes on when the page of the %s is loaded anew', async (name) => {
    const sides = await ringing(() => 2);
    const other = name === 'caller' ? sides.callee : sides.caller;
    sides.caller.pc.addTrack('a');
    sides.callee.pc.addTrack('b');
    await sides.callee.call.accept();
    await agreed(sides.caller, sides.callee, { caller: ['a'], callee: ['b'] });
    // So that the generations of a new page are old ones.
    other.pc.restartIce();
    await agreed(sides.caller, sides.callee, { caller: ['a'], callee: ['b'] });

    const { uid, signaling } = sides[name].member;
    sides[name].stop();
    signaling.close();
    // The one who stays offers into the void, to somebody who is not there any more.
    other.pc.restartIce();
    const member = await joined(sides.proxy.url, uid, { deviceId: signaling.deviceId });
    const call = member.signaling.calls.get(other.call.id) as Call;
    await vi.waitFor(async () => expect(await call.accept()).toBe(true));
    const pc = new ModelPeerConnection(() => 2);
    const errors: unknown[] = [];
    const stop = negotiate(call, pc, { batchMs: 5, onError: (error) => errors.push(error) });
    onTestFinished(stop);
    pc.addTrack('new');
    const fresh: Side = { member, call, pc, errors, stop };
    if (name === 'caller') await agreed(fresh, other, { caller: ['new'], callee: ['b'] });
    else await agreed(other, fresh, { caller: ['a'], callee: ['new'] });
  });

  test('stops when the call ends, and when told to', async () => {
    const { caller, callee } = await ringing(() => 1);
    caller.pc.addTrack('a');
    await callee.call.accept();
    await agreed(caller, callee, { caller: ['a'], callee: [] });
    callee.stop();
    const before = callee.pc.fragments;
    caller.pc.restartIce();
    await expect.poll(() => caller.pc.signalingState).toBe('have-local-offer');
    await caller.call.hangUp();
    await onCall(callee.call, 'ended').next();
    expect(callee.pc.fragments).toEqual(before);
    callee.pc.addTrack('late');
    caller.pc.addTrack('late');
    await delay(20);
    expect([caller.errors, callee.errors]).toEqual([[], []]);
  });
});
