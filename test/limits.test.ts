import type { Socket as TcpConnection } from 'node:net';
import { getIntrospectionQuery, parse } from 'graphql';
import { describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { createMaskError } from '../src/graphql/errors.ts';
import { createPlans } from '../src/graphql/plan.ts';
import { createSchema } from '../src/graphql/schema.ts';
import { createSlowReaders } from '../src/graphql/slow-readers.ts';
import { enter } from '../src/graphql/stream.ts';
import { WsConnection } from '../src/graphql/ws-connection.ts';
import { createGraphQLServer } from '../src/graphql/yoga.ts';
import { systemClock } from '../src/signaling/clock.ts';
import { defaultLimits } from '../src/signaling/limits.ts';
import { createSignalReader, type Signal } from '../src/signaling/signal.ts';
import { as, post } from './support/api.ts';
import { manualClock } from './support/clock.ts';
import type { Received } from './support/listen.ts';
import { rawSse, signedInWs, until } from './support/raw.ts';
import { startService, tokenFor } from './support/service.ts';

const asText = (text: string): string => text;

const mask = createMaskError({ info: () => {}, warn: () => {}, error: () => {} });

/** What an operation is answered with on each of the three ways in: the errors of its first answer. */
const doors: Record<string, (url: string, token: string, query: string) => Promise<Received>> = {
  HTTP: async (url, token, query) => (await post(url, token, query)).errors,
  SSE: async (url, token, query) => {
    const text = await rawSse(url, token, { query }).contains(/^data: \{.*\}$/m);
    return JSON.parse(/^data: (\{.*\})$/m.exec(text)?.[1] ?? '').errors;
  },
  WebSocket: async (url, token, query) => {
    const raw = await signedInWs(url, token);
    raw.subscribe('1', query);
    const { type, payload } = await raw.next();
    return type === 'error' ? payload : payload.errors;
  },
};

const times = (count: number, part: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => part(i)).join(' ');

describe.each(Object.entries(doors))('over %s', (_, ask) => {
  const message = 'message(hubId: "team", input: { target: { uid: "alice" } }) { signalId }';

  test.each<[string, string]>([
    ['too many tokens', `{ viewer { ${times(1000, () => 'uid')} } }`],
    [
      'a subscription of too many tokens',
      `subscription { incomingSignal { ... on PeerMessage { ${times(9500, (i) => `a${i.toString(36)}:payload`)} } } }`,
    ],
    ['lists in lists in lists', `{ call(callId: ${'['.repeat(20_000)}) { id } }`],
    ['selections in selections', `{ ${'... on Query {'.repeat(5000)} __typename ${'}'.repeat(5000)} }`],
    ['too many aliases', `{ ${times(16, (i) => `a${i}: service { name }`)} }`],
    [
      'too many aliases in a subscription',
      `subscription { incomingSignal { ... on PeerMessage { ${times(16, (i) => `a${i}: payload`)} } } }`,
    ],
    [
      'aliases that fragments multiply',
      `{ a: service { ...F } b: service { ...F } c: service { ...F } d: service { ...F } }
       fragment F on Service { e: name f: name g: name }`,
    ],
    ['a mutation of too many fields', `mutation { ${times(11, (i) => `a${i}: ${message}`)} }`],
    ['a subscription to nothing', 'subscription { incomingSignal @skip(if: true) { __typename } }'],
    [
      'a subscription to nothing, by a variable',
      'subscription ($no: Boolean!) { incomingSignal @include(if: $no) { __typename } }',
    ],
    [
      'a subscription to nothing, in fragments',
      `subscription { ...F } fragment F on Subscription { ... @include(if: false) { incomingSignal { id } } }`,
    ],
  ])('%s: BAD_USER_INPUT', async (_, query) => {
    const { url } = await startService({ engine: 'memory' });
    const errors = await ask(url, await tokenFor('alice'), query);
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', retryable: false } }]);
  });

  test('an operation that is too deep: BAD_USER_INPUT, whether by itself or by its fragments', async () => {
    const { url } = await startService({ engine: 'memory', env: { LIMIT_DOCUMENT_DEPTH: '2' } });
    const token = await tokenFor('alice');
    for (const query of [
      '{ service { limits { bodyBytes } } }',
      '{ service { ...F } } fragment F on Service { ... on Service { limits { bodyBytes } } }',
    ])
      expect(await ask(url, token, query)).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
    expect(await ask(url, token, '{ service { name } }')).toBeUndefined();
  });

  test('what is just within the limits is run, and a fragment that contains itself is an error as before', async () => {
    const { url } = await startService({ engine: 'memory' });
    const token = await tokenFor('alice');
    expect(await ask(url, token, `{ ${times(15, (i) => `a${i}: service { name }`)} }`)).toBeUndefined();
    expect(await ask(url, token, `mutation { ${times(10, (i) => `a${i}: ${message}`)} }`)).toBeUndefined();
    const circle = '{ service { ...F } } fragment F on Service { name ...F }';
    expect(await ask(url, token, circle)).toMatchObject([
      { extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } },
    ]);
  });

  test('tools may look at the whole schema', async () => {
    const { url } = await startService({ engine: 'memory', env: { LIMIT_DOCUMENT_DEPTH: '2' } });
    const all = getIntrospectionQuery({ inputValueDeprecation: true, specifiedByUrl: true, oneOf: true });
    expect(await ask(url, await tokenFor('alice'), all)).toBeUndefined();
  });
});

