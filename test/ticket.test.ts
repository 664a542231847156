import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { as, documents, post } from './support/api.ts';
import { startChildNode } from './support/child-node.ts';
import { manualClock } from './support/clock.ts';
import { openSocket, pass } from './support/grace.ts';
import { hasOtherEnd, otherEnd, type RawConnection, rawRequest, until } from './support/raw.ts';
import { startRedis } from './support/redis-server.ts';
import { engines, randomPrefix, startService, tokenFor } from './support/service.ts';

const ticketDocument =
  'mutation ($deviceId: ID) { createStreamTicket(deviceId: $deviceId) { ticket expiresAt } }';
const streamDocument =
  'subscription { incomingSignal { __typename cursor ... on SocketReady { socketId deviceId resumeToken resumed recovered } ... on SocketClosing { code } ... on PeerMessage { payload } } }';

/** Asks as a browser's `EventSource` does: no token, and only what it may send. */
function eventSource(
  url: string,
  ticket: string,
  lastEventId?: string,
  query = streamDocument,
): RawConnection {
  const search = new URLSearchParams({ query, ticket });
  return rawRequest(url, `GET /graphql?${search} HTTP/1.1`, {
    accept: 'text/event-stream',
    'cache-control': 'no-cache',
    ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
  });
}

const socketIdIn = ({ text }: RawConnection): string => /"socketId":"([^"]+)"/.exec(text)?.[1] ?? '';

async function ticketFor(url: string, token: string, variables: object = {}): Promise<string> {
  return (await post(url, token, ticketDocument, variables)).data.createStreamTicket.ticket;
}

