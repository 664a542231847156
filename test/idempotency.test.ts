import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, inject, test } from 'vitest';
import { createKeys } from '../src/redis/keys.ts';
import { type ManualClock, manualClock } from './support/clock.ts';
import type { DialDone, DialOrder } from './support/dialling-node.ts';
import { type Person, person } from './support/person.ts';
import { type EngineName, engines, randomPrefix, startService } from './support/service.ts';
import { keysOf, withRedis } from './support/stored.ts';

const minutes = 60_000;

/** Two nodes of one installation on Redis; in memory there is only one, and it takes both parts. */
async function startNodes(engine: EngineName, clock?: ManualClock) {
  const prefix = randomPrefix();
  const overrides = clock ? { clock } : {};
  const first = await startService({ engine, prefix, overrides });
  const second = engine === 'redis' ? await startService({ engine, prefix, overrides }) : first;
  return { prefix, urls: [first.url, second.url] as const };
}

/** Does the same many times at once, on two nodes in turn. */
function atOnce<Answer>(
  times: number,
  [a, b]: readonly [Person, Person],
  act: (who: Person) => Promise<Answer>,
) {
  return Promise.all(Array.from({ length: times }, (_, i) => act(i % 2 === 0 ? a : b)));
}

async function bothAs(urls: readonly [string, string], uid: string): Promise<readonly [Person, Person]> {
  return [await person(urls[0], uid), await person(urls[1], uid)];
}

const dialInput = { target: { uid: 'bob' }, roomId: 'room-1', roomType: 'video' };

