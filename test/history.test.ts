import { describe, expect, test } from 'vitest';
import { createKeys } from '../src/redis/keys.ts';
import { manualClock } from './support/clock.ts';
import type { Received } from './support/listen.ts';
import { operations } from './support/operations.ts';
import { idsOf, type Person, person } from './support/person.ts';
import { engines, randomPrefix, startService } from './support/service.ts';
import { withRedis } from './support/stored.ts';

/** A page of somebody's call history. */
const pageOf = async (who: Person, page: object = {}): Promise<Received> =>
  (await who.ask(operations.callHistory, page)).callHistory;

/** All records of somebody's call history, newest first. */
const recordsOf = async (who: Person, page: object = {}): Promise<Received[]> =>
  (await pageOf(who, page)).edges.map(({ node }: Received) => node);

const kindsOf = (signals: Received[]): string[] => signals.map(({ __typename }) => __typename);

const cancel = { target: { uid: 'bob' }, role: 'CALLER', type: 'cancel' };

describe.each(engines)('the call log on %s', (engine) => {
  test.each([
    ['cancel', 'CANCELLED', true],
    ['leave', 'HANGUP', false],
    ['reject', 'DECLINED', false],
  ])('a caller’s %s is written for each side, and both are told', async (type, reason, missed) => {
    const { url } = await startService({ engine });
    const [alice, bob] = [await person(url, 'alice'), await person(url, 'bob')];
    const [laptop, tablet, phone] = await Promise.all([alice.open(), alice.open(), bob.open()]);
    const origin = { socketId: laptop.ready.socketId };

    const sent = await alice.message({ ...cancel, type, duration: 42, origin });

    const shared = {
      id: expect.any(String),
      // The service knows of no call between them.
      callId: null,
      caller: 'alice',
      reason,
      status: type,
      startedAt: null,
      acceptedAt: null,
      duration: 42,
      hubId: 'team',
    };
    const endedAt = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const [callers] = await recordsOf(alice);
    const [callees] = await recordsOf(bob);
    expect(callers).toEqual({ ...shared, endedAt, peer: 'bob', direction: 'OUTGOING', missed: false });
    expect(callees).toEqual({ ...shared, endedAt, peer: 'alice', direction: 'INCOMING', missed });
    expect(Math.abs(Date.parse(callers.endedAt) - Date.now())).toBeLessThan(60_000);

    const logged = {
      __typename: 'CallLogged',
      service: 'signaling.message',
      hubId: 'team',
      origin: { uid: 'alice', firstname: 'Alice' },
      cursor: expect.any(String),
    };
    for (const own of [laptop, tablet]) {
      const { received, nextOf } = own;
      expect(await nextOf('CallLogged')).toMatchObject({ ...logged, record: callers });
      expect(await own.heard()).toEqual([]);
      expect(kindsOf([...received])).toContain('CallLogged');
    }
    expect(await phone.next()).toMatchObject({ __typename: 'PeerMessage', id: sent.signalId, type });
    expect(await phone.next()).toMatchObject({ ...logged, record: callees });
    expect(await phone.heard()).toEqual([]);
    expect([(await recordsOf(alice)).length, (await recordsOf(bob)).length]).toEqual([1, 1]);
  });

  test('nothing is written for other roles, other words, or a target that names no user', async () => {
    const { url } = await startService({ engine });
    const [alice, bob] = [await person(url, 'alice'), await person(url, 'bob')];
    const [own, phone] = await Promise.all([alice.open(), bob.open()]);
    const { socketId } = phone.ready;
    const others = [
      { ...cancel, role: 'CALLEE' },
      { ...cancel, role: 'LISTENER' },
      { ...cancel, role: null },
      { ...cancel, type: 'Cancel' },
      { ...cancel, type: 'cancel ' },
      { ...cancel, type: 'cancelled' },
      { ...cancel, type: 'hangUp' },
      { ...cancel, type: 'busy' },
      { ...cancel, type: 'constructor' },
      { ...cancel, type: null },
      { ...cancel, target: { socketId } },
      { ...cancel, target: { hubId: 'team' } },
    ];

    for (const input of others) await alice.message(input);

    expect(await recordsOf(alice)).toEqual([]);
    expect(await recordsOf(bob)).toEqual([]);
    expect(kindsOf(await own.heard())).toEqual(['PeerMessage']); // the one to the hub
    expect(kindsOf(await phone.heard())).toEqual(others.map(() => 'PeerMessage'));
  });

  test('what counts is the user that the target names, also where a socket or a hub is narrower', async () => {
    const { url } = await startService({ engine });
    const [alice, bob] = [await person(url, 'alice'), await person(url, 'bob')];
    const { socketId } = (await bob.open()).ready;
    await alice.message({ ...cancel, target: { uid: 'bob', socketId } });
    await alice.message({ ...cancel, target: { uid: 'bob', hubId: 'team' } });
    expect(await recordsOf(bob)).toMatchObject([{ peer: 'alice' }, { peer: 'alice' }]);
  });

  test('who is offline finds the record later', async () => {
    const { url } = await startService({ engine });
    const [alice, bob] = [await person(url, 'alice'), await person(url, 'bob')];
    const backend = await person(url, 'backend', { admin: true });
    await backend.ask(operations.grantHub, { hubId: 'team', uid: 'bob', privilege: 'READ' });
    expect(await alice.message(cancel)).toMatchObject({ offline: true });
    expect(await recordsOf(bob)).toMatchObject([{ peer: 'alice', direction: 'INCOMING' }]);
  });

  test('who cannot be reached learns nothing; the caller’s own record does not tell the difference', async () => {
    const { url } = await startService({ engine });
    const alice = await person(url, 'alice');
    const dora = await person(url, 'dora', { hubs: { elsewhere: 'read' } });
    const phone = await dora.open();
    for (const uid of ['dora', 'nobody']) {
      expect(await alice.message({ ...cancel, target: { uid } })).toMatchObject({ offline: true });
    }
    const records = await recordsOf(alice);
    expect(records.map(({ peer }) => peer).sort()).toEqual(['dora', 'nobody']);
    const [first, second] = records.map(({ id: _, peer: __, endedAt: ___, ...rest }) => rest);
    expect(first).toEqual(second);
    expect(await recordsOf(dora)).toEqual([]);
    expect(await phone.heard()).toEqual([]);
  });

  test('a message to oneself is written once', async () => {
    const { url } = await startService({ engine });
    const alice = await person(url, 'alice');
    const own = await alice.open();
    await alice.message({ ...cancel, target: { uid: 'alice' } });
    expect(await recordsOf(alice)).toMatchObject([{ peer: 'alice', direction: 'OUTGOING' }]);
    expect(kindsOf(await own.heard())).toEqual(['PeerMessage', 'CallLogged']);
  });

  test('a refused message is not written', async () => {
    const { url } = await startService({ engine });
    const alice = await person(url, 'alice');
    await alice.refused('message', { ...cancel, duration: -1 });
    await alice.refused('message', { ...cancel, scope: 'HUB' });
    await alice.refused('message', { ...cancel, callId: 'call_none' });
    expect(await recordsOf(alice)).toEqual([]);
  });
});

