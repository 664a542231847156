import { describe, expect, test } from 'vitest';
import { as, data } from './support/api.ts';
import { graceMs, isThere, leave, openSocket, pass, startPair } from './support/grace.ts';
import { listenDocument, type Received, transports } from './support/listen.ts';
import { type RawWs, rawRequest, rawSse, rawWs, sseHeaders, until } from './support/raw.ts';
import { engines, startService, tokenFor } from './support/service.ts';

const shortDocument = `subscription ($after: String, $hubIds: [ID!]) {
  incomingSignal(after: $after, hubIds: $hubIds) { __typename cursor ... on SocketReady { recovered } ... on PeerMessage { payload } }
}`;

describe.each(engines)(
  'what a connection says wins over the arguments of its subscription, on %s',
  (engine) => {
    /** Alice, two messages, and the cursors before, between and after them. */
    async function begin() {
      const { url } = await startService({ engine });
      const token = await tokenFor('alice');
      const raw = rawSse(url, token, { query: shortDocument });
      await raw.contains('SocketReady');
      for (const payload of ['first', 'second']) {
        await as(url, token).message({ target: { uid: 'alice' }, payload });
        await raw.contains(payload);
      }
      const cursors = [...raw.text.matchAll(/\nid: (\S+)\n/g)].map(([, cursor = '']) => cursor);
      raw.socket.destroy();
      return { url, token, cursors: cursors as [string, string, string] };
    }

    async function connect(url: string, token: string, params: object): Promise<RawWs> {
      const raw = await rawWs(url);
      raw.send({ type: 'connection_init', payload: { authorization: `Bearer ${token}`, ...params } });
      await raw.nextOf('connection_ack');
      return raw;
    }

    const signalOf = ({ payload }: Received): Received => payload.data.incomingSignal;

    test('over WebSocket, in connection_init: of the first socket that opens on it, and of no other', async () => {
      const { url, token, cursors } = await begin();
      const raw = await connect(url, token, { after: cursors[1] });
      raw.subscribe('1', shortDocument, { after: cursors[0] });
      expect(signalOf(await raw.next())).toMatchObject({ cursor: cursors[1], recovered: true });
      expect(signalOf(await raw.next())).toMatchObject({ payload: 'second' });
      raw.subscribe('2', shortDocument, { after: cursors[0] });
      expect(signalOf(await raw.next())).toMatchObject({ cursor: cursors[0], recovered: true });
      expect(signalOf(await raw.next())).toMatchObject({ payload: 'first' });
      expect(signalOf(await raw.next())).toMatchObject({ payload: 'second' });

      raw.send({ id: '1', type: 'complete' });
      raw.subscribe('1', shortDocument);
      expect(signalOf(await raw.nextOf('next', '1'))).toMatchObject({ recovered: false });
    });

    test('over WebSocket: one that is refused leaves it to the next', async () => {
      const { url, token, cursors } = await begin();
      const raw = await connect(url, token, { after: cursors[1] });
      raw.subscribe('1', shortDocument, { hubIds: ['elsewhere'] });
      expect(await raw.next()).toMatchObject({
        payload: { errors: [{ extensions: { code: 'FORBIDDEN' } }] },
      });
      raw.subscribe('2', shortDocument);
      expect(signalOf(await raw.nextOf('next', '2'))).toMatchObject({ cursor: cursors[1], recovered: true });
    });

    test.each([['nonsense'], [5], [{}]])('over WebSocket: %j is no cursor', async (after) => {
      const { url, token } = await begin();
      const raw = await connect(url, token, { after });
      raw.subscribe('1', shortDocument);
      expect(await raw.next()).toMatchObject({
        payload: { errors: [{ extensions: { code: 'BAD_USER_INPUT', field: 'after' } }] },
      });
    });

    test('over WebSocket: null says nothing', async () => {
      const { url, token, cursors } = await begin();
      const raw = await connect(url, token, { after: null, resumeToken: null });
      raw.subscribe('1', shortDocument, { after: cursors[1] });
      expect(signalOf(await raw.next())).toMatchObject({ cursor: cursors[1], recovered: true });
    });

    test('over server-sent events, as EventSource says it when it comes back: Last-Event-ID', async () => {
      const { url, token, cursors } = await begin();
      const search = new URLSearchParams({
        query: shortDocument,
        variables: JSON.stringify({ after: cursors[0] }),
      });
      const line = `GET /graphql?${search} HTTP/1.1`;
      const back = rawRequest(url, line, { ...sseHeaders(token), 'last-event-id': cursors[1] });
      await back.contains('second');
      expect(back.text).toContain(`id: ${cursors[1]}\nretry: 1000\n`);
      expect(back.text).not.toContain('first');

      const first = rawRequest(url, line, { ...sseHeaders(token), 'last-event-id': '' });
      await first.contains('second');
      expect(first.text).toContain('first');

      const lost = rawRequest(url, line, { ...sseHeaders(token), 'last-event-id': 'nonsense' });
      await lost.contains('"code":"BAD_USER_INPUT"');
      expect(lost.text).toContain('"field":"after"');
    });

    test('a subscription without either begins at the end of the log', async () => {
      const { url, token } = await begin();
      const raw = rawSse(url, token, { query: listenDocument });
      await raw.contains('"recovered":false');
      expect(raw.text).not.toContain('first');
    });
  },
);