describe.each(engines)('an idempotency key on %s', (engine) => {
  test('a dial sent 50 times at once rings once, and every answer is the first one', async () => {
    const { urls } = await startNodes(engine);
    const alice = await bothAs(urls, 'alice');
    const bobs = await (await person(urls[1], 'bob')).open();

    const answers = await atOnce(50, alice, (who) => who.dial({ ...dialInput, clientMutationId: 'dial-1' }));

    const [first] = answers;
    expect(first).toMatchObject({ offline: false, clientMutationId: 'dial-1', call: { state: 'RINGING' } });
    for (const answer of answers) expect(answer).toEqual(first);
    expect(await bobs.heard()).toMatchObject([{ __typename: 'IncomingCall', id: first.signalId }]);
    const { activeCalls } = await alice[1].ask('{ activeCalls { id } }');
    expect(activeCalls).toEqual([{ id: first.call.id }]);
  });

  test('a notify sent 50 times at once is told once, and every answer is the first one', async () => {
    const { urls } = await startNodes(engine);
    const alice = await bothAs(urls, 'alice');
    const own = await alice[0].open();
    const bobs = await (await person(urls[1], 'bob')).open();
    const input = { recipients: ['team'], socketId: own.ready.socketId, payload: 1, clientMutationId: 'n-1' };

    const answers = await atOnce(50, alice, (who) => who.notify(input));

    const [first] = answers;
    expect(first).toMatchObject({ clientMutationId: 'n-1', hubs: [{ hubId: 'team', sockets: 2 }] });
    for (const answer of answers) expect(answer).toEqual(first);
    expect(await bobs.heard()).toMatchObject([{ __typename: 'HubNotification', id: first.signalId }]);
  });

  test('a message sent 50 times at once is delivered once, and every answer is the first one', async () => {
    const { urls } = await startNodes(engine);
    const alice = await bothAs(urls, 'alice');
    const own = await alice[0].open();
    const bobs = await (await person(urls[1], 'bob')).open();
    // It claims its stream too, for which all 50 compete.
    const origin = { socketId: own.ready.socketId, streamId: 'camera' };
    const input = { target: { uid: 'bob' }, origin, type: 'offer', clientMutationId: 'm-1' };

    const answers = await atOnce(50, alice, (who) => who.message(input));

    const [first] = answers;
    expect(first).toMatchObject({ clientMutationId: 'm-1', offline: false });
    for (const answer of answers) expect(answer).toEqual(first);
    expect(await bobs.heard()).toMatchObject([{ __typename: 'PeerMessage', id: first.signalId }]);
  });

  test('a message that ends a call is written to the call history once on each side', async () => {
    const { urls } = await startNodes(engine);
    const alice = await bothAs(urls, 'alice');
    const bob = await person(urls[1], 'bob');
    const [alices, bobs] = await Promise.all([alice[0].open(), bob.open()]);
    const input = { target: { uid: 'bob' }, type: 'cancel', role: 'CALLER', clientMutationId: 'm-1' };

    await atOnce(50, alice, (who) => who.message(input));

    const kinds = (signals: { __typename: string }[]) => signals.map(({ __typename }) => __typename).sort();
    expect(kinds(await alices.heard())).toEqual(['CallLogged']);
    expect(kinds(await bobs.heard())).toEqual(['CallLogged', 'PeerMessage']);
    for (const who of [alice[0], bob]) {
      const { callHistory } = await who.ask('{ callHistory { edges { node { status } } } }');
      expect(callHistory.edges).toEqual([{ node: { status: 'cancel' } }]);
    }
  });

  test('the same key with other input is refused, and does nothing', async () => {
    const { urls } = await startNodes(engine);
    const [alice, again] = await bothAs(urls, 'alice');
    const own = await alice.open({ variables: { deviceId: 'laptop' } });
    const bobs = await (await person(urls[1], 'bob')).open();
    const socketId = own.ready.socketId;
    const clientMutationId = 'key-1';
    await alice.dial({ ...dialInput, clientMutationId });
    await alice.message({ target: { uid: 'bob' }, type: 'offer', clientMutationId });
    await alice.notify({ recipients: ['team'], socketId, clientMutationId });
    await bobs.heard();

    const others = [
      ['dial', { ...dialInput, roomId: 'room-2', clientMutationId }],
      ['dial', { ...dialInput, payload: {}, clientMutationId }],
      ['message', { target: { uid: 'bob' }, type: 'answer', clientMutationId }],
      ['message', { target: { uid: 'bob' }, type: 'offer', payload: [1], clientMutationId }],
      ['notify', { recipients: ['team', 'team'], socketId, clientMutationId }],
    ] as const;
    for (const [mutation, input] of others) {
      expect(await again.refused(mutation, input)).toEqual({
        message: expect.any(String),
        code: 'IDEMPOTENCY_CONFLICT',
        retryable: false,
        field: 'input.clientMutationId',
      });
    }

    expect(await bobs.heard()).toEqual([]);
  });

  test('the hub in whose context a mutation acts is part of its input', async () => {
    const { urls } = await startNodes(engine);
    const hubs = { team: 'read', lobby: 'read' };
    const alice = await person(urls[0], 'alice', { hubs });
    await (await person(urls[1], 'bob', { hubs })).open();
    const input = { ...dialInput, clientMutationId: 'key-1' };
    await alice.dial(input);
    expect(await alice.refused('dial', input, 'lobby')).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' });
  });

  test('of many inputs that come with one key at once, one is carried out', async () => {
    const { urls } = await startNodes(engine);
    const alice = await bothAs(urls, 'alice');
    const bobs = await (await person(urls[1], 'bob')).open();
    let room = 0;

    const outcomes = await atOnce(20, alice, (who) =>
      who.dial({ ...dialInput, roomId: `room-${room++}`, clientMutationId: 'key-1' }).catch(String),
    );

    const done = outcomes.filter((outcome) => typeof outcome !== 'string');
    expect(done).toHaveLength(1);
    expect(outcomes.filter((outcome) => String(outcome).includes('IDEMPOTENCY_CONFLICT'))).toHaveLength(19);
    expect(await bobs.heard()).toMatchObject([{ id: done[0].signalId, roomId: done[0].call.roomId }]);
  });

  test('the same key of another user, or for another mutation, is another key', async () => {
    const { urls } = await startNodes(engine);
    const [alice, again] = await bothAs(urls, 'alice');
    const carol = await person(urls[1], 'carol');
    const own = await alice.open();
    const bobs = await (await person(urls[1], 'bob')).open();
    const clientMutationId = 'key-1';

    const sent = [
      await alice.dial({ ...dialInput, clientMutationId }),
      await carol.dial({ ...dialInput, clientMutationId }),
      await again.message({ target: { uid: 'bob' }, clientMutationId }),
      await carol.message({ target: { uid: 'bob' }, type: 'offer', clientMutationId }),
      await again.notify({ recipients: ['team'], socketId: own.ready.socketId, clientMutationId }),
    ];

    expect((await bobs.heard()).map(({ id }) => id)).toEqual(sent.map(({ signalId }) => signalId));
  });

  test('input with its fields in another order is the same input', async () => {
    const { urls } = await startNodes(engine);
    const [alice, again] = await bothAs(urls, 'alice');
    await (await person(urls[1], 'bob')).open();
    const first = await alice.dial({
      ...dialInput,
      payload: { a: { b: 1, c: [2] }, d: 3 },
      clientMutationId: 'k',
    });
    const { roomType, roomId, target } = dialInput;
    const second = {
      clientMutationId: 'k',
      payload: { d: 3, a: { c: [2], b: 1 } },
      roomType,
      roomId,
      target,
    };
    expect(await again.dial(second)).toEqual(first);
    // The order of a list says something.
    const list = { ...second, payload: { d: 3, a: { c: [2, 1], b: 1 } } };
    expect(await again.refused('dial', list)).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' });
  });

  test('a refusal is not remembered: the same request may succeed when what was wrong is mended', async () => {
    const { urls } = await startNodes(engine);
    const [alice, again] = await bothAs(urls, 'alice');
    const backend = await person(urls[1], 'backend', { admin: true });
    const own = await alice.open();
    const input = { recipients: ['lobby'], socketId: own.ready.socketId, clientMutationId: 'key-1' };
    expect(await alice.refused('notify', input)).toMatchObject({ code: 'FORBIDDEN' });
    expect(
      await alice.refused('dial', { ...dialInput, roomId: '', clientMutationId: 'key-1' }),
    ).toMatchObject({
      code: 'BAD_USER_INPUT',
    });

    await backend.ask('mutation { grantHub(hubId: "lobby", uid: "alice", privilege: READ) { hubId } }');

    expect(await again.notify(input)).toMatchObject({ clientMutationId: 'key-1' });
    expect(await again.dial({ ...dialInput, clientMutationId: 'key-1' })).toMatchObject({ offline: true });
  });

  test('the first answer is given as it was, whatever has changed since', async () => {
    const { urls } = await startNodes(engine);
    const [alice, again] = await bothAs(urls, 'alice');
    const backend = await person(urls[1], 'backend', { admin: true });
    await (await person(urls[1], 'bob')).open();
    const input = { target: { uid: 'bob' }, type: 'offer' };
    const first = await alice.message({ ...input, clientMutationId: 'key-1' });
    expect(first).toMatchObject({ offline: false });
    await backend.ask('mutation { revokeHub(hubId: "team", uid: "bob") { hubId } }');
    expect(await again.message({ ...input, clientMutationId: 'key-1' })).toEqual(first);
    expect(await again.message({ ...input, clientMutationId: 'key-2' })).toMatchObject({ offline: true });
  });
});

