import { describe, expect, test } from 'vitest';
import { type Received, type Transport, transports } from './support/listen.ts';
import { person } from './support/person.ts';
import {
  openClient,
  rawConnection,
  rawSse,
  requestText,
  signedInWs,
  sseHeaders,
  until,
} from './support/raw.ts';
import { randomPrefix, startService, tokenFor } from './support/service.ts';

/*
 * Rendering: a signal is executed and serialised once for all sockets that look at it in the same way.
 */

interface Params {
  readonly query: string;
  readonly variables?: object;
  readonly operationName?: string;
}

/** The results of one subscription as they come, whatever they are. */
async function subscribe(transport: Transport, url: string, token: string, params: Params) {
  if (transport === 'ws') {
    const raw = await signedInWs(url, token);
    raw.send({ id: '1', type: 'subscribe', payload: params });
    return { next: async () => (await raw.nextOf('next')).payload, close: () => raw.ws.terminate() };
  }
  const raw = rawSse(url, token, params);
  let taken = 0;
  const results = () => [...raw.text.matchAll(/^data: (\{.*)\n/gm)].map(([, text]) => JSON.parse(text ?? ''));
  async function next(): Promise<Received> {
    await until('a result', () => results().length > taken);
    return results()[taken++];
  }
  return { next, close: () => raw.socket.destroy() };
}

/** A node with plenty of sockets for one user, and a way to send one signal to them all. */
async function startWithSender(engine: 'memory' | 'redis' = 'memory', prefix = randomPrefix()) {
  const node = await startService({ engine, prefix, env: { LIMIT_SOCKETS_PER_USER: '1000' } });
  const [alice, token] = [await person(node.url, 'alice'), await tokenFor('bob')];
  return { node, token, tell: () => alice.message({ target: { hubId: 'team' }, type: 'told' }) };
}

const include = `subscription ($deviceId: ID, $full: Boolean = true) {
  incomingSignal(deviceId: $deviceId) { id sentAt @include(if: $full) }
}`;

describe('a signal', () => {
  test.each([
    { name: '100 sockets over SSE', mix: ['sse'] },
    { name: '100 sockets over WebSocket', mix: ['ws'] },
    { name: '50 sockets over each', mix: ['sse', 'ws'] },
  ] as const)(
    'runs graphql-js once for $name on one document, each with a deviceId of its own',
    async ({ mix }) => {
      const { node, token, tell } = await startWithSender();
      const clients = await Promise.all(mix.map((transport) => openClient(transport, node.url, token)));
      const sockets = clients.flatMap((client) =>
        Array.from({ length: 100 / mix.length }, (_, i) => client.open({ deviceId: `device-${i}` })),
      );
      await Promise.all(sockets.map(({ ready }) => ready));
      expect(node.stats()).toMatchObject({ sockets: 100, plans: 1 });
      const before = node.stats().executions;
      for (let told = 1; told <= 3; told++) {
        const { signalId } = await tell();
        await Promise.all(sockets.map((socket) => socket.first('the signal', ({ id }) => id === signalId)));
        expect(node.stats().executions - before).toBe(told);
      }
    },
  );

  test('runs graphql-js once on each of two nodes', async () => {
    const prefix = randomPrefix();
    const nodes = [await startWithSender('redis', prefix), await startWithSender('redis', prefix)];
    const sockets = [];
    for (const { node, token } of nodes) {
      const client = await openClient('ws', node.url, token);
      for (let i = 0; i < 10; i++) sockets.push(client.open({ deviceId: `device-${i}` }));
    }
    await Promise.all(sockets.map(({ ready }) => ready));
    const before = nodes.map(({ node }) => node.stats().executions);
    const { signalId } = (await nodes[0]?.tell()) ?? {};
    await Promise.all(sockets.map((socket) => socket.first('the signal', ({ id }) => id === signalId)));
    expect(nodes.map(({ node }, i) => node.stats().executions - (before[i] ?? 0))).toEqual([1, 1]);
  });

  test('is the same bytes for every client of a transport, and the same text on both', async () => {
    const { node, token, tell } = await startWithSender();
    const query = 'subscription ($deviceId: ID) { incomingSignal(deviceId: $deviceId) { id cursor sentAt } }';
    const streams = ['a', 'b'].map((deviceId) => rawSse(node.url, token, { query, variables: { deviceId } }));
    const frames: Buffer[] = [];
    for (const deviceId of ['c', 'd']) {
      const raw = await signedInWs(node.url, token);
      raw.subscribe('1', query, { deviceId });
      await raw.nextOf('next');
      raw.ws.on('message', (data) => frames.push(data as Buffer));
    }
    await Promise.all(streams.map((stream) => stream.contains('data: {')));
    const { signalId } = await tell();
    await Promise.all(streams.map((stream) => stream.contains(signalId)));
    await until('both frames', () => frames.length === 2);
    // The last chunk of the body, with its framing.
    const [one = '', other] = streams.map(({ text }) => text.slice(text.lastIndexOf('event: next') - 8));
    expect(one).toContain(signalId);
    expect(other).toBe(one);
    expect(frames[0]).toEqual(frames[1]);
    const payload = /^\{"id":"1","type":"next","payload":(.*)\}$/.exec(String(frames[0]))?.[1];
    expect(one).toContain(`data: ${payload}\n\n`);
  });
});

describe.each(transports)('over %s', (transport) => {
  test('a variable inside the selection makes a plan of its own for each of its values', async () => {
    const { node, token, tell } = await startWithSender();
    const open = (variables: object) => subscribe(transport, node.url, token, { query: include, variables });
    const sockets = [
      await open({ deviceId: 'a', full: true }),
      await open({ deviceId: 'b', full: true }),
      await open({ deviceId: 'a', full: false }),
    ];
    for (const socket of sockets) await socket.next();
    expect(node.stats().plans).toBe(2);
    const before = node.stats().executions;
    const { signalId } = await tell();
    const results = await Promise.all(sockets.map((socket) => socket.next()));
    const sentAt = results[0].data.incomingSignal.sentAt;
    expect(results).toEqual([
      { data: { incomingSignal: { id: signalId, sentAt } } },
      { data: { incomingSignal: { id: signalId, sentAt } } },
      { data: { incomingSignal: { id: signalId } } },
    ]);
    expect(typeof sentAt).toBe('string');
    expect(node.stats().executions - before).toBe(2);
  });

  test.each(['full', 'constructor'])(
    'the variable $%s that was left out takes its default; null does not',
    async (name) => {
      const { node, token, tell } = await startWithSender();
      const query = include.replaceAll('$full', `$${name}`);
      const open = (variables?: object) =>
        subscribe(transport, node.url, token, { query, ...(variables && { variables }) });
      const asNull = await open({ [name]: null });
      const leftOut = [await open(), await open({}), await open({ deviceId: 'a' })];
      for (const socket of [asNull, ...leftOut]) await socket.next();
      expect(node.stats().plans).toBe(2);
      await tell();
      expect(await asNull.next()).toMatchObject({ data: null, errors: [{ message: expect.any(String) }] });
      for (const socket of leftOut) {
        expect(await socket.next()).toMatchObject({
          data: { incomingSignal: { sentAt: expect.any(String) } },
        });
      }
    },
  );

  test('the arguments of incomingSignal do not reach the rendering: faulty ones harm nobody else', async () => {
    const { node, token, tell } = await startWithSender();
    const query = 'subscription ($kinds: [SignalKind!]) { incomingSignal(kinds: $kinds) { id __typename } }';
    // Comes first with the document, is refused, and stays on the line as long as it likes.
    const faulty = { query, variables: { kinds: ['NO_SUCH_KIND'] } };
    if (transport === 'sse') {
      const raw = rawConnection(node.url, true);
      raw.socket.write(
        requestText(node.url, 'POST /graphql HTTP/1.1', sseHeaders(token), JSON.stringify(faulty)),
      );
      await raw.contains('NO_SUCH_KIND');
      const good = await subscribe(transport, node.url, token, { query });
      expect(await good.next()).toMatchObject({ data: { incomingSignal: { __typename: 'SocketReady' } } });
      await tell();
      expect(await good.next()).toMatchObject({ data: { incomingSignal: { __typename: 'PeerMessage' } } });
      return;
    }
    const raw = await signedInWs(node.url, token);
    raw.send({ id: 'faulty', type: 'subscribe', payload: faulty });
    raw.send({ id: 'good', type: 'subscribe', payload: { query } });
    expect(await raw.nextOf('next', 'good')).toMatchObject({
      payload: { data: { incomingSignal: { __typename: 'SocketReady' } } },
    });
    await tell();
    expect(await raw.nextOf('next', 'good')).toMatchObject({
      payload: { data: { incomingSignal: { __typename: 'PeerMessage' } } },
    });
  });

  test('of two operations in one document, each socket gets the one it named', async () => {
    const { node, token, tell } = await startWithSender();
    const query = `
      subscription Brief($deviceId: ID) { incomingSignal(deviceId: $deviceId) { id } }
      subscription Long($deviceId: ID) { incomingSignal(deviceId: $deviceId) { id service } }`;
    const open = (operationName: string, deviceId: string) =>
      subscribe(transport, node.url, token, { query, operationName, variables: { deviceId } });
    const sockets = [await open('Brief', 'a'), await open('Long', 'a'), await open('Long', 'b')];
    for (const socket of sockets) await socket.next();
    expect(node.stats().plans).toBe(2);
    const { signalId: id } = await tell();
    const results = await Promise.all(sockets.map((socket) => socket.next()));
    const long = { id, service: 'signaling.message' };
    expect(results.map(({ data }) => data.incomingSignal)).toEqual([{ id }, long, long]);
  });

  test('aliases and fragments, also one on Subscription, are one plan for all devices', async () => {
    const { node, token, tell } = await startWithSender();
    const query = `
      subscription ($deviceId: ID) { ...live }
      fragment live on Subscription { mine: incomingSignal(deviceId: $deviceId) { ...any ... on PeerMessage { said: type } } }
      fragment any on Signal { what: __typename id }`;
    const sockets = [];
    for (const deviceId of ['a', 'b']) {
      sockets.push(await subscribe(transport, node.url, token, { query, variables: { deviceId } }));
    }
    for (const socket of sockets) {
      expect(await socket.next()).toMatchObject({ data: { mine: { what: 'SocketReady' } } });
    }
    expect(node.stats().plans).toBe(1);
    const { signalId: id } = await tell();
    for (const socket of sockets) {
      expect(await socket.next()).toEqual({ data: { mine: { what: 'PeerMessage', id, said: 'told' } } });
    }
  });

  test('plans are dropped with their last socket, and with one that is refused', async () => {
    const { node, token } = await startWithSender();
    const one = 'subscription { incomingSignal { id } }';
    const other = 'subscription { incomingSignal { id cursor } }';
    const open = async (query: string, variables = {}) => {
      const socket = await subscribe(transport, node.url, token, { query, variables });
      await socket.next();
      return socket;
    };
    expect(node.stats().plans).toBe(0);
    const [first, second, third] = [await open(one), await open(one), await open(other)];
    expect(node.stats().plans).toBe(2);
    third.close();
    await until('the plan of one socket to go', () => node.stats().plans === 1);
    first.close();
    await until('the socket to go', () => node.stats().sockets === 1);
    expect(node.stats().plans).toBe(1);
    second.close();
    await until('the plan of two sockets to go', () => node.stats().plans === 0);

    const refused = { query: 'subscription { incomingSignal(after: "nonsense") { id } }' };
    if (transport === 'sse') await rawSse(node.url, token, refused).contains('BAD_USER_INPUT');
    else {
      const raw = await signedInWs(node.url, token);
      raw.subscribe('1', refused.query);
      await raw.nextOf('complete');
    }
    await until('the refused plan to go', () => node.stats().plans === 0);
    expect(node.stats().sockets).toBe(0);
  });
});