describe.each(engines)('a resume token, on %s', (engine) => {
  describe.each(transports)('over %s', (transport) => {
    test('opens the same socket after its connection has ended, on another node too, with what was missed', async () => {
      const { node, other } = await startPair(engine);
      const [alice, bob] = [await tokenFor('alice'), await tokenFor('bob')];
      const before = await openSocket(node.url, bob, { deviceId: 'phone' }, transport);
      expect(before.ready).toMatchObject({ resumed: false, recovered: false });
      const { socketId, cursor, resumeToken } = before.ready;
      await leave(node.url, 'bob', before);
      const target = { socketId };
      expect(await as(other.url, alice).message({ target, payload: 'missed' })).toMatchObject({
        offline: false,
      });
      const after = await openSocket(
        other.url,
        bob,
        { deviceId: 'phone', after: cursor, resumeToken },
        transport,
      );
      expect(after.ready).toMatchObject({ socketId, resumed: true, recovered: true });
      expect(after.ready.resumeToken).not.toBe(resumeToken);
      expect(await after.next()).toMatchObject({ payload: 'missed' });
      await as(node.url, alice).message({ target, payload: 'live' });
      expect(await after.next()).toMatchObject({ payload: 'live' });
    });

    test('takes up a socket that is still connected: the older connection is closed with REPLACED, and served no more', async () => {
      const { node, other } = await startPair(engine);
      const [alice, bob] = [await tokenFor('alice'), await tokenFor('bob')];
      const older = await openSocket(node.url, bob, {}, transport);
      const { socketId, resumeToken } = older.ready;
      const newer = await openSocket(other.url, bob, { resumeToken }, transport);
      expect(newer.ready).toMatchObject({ socketId, resumed: true });
      expect(await older.next()).toMatchObject({
        __typename: 'SocketClosing',
        code: 'REPLACED',
        reconnect: false,
      });
      expect(await older.ended).toBeUndefined();
      await as(node.url, alice).message({ target: { socketId }, payload: 'hello' });
      expect(await newer.next()).toMatchObject({ payload: 'hello' });
      expect(older.received).toHaveLength(2);
      expect(node.stats().sockets + (other === node ? 0 : other.stats().sockets)).toBe(1);
    });
  });

  test('needs no cursor: without one, the socket is the same and begins at the end of the log', async () => {
    const { node, other } = await startPair(engine);
    const bob = await tokenFor('bob');
    const before = await openSocket(node.url, bob);
    await leave(node.url, 'bob', before);
    const { socketId, resumeToken } = before.ready;
    const { ready } = await openSocket(other.url, bob, { resumeToken });
    expect(ready).toMatchObject({ socketId, resumed: true, recovered: false, reason: null });
  });

  test('stays good until the new one is used, and not after', async () => {
    const { node, other } = await startPair(engine);
    const bob = await tokenFor('bob');
    const first = await openSocket(node.url, bob);
    await leave(node.url, 'bob', first);
    const { socketId, resumeToken: old } = first.ready;
    const resume = async (url: string, resumeToken: string) => {
      const socket = await openSocket(url, bob, { resumeToken });
      await leave(url, 'bob', socket);
      return socket.ready;
    };
    // The client may never have seen the answer.
    const unseen = await resume(other.url, old);
    const seen = await resume(node.url, old);
    expect([unseen, seen]).toMatchObject([
      { socketId, resumed: true },
      { socketId, resumed: true },
    ]);
    expect(await resume(other.url, seen.resumeToken)).toMatchObject({ socketId, resumed: true });
    expect(await resume(node.url, old)).toMatchObject({ resumed: false });
    expect(await resume(node.url, unseen.resumeToken)).toMatchObject({ resumed: false });
    expect(await resume(node.url, seen.resumeToken)).toMatchObject({ socketId, resumed: true });
  });

  test('opens a new socket when it is none, of another user, or brought by another device', async () => {
    const { node } = await startPair(engine);
    const [alice, bob] = [await tokenFor('alice'), await tokenFor('bob')];
    const before = await openSocket(node.url, bob, { deviceId: 'phone' });
    await leave(node.url, 'bob', before);
    const { socketId, resumeToken } = before.ready;
    const wishes: [token: string, deviceId: string, resumeToken: string][] = [
      [bob, 'one', `${socketId}.${'A'.repeat(32)}`],
      [bob, 'two', `${resumeToken}A`],
      [bob, 'three', socketId],
      [bob, 'four', ''],
      [bob, 'five', 'nonsense'],
      [bob, 'six', `${'s'.repeat(5000)}.A`],
      [bob, 'seven', `sock_A.${resumeToken.split('.')[1]}`],
      [bob, 'tablet', resumeToken],
      [alice, 'phone', resumeToken],
    ];
    for (const [token, deviceId, wrong] of wishes) {
      const { ready } = await openSocket(node.url, token, { deviceId, resumeToken: wrong });
      expect(ready, wrong).toMatchObject({ resumed: false });
      expect(ready.socketId, wrong).not.toBe(socketId);
    }
    expect((await openSocket(node.url, bob, { deviceId: 'phone', resumeToken })).ready).toMatchObject({
      socketId,
      resumed: true,
    });
  });

  test('is good for as long as the grace lasts', async () => {
    const { clock, node, other, urls } = await startPair(engine);
    const [alice, bob] = [await tokenFor('alice'), await tokenFor('bob')];
    const first = await openSocket(node.url, bob);
    const { socketId } = first.ready;
    await leave(node.url, 'bob', first);
    await pass(clock, urls, graceMs - 1);
    const second = await openSocket(other.url, bob, { resumeToken: first.ready.resumeToken });
    expect(second.ready).toMatchObject({ socketId, resumed: true });
    // It is not over at the end of the former grace.
    await pass(clock, urls, 5000);
    expect(await isThere(node.url, alice, socketId)).toBe(true);
    await leave(other.url, 'bob', second);
    await pass(clock, urls, graceMs);
    expect(await isThere(node.url, alice, socketId)).toBe(false);
    const { ready } = await openSocket(other.url, bob, { resumeToken: second.ready.resumeToken });
    expect(ready).toMatchObject({ resumed: false });
    expect(ready.socketId).not.toBe(socketId);
  });

  test('is worth nothing once the device has opened another socket', async () => {
    const { node, other } = await startPair(engine);
    const [alice, bob] = [await tokenFor('alice'), await tokenFor('bob')];
    const former = await openSocket(node.url, bob, { deviceId: 'phone' });
    await leave(node.url, 'bob', former);
    const { socketId, resumeToken } = former.ready;
    await openSocket(other.url, bob, { deviceId: 'tablet' });
    expect(await isThere(node.url, alice, socketId)).toBe(true);
    await openSocket(other.url, bob, { deviceId: 'phone' });
    await until('the end of the grace', async () => !(await isThere(node.url, alice, socketId)));
    const { ready } = await openSocket(node.url, bob, { deviceId: 'phone', resumeToken });
    expect(ready).toMatchObject({ resumed: false });
  });

  test('is worth nothing to a socket that was closed to stay away', async () => {
    const { clock, node, other } = await startPair(engine, { LIMIT_SOCKETS_PER_USER: '1' });
    const [alice, bob] = [await tokenFor('alice'), await tokenFor('bob')];
    const surplus = await openSocket(node.url, bob);
    clock.advance(1);
    const second = await openSocket(other.url, bob);
    expect(await surplus.next()).toMatchObject({ code: 'TOO_MANY_SOCKETS', reconnect: false });
    const admin = await tokenFor('backend', { admin: true });
    await data(node.url, admin, 'mutation { disconnectUser(uid: "bob") { sockets } }');
    expect(await second.next()).toMatchObject({ code: 'DISCONNECTED', reconnect: false });
    for (const { ready } of [surplus, second]) {
      await until('the end of a socket', async () => !(await isThere(node.url, alice, ready.socketId)));
      const again = await openSocket(node.url, bob, { resumeToken: ready.resumeToken });
      expect(again.ready).toMatchObject({ resumed: false });
    }
  });

  test('may stand in connection_init, and wins over the argument', async () => {
    const { node, other } = await startPair(engine);
    const bob = await tokenFor('bob');
    const before = await openSocket(node.url, bob);
    await leave(node.url, 'bob', before);
    const { socketId, resumeToken } = before.ready;
    const raw = await rawWs(other.url);
    raw.send({ type: 'connection_init', payload: { authorization: `Bearer ${bob}`, resumeToken } });
    await raw.nextOf('connection_ack');
    const query =
      'subscription { incomingSignal(resumeToken: "nonsense") { ... on SocketReady { socketId resumed } } }';
    raw.subscribe('1', query);
    const { payload } = await raw.nextOf('next', '1');
    expect(payload.data.incomingSignal).toEqual({ socketId, resumed: true });
  });
});