test('a key is free again after five minutes', async () => {
  const clock = manualClock();
  const { urls } = await startNodes('memory', clock);
  const alice = await person(urls[0], 'alice');
  const bobs = await (await person(urls[0], 'bob')).open();
  const input = { ...dialInput, clientMutationId: 'key-1' };
  const first = await alice.dial(input);

  clock.advance(5 * minutes - 1);
  expect(await alice.dial(input)).toEqual(first);
  expect(await bobs.next()).toMatchObject({ __typename: 'IncomingCall', id: first.signalId });
  // It rang for a minute.
  const { id } = first.call;
  expect(await bobs.next()).toMatchObject({ __typename: 'CallUpdated', change: 'ENDED', call: { id } });
  expect(await bobs.next()).toMatchObject({ __typename: 'CallLogged', record: { callId: id } });
  clock.advance(1);
  const second = await alice.dial({ ...input, roomId: 'room-2' });

  expect(second.call.id).not.toBe(first.call.id);
  expect(await bobs.heard()).toMatchObject([{ __typename: 'IncomingCall', id: second.signalId }]);
});

test('on Redis a key and what it was the key of are stored for five minutes from the first time', async () => {
  const { urls, prefix } = await startNodes('redis');
  const alice = await person(urls[0], 'alice');
  const input = { ...dialInput, clientMutationId: 'key-1' };
  await alice.dial(input);
  const name = createKeys(prefix).key('alice/dial/key-1');
  await withRedis(async (redis) => {
    const left = await redis.pttl(name);
    expect(left).toBeGreaterThan(4.5 * minutes);
    expect(left).toBeLessThanOrEqual(5 * minutes);
    // A repetition does not make it last longer.
    await redis.pexpire(name, 10_000);
    await alice.dial(input);
    expect(await redis.pttl(name)).toBeLessThanOrEqual(10_000);
  });
});

