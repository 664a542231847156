import { Redis } from 'ioredis';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { createKeys } from '../src/redis/keys.ts';
import { presenceTopic } from '../src/signaling/topic.ts';
import { as, data, post } from './support/api.ts';
import type { ManualClock } from './support/clock.ts';
import {
  graceMs,
  leave,
  openSocket,
  pass,
  presenceDocument,
  presenceOf,
  startPair,
} from './support/grace.ts';
import { type Listener, type Received, transports } from './support/listen.ts';
import { operations } from './support/operations.ts';
import { until } from './support/raw.ts';
import { engines, tokenFor } from './support/service.ts';

/** The next signal of a socket, while time goes by. */
async function nextOf(clock: ManualClock, socket: Listener): Promise<Received> {
  let came = false;
  const next = socket.next().finally(() => {
    came = true;
  });
  await until('a change of presence', () => {
    if (!came) clock.advance(250);
    return came;
  });
  return next;
}

const change = (users: Record<string, boolean>, hubId = 'team') => ({
  __typename: 'PresenceChanged',
  cursor: null,
  origin: null,
  hubId,
  users: Object.entries(users).map(([uid, online]) => ({ uid, online })),
});

/** Hubs are told of in any order. */
const inOrder = (signals: Received[]): Received[] => signals.toSorted((a, b) => (a.hubId < b.hubId ? -1 : 1));

const reading = { hubs: { team: 'read', other: 'read' } };

describe.each(engines)('the query presence, on %s', (engine) => {
  test('tells who is online and who is connected: online lasts until the grace is over', async () => {
    const { clock, node, other, urls } = await startPair(engine);
    const [alice, bob] = [await tokenFor('alice'), await tokenFor('bob')];
    const ask = () => presenceOf(other.url, alice, ['bob', 'nobody', 'bob']);
    const nobody = { uid: 'nobody', online: false, connected: false };
    const answer = (online: boolean, connected: boolean) => {
      const user = { uid: 'bob', online, connected };
      return [user, nobody, user];
    };
    expect(await ask()).toEqual(answer(false, false));
    const socket = await openSocket(node.url, bob);
    expect(await ask()).toEqual(answer(true, true));
    await leave(node.url, 'bob', socket);
    expect(await ask()).toEqual(answer(true, false));
    await pass(clock, urls, graceMs - 1);
    expect(await ask()).toEqual(answer(true, false));
    await pass(clock, urls, 1);
    expect(await ask()).toEqual(answer(false, false));
  });

  test('takes who does not belong to the hub for somebody who is not there', async () => {
    const { node } = await startPair(engine);
    await openSocket(node.url, await tokenFor('bob', { hubs: { other: 'read' } }));
    await openSocket(node.url, await tokenFor('carol', { hubs: { team: 'guest' } }));
    const away = { online: false, connected: false };
    expect(await presenceOf(node.url, await tokenFor('alice', reading), ['bob', 'carol'])).toMatchObject([
      away,
      away,
    ]);
  });

  test('needs READ on the hub, and at most 100 users', async () => {
    const { node } = await startPair(engine);
    const token = await tokenFor('alice', { hubs: { team: 'read', lobby: 'guest' } });
    const users = (count: number) => Array.from({ length: count }, (_, i) => `user-${i}`);
    const refusal = async (hubId: string, uids: string[]) => {
      const { errors = [] } = await post(node.url, token, presenceDocument, { hubId, uids });
      return errors.map(({ extensions: { code, field } }) => ({ code, field }));
    };
    expect(await refusal('lobby', ['bob'])).toMatchObject([{ code: 'FORBIDDEN' }]);
    expect(await refusal('elsewhere', ['bob'])).toMatchObject([{ code: 'FORBIDDEN' }]);
    expect(await refusal('team', users(101))).toEqual([{ code: 'BAD_USER_INPUT', field: 'uids' }]);
    expect(await refusal('team', ['bob', ''])).toEqual([{ code: 'BAD_USER_INPUT', field: 'uids[1]' }]);
    expect(await presenceOf(node.url, token, users(100))).toHaveLength(100);
    expect(await presenceOf(node.url, token, [])).toEqual([]);
  });
});