describe('a signal that cannot be shown', () => {
  const query = `subscription { incomingSignal { __typename ... on PeerMessage { type ${times(17, (i) => `a${i}: payload`)} } } }`;

  test.each(['WebSocket', 'SSE'])('is an error over %s, and the next one is shown', async (door) => {
    const node = await startService({ engine: 'memory', env: { LIMIT_DOCUMENT_ALIASES: '100' } });
    const alice = await tokenFor('alice');
    const { message } = as(node.url, alice);
    const target = { uid: 'alice' };
    const send = async () => {
      await message({ target, payload: 'x'.repeat(65_000) });
      await message({ target, type: 'small' });
    };
    if (door === 'SSE') {
      const raw = rawSse(node.url, alice, { query });
      await raw.contains('SocketReady');
      await send();
      expect(await raw.contains('small')).toMatch(/"code":"PAYLOAD_TOO_LARGE"[^\n]*"data":null/);
    } else {
      const raw = await signedInWs(node.url, alice);
      raw.subscribe('1', query);
      await raw.next();
      await send();
      expect((await raw.next()).payload).toMatchObject({
        errors: [{ extensions: { code: 'PAYLOAD_TOO_LARGE' } }],
        data: null,
      });
      expect((await raw.next()).payload.data.incomingSignal.type).toBe('small');
    }
  });

  test('throws nothing at the one who delivers it', () => {
    const plans = createPlans(createSchema(), mask);
    const document = parse('subscription { incomingSignal { ... on PeerMessage { payload } } }');
    const plan = plans.acquire({ document, operationName: undefined, variables: undefined });
    const view = { kind: 'PeerMessage', id: 'sig_1', cursor: null, payload: Promise.resolve('late') };
    const signal: Signal = { number: 1, topic: null, envelope: null, view, renders: new Map() };
    expect(JSON.parse(plan.renderAs(signal, asText))).toMatchObject({
      errors: [{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }],
      data: null,
    });
  });

  test('a subscription that graphql-js cannot begin is an error, not a fault of the transport', async () => {
    const document = parse('subscription { incomingSignal @skip(if: true) { __typename } }');
    expect(await enter({ schema: createSchema(), document }, mask)).toMatchObject([
      { extensions: { code: 'INTERNAL_SERVER_ERROR' } },
    ]);
  });
});

describe('a WebSocket client that reads nothing', () => {
  test('is cut off when more than 1 MiB of answers wait for it', async () => {
    // Time stands still: it is not the heartbeat that cuts it off.
    const node = await startService({ engine: 'memory', overrides: { clock: manualClock() } });
    const raw = await signedInWs(node.url, await tokenFor('alice'));
    raw.subscribe('1', 'subscription { incomingSignal { __typename } }');
    await raw.nextOf('next');
    raw.ws.pause();
    let sent = 0;
    await until('it is cut off', () => {
      if (sent < 2000) raw.subscribe(`query-${sent++}`, getIntrospectionQuery());
      return node.stats().sockets === 0;
    });
  });

  test('nothing more is read from it while 64 operations run', async () => {
    const calls: string[] = [];
    const ws = { pause: () => calls.push('pause'), resume: () => calls.push('resume') };
    const connection = new WsConnection(
      ws as unknown as WebSocket,
      {} as TcpConnection,
      createSlowReaders(manualClock()),
    );
    const pending = Promise.withResolvers<void>();
    const running = Array.from({ length: 63 }, () => connection.during(() => pending.promise));
    expect(calls).toEqual([]);
    running.push(
      connection.during(() => pending.promise),
      connection.during(() => pending.promise),
    );
    expect(calls).toEqual(['pause']);
    pending.resolve();
    await Promise.all(running);
    expect(calls).toEqual(['pause', 'resume']);
  });
});