test('a log that cannot be written fails nothing, and a retry of the message writes it', async () => {
  const prefix = randomPrefix();
  const { url } = await startService({ engine: 'redis', prefix });
  const [alice, bob] = [await person(url, 'alice'), await person(url, 'bob')];
  const phone = await bob.open({ variables: { kinds: ['PEER_MESSAGE'] } });
  const list = createKeys(prefix).list('history:alice');
  const input = { ...cancel, clientMutationId: 'key-1' };

  await withRedis((redis) => redis.set(list, 'not a list'));
  const sent = await alice.message(input);
  expect(sent).toMatchObject({ offline: false });
  expect(idsOf(await phone.heard())).toEqual([sent.signalId]);
  expect(await recordsOf(bob)).toEqual([]);

  await withRedis((redis) => redis.del(list));
  expect(await alice.message(input)).toEqual(sent);
  expect(await phone.heard()).toEqual([]);
  expect(await recordsOf(alice)).toMatchObject([{ peer: 'bob' }]);
  expect(await recordsOf(bob)).toMatchObject([{ peer: 'alice' }]);
});

describe.each(engines)('callHistory on %s', (engine) => {
  /** Alice has ended 25 calls, one each second: with Carol every fifth, else with Bob. */
  async function setUp() {
    const clock = manualClock();
    const { url } = await startService({ engine, overrides: { clock } });
    const [alice, bob, carol] = [
      await person(url, 'alice'),
      await person(url, 'bob'),
      await person(url, 'carol'),
    ];
    await Promise.all([bob.open(), carol.open()]);
    async function end(uid: string, duration: number): Promise<void> {
      clock.advance(1000);
      await alice.message({ ...cancel, target: { uid }, duration });
    }
    for (let i = 1; i <= 25; i++) await end(i % 5 === 0 ? 'carol' : 'bob', i);
    return { alice, bob, carol, end };
  }

  const durations = ({ edges }: Received): number[] => edges.map(({ node }: Received) => node.duration);
  const countdown = (from: number, to: number): number[] =>
    Array.from({ length: from - to + 1 }, (_, i) => from - i);

  test('comes newest first, in pages that follow on each other', async () => {
    const { alice, end } = await setUp();
    const first = await pageOf(alice, { first: 10 });
    expect(durations(first)).toEqual(countdown(25, 16));
    expect(first.pageInfo).toEqual({
      hasNextPage: true,
      hasPreviousPage: false,
      startCursor: first.edges[0].cursor,
      endCursor: first.edges[9].cursor,
    });
    // What is added meanwhile does not move the pages that follow.
    await end('bob', 26);
    const second = await pageOf(alice, { first: 10, after: first.pageInfo.endCursor });
    expect(durations(second)).toEqual(countdown(15, 6));
    expect(second.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: true });
    const third = await pageOf(alice, { first: 10, after: second.pageInfo.endCursor });
    expect(durations(third)).toEqual(countdown(5, 1));
    expect(third.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
    const beyond = await pageOf(alice, { after: third.pageInfo.endCursor });
    expect(beyond).toEqual({
      edges: [],
      pageInfo: { hasNextPage: false, hasPreviousPage: true, startCursor: null, endCursor: null },
    });
    // Any cursor of the list is a place in it, not only those at the end of a page.
    expect(durations(await pageOf(alice, { first: 2, after: first.edges[3].cursor }))).toEqual([21, 20]);
  });

  test('a page that ends with the list says so', async () => {
    const { alice } = await setUp();
    const pages = [1, 24, 25, 100].map(async (first) => {
      const page = await pageOf(alice, { first });
      return [durations(page).length, page.pageInfo.hasNextPage];
    });
    expect(await Promise.all(pages)).toEqual([
      [1, true],
      [24, true],
      [25, false],
      [25, false],
    ]);
    expect(durations(await pageOf(alice))).toEqual(countdown(25, 6));
  });

  test('with a peer it holds only the calls with them, in pages of their own', async () => {
    const { alice } = await setUp();
    const first = await pageOf(alice, { peer: 'carol', first: 3 });
    expect(durations(first)).toEqual([25, 20, 15]);
    expect(first.pageInfo.hasNextPage).toBe(true);
    const second = await pageOf(alice, { peer: 'carol', first: 3, after: first.pageInfo.endCursor });
    expect(durations(second)).toEqual([10, 5]);
    expect(second.pageInfo.hasNextPage).toBe(false);
    expect(await recordsOf(alice, { peer: 'nobody' })).toEqual([]);
  });

  test('everybody sees their own records only', async () => {
    const { alice, bob, carol } = await setUp();
    expect((await recordsOf(bob, { first: 100 })).map(({ peer }) => peer)).toEqual(Array(20).fill('alice'));
    expect((await recordsOf(carol)).map(({ peer }) => peer)).toEqual(Array(5).fill('alice'));
    expect(await recordsOf(carol, { peer: 'bob' })).toEqual([]);
    // A place in somebody else's list is none in one's own.
    const bobs = (await pageOf(bob, { first: 1 })).pageInfo.endCursor;
    expect(await recordsOf(alice, { after: bobs, first: 1 })).toHaveLength(1);
    const pages = carol.ask(operations.callHistory, { after: bobs });
    await expect(pages).rejects.toThrow('BAD_USER_INPUT');
  });

  test('without any calls it is an empty list', async () => {
    const { url } = await startService({ engine });
    expect(await pageOf(await person(url, 'alice'))).toEqual({
      edges: [],
      pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
    });
  });
});
