import { describe, expect, test } from 'vitest';
import { manualClock } from './support/clock.ts';
import { transports } from './support/listen.ts';
import { idsOf, type PersonalListener, person } from './support/person.ts';
import { engines, startService } from './support/service.ts';

describe.each(engines)('message on %s', (engine) => {
  describe.each(transports)('over %s', (transport) => {
    test('to a socket reaches that one socket, with everything that was said', async () => {
      const { url } = await startService({ engine });
      const [alice, bob] = await Promise.all([person(url, 'alice'), person(url, 'bob')]);
      const own = await alice.open({ transport });
      const [one, other] = [await bob.open({ transport }), await bob.open({ transport })];
      const answer = await alice.message({
        target: { socketId: one.ready.socketId },
        origin: { socketId: own.ready.socketId, streamId: 'camera' },
        type: 'offer',
        role: 'CALLEE',
        duration: 12,
        generation: 3,
        payload: { sdp: 'v=0' },
      });
      expect(answer).toMatchObject({ scope: 'SOCKET', offline: false, type: 'offer' });
      expect(await one.heard()).toEqual([
        {
          __typename: 'PeerMessage',
          id: answer.signalId,
          cursor: expect.stringMatching(/^[0-9a-f]+:\d+$/),
          service: 'signaling.message',
          sentAt: expect.stringMatching(/Z$/),
          hubId: 'team',
          origin: {
            uid: 'alice',
            ident: 'alice@example.org',
            firstname: 'Alice',
            lastname: null,
            fullname: 'Alice Example',
            email: null,
            socketId: own.ready.socketId,
            streamId: 'camera',
          },
          target: { socketId: one.ready.socketId, streamId: null, hubId: null, uid: null },
          scope: 'SOCKET',
          type: 'offer',
          role: 'CALLEE',
          duration: 12,
          callId: null,
          generation: 3,
          payload: { sdp: 'v=0' },
        },
      ]);
      expect(await other.heard()).toEqual([]);
      expect(await own.heard()).toEqual([]);
    });

    test('to a user reaches every socket of theirs, and nobody else', async () => {
      const { url } = await startService({ engine });
      const [alice, bob, carol] = await Promise.all(['alice', 'bob', 'carol'].map((uid) => person(url, uid)));
      if (!alice || !bob || !carol) throw new Error('three people');
      const own = await alice.open({ transport });
      const sockets = [
        await bob.open({ transport, variables: { deviceId: 'phone' } }),
        await bob.open({ transport, variables: { deviceId: 'phone' } }),
        await bob.open({ transport }),
      ];
      const other = await carol.open({ transport });
      const { signalId, scope } = await alice.message({
        target: { uid: 'bob' },
        origin: { socketId: own.ready.socketId },
        type: 'hello',
      });
      expect(scope).toBe('USER');
      for (const socket of sockets) expect(idsOf(await socket.heard())).toEqual([signalId]);
      expect(await other.heard()).toEqual([]);
      expect(await own.heard()).toEqual([]);
    });

    test.each(['HUB', 'ONLINE_MEMBERS'])(
      'to a hub (%s) reaches everyone who belongs to it, except the origin socket',
      async (scope) => {
        const { url } = await startService({ engine });
        const alice = await person(url, 'alice');
        const bob = await person(url, 'bob');
        const outsider = await person(url, 'carol', { hubs: { elsewhere: 'read' } });
        const own = await alice.open({ transport, variables: { deviceId: 'desk' } });
        const otherTab = await alice.open({ transport, variables: { deviceId: 'desk' } });
        const phone = await alice.open({ transport, variables: { deviceId: 'phone' } });
        const bobs = [await bob.open({ transport }), await bob.open({ transport })];
        const outside = await outsider.open({ transport });
        const answer = await alice.message({
          target: { hubId: 'team' },
          scope,
          origin: { socketId: own.ready.socketId },
        });
        expect(answer).toMatchObject({ scope, offline: false });
        for (const socket of [otherTab, phone, ...bobs]) {
          expect(await socket.heard()).toMatchObject([{ id: answer.signalId, scope }]);
        }
        expect(await own.heard()).toEqual([]);
        expect(await outside.heard()).toEqual([]);
      },
    );

    test('to a stream reaches the socket that has named it, until that socket closes', async () => {
      const { url } = await startService({ engine });
      const [alice, bob] = await Promise.all([person(url, 'alice'), person(url, 'bob')]);
      const [one, other] = [await bob.open({ transport }), await bob.open({ transport })];
      const target = { streamId: 'camera' };
      expect(await alice.message({ target })).toMatchObject({ scope: 'SOCKET', offline: true });
      await bob.message({
        target: { uid: 'alice' },
        origin: { socketId: one.ready.socketId, streamId: 'camera' },
      });
      const { signalId, offline } = await alice.message({ target });
      expect(offline).toBe(false);
      expect(idsOf(await one.heard())).toEqual([signalId]);
      expect(await other.heard()).toEqual([]);
      await one.leave();
      expect(await alice.message({ target })).toMatchObject({ offline: true });
      expect(await other.heard()).toEqual([]);
    });

    test('a message to a user without an open socket reaches a device that comes back with its cursor', async () => {
      const { url } = await startService({ engine });
      const [alice, bob] = await Promise.all([person(url, 'alice'), person(url, 'bob')]);
      const before = await bob.open({ transport, variables: { deviceId: 'phone' } });
      await before.leave();
      const answer = await alice.message({ target: { uid: 'bob' }, type: 'hello' });
      expect(answer.offline).toBe(true);
      const back = await bob.open({
        transport,
        variables: { deviceId: 'phone', after: before.ready.cursor },
      });
      expect(back.ready).toMatchObject({ recovered: true, reason: null, cursor: before.ready.cursor });
      expect(idsOf(await back.heard())).toEqual([answer.signalId]);
    });

    test('a message to a socket that broke off is replayed to the same device, and to no other', async () => {
      const { url } = await startService({ engine });
      const [alice, bob] = await Promise.all([person(url, 'alice'), person(url, 'bob')]);
      const phone = await bob.open({ transport, variables: { deviceId: 'phone' } });
      const { signalId } = await alice.message({ target: { socketId: phone.ready.socketId } });
      await phone.leave();
      const after = phone.ready.cursor;
      const back = (deviceId: string) => bob.open({ transport, variables: { deviceId, after } });
      expect(idsOf(await (await back('phone')).heard())).toEqual([signalId]);
      expect(await (await back('tablet')).heard()).toEqual([]);
    });
  });

  test.each([
    { target: { socketId: 'sock', streamId: 'stream', hubId: 'team', uid: 'bob' }, scope: 'SOCKET' },
    { target: { streamId: 'stream', hubId: 'team', uid: 'bob' }, scope: 'SOCKET' },
    { target: { socketId: 'sock', uid: 'bob' }, scope: 'SOCKET' },
    { target: { hubId: 'team', uid: 'bob' }, scope: 'HUB' },
    { target: { uid: 'bob' }, scope: 'USER' },
  ])('of several targets the narrowest counts: $scope for $target', async ({ target, scope }) => {
    const { url } = await startService({ engine });
    const [alice, bob, carol] = await Promise.all([
      person(url, 'alice'),
      person(url, 'bob'),
      person(url, 'carol'),
    ]);
    const [addressed, bobs, carols] = [await carol.open(), await bob.open(), await carol.open()];
    const origin = { socketId: addressed.ready.socketId, streamId: 'stream' };
    await carol.message({ target: { uid: 'nobody' }, origin });
    const { socketId } = addressed.ready;
    const answer = await alice.message({ target: 'socketId' in target ? { ...target, socketId } : target });
    expect(answer.scope).toBe(scope);
    const reached = { SOCKET: [addressed], HUB: [addressed, bobs, carols], USER: [bobs] }[scope] ?? [];
    for (const socket of [addressed, bobs, carols]) {
      expect(await socket.heard()).toHaveLength(reached.includes(socket) ? 1 : 0);
    }
  });

  test('a target of nothing, and a scope that contradicts its target, are refused by name', async () => {
    const { url } = await startService({ engine });
    const alice = await person(url, 'alice');
    const refusals = [
      [{}, null, 'input.target'],
      [undefined, null, 'input.target'],
      [{ socketId: 'sock' }, 'HUB', 'input.scope'],
      [{ streamId: 'stream' }, 'USER', 'input.scope'],
      [{ hubId: 'team' }, 'USER', 'input.scope'],
      [{ hubId: 'team', uid: 'bob' }, 'SOCKET', 'input.scope'],
      [{ uid: 'bob' }, 'ONLINE_MEMBERS', 'input.scope'],
      [{ uid: 'bob' }, 'SOCKET', 'input.scope'],
    ];
    for (const [target, scope, field] of refusals) {
      const refusal = await alice.refused('message', { target, scope });
      expect(refusal, JSON.stringify(target)).toMatchObject({ code: 'BAD_USER_INPUT', field });
    }
  });

  test('the scope that a target has anyway may be given', async () => {
    const { url } = await startService({ engine });
    const alice = await person(url, 'alice');
    const scopes = await Promise.all([
      alice.message({ target: { socketId: 'sock' }, scope: 'SOCKET' }),
      alice.message({ target: { hubId: 'team' }, scope: 'HUB' }),
      alice.message({ target: { hubId: 'team' }, scope: 'ONLINE_MEMBERS' }),
      alice.message({ target: { uid: 'bob' }, scope: 'USER' }),
    ]);
    expect(scopes.map(({ scope }) => scope)).toEqual(['SOCKET', 'HUB', 'ONLINE_MEMBERS', 'USER']);
  });

  test('the answer is the input with the origin that was written, and the signal’s id', async () => {
    const { url } = await startService({ engine });
    const alice = await person(url, 'alice');
    const { ready } = await alice.open();
    const input = {
      target: { uid: 'alice' },
      origin: { socketId: ready.socketId },
      type: 'note',
      duration: 5,
      payload: { origin: { uid: 'mallory' } },
      clientMutationId: 'first',
    };
    expect(await alice.message(input)).toEqual({
      signalId: expect.stringMatching(/^sig_/),
      type: 'note',
      clientMutationId: 'first',
      scope: 'USER',
      offline: false,
      call: null,
      held: false,
      input: {
        ...input,
        origin: expect.objectContaining({
          uid: 'alice',
          ident: 'alice@example.org',
          socketId: ready.socketId,
          streamId: null,
        }),
      },
    });
  });

  test('what was not said is null in the signal, and the duration 0', async () => {
    const { url } = await startService({ engine });
    const alice = await person(url, 'alice');
    const ear = await alice.open();
    await alice.message({ target: { uid: 'alice' } });
    expect(await ear.heard()).toMatchObject([
      {
        origin: { uid: 'alice', socketId: null, streamId: null },
        type: null,
        role: null,
        duration: 0,
        callId: null,
        generation: null,
        payload: null,
      },
    ]);
  });

  test('nobody can send as somebody else: origin takes no identity and no socket of another', async () => {
    const { url } = await startService({ engine });
    const [alice, bob] = await Promise.all([person(url, 'alice'), person(url, 'bob')]);
    const ear = await bob.open();
    const target = { uid: 'bob' };
    expect(await alice.refused('message', { target, origin: { uid: 'bob' } })).toMatchObject({
      message: expect.stringContaining('"uid"'),
    });
    for (const socketId of [ear.ready.socketId, 'sock_invented']) {
      expect(await alice.refused('message', { target, origin: { socketId } })).toMatchObject({
        code: 'BAD_USER_INPUT',
        field: 'input.origin.socketId',
      });
    }
    expect(await ear.heard()).toEqual([]);
  });

  test('a hub message without an origin socket reaches the sender’s own sockets too', async () => {
    const { url } = await startService({ engine });
    const alice = await person(url, 'alice');
    const ear = await alice.open();
    const { signalId } = await alice.message({ target: { hubId: 'team' } });
    expect(idsOf(await ear.heard())).toEqual([signalId]);
  });

  test('a message to the socket it is sent from is refused, by its id and by its stream; another socket of the sender’s is not', async () => {
    const { url } = await startService({ engine });
    const alice = await person(url, 'alice');
    const [own, other] = [await alice.open(), await alice.open()];
    const origin = { socketId: own.ready.socketId };
    await alice.message({ target: { uid: 'alice' }, origin: { ...origin, streamId: 'camera' } });
    expect(
      await alice.refused('message', { target: { socketId: own.ready.socketId }, origin }),
    ).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.target.socketId' });
    expect(await alice.refused('message', { target: { streamId: 'camera' }, origin })).toMatchObject({
      code: 'BAD_USER_INPUT',
      field: 'input.target.streamId',
    });
    const { offline } = await alice.message({ target: { socketId: other.ready.socketId }, origin });
    expect(offline).toBe(false);
    expect(await own.heard()).toHaveLength(1);
    expect(await other.heard()).toHaveLength(2);
  });

  test('a target hub other than the context’s needs READ there too', async () => {
    const { url } = await startService({ engine });
    const alice = await person(url, 'alice', { hubs: { team: 'read', a: 'read', lobby: 'guest' } });
    const bob = await person(url, 'bob', { hubs: { a: 'read', lobby: 'read' } });
    const ear = await bob.open();
    const { signalId } = await alice.message({ target: { hubId: 'a' } });
    expect(await ear.heard()).toMatchObject([{ id: signalId, hubId: 'team', target: { hubId: 'a' } }]);
    for (const hubId of ['lobby', 'unknown']) {
      expect(await alice.refused('message', { target: { hubId } })).toMatchObject({
        code: 'FORBIDDEN',
        field: 'input.target.hubId',
      });
    }
    expect(await ear.heard()).toEqual([]);
  });

  test('a repetition with the same clientMutationId gets the first answer and sends nothing', async () => {
    const { url } = await startService({ engine });
    const alice = await person(url, 'alice');
    const ear = await alice.open();
    const input = { target: { uid: 'alice' }, type: 'once', clientMutationId: 'key' };
    const first = await alice.message(input);
    expect(await alice.message(input)).toEqual(first);
    expect(idsOf(await ear.heard())).toEqual([first.signalId]);
    expect(await alice.refused('message', { ...input, type: 'other' })).toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
    });
  });

  test('a callId must be of a call that the sender is a party of', async () => {
    const { url } = await startService({ engine });
    const [alice, bob, carol] = await Promise.all([
      person(url, 'alice'),
      person(url, 'bob'),
      person(url, 'carol'),
    ]);
    const ear = await bob.open({ variables: { kinds: ['PEER_MESSAGE'] } });
    const { call } = await alice.dial({ target: { uid: 'bob' }, roomId: 'r', roomType: 'video' });
    await alice.message({ target: { uid: 'bob' }, callId: call.id });
    expect(await ear.heard()).toMatchObject([{ callId: call.id }]);
    for (const [sender, callId] of [
      [carol, call.id],
      [alice, 'call_unknown'],
    ]) {
      expect(await sender.refused('message', { target: { uid: 'bob' }, callId })).toMatchObject({
        code: 'NOT_FOUND',
        field: 'input.callId',
      });
    }
    expect(await ear.heard()).toEqual([]);
  });

  describe('reaches through the hub of its context', () => {
    const greeting = { target: { uid: 'bob' }, type: 'hello' };

    test('only those who belong to it: by user, by socket and by stream', async () => {
      const { url } = await startService({ engine });
      const alice = await person(url, 'alice', { hubs: { team: 'read', a: 'read' } });
      const bob = await person(url, 'bob', { hubs: { a: 'read', team: 'guest' } });
      const ear = await bob.open();
      const { socketId } = ear.ready;
      await bob.in('a').message({ target: { uid: 'bob' }, origin: { socketId, streamId: 'camera' } });
      await ear.heard();
      const targets = [{ uid: 'bob' }, { socketId }, { streamId: 'camera' }];
      for (const target of targets) {
        expect((await alice.message({ target })).offline).toBe(true);
        expect(await ear.heard()).toEqual([]);
        expect((await alice.in('a').message({ target })).offline).toBe(false);
        expect(await ear.heard()).toHaveLength(1);
      }
    });

    test('those whose token said so on a socket that has closed since, until that token ends', async () => {
      const clock = manualClock();
      const { url } = await startService({ engine, overrides: { clock } });
      const alice = await person(url, 'alice', { expiresIn: 7200 });
      const bob = await person(url, 'bob', { expiresIn: 60 });
      const before = await bob.open();
      await before.leave();
      const inTime = await alice.message(greeting);
      await clock.advance(59_000);
      const lastMoment = await alice.message(greeting);
      await clock.advance(2_000);
      await alice.message(greeting);
      const later = await person(url, 'bob', { expiresIn: 3600 });
      const back = await later.open({ variables: { after: before.ready.cursor } });
      expect(back.ready.recovered).toBe(true);
      expect(idsOf(await back.heard())).toEqual([inTime.signalId, lastMoment.signalId]);
    });

    test('those with a stored grant, until it is revoked', async () => {
      const { url } = await startService({ engine });
      const alice = await person(url, 'alice');
      const bob = await person(url, 'bob', { hubs: { a: 'read' } });
      const server = await person(url, 'server', { admin: true });
      const ear = await bob.open();
      const grant = (privilege: string) =>
        server.ask(`mutation { grantHub(hubId: "team", uid: "bob", privilege: ${privilege}) { privilege } }`);
      await grant('ANONYMOUS');
      expect((await alice.message(greeting)).offline).toBe(true);
      await grant('READ');
      const { signalId, offline } = await alice.message(greeting);
      expect(offline).toBe(false);
      await server.ask('mutation { revokeHub(hubId: "team", uid: "bob") { uid } }');
      expect((await alice.message(greeting)).offline).toBe(true);
      expect(idsOf(await ear.heard())).toEqual([signalId]);
    });

    test('the other side of a live call, whatever the hub, until the call has ended', async () => {
      const clock = manualClock();
      const { url } = await startService({ engine, overrides: { clock } });
      const alice = await person(url, 'alice', { hubs: { team: 'read', a: 'read' } });
      const bob = await person(url, 'bob', { hubs: { a: 'read', b: 'read' } });
      const [own, ear] = [await alice.open(), await bob.open()];
      expect((await alice.message(greeting)).offline).toBe(true);
      expect((await bob.in('b').message({ target: { uid: 'alice' } })).offline).toBe(true);
      const { call } = await alice.in('a').dial({ target: { uid: 'bob' }, roomId: 'r', roomType: 'video' });
      await ear.heard();
      const [there, back] = [
        await alice.message(greeting),
        await bob.in('b').message({ target: { uid: 'alice' } }),
      ];
      expect(there.offline).toBe(false);
      expect(back.offline).toBe(false);
      expect(idsOf(await ear.heard())).toEqual([there.signalId]);
      expect(idsOf(await own.heard())).toEqual([back.signalId]);
      await clock.advance(60_000);
      for (const socket of [own, ear]) {
        expect(await socket.next()).toMatchObject({
          __typename: 'CallUpdated',
          change: 'ENDED',
          call: { id: call.id, state: 'ENDED', reason: 'NO_ANSWER' },
        });
        expect(await socket.next()).toMatchObject({ __typename: 'CallLogged', record: { callId: call.id } });
      }
      expect((await alice.message(greeting)).offline).toBe(true);
      expect((await bob.in('b').message({ target: { uid: 'alice' } })).offline).toBe(true);
      expect(await ear.heard()).toEqual([]);
      expect(await own.heard()).toEqual([]);
    });
  });

  describe('a stream', () => {
    test('belongs to the first open socket that names it', async () => {
      const { url } = await startService({ engine });
      const [alice, bob] = await Promise.all([person(url, 'alice'), person(url, 'bob')]);
      const [first, second, bobs] = [await alice.open(), await alice.open(), await bob.open()];
      const name = (socket: PersonalListener) => ({
        target: { uid: 'nobody' },
        origin: { socketId: socket.ready.socketId, streamId: 'camera' },
      });
      await alice.message(name(first));
      await alice.message(name(first));
      const taken = { code: 'BAD_USER_INPUT', field: 'input.origin.streamId' };
      expect(await alice.refused('message', name(second))).toMatchObject(taken);
      expect(await bob.refused('message', name(bobs))).toMatchObject(taken);
      await first.leave();
      await bob.message(name(bobs));
      expect(await alice.refused('message', name(second))).toMatchObject(taken);
      await alice.message({ target: { streamId: 'camera' } });
      expect(await bobs.heard()).toHaveLength(1);
    });

    test('that two sockets name at the same moment belongs to one of them', async () => {
      const { url } = await startService({ engine });
      const [alice, bob] = await Promise.all([person(url, 'alice'), person(url, 'bob')]);
      const [alices, bobs] = [await alice.open(), await bob.open()];
      for (let round = 0; round < 5; round++) {
        const streamId = `camera-${round}`;
        const results = await Promise.allSettled([
          alice.message({ target: { uid: 'x' }, origin: { socketId: alices.ready.socketId, streamId } }),
          bob.message({ target: { uid: 'x' }, origin: { socketId: bobs.ready.socketId, streamId } }),
        ]);
        expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
        const winner = results[0]?.status === 'fulfilled' ? alices : bobs;
        await alice.message({ target: { streamId }, type: streamId });
        expect((await winner.heard()).map(({ type }) => type)).toEqual([streamId]);
      }
    });

    test('needs the socket it belongs to', async () => {
      const { url } = await startService({ engine });
      const alice = await person(url, 'alice');
      const input = { target: { uid: 'bob' }, origin: { streamId: 'camera' } };
      expect(await alice.refused('message', input)).toMatchObject({
        code: 'BAD_USER_INPUT',
        field: 'input.origin.socketId',
      });
    });

    test('is the 32nd of its socket at most, and counts again on the next', async () => {
      const { url } = await startService({ engine });
      const alice = await person(url, 'alice');
      const [socket, next] = [await alice.open(), await alice.open()];
      const name = ({ ready }: PersonalListener, streamId: string) => ({
        target: { uid: 'bob' },
        origin: { socketId: ready.socketId, streamId },
      });
      for (let i = 1; i <= 32; i++) await alice.message(name(socket, `stream-${i}`));
      expect(await alice.refused('message', name(socket, 'stream-33'))).toMatchObject({
        code: 'BAD_USER_INPUT',
        field: 'input.origin.streamId',
      });
      await alice.message(name(socket, 'stream-1'));
      await alice.message(name(next, 'stream-33'));
    });
  });
});