describe.each(engines)('a ticket, on %s', (engine) => {
  /** Two nodes where there can be. */
  async function begin() {
    const clock = manualClock();
    const prefix = randomPrefix();
    const node = await startService({ engine, prefix, overrides: { clock } });
    const other = engine === 'redis' ? await startService({ engine, prefix, overrides: { clock } }) : node;
    return { clock, node, other, token: await tokenFor('alice', { expiresIn: 120 }) };
  }

  test('opens a socket without a token, on any node, as who asked for it and on the device it names', async () => {
    const { clock, node, other, token } = await begin();
    const { data } = await post(node.url, token, ticketDocument, { deviceId: 'browser' });
    const { ticket, expiresAt } = data.createStreamTicket;
    expect(Date.parse(expiresAt)).toBe(clock.now() + 30_000);
    const stream = eventSource(other.url, ticket);
    await stream.contains('"deviceId":"browser"');
    await as(node.url, token).message({ target: { uid: 'alice' }, payload: 'hello' });
    await stream.contains('hello');
    await as(node.url, token).message({ target: { socketId: socketIdIn(stream) }, payload: 'you alone' });
    await stream.contains('you alone');
  });

  test('opens the same socket again, from Last-Event-ID, also when it is long out of date for another', async () => {
    const { clock, node, other, token } = await begin();
    const ticket = await ticketFor(node.url, token);
    const first = eventSource(node.url, ticket);
    await first.contains('SocketReady');
    const [, cursor = ''] = /\nid: (\S+)/.exec(first.text) ?? [];
    await pass(clock, [node.url, other.url], 60_000);
    await as(node.url, token).message({ target: { uid: 'alice' }, payload: 'while it was away' });
    const again = eventSource(other.url, ticket, cursor);
    await again.contains('"recovered":true');
    await again.contains('while it was away');
    expect(socketIdIn(again)).toBe(socketIdIn(first));
  });

  test('opens it however often, also after somebody went on with its resume token', async () => {
    const { node, other, token } = await begin();
    const ticket = await ticketFor(node.url, token);
    const first = eventSource(node.url, ticket);
    await first.contains('"resumed":false');
    const second = eventSource(other.url, ticket);
    await second.contains('"resumed":true');
    await first.contains('"code":"REPLACED"');
    // Whoever was replaced is to stay away.
    await first.contains('event: complete');
    const [, resumeToken = ''] = /"resumeToken":"([^"]+)"/.exec(second.text) ?? [];
    const third = await openSocket(node.url, token, { resumeToken });
    const fourth = await openSocket(node.url, token, { resumeToken: third.ready.resumeToken });
    const fifth = eventSource(other.url, ticket);
    await fifth.contains('"resumed":true');
    const socketId = socketIdIn(first);
    for (const { ready } of [third, fourth]) expect(ready).toMatchObject({ socketId, resumed: true });
    expect([socketIdIn(second), socketIdIn(fifth)]).toEqual([socketId, socketId]);
  });

  test('opens it anew, under the same name, when it is gone before the ticket is too old', async () => {
    const { node, other, token } = await begin();
    const ticket = await ticketFor(node.url, token);
    const first = eventSource(node.url, ticket);
    await first.contains('SocketReady');
    first.socket.destroy();
    const target = { socketId: socketIdIn(first) };
    await until('the end of the socket', async () => {
      return (await as(node.url, token).message({ target })).offline;
    });
    const again = eventSource(other.url, ticket);
    await again.contains('"resumed":false');
    expect(socketIdIn(again)).toBe(socketIdIn(first));
  });

  test('is refused with 401 when it is none, too late, or its token has ended', async () => {
    const { clock, node, token } = await begin();
    const refused = async (ticket: string) => {
      const stream = eventSource(node.url, ticket);
      await stream.contains('"code":"UNAUTHENTICATED"');
      expect(stream.text).toMatch(/^HTTP\/1\.1 401 /);
    };
    await refused('nonsense');
    await refused('');
    const ticket = await ticketFor(node.url, token);
    clock.advance(30_000);
    await refused(ticket);
    const used = await ticketFor(node.url, token);
    await eventSource(node.url, used).contains('SocketReady');
    clock.advance(100_000);
    await refused(used);
  });

  test('is good for nothing else', async () => {
    const { node, token } = await begin();
    const ticket = await ticketFor(node.url, token);
    const headers = { 'content-type': 'application/json' };
    const ask = async (body: object) => {
      const response = await fetch(`${node.url}/graphql?ticket=${ticket}`, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
      });
      return (await response.json()) as object;
    };
    const unauthenticated = { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] };
    const input = { target: { uid: 'alice' } };
    expect(await ask({ query: '{ viewer { uid } }' })).toMatchObject(unauthenticated);
    expect(await ask({ query: documents.message, variables: { hubId: 'team', input } })).toMatchObject(
      unauthenticated,
    );
    const byGet = await fetch(
      `${node.url}/graphql?${new URLSearchParams({ query: '{ viewer { uid } }', ticket })}`,
    );
    expect(await byGet.json()).toMatchObject(unauthenticated);
    const posted = await fetch(`${node.url}/graphql?ticket=${ticket}`, {
      method: 'POST',
      headers: { ...headers, accept: 'text/event-stream' },
      body: JSON.stringify({ query: streamDocument }),
    });
    expect(await posted.text()).toContain('UNAUTHENTICATED');
    expect(node.stats().sockets).toBe(0);
  });
});

test('a client that leaves while its ticket is looked up leaves nothing', async () => {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  const node = await startService({ engine: 'redis', redisUrl: redis.url });
  const token = await tokenFor('alice');
  const ticket = await ticketFor(node.url, token);
  process.kill(redis.pid, 'SIGSTOP');
  onTestFinished(() => void process.kill(redis.pid, 'SIGCONT'));
  const { socket } = eventSource(node.url, ticket);
  await once(socket, 'connect');
  const { localPort } = socket;
  await until('the request', () => otherEnd(localPort).bytesRead > 0);
  socket.destroy();
  await until('its end', () => !hasOtherEnd(localPort));
  process.kill(redis.pid, 'SIGCONT');
  const resident = eventSource(node.url, await ticketFor(node.url, token));
  await resident.contains('SocketReady');
  resident.socket.destroy();
  await until('nothing to be left', () => node.stats().plans === 0);
});

test('a ticket is in no log', async () => {
  const node = await startChildNode({ LOG_LEVEL: 'trace' });
  const ticket = await ticketFor(node.url, await tokenFor('alice'));
  await eventSource(node.url, ticket).contains('SocketReady');
  await eventSource(node.url, `${ticket}x`).contains('UNAUTHENTICATED');
  await eventSource(node.url, ticket, 'nonsense').contains('BAD_USER_INPUT');
  await eventSource(node.url, ticket, undefined, '{ nonsense }').contains('HTTP/1.1');
  await node.end('SIGTERM');
  expect(node.output()).toContain('"level"');
  expect(node.output()).not.toContain(ticket);
});
