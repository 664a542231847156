import { describe, expect, test, vi } from 'vitest';
import { defaultGraceMs as graceMs, type Store } from '../../src/signaling/ports.ts';
import { type ManualClock, manualClock } from '../support/clock.ts';
import type { TestEngine } from '../support/engine.ts';
import { bodiesOf, connected, departure, entry, inGrace, open, opening, socket } from './fixtures.ts';

/**
 * What src/signaling/ports.ts promises of the sockets that a `Store` knows, and of its cuts, on whichever engine `start`
 * starts with the given clock.
 */
export function socketsContract(startWith: (clock: ManualClock) => Promise<TestEngine>): void {
  async function start() {
    const clock = manualClock();
    return { ...(await startWith(clock)), clock };
  }

  /** All that can be read about bob's socket. */
  async function seen(store: Store, socketId = 's1') {
    const { sockets } = await store.user('bob');
    return {
      sockets: sockets.filter((each) => each.socketId === socketId),
      socket: await store.socket('bob', socketId),
      owner: await store.ownerOf(socketId),
    };
  }

  /** How a socket of bob's reads that is connected, or in grace. */
  const known = (as: typeof connected, record = socket('s1')) => ({
    sockets: [as(record)],
    socket: as(record),
    owner: 'bob',
  });

  const nothing = { sockets: [], socket: undefined, owner: undefined };

  describe('a socket whose connection has ended', () => {
    test('is in grace, with its owner, until that is over to the millisecond', async () => {
      const { store, clock } = await start();
      await open(store);
      await store.close([departure('s1', { at: clock.now() })], new Map());

      expect(await seen(store)).toEqual(known(inGrace));
      clock.advance(graceMs - 1);
      expect(await seen(store)).toEqual(known(inGrace));
      clock.advance(1);
      expect(await seen(store)).toEqual(nothing);
    });

    test('is gone at once when it will not come back', async () => {
      const { store, clock } = await start();
      await open(store);
      await open(store, { socket: socket('s2') });

      await store.close([departure('s1', { at: clock.now(), final: true })], new Map());

      expect(await seen(store)).toEqual(nothing);
      expect(await seen(store, 's2')).toEqual(known(connected, socket('s2')));
      expect(await store.departures('bob')).toEqual([departure('s1', { at: clock.now(), final: true })]);
    });

    test('is seen in grace by those who open meanwhile', async () => {
      const { store, clock } = await start();
      await open(store);
      await store.close([departure('s1', { at: clock.now() })], new Map());

      const { user } = await open(store, { socket: socket('s2') });

      const byId = [...user.sockets].sort((a, b) => (a.socketId < b.socketId ? -1 : 1));
      expect(byId).toEqual([inGrace(socket('s1')), connected(socket('s2'))]);
    });

    test('is in grace anew when it ends again', async () => {
      const { store, clock } = await start();
      await open(store);
      await store.close([departure('s1', { at: clock.now() })], new Map());
      clock.advance(graceMs - 1);

      const next = socket('s1', { generation: 2 });
      await open(store, { socket: next, replaces: 1 });
      await store.close([departure('s1', { at: clock.now(), generation: 2 })], new Map());

      clock.advance(graceMs - 1);
      expect(await store.sweep()).toEqual([]);
      expect(await seen(store)).toEqual(known(inGrace, next));
      clock.advance(1);
      expect(await seen(store)).toEqual(nothing);
    });
  });

  describe('taking up a socket', () => {
    const next = socket('s1', { generation: 2, keys: ['new', 'old'], rejectsWhenBusy: true });

    test.each([
      ['in grace', true],
      ['still connected', false],
    ])('that is %s makes it that of the new connection, and nothing else', async (_, isInGrace) => {
      const { store, clock } = await start();
      await open(store);
      if (isInGrace) await store.close([departure('s1', { at: clock.now() })], new Map());

      const opened = await open(store, { socket: next, replaces: 1 });

      expect(opened.user.sockets).toEqual([connected(next)]);
      expect(await seen(store)).toEqual(known(connected, next));
      clock.advance(graceMs);
      expect(await store.sweep()).toEqual([]);
      await vi.waitFor(async () => expect(await seen(store)).toEqual(known(connected, next)), {
        interval: 5,
      });
    });

    test.each([
      ['that another connection has taken up', 1],
      ['as if it were new', 0],
    ])('%s is refused, and nothing happened', async (_, replaces) => {
      const { store } = await start();
      await open(store, { counts: new Map([['team', 1]]) });
      await open(store, { socket: next, replaces: 1 });
      const before = [await store.user('bob'), await store.counts(['team'])];

      const refused = await store.open(
        opening({
          socket: socket('s1', { generation: 2, keys: ['other'] }),
          replaces,
          access: [{ uid: 'bob', field: 'claim:team', value: '2' }],
          counts: new Map([['team', 2]]),
        }),
      );

      expect(refused).toBeUndefined();
      expect([await store.user('bob'), await store.counts(['team'])]).toEqual(before);
    });

    test('of two connections at once, one gets it', async () => {
      const { store, clock } = await start();
      await open(store);
      await store.close([departure('s1', { at: clock.now() })], new Map());

      const both = await Promise.all(
        ['a', 'b'].map((key) =>
          store.open(opening({ socket: socket('s1', { generation: 2, keys: [key] }), replaces: 1 })),
        ),
      );

      const [one, ...others] = both.filter((opened) => opened !== undefined);
      expect(others).toEqual([]);
      expect(one?.user.sockets).toEqual((await store.user('bob')).sockets);
    });

    test('is not undone by the end of the connection before', async () => {
      const { store, clock } = await start();
      await open(store);
      await open(store, { socket: next, replaces: 1 });

      for (const final of [false, true])
        await store.close([departure('s1', { at: clock.now(), final })], new Map());

      expect(await seen(store)).toEqual(known(connected, next));
      clock.advance(graceMs);
      expect(await store.sweep()).toEqual([]);
    });
  });

  describe('reclaiming', () => {
    const uid = 'bob';

    test('registers sockets again that were forgotten or taken for lost, and counts anew', async () => {
      const { store, clock } = await start();
      await open(store, { counts: new Map([['team', 1]]) });
      await open(store, { socket: socket('s2') });
      await store.close([departure('s1', { at: clock.now() })], new Map([['team', 0]]));
      await store.close([departure('s2', { at: clock.now(), final: true })], new Map());
      const records = ['s1', 's2', 's3'].map((id) => socket(id));

      const taken = await store.reclaim(
        records.map((record) => ({ uid, record })),
        new Map([['team', 3]]),
      );

      expect(taken).toEqual([]);
      for (const record of records)
        expect(await seen(store, record.socketId)).toEqual(known(connected, record));
      expect((await store.counts(['team'])).get('team')).toEqual({ sockets: 3, nodes: 1 });
      clock.advance(graceMs);
      expect(await store.sweep()).toEqual([]);
    });

    test('leaves those that others have taken up, and names them', async () => {
      const { store } = await start();
      const next = socket('s1', { generation: 2 });
      await open(store, { socket: next });

      const records = [socket('s1'), socket('s2')];
      expect(
        await store.reclaim(
          records.map((record) => ({ uid, record })),
          new Map(),
        ),
      ).toEqual(['s1']);

      expect(await seen(store)).toEqual(known(connected, next));
      expect(await seen(store, 's2')).toEqual(known(connected, socket('s2')));
    });

    test('comes before the end of a socket that leaves meanwhile', async () => {
      const { store, clock } = await start();
      await open(store);

      const reclaiming = store.reclaim([{ uid, record: socket('s1') }], new Map());
      await store.close([departure('s1', { at: clock.now() })], new Map());

      expect(await reclaiming).toEqual([]);
      expect(await seen(store)).toEqual(known(inGrace));
    });

    test('of nothing is nothing', async () => {
      const { store } = await start();
      expect(await store.reclaim([], new Map())).toEqual([]);
    });
  });

  describe('a sweep', () => {
    test('forgets sockets whose grace is over, and returns the users who have no others, once', async () => {
      const { store, clock } = await start();
      for (const [owner, socketId] of [
        ['bob', 's1'],
        ['bob', 's2'],
        ['carol', 's3'],
        ['dave', 's4'],
        ['dave', 's5'],
      ] as const)
        await open(store, { uid: owner, socket: socket(socketId) });
      const gone = (owner: string, socketId: string) => departure(socketId, { uid: owner, at: clock.now() });
      await store.close(
        [gone('bob', 's1'), gone('carol', 's3'), gone('dave', 's4'), gone('dave', 's5')],
        new Map(),
      );

      expect(await store.sweep()).toEqual([]);
      clock.advance(graceMs);
      expect([...(await store.sweep())].sort()).toEqual(['carol', 'dave']);
      expect(await store.sweep()).toEqual([]);

      await store.close([gone('bob', 's2')], new Map());
      clock.advance(graceMs);
      expect(await store.sweep()).toEqual(['bob']);
    });

    test('returns who will not come back without waiting', async () => {
      const { store, clock } = await start();
      await open(store);
      await store.close([departure('s1', { at: clock.now(), final: true })], new Map());

      expect(await store.sweep()).toEqual(['bob']);
    });
  });

  describe('reading', () => {
    test('is the same cut as that of an opening: later commits lie above it', async () => {
      const { store } = await start();
      await store.commit({ append: [entry('hub:a', '1'), entry('user:bob', '2'), entry('hub:a', '3')] });
      const [first] = await store.entries('hub:a', 0);
      const { epoch } = await open(store);
      const reading = {
        epoch,
        topics: [
          { topic: 'user:bob', after: 0 },
          { topic: 'hub:a', after: first?.number ?? 0 },
          { topic: 'hub:none', after: 0 },
        ],
        limit: { entries: 10, bytes: 1000 },
      } as const;

      const { user, number, ...opened } = await open(store, reading);
      const { number: cut, ...read } = await store.read(reading);
      const later = await store.commit({ append: [entry('hub:a', '4')] });

      expect(read).toEqual(opened);
      expect(read.topics.map(({ entries }) => bodiesOf(entries))).toEqual([['2'], ['3'], []]);
      expect(cut).toBeGreaterThanOrEqual(number);
      expect(later.status === 'DONE' && later.numbers[0]).toBeGreaterThan(cut);
      expect(user.sockets).toHaveLength(1);
    });

    test('leaves out what is more than its limit, and what is of another epoch', async () => {
      const { store } = await start();
      await store.commit({ append: [entry('hub:a'), entry('hub:a')] });
      const { epoch } = await open(store);
      const topics = [{ topic: 'hub:a', after: 0 }] as const;
      const last = (await store.entries('hub:a', 0)).at(-1)?.number;
      const limit = { entries: 2, bytes: 1000 };

      const less = await store.read({ epoch, topics, limit: { ...limit, entries: 1 } });
      const other = await store.read({ epoch: 'feedfacecafe', topics, limit });

      expect(less).toMatchObject({ tooMuch: true, topics: [{ topic: 'hub:a', last, entries: [] }] });
      expect(other).toMatchObject({ epoch, tooMuch: false, topics: [{ last, entries: [] }] });
    });

    test('the access of a user reads what reading the user does', async () => {
      const { store } = await start();
      await store.commit({ access: [{ uid: 'bob', field: 'grant:team', value: '{"privilege":3}' }] });

      expect(await store.access('bob')).toEqual((await store.user('bob')).access);
      expect([...(await store.access('bob')).keys()]).toEqual(['grant:team']);
      expect(await store.access('nobody')).toEqual(new Map());
    });

    test('a socket is that of its user and of nobody else', async () => {
      const { store } = await start();
      await open(store);

      expect(await store.socket('bob', 's1')).toEqual(connected(socket('s1')));
      expect(await store.socket('carol', 's1')).toBeUndefined();
      expect(await store.socket('bob', 's2')).toBeUndefined();
    });
  });
}