test('a node that is killed while it works on dials leaves all of each or nothing, and a retry completes it', async () => {
  const prefix = randomPrefix();
  const { url } = await startService({ engine: 'redis', prefix });
  const alice = await person(url, 'alice');
  // One for each dial: two dials of the same user are one call.
  const uids = Array.from({ length: mostDials }, (_, i) => calleeOf(`dial-${i}`));
  const opened = uids.map(async (uid) => [uid, await (await person(url, uid)).open()] as const);
  const callees = new Map(await Promise.all(opened));

  const sent = new Set<string>();
  const acknowledged = new Map<string, string>();
  let next = startDialler(prefix);
  for (let round = 0; round < rounds; round++) {
    const dialler = await next;
    // The next one starts while this one works.
    if (round < rounds - 1) next = startDialler(prefix);
    await dialUntilKilled(dialler, { round, sent, acknowledged });
  }

  const stored = await withRedis(async (redis) => {
    const keys = createKeys(prefix);
    const names = await keysOf(redis, prefix);
    const idsOf = (start: string) =>
      names.flatMap((name) => (name.startsWith(start) ? [name.slice(start.length)] : []));
    const results = await Promise.all(
      [...sent].map(async (id) => [id, await redis.hget(keys.key(`alice/dial/${id}`), 'result')] as const),
    );
    const done = results.flatMap(([id, result]) =>
      result ? [[id, JSON.parse(result).call.id] as const] : [],
    );
    const entries = await Promise.all(uids.map((uid) => redis.xrange(keys.entries(`user:${uid}`), '-', '+')));
    const pairs = idsOf(keys.document('pair:')).map((id) => redis.hget(keys.document(`pair:${id}`), 'body'));
    return {
      done: new Map(done),
      documents: idsOf(keys.document('call:')),
      pairs: await Promise.all(pairs),
      rings: entries.flat().map(([, fields]) => JSON.parse(fields[5] ?? '').call.id as string),
      timers: (await redis.zrange(keys.timers, '0', '-1')).map((id) => id.slice('call:'.length)),
    };
  });

  const calls = [...stored.done.values()].sort();
  expect(stored.documents.sort()).toEqual(calls);
  expect(stored.pairs.sort()).toEqual(calls);
  expect(stored.rings.sort()).toEqual(calls);
  expect(stored.timers.sort()).toEqual(calls);
  for (const [id, callId] of acknowledged) expect(stored.done.get(id)).toBe(callId);
  expect(acknowledged.size).toBeGreaterThan(0);
  // In each round some were on their way.
  expect(sent.size - acknowledged.size).toBeGreaterThanOrEqual(rounds);

  const retried = [...sent].map(async (clientMutationId) => {
    const input = { ...dialInput, target: { uid: calleeOf(clientMutationId) }, clientMutationId };
    const { call, signalId } = await alice.dial(input);
    expect(call.id).toBe(stored.done.get(clientMutationId) ?? call.id);
    expect(await callees.get(input.target.uid)?.heard()).toMatchObject([
      { __typename: 'IncomingCall', id: signalId, call: { id: call.id } },
    ]);
  });
  await Promise.all(retried);
}, 60_000);

const rounds = 24;

/** How many dials are on their way at once, and after how many answers the process is killed, in each round. */
const atATime = 4;
const answersIn = (round: number): number => 1 + ((round * 5) % 12);

/** For each answer but the last of a round another dial is sent. */
const mostDials = Array.from({ length: rounds }, (_, round) => atATime + answersIn(round) - 1).reduce(
  (sum, dials) => sum + dials,
);

const calleeOf = (clientMutationId: string): string => `callee-of-${clientMutationId}`;

async function startDialler(prefix: string): Promise<ChildProcess> {
  const file = new URL('support/dialling-node.ts', import.meta.url);
  const env = { ...process.env, NODE_COMPILE_CACHE: 'node_modules/.cache/compile' };
  const dialler = fork(file, [inject('redisUrl'), prefix], { env, execArgv: [] });
  await once(dialler, 'message');
  return dialler;
}

interface Round {
  readonly round: number;
  readonly sent: Set<string>;
  readonly acknowledged: Map<string, string>;
}

/** Keeps some dials on their way, and kills the process at one of its answers: each round at another one. */
async function dialUntilKilled(dialler: ChildProcess, { round, sent, acknowledged }: Round): Promise<void> {
  let left = answersIn(round);

  function dial(): void {
    const clientMutationId = `dial-${sent.size}`;
    sent.add(clientMutationId);
    dialler.send({ callee: calleeOf(clientMutationId), clientMutationId } satisfies DialOrder);
  }

  dialler.on('message', ({ clientMutationId, callId }: DialDone) => {
    acknowledged.set(clientMutationId, callId);
    if (--left === 0) dialler.kill('SIGKILL');
    // What it had said before it died may still come.
    else if (left > 0) dial();
  });
  for (let i = 0; i < atATime; i++) dial();
  await once(dialler, 'exit');
}
