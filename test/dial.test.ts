import { describe, expect, test, vi } from 'vitest';
import { post } from './support/api.ts';
import { type ManualClock, manualClock } from './support/clock.ts';
import { transports } from './support/listen.ts';
import { idsOf, type Person, person } from './support/person.ts';
import { engines, randomPrefix, startService } from './support/service.ts';

const toBob = { target: { uid: 'bob' }, roomId: 'room-1', roomType: 'video' };

const iso = (ms: number): string => new Date(ms).toISOString();

async function readCall(reader: Person, callId: string) {
  const query = 'query ($callId: ID!) { call(callId: $callId) { id state reason rev legs expiresAt } }';
  return (await reader.ask(query, { callId })).call;
}

async function activeCalls(reader: Person): Promise<string[]> {
  return idsOf((await reader.ask('{ activeCalls { id } }')).activeCalls);
}

/** Moves the time and waits until the service has ended the call. */
async function ringOut(clock: ManualClock, reader: Person, callId: string, ms = 60_000): Promise<void> {
  clock.advance(ms);
  await vi.waitFor(async () => expect((await readCall(reader, callId)).state).toBe('ENDED'));
}

describe.each(engines)('dial on %s', (engine) => {
  test('sees in one operation what the same operation did before', async () => {
    const { url } = await startService({ engine });
    const [alice, bob] = await Promise.all([person(url, 'alice'), person(url, 'bob')]);
    await bob.open();
    const dial = 'dial(hubId: "team", input: $input) { merged call { id } }';
    const query = `mutation ($input: DialInput!) { one: ${dial} two: ${dial} }`;

    const { one, two } = await alice.ask(query, { input: toBob });

    expect([one.merged, two.merged]).toEqual([false, true]);
    expect(two.call.id).toBe(one.call.id);
  });

  describe.each(transports)('over %s', (transport) => {
    test('rings every socket of the target once, with all that a ring needs', async () => {
      const clock = manualClock();
      const { url } = await startService({ engine, overrides: { clock } });
      const [alice, bob, carol] = await Promise.all([
        person(url, 'alice'),
        person(url, 'bob'),
        person(url, 'carol'),
      ]);
      const sockets = [
        await bob.open({ transport, variables: { deviceId: 'phone' } }),
        await bob.open({ transport, variables: { deviceId: 'phone' } }),
        await bob.open({ transport, variables: { deviceId: 'tablet' } }),
        await bob.open({ transport }),
      ];
      const others = [await alice.open({ transport }), await carol.open({ transport })];

      const { signalId, call } = await alice.dial({
        ...toBob,
        deviceId: 'desk',
        payload: { topic: 'lunch' },
      });

      const [ring, ...more] = (await sockets[0]?.heard()) ?? [];
      expect(more).toEqual([]);
      expect(ring).toEqual({
        __typename: 'IncomingCall',
        id: signalId,
        cursor: expect.stringMatching(/^[0-9a-f]+:\d+$/),
        service: 'signaling.dial',
        sentAt: expect.stringMatching(/Z$/),
        hubId: 'team',
        origin: {
          uid: 'alice',
          ident: 'alice@example.org',
          firstname: 'Alice',
          lastname: null,
          fullname: 'Alice Example',
          email: null,
          socketId: null,
          streamId: null,
        },
        message: 'INCOMING_CALL',
        name: 'Alice',
        hub_id: 'alice',
        nid: 'room-1',
        roomId: 'room-1',
        roomType: 'video',
        role: 'LISTENER',
        expiresAt: iso(clock.now() + 60_000),
        remainingMs: 60_000,
        ring: true,
        waiting: false,
        payload: { topic: 'lunch' },
        call: { id: call.id, state: 'RINGING', rev: 1, caller: 'alice', callee: 'bob', legs: 3 },
      });
      for (const socket of sockets.slice(1)) expect(await socket.heard()).toEqual([ring]);
      for (const socket of others) expect(await socket.heard()).toEqual([]);
    });

    test('a ring that is replayed says how long it still rings; once it is over, what became of it comes instead', async () => {
      const clock = manualClock();
      const { url } = await startService({ engine, overrides: { clock } });
      const [alice, bob] = await Promise.all([person(url, 'alice'), person(url, 'bob')]);
      const first = await bob.open({ transport });
      const { signalId, call } = await alice.dial(toBob);
      const back = async () => {
        const socket = await bob.open({ transport, variables: { after: first.ready.cursor } });
        return { calls: socket.ready.calls, signals: await socket.heard() };
      };
      const calls = [{ id: call.id, state: 'RINGING', caller: 'alice', callee: 'bob' }];
      const { expiresAt } = call;
      clock.advance(25_000);
      expect(await back()).toMatchObject({
        calls,
        signals: [{ id: signalId, remainingMs: 35_000, ring: true, expiresAt }],
      });
      clock.advance(32_001);
      expect(await back()).toMatchObject({
        calls,
        signals: [{ id: signalId, remainingMs: 2999, ring: false, expiresAt }],
      });
      await ringOut(clock, alice, call.id, 4000);
      expect(await back()).toMatchObject({
        calls: [],
        signals: [
          {
            __typename: 'CallUpdated',
            change: 'ENDED',
            remainingMs: 0,
            expiresAt,
            call: { id: call.id, state: 'ENDED', reason: 'NO_ANSWER', rev: 2 },
          },
          { __typename: 'CallLogged', record: { callId: call.id, missed: true } },
        ],
      });
    });
  });

  test('answers with the call, and with the input and the origin that was written', async () => {
    const clock = manualClock();
    const { url } = await startService({ engine, overrides: { clock } });
    const [alice, bob] = await Promise.all([person(url, 'alice'), person(url, 'bob')]);
    await bob.open();
    const input = { ...toBob, deviceId: 'desk', payload: [1], clientMutationId: 'first' };
    expect(await alice.dial(input)).toEqual({
      signalId: expect.stringMatching(/^sig_/),
      type: 'video',
      clientMutationId: 'first',
      offline: false,
      merged: false,
      polite: false,
      input: { ...input, origin: expect.objectContaining({ uid: 'alice', socketId: null }) },
      call: {
        id: expect.stringMatching(/^call_/),
        state: 'RINGING',
        reason: null,
        rev: 1,
        hubId: 'team',
        roomId: 'room-1',
        roomType: 'video',
        caller: 'alice',
        callee: 'bob',
        legs: 1,
        alerting: 0,
        createdAt: iso(clock.now()),
        expiresAt: iso(clock.now() + 60_000),
        acceptedAt: null,
        endedAt: null,
      },
    });
  });

  test('a device is one leg, however many sockets it has; a socket without a device is one of its own', async () => {
    const { url } = await startService({ engine });
    const [alice, bob] = await Promise.all([person(url, 'alice'), person(url, 'bob')]);
    const legs = async () => {
      const { call } = await alice.dial(toBob);
      // Else the next dial would join it.
      await alice.hangUp(call.id);
      return call.legs;
    };
    const counted: number[] = [];
    for (const deviceId of ['phone', 'phone', 'tablet', null, null]) {
      await bob.open({ variables: { deviceId } });
      counted.push(await legs());
    }
    expect(counted).toEqual([1, 1, 2, 3, 4]);
  });

  test.each([
    ['uid', 'alice'],
    ['ident', 'alice@example.org'],
  ])('refuses to call oneself by %s', async (_, uid) => {
    const { url } = await startService({ engine });
    const alice = await person(url, 'alice');
    const ear = await alice.open();
    expect(await alice.refused('dial', { ...toBob, target: { uid } })).toMatchObject({
      message: 'Self calling is not allowed',
      code: 'BAD_USER_INPUT',
      field: 'input.target.uid',
    });
    expect(await activeCalls(alice)).toEqual([]);
    expect(await ear.heard()).toEqual([]);
  });

  test('needs a user to call: no other target will do', async () => {
    const { url } = await startService({ engine });
    const alice = await person(url, 'alice');
    for (const target of [{}, { hubId: 'team' }, { socketId: 'sock' }]) {
      expect(await alice.refused('dial', { ...toBob, target })).toMatchObject({
        code: 'BAD_USER_INPUT',
        field: 'input.target.uid',
      });
    }
  });

  test('rings as long as asked, 10 to 120 seconds', async () => {
    const { url } = await startService({ engine });
    const [alice, bob] = await Promise.all([person(url, 'alice'), person(url, 'bob')]);
    await bob.open();
    const seconds = async (ringTimeoutSeconds: number | null) => {
      const { call } = await alice.dial({ ...toBob, ringTimeoutSeconds });
      // Else the next dial would join it.
      await alice.hangUp(call.id);
      return (Date.parse(call.expiresAt) - Date.parse(call.createdAt)) / 1000;
    };
    expect([await seconds(10), await seconds(120), await seconds(null)]).toEqual([10, 120, 60]);
    for (const ringTimeoutSeconds of [9, 121, 0, -60]) {
      expect(await alice.refused('dial', { ...toBob, ringTimeoutSeconds })).toMatchObject({
        code: 'BAD_USER_INPUT',
        field: 'input.ringTimeoutSeconds',
      });
    }
  });

  test('a call that nobody takes ends at its deadline, NO_ANSWER, and not before', async () => {
    const clock = manualClock();
    const { url } = await startService({ engine, overrides: { clock } });
    const [alice, bob] = await Promise.all([person(url, 'alice'), person(url, 'bob')]);
    await bob.open();
    const { call } = await alice.dial({ ...toBob, ringTimeoutSeconds: 30 });
    clock.advance(29_000);
    expect(await readCall(bob, call.id)).toMatchObject({ state: 'RINGING', reason: null, rev: 1 });
    await ringOut(clock, alice, call.id, 1000);
    const ended = { state: 'ENDED', reason: 'NO_ANSWER', rev: 2 };
    expect(await readCall(alice, call.id)).toMatchObject(ended);
    clock.advance(60_000);
    expect(await readCall(bob, call.id)).toMatchObject(ended);
  });

  test('a call that rings is among activeCalls and SocketReady.calls of both sides, oldest first, until it ends', async () => {
    const clock = manualClock();
    const { url } = await startService({ engine, overrides: { clock } });
    const [alice, bob, carol] = await Promise.all([
      person(url, 'alice'),
      person(url, 'bob'),
      person(url, 'carol'),
    ]);
    await bob.open();
    const first = (await alice.dial({ ...toBob, ringTimeoutSeconds: 120 })).call.id;
    clock.advance(1000);
    const second = (await carol.dial(toBob)).call.id;
    const snapshot = async (reader: Person) => idsOf((await reader.open()).ready.calls);
    for (const view of [activeCalls, snapshot]) {
      expect(await view(alice)).toEqual([first]);
      expect(await view(carol)).toEqual([second]);
      expect(await view(bob)).toEqual([first, second]);
    }
    await ringOut(clock, carol, second);
    for (const view of [activeCalls, snapshot]) {
      expect(await view(carol)).toEqual([]);
      expect(await view(bob)).toEqual([first]);
    }
  });

  test('a call is read by its two sides alone', async () => {
    const { url } = await startService({ engine });
    const [alice, bob, carol] = await Promise.all([
      person(url, 'alice'),
      person(url, 'bob'),
      person(url, 'carol'),
    ]);
    await bob.open();
    const { call } = await alice.dial(toBob);
    for (const side of [alice, bob]) expect(await readCall(side, call.id)).toMatchObject({ id: call.id });
    const { errors } = await post(url, carol.token, `{ call(callId: "${call.id}") { id } }`);
    expect(errors).toMatchObject([{ extensions: { code: 'NOT_FOUND', field: 'callId' } }]);
  });

  test('a target that is offline, unknown, or not of this hub gets a call that has ended already, and all three look alike', async () => {
    const clock = manualClock();
    const { url } = await startService({ engine, overrides: { clock } });
    const alice = await person(url, 'alice');
    const offline = await person(url, 'bob');
    const outsider = await person(url, 'eve', { hubs: { elsewhere: 'owner', team: 'guest' } });
    await (await offline.open({ transport: 'ws' })).leave();
    const ear = await outsider.open();
    const own = await alice.open();
    const answers = [];
    for (const uid of ['bob', 'zoe', 'eve']) {
      const answer = await alice.dial({ ...toBob, target: { uid } });
      expect(await own.heard()).toMatchObject([
        {
          __typename: 'CallLogged',
          record: { callId: answer.call.id, peer: uid, direction: 'OUTGOING', reason: 'UNREACHABLE' },
        },
      ]);
      expect(answer).toMatchObject({
        offline: true,
        call: { state: 'ENDED', reason: 'UNREACHABLE', rev: 1, legs: 0, callee: uid },
      });
      expect(await readCall(alice, answer.call.id)).toMatchObject({ state: 'ENDED', reason: 'UNREACHABLE' });
      answers.push(
        JSON.stringify(answer)
          .replaceAll(uid, '')
          .replaceAll(answer.call.id, '')
          .replaceAll(answer.signalId, ''),
      );
    }
    expect(new Set(answers).size).toBe(1);
    expect(await activeCalls(alice)).toEqual([]);
    expect(await ear.heard()).toEqual([]);
  });

  test('a device that comes back after such a call does not ring; it is told that there was one', async () => {
    const { url } = await startService({ engine });
    const [alice, bob] = await Promise.all([person(url, 'alice'), person(url, 'bob')]);
    const first = await bob.open({ transport: 'ws' });
    await first.leave();
    const { call, offline } = await alice.dial(toBob);
    expect(offline).toBe(true);
    const back = await bob.open({ variables: { after: first.ready.cursor } });
    expect(back.ready).toMatchObject({ recovered: true, calls: [] });
    expect(await back.heard()).toEqual([
      {
        __typename: 'CallLogged',
        id: expect.stringMatching(/^sig_/),
        cursor: expect.stringMatching(/^[0-9a-f]+:\d+$/),
        service: 'signaling.dial',
        sentAt: expect.stringMatching(/Z$/),
        hubId: 'team',
        origin: {
          uid: 'alice',
          ident: 'alice@example.org',
          firstname: 'Alice',
          lastname: null,
          fullname: 'Alice Example',
          email: null,
          socketId: null,
          streamId: null,
        },
        record: {
          id: `rec_${call.id}`,
          callId: call.id,
          peer: 'alice',
          caller: 'alice',
          direction: 'INCOMING',
          reason: 'UNREACHABLE',
          missed: false,
          status: null,
          startedAt: call.createdAt,
          acceptedAt: null,
          duration: 0,
          hubId: 'team',
          endedAt: call.createdAt,
        },
      },
    ]);
  });

  describe('the room', () => {
    async function roomAccess(url: string, uid: string, roomId = 'room-1') {
      const server = await person(url, 'server', { admin: true });
      const query =
        'query ($roomId: ID!, $uid: ID!) { roomAccess(roomId: $roomId, uid: $uid) { privilege expiresAt } }';
      return (await server.ask(query, { roomId, uid })).roomAccess;
    }
    const none = { privilege: 0, expiresAt: null };

    test('is open with privilege 3 to who is rung, for 24 hours at most, and to nobody else', async () => {
      const clock = manualClock();
      const { url } = await startService({ engine, overrides: { clock } });
      const [alice, bob] = await Promise.all([person(url, 'alice'), person(url, 'bob')]);
      await bob.open();
      expect(await roomAccess(url, 'bob')).toEqual(none);
      await alice.dial(toBob);
      expect(await roomAccess(url, 'bob')).toEqual({
        privilege: 3,
        expiresAt: iso(clock.now() + 24 * 60 * 60 * 1000),
      });
      expect(await roomAccess(url, 'bob', 'room-2')).toEqual(none);
      expect(await roomAccess(url, 'alice')).toEqual(none);
    });

    test('stays closed to who could not be rung', async () => {
      const { url } = await startService({ engine });
      const alice = await person(url, 'alice');
      await alice.dial(toBob);
      expect(await roomAccess(url, 'bob')).toEqual(none);
    });

    test('closes when the call ends, unless another call to it still rings', async () => {
      const clock = manualClock();
      const { url } = await startService({ engine, overrides: { clock } });
      const [alice, bob, carol] = await Promise.all([
        person(url, 'alice'),
        person(url, 'bob'),
        person(url, 'carol'),
      ]);
      await bob.open();
      const first = (await alice.dial(toBob)).call.id;
      const second = (await carol.dial({ ...toBob, ringTimeoutSeconds: 120 })).call.id;
      await ringOut(clock, alice, first);
      expect((await roomAccess(url, 'bob')).privilege).toBe(3);
      await ringOut(clock, carol, second);
      expect(await roomAccess(url, 'bob')).toEqual(none);
    });
  });

  test('a repetition with the same clientMutationId gets the first answer and rings nobody', async () => {
    const { url } = await startService({ engine });
    const [alice, bob] = await Promise.all([person(url, 'alice'), person(url, 'bob')]);
    const ear = await bob.open();
    const input = { ...toBob, clientMutationId: 'key' };
    const first = await alice.dial(input);
    expect(await alice.dial(input)).toEqual(first);
    expect(idsOf(await ear.heard())).toEqual([first.signalId]);
    expect(await activeCalls(bob)).toEqual([first.call.id]);
    expect(await alice.refused('dial', { ...input, roomId: 'room-2' })).toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
    });
  });
});