describe.each(engines)('PresenceChanged, on %s', (engine) => {
  /** Alice, who looks on from one node; the others come and go on another, where there is one. */
  async function begin(kinds = ['PRESENCE_CHANGED'], transport: (typeof transports)[number] = 'sse') {
    const pair = await startPair(engine);
    const { clock, node, other } = pair;
    const token = await tokenFor('alice', reading);
    const watcher = await openSocket(other.url, token, { kinds }, transport);
    const told = () => nextOf(clock, watcher);
    expect(inOrder([await told(), await told()])).toEqual([
      change({ alice: true }, 'other'),
      change({ alice: true }),
    ]);
    const come = async (uid: string, wish = {}, claims = {}) =>
      openSocket(node.url, await tokenFor(uid, claims), wish);
    return { ...pair, token, watcher, told, come };
  }

  test.each(transports)('tells over %s of the first socket of a user, and of no other', async (transport) => {
    const { told, come } = await begin(undefined, transport);
    await come('bob');
    expect(await told()).toEqual(change({ bob: true }));
    await come('bob');
    await come('carol');
    expect(await told()).toEqual(change({ carol: true }));
  });

  test('tells that a user is gone when the grace of the last socket is over, and not before', async () => {
    const { clock, node, urls, told, come } = await begin();
    const sockets = [await come('bob'), await come('bob')] as const;
    expect(await told()).toEqual(change({ bob: true }));
    const open = node.stats().sockets;
    sockets[0].close();
    await until('one socket less', () => node.stats().sockets === open - 1);
    await pass(clock, urls, graceMs);
    await come('carol');
    expect(await told()).toEqual(change({ carol: true }));
    await leave(node.url, 'bob', sockets[1]);
    await pass(clock, urls, graceMs - 10_000);
    await come('dave');
    expect(await told()).toEqual(change({ dave: true }));
    await pass(clock, urls, 10_000);
    expect(await told()).toEqual(change({ bob: false }));
    await come('bob');
    expect(await told()).toEqual(change({ bob: true }));
  });

  test('tells what changes within 250 ms in one signal', async () => {
    const { told, come } = await begin();
    for (const uid of ['bob', 'carol', 'dave']) await come(uid);
    expect(await told()).toEqual(change({ bob: true, carol: true, dave: true }));
  });

  test('tells nobody anything of a socket that is taken up again within its grace', async () => {
    const { clock, node, other, urls, told, come } = await begin();
    const before = await come('bob');
    expect(await told()).toEqual(change({ bob: true }));
    await leave(node.url, 'bob', before);
    await pass(clock, urls, 10_000);
    const { resumeToken } = before.ready;
    expect((await openSocket(other.url, await tokenFor('bob'), { resumeToken })).ready.resumed).toBe(true);
    await pass(clock, urls, graceMs);
    await come('carol');
    expect(await told()).toEqual(change({ carol: true }));
  });

  test('tells only of hubs that both belong to, whatever the other one listens to', async () => {
    const { told, come } = await begin();
    await come('bob', {}, { hubs: { elsewhere: 'read' } });
    await come('carol', {}, { hubs: { team: 'guest' } });
    await come('dave', { hubIds: ['other'] }, { hubs: { team: 'read', other: 'read', elsewhere: 'read' } });
    expect(inOrder([await told(), await told()])).toEqual([
      change({ dave: true }, 'other'),
      change({ dave: true }),
    ]);
    await come('eve');
    expect(await told()).toEqual(change({ eve: true }));
  });

  test('tells only sockets that ask for it, of the hubs that they ask for', async () => {
    const { clock, other, token, told, come } = await begin();
    const plain = await openSocket(other.url, token);
    const kinds = ['PRESENCE_CHANGED', 'PEER_MESSAGE'];
    const narrow = await openSocket(other.url, token, { kinds, hubIds: ['other'] });
    await come('bob');
    expect(await told()).toEqual(change({ bob: true }));
    await come('carol', {}, { hubs: { other: 'read' } });
    expect(await told()).toEqual(change({ carol: true }, 'other'));
    expect(await nextOf(clock, narrow)).toEqual(change({ carol: true }, 'other'));
    await as(other.url, token).message({ target: { socketId: plain.ready.socketId }, payload: 'hello' });
    expect(await plain.next()).toMatchObject({ payload: 'hello' });
  });

  test('follows the hubs: a grant brings their presence, a revocation and the end of a grant take it away', async () => {
    const { clock, node, urls, watcher, told, come } = await begin(['PRESENCE_CHANGED', 'PEER_MESSAGE']);
    const admin = await tokenFor('backend', { admin: true });
    const grant = { uid: 'alice', hubId: 'late', privilege: 'READ' };
    const expiresAt = new Date(clock.now() + 60_000).toISOString();
    await data(node.url, admin, operations.grantHub, { ...grant, expiresAt });
    const writer = await tokenFor('writer', { hubs: { late: 'write' } });
    await as(node.url, writer, 'late').message({ target: { hubId: 'late' }, payload: 'hello' });
    expect(await watcher.next()).toMatchObject({ payload: 'hello' });
    await come('bob', {}, { hubs: { late: 'read' } });
    expect(await told()).toEqual(change({ bob: true }, 'late'));

    await data(node.url, admin, operations.revokeHub, { uid: 'alice', hubId: 'team' });
    // Deadlines are met within a second.
    await pass(clock, urls, 61_000);
    await come('carol');
    await come('dave', {}, { hubs: { late: 'read' } });
    await come('eve', {}, { hubs: { other: 'read' } });
    expect(await told()).toEqual(change({ eve: true }, 'other'));
  });
});

test('what makes no sense on the channel of presence is ignored', async () => {
  const { clock, node, other, prefix } = await startPair('redis');
  const kinds = ['PRESENCE_CHANGED'];
  const watcher = await openSocket(other.url, await tokenFor('alice'), { kinds });
  expect(await nextOf(clock, watcher)).toEqual(change({ alice: true }));
  const redis = new Redis(inject('redisUrl'));
  onTestFinished(() => redis.disconnect());
  const channel = createKeys(prefix).channel(presenceTopic('team'));
  for (const garbage of [
    '',
    'nonsense',
    '[',
    'null',
    '5',
    '{"bob":true}',
    '[["bob"]]',
    '[[1,true],["bob","yes"],null]',
  ])
    expect(await redis.publish(channel, garbage)).toBe(1);
  await openSocket(node.url, await tokenFor('bob'));
  expect(await nextOf(clock, watcher)).toEqual(change({ bob: true }));
  expect(watcher.received).toHaveLength(3);
});