test('one WebSocket carries as many sockets as a user may have; one more is refused, and the others stay', async () => {
  const node = await startService({ engine: 'memory', env: { LIMIT_SOCKETS_PER_USER: '3' } });
  const raw = await signedInWs(node.url, await tokenFor('alice'));
  const query = 'subscription { incomingSignal { __typename } }';
  for (const id of ['1', '2', '3', '4']) raw.subscribe(id, query);
  expect(await raw.nextOf('error')).toMatchObject({
    id: '4',
    payload: [{ extensions: { code: 'BAD_USER_INPUT' } }],
  });
  await until('three are open', () => node.stats().sockets === 3);
  raw.send({ id: '1', type: 'complete' });
  raw.subscribe('5', query);
  expect(await raw.nextOf('next', '5')).toMatchObject({
    payload: { data: { incomingSignal: { __typename: 'SocketReady' } } },
  });
});

describe('a node remembers', () => {
  const body = (payload: string) => JSON.stringify({ kind: 'PeerMessage', id: 'sig_1', payload });
  const entries = Array.from({ length: 400 }, (_, i) => ({
    topic: 'hub:team' as const,
    number: i + 1,
    previous: i,
    epoch: 'e',
    body: body('x'.repeat(60 * 1024)),
  }));

  test('signals of hubs, of at most 16 MiB', () => {
    const read = createSignalReader(systemClock);
    const signals = entries.map(read);
    const known = entries.toReversed().map((entry, i) => read(entry) === signals[signals.length - 1 - i]);
    const count = known.indexOf(false);
    expect(count * 60 * 1024).toBeGreaterThan(15 * 1024 * 1024);
    expect(count * 60 * 1024).toBeLessThan(17 * 1024 * 1024);
  });

  test('no signals of another epoch, whose numbers may be the same', () => {
    const read = createSignalReader(systemClock);
    const [entry] = entries;
    if (!entry) throw new Error('there is one');
    const before = read(entry);
    const promoted = { ...entry, epoch: 'f', topic: 'hub:others' as const, body: body('other') };
    expect(read(promoted)).toMatchObject({ topic: 'hub:others', view: { payload: 'other' } });
    expect(read(promoted)).not.toBe(before);
  });

  test('nothing that is no signal: nobody is offered it', () => {
    const read = createSignalReader(systemClock);
    const [entry] = entries;
    if (!entry) throw new Error('there is one');
    const broken = { ...(JSON.parse(entry.body) as object), before: 'team' };
    expect(() => read({ ...entry, body: JSON.stringify(broken) })).toThrow('no signal');
    expect(() => read({ ...entry, body: '{}' })).toThrow('no signal');
  });

  test('no signals of a user: few read them again', () => {
    const read = createSignalReader(systemClock);
    const [entry] = entries;
    if (!entry) throw new Error('there is one');
    expect(read(entry)).toBe(read(entry));
    expect(read({ ...entry, number: 1000, topic: 'user:alice' })).not.toBe(
      read({ ...entry, number: 1000, topic: 'user:alice' }),
    );
  });

  test('what it made of them, 16 MiB of text at most', () => {
    const plans = createPlans(createSchema(), mask);
    const signals = entries.slice(0, 200).map(createSignalReader(systemClock));
    for (const field of ['a', 'b', 'c', 'd']) {
      const document = parse(`subscription { incomingSignal { ... on PeerMessage { ${field}: payload } } }`);
      const plan = plans.acquire({ document, operationName: undefined, variables: undefined });
      for (const signal of signals) plan.renderAs(signal, asText);
    }
    // As text, the form is the text itself: one string under two keys.
    const texts = signals.flatMap(({ renders }) => [...new Set(renders.values())]) as string[];
    const length = texts.reduce((sum, text) => sum + text.length, 0);
    expect(length).toBeGreaterThan(15 * 1024 * 1024);
    expect(length).toBeLessThanOrEqual(16 * 1024 * 1024);
  });

  test('the 100 documents that were used last', () => {
    const parts = { signaling: { limits: defaultLimits } } as Parameters<typeof createGraphQLServer>[1];
    const { parse: parseOnce } = createGraphQLServer(createSchema(), parts, mask).getEnveloped({});
    const first = parseOnce('{ first: __typename }');
    expect(parseOnce('{ first: __typename }')).toBe(first);
    for (let i = 0; i < 100; i++) parseOnce(`{ other${i}: __typename }`);
    expect(parseOnce('{ first: __typename }')).not.toBe(first);
  });
});