test('a call whose deadline has passed is no live call any more, before anybody has ended it', async () => {
  const clock = manualClock();
  // Time passes, and no periodic task runs.
  const overrides = { clock: { ...clock, every: () => () => {} } };
  const { url } = await startService({ engine: 'memory', overrides });
  const alice = await person(url, 'alice', { hubs: { team: 'read', a: 'read' } });
  const bob = await person(url, 'bob', { hubs: { a: 'read' } });
  const first = await bob.open();
  const { call, signalId } = await alice.in('a').dial(toBob);
  const reached = async () => !(await alice.message({ target: { uid: 'bob' } })).offline;
  const seen = async () => [await activeCalls(bob), idsOf((await bob.open()).ready.calls), await reached()];
  expect(await seen()).toEqual([[call.id], [call.id], true]);
  clock.advance(60_000);
  expect(await seen()).toEqual([[], [], false]);
  // Who comes back finds its ring, and that it is over.
  const back = await bob.open({ variables: { after: first.ready.cursor } });
  expect(await back.next()).toMatchObject({ id: signalId, remainingMs: 0, ring: false });
});

test('a deadline that several nodes look for ends the call once', async () => {
  const clock = manualClock();
  const prefix = randomPrefix();
  const nodes = [];
  for (let i = 0; i < 3; i++)
    nodes.push(await startService({ engine: 'redis', prefix, overrides: { clock } }));
  const [alice, bob] = await Promise.all([
    person(nodes[0]?.url ?? '', 'alice'),
    person(nodes[1]?.url ?? '', 'bob'),
  ]);
  await bob.open();
  const { call } = await alice.dial({ ...toBob, ringTimeoutSeconds: 10 });
  // Not so far that the nodes' leases end.
  clock.advance(5000);
  await ringOut(clock, alice, call.id, 5000);
  clock.advance(1000);
  expect(await readCall(bob, call.id)).toMatchObject({ state: 'ENDED', reason: 'NO_ANSWER', rev: 2 });
});
