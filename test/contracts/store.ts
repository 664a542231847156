import { describe, expect, test, vi } from 'vitest';
import type { Change, Departure, Store } from '../../src/signaling/ports.ts';
import type { TestEngine } from '../support/engine.ts';
import {
  ascending,
  bodiesOf,
  connected,
  departure,
  document,
  entry,
  numbersOf,
  open,
  range,
  row,
  socket,
} from './fixtures.ts';

/** What src/signaling/ports.ts promises of a `Store`, on whichever engine `start` starts. */
export function storeContract(start: () => Promise<TestEngine>): void {
  describe('a commit', () => {
    /** Every part of a change, each of which can be read again. */
    const everything: Change = {
      append: [entry('user:bob', '{"a":1}'), entry('hub:team', '{"a":2}')],
      put: [{ ...document('call:new', 1), live: [{ uid: 'bob', listed: true }] }, document('call:old', 2)],
      rows: [row('history:bob', 'r1', Date.now())],
      timers: [{ id: 'call:new', at: 1000 }],
      access: [{ uid: 'bob', field: 'grant:team', value: '{"privilege":3}' }],
    };

    /** All that `everything` can change, as it reads now. */
    async function readEverything(store: Store) {
      return {
        entries: [await store.entries('user:bob', 0), await store.entries('hub:team', 0)],
        documents: [await store.document('call:new'), await store.document('call:old')],
        rows: await store.rows('history:bob', { first: 10, after: null }),
        deadlines: await store.deadlines(Number.MAX_SAFE_INTEGER, 10),
        user: await store.user('bob'),
        key: await store.result('alice/dial/2'),
      };
    }

    test('that is not refused applies every part of its change', async () => {
      const { store } = await start();
      const key = { id: 'alice/dial/2', fingerprint: 'f', result: '{"call":1}', ttlMs: 60_000 };

      const outcome = await store.commit({ ...everything, key });

      expect(outcome).toEqual({ status: 'DONE', numbers: [expect.any(Number), expect.any(Number)] });
      const [first, second] = outcome.status === 'DONE' ? outcome.numbers : [];
      const epoch = expect.stringMatching(/^[0-9a-f]+$/);
      expect(await readEverything(store)).toEqual({
        entries: [
          [{ topic: 'user:bob', epoch, number: first, previous: 0, body: '{"a":1}' }],
          [{ topic: 'hub:team', epoch, number: second, previous: 0, body: '{"a":2}' }],
        ],
        documents: [
          { id: 'call:new', rev: 1, body: '{"rev":1}' },
          { id: 'call:old', rev: 2, body: '{"rev":2}' },
        ],
        rows: [{ id: 'r1', body: '{"row":"r1"}' }],
        deadlines: [{ id: 'call:new', at: 1000 }],
        user: {
          access: new Map([['grant:team', { value: '{"privilege":3}', since: second }]]),
          sockets: [],
          live: ['{"rev":1}'],
        },
        key: { fingerprint: 'f', result: '{"call":1}' },
      });
    });

    const refusals: readonly [why: string, refused: Change, outcome: object][] = [
      ['a document has another revision', { expect: [{ id: 'call:old', rev: 2 }] }, { status: 'CONFLICT' }],
      ['a document exists that must not', { expect: [{ id: 'call:old', rev: 0 }] }, { status: 'CONFLICT' }],
      ['a document must exist that does not', { expect: [{ id: 'none', rev: 1 }] }, { status: 'CONFLICT' }],
      [
        'one of several documents has another revision',
        {
          expect: [
            { id: 'call:old', rev: 1 },
            { id: 'call:new', rev: 0 },
            { id: 'call:other', rev: 5 },
          ],
        },
        { status: 'CONFLICT' },
      ],
      [
        'its key was used for the same request',
        { key: { id: 'known', fingerprint: 'same', result: '{"n":2}', ttlMs: 60_000 } },
        { status: 'REPEATED', result: '{"n":1}' },
      ],
      [
        'its key was used for another request',
        { key: { id: 'known', fingerprint: 'other', result: '{"n":2}', ttlMs: 60_000 } },
        { status: 'KEY_CONFLICT' },
      ],
      [
        'its key was used, whatever has changed since',
        {
          expect: [{ id: 'call:old', rev: 7 }],
          key: { id: 'known', fingerprint: 'same', result: '{"n":2}', ttlMs: 60_000 },
        },
        { status: 'REPEATED', result: '{"n":1}' },
      ],
    ];

    test.each(refusals)('does nothing at all when %s', async (_, refused, outcome) => {
      const { store, bus, heard } = await start();
      await bus.subscribe(['user:bob', 'hub:team']);
      await store.commit({
        put: [document('call:old', 1)],
        key: { id: 'known', fingerprint: 'same', result: '{"n":1}', ttlMs: 60_000 },
      });
      const before = await readEverything(store);

      expect(await store.commit({ ...everything, ...refused })).toEqual(outcome);

      expect(await readEverything(store)).toEqual(before);
      expect(await store.result('known')).toEqual({ fingerprint: 'same', result: '{"n":1}' });
      // Order is kept, so what is not heard before this one was not published.
      await store.commit({ append: [entry('hub:team', '{"sentinel":1}')] });
      await vi.waitFor(() => expect(bodiesOf(heard)).toEqual(['{"sentinel":1}']));
    });

    test('that expects the revisions there are happens', async () => {
      const { store } = await start();
      await store.commit({ put: [document('a', 1)] });

      const outcome = await store.commit({
        expect: [
          { id: 'a', rev: 1 },
          { id: 'b', rev: 0 },
        ],
        put: [document('a', 2), document('b', 1)],
      });

      expect(outcome).toEqual({ status: 'DONE', numbers: [] });
      expect(await store.document('a')).toEqual({ id: 'a', rev: 2, body: '{"rev":2}' });
    });

    test('of fifty that expect the same revision happens once', async () => {
      const { store } = await start();

      const outcomes = await Promise.all(
        range(50).map((i) =>
          store.commit({
            expect: [{ id: 'call', rev: 0 }],
            put: [document('call', 1, `{"i":${i}}`)],
            append: [entry('user:bob', `{"i":${i}}`)],
          }),
        ),
      );

      const winners = range(50).filter((i) => outcomes[i]?.status === 'DONE');
      expect(winners).toHaveLength(1);
      const body = `{"i":${winners[0]}}`;
      expect((await store.document('call'))?.body).toBe(body);
      expect(bodiesOf(await store.entries('user:bob', 0))).toEqual([body]);
    });

    test('of fifty with the same key happens once, and each of the others gets its result', async () => {
      const { store } = await start();

      const outcomes = await Promise.all(
        range(50).map((i) =>
          store.commit({
            append: [entry('user:bob', `{"i":${i}}`)],
            key: { id: 'k', fingerprint: 'f', result: `{"i":${i}}`, ttlMs: 60_000 },
          }),
        ),
      );

      const [body] = bodiesOf(await store.entries('user:bob', 0));
      expect(await store.entries('user:bob', 0)).toHaveLength(1);
      expect(outcomes.filter(({ status }) => status === 'DONE')).toHaveLength(1);
      expect(outcomes.filter(({ status }) => status !== 'DONE')).toEqual(
        range(49).map(() => ({ status: 'REPEATED', result: body })),
      );
    });

    test('may use a key again when its time is over', async () => {
      const { store } = await start();
      const key = { id: 'k', fingerprint: 'f', result: '1', ttlMs: 50 };
      await store.commit({ key });

      await vi.waitFor(async () => expect(await store.result('k')).toBeUndefined(), { interval: 10 });

      expect(await store.commit({ key: { ...key, fingerprint: 'g', result: '2' } })).toMatchObject({
        status: 'DONE',
      });
    });

    test('that is refused does not take its key', async () => {
      const { store } = await start();
      const key = { id: 'k', fingerprint: 'f', result: '1', ttlMs: 60_000 };

      await store.commit({ expect: [{ id: 'none', rev: 1 }], key });

      expect(await store.result('k')).toBeUndefined();
      expect(await store.commit({ key })).toMatchObject({ status: 'DONE' });
    });
  });

  describe('the log', () => {
    test('gives the entries of a commit ascending numbers, in their order', async () => {
      const { store } = await start();

      const outcome = await store.commit({
        append: range(20).map((i) => entry(`hub:${i % 3}`, `{"i":${i}}`)),
      });

      const numbers = outcome.status === 'DONE' ? outcome.numbers : [];
      expect(numbers).toHaveLength(20);
      expect(numbers).toEqual(ascending(numbers));
      expect(numbersOf(await store.entries('hub:1', 0))).toEqual(numbers.filter((_, i) => i % 3 === 1));
    });

    test('gives each commit greater numbers than every number before it', async () => {
      const { store } = await start();

      const outcomes = await Promise.all(
        range(200).map((i) => store.commit({ append: [entry(`hub:${i % 7}`)] })),
      );

      const numbers = outcomes.flatMap((outcome) => (outcome.status === 'DONE' ? outcome.numbers : []));
      expect(numbers).toEqual(ascending(numbers));
      expect(numbers).toHaveLength(200);
    });

    test('numbers are microseconds since 1970', async () => {
      const { store } = await start();
      const before = Date.now() * 1000;

      const { number: cut } = await open(store);

      // Clocks of one machine that are read in different ways agree to a few milliseconds.
      expect(cut).toBeGreaterThan(before - 5000);
      expect(cut).toBeLessThan(Date.now() * 1000 + 5000);
    });

    test('chains the entries of a topic: each names the one before it, the first names none', async () => {
      const { store } = await start();

      for (const topic of ['hub:a', 'hub:b', 'hub:a', 'hub:a', 'hub:b'] as const)
        await store.commit({ append: [entry(topic), entry('user:bob')] });

      for (const topic of ['hub:a', 'hub:b', 'user:bob'] as const) {
        const entries = await store.entries(topic, 0);
        expect(entries.map(({ previous }) => previous)).toEqual([0, ...numbersOf(entries).slice(0, -1)]);
      }
    });

    test('chains two entries of one topic in one commit', async () => {
      const { store } = await start();

      await store.commit({ append: [entry('hub:a', '1'), entry('hub:a', '2')] });

      const [first, second] = await store.entries('hub:a', 0);
      expect(second?.previous).toBe(first?.number);
    });

    test('publishes exactly what it stores, in the order of its numbers', async () => {
      const { store, bus, heard } = await start();
      const topics = ['hub:a', 'hub:b', 'user:bob'] as const;
      await bus.subscribe(topics);

      await Promise.all(
        range(100).map((i) =>
          store.commit({ append: [entry(topics[i % 3] ?? 'hub:a', `{"i":${i}}`), entry('hub:a')] }),
        ),
      );

      await vi.waitFor(() => expect(heard).toHaveLength(200));
      expect(numbersOf(heard)).toEqual(ascending(numbersOf(heard)));
      for (const topic of topics)
        expect(heard.filter((each) => each.topic === topic)).toEqual(await store.entries(topic, 0));
    });

    test('reads the entries of a topic after a number, oldest first', async () => {
      const { store } = await start();
      await store.commit({ append: [entry('hub:a', '1'), entry('hub:b', '2'), entry('hub:a', '3')] });
      const [first, last] = await store.entries('hub:a', 0);

      expect(bodiesOf(await store.entries('hub:a', 0))).toEqual(['1', '3']);
      expect(bodiesOf(await store.entries('hub:a', first?.number ?? 0))).toEqual(['3']);
      expect(await store.entries('hub:a', last?.number ?? 0)).toEqual([]);
      expect(await store.entries('hub:unknown', 0)).toEqual([]);
    });
  });

  describe('a topic keeps', () => {
    test('its last 1,000 entries', async () => {
      const { store } = await start();

      for (const batch of range(17))
        await store.commit({ append: range(61).map((i) => entry('hub:a', `${batch * 61 + i}`)) });

      expect(bodiesOf(await store.entries('hub:a', 0))).toEqual(range(1000).map((i) => `${i + 37}`));
    });

    test('no more bytes than it may, and of those the newest', async () => {
      const { store } = await start();
      const most = 500;
      // Two bytes each, so that characters are not mistaken for bytes.
      const bodies = range(120).map((i) => 'é'.repeat(1 + ((i * 37) % 90)));

      const kept: string[] = [];
      for (const body of bodies) {
        await store.commit({ append: [entry('hub:a', body, { bytes: most })] });
        kept.push(body);
        while (Buffer.byteLength(kept.join('')) > most) kept.shift();
        expect(bodiesOf(await store.entries('hub:a', 0))).toEqual(kept);
      }
    });

    test('nothing of an entry that alone has more bytes than the topic may keep; it is published all the same', async () => {
      const { store, bus, heard } = await start();
      await bus.subscribe(['hub:a']);
      await store.commit({ append: [entry('hub:a', 'small', { bytes: 100 })] });

      const outcome = await store.commit({ append: [entry('hub:a', 'x'.repeat(101), { bytes: 100 })] });

      expect(outcome).toMatchObject({ status: 'DONE' });
      expect(await store.entries('hub:a', 0)).toEqual([]);
      await vi.waitFor(() => expect(heard).toHaveLength(2));
      await store.commit({ append: [entry('hub:a', 'next', { bytes: 100 })] });
      expect(await store.entries('hub:a', 0)).toMatchObject([{ body: 'next', previous: heard[1]?.number }]);
    });

    test('nothing when its last entry is old; its last number is known all the same', async () => {
      const { store } = await start();
      await store.commit({ append: [entry('hub:a', '1', { idleMs: 50 }), entry('hub:b', '2')] });
      const [only] = await store.entries('hub:a', 0);

      await vi.waitFor(async () => expect(await store.entries('hub:a', 0)).toEqual([]), { interval: 10 });

      const opened = await open(store, { topics: [{ topic: 'hub:a', after: 0 }] });
      expect(opened.topics).toEqual([{ topic: 'hub:a', last: only?.number, entries: [] }]);
      expect(bodiesOf(await store.entries('hub:b', 0))).toEqual(['2']);
      await store.commit({ append: [entry('hub:a', '3')] });
      expect(await store.entries('hub:a', 0)).toMatchObject([{ body: '3', previous: only?.number }]);
    });

    test('everything for as long again after each entry', async () => {
      const { store } = await start();
      await store.commit({ append: [entry('hub:a', '1', { idleMs: 50 })] });
      await store.commit({
        append: [entry('hub:a', '2', { idleMs: 60_000 }), entry('hub:b', '', { idleMs: 60 })],
      });

      await vi.waitFor(async () => expect(await store.entries('hub:b', 0)).toEqual([]), { interval: 10 });

      expect(bodiesOf(await store.entries('hub:a', 0))).toEqual(['1', '2']);
    });
  });

  describe('documents', () => {
    test('are there until their time is over', async () => {
      const { store } = await start();
      await store.commit({ put: [document('short', 1, '{}', 50), document('long', 1)] });
      expect(await store.document('short')).toEqual({ id: 'short', rev: 1, body: '{}' });

      await vi.waitFor(async () => expect(await store.document('short')).toBeUndefined(), { interval: 10 });

      expect(await store.document('long')).toBeDefined();
      expect(await store.commit({ expect: [{ id: 'short', rev: 0 }] })).toMatchObject({ status: 'DONE' });
    });

    test('that nobody stored are undefined', async () => {
      const { store } = await start();
      expect(await store.document('none')).toBeUndefined();
    });

    test('are on the lists of live documents that they were put on, as they were put last', async () => {
      const { store } = await start();
      const listed = (uid: string, isListed = true) => ({ uid, listed: isListed });
      await store.commit({
        put: [
          { ...document('a', 1, '"a1"'), live: [listed('alice'), listed('bob')] },
          { ...document('b', 1, '"b1"'), live: [listed('bob')] },
        ],
      });

      await store.commit({ put: [{ ...document('a', 2, '"a2"'), live: [listed('alice'), listed('bob')] }] });
      expect((await store.user('alice')).live).toEqual(['"a2"']);
      expect([...(await store.user('bob')).live].sort()).toEqual(['"a2"', '"b1"']);

      await store.commit({
        put: [{ ...document('a', 3, '"a3"'), live: [listed('alice', false), listed('bob')] }],
      });
      expect((await store.user('alice')).live).toEqual([]);
      expect([...(await store.user('bob')).live].sort()).toEqual(['"a3"', '"b1"']);
      expect((await open(store)).user.live).toEqual((await store.user('bob')).live);
    });
  });

  describe('rows', () => {
    const now = Date.now();

    test('are read newest first, those of one moment by their id', async () => {
      const { store } = await start();
      await store.commit({ rows: [row('l', 'b', now), row('l', 'd', now - 2), row('l', 'a', now - 1)] });
      await store.commit({ rows: [row('l', 'c', now), row('other', 'z', now)] });

      expect(await store.rows('l', { first: 10, after: null })).toEqual(
        ['c', 'b', 'a', 'd'].map((id) => ({ id, body: `{"row":"${id}"}` })),
      );
    });

    test('are read page by page; each page begins behind a row', async () => {
      const { store } = await start();
      await store.commit({ rows: range(7).map((i) => row('l', `r${i}`, now + i)) });

      const pages: string[][] = [];
      for (let after: string | null = null; pages.length < 4; after = pages.at(-1)?.at(-1) ?? after) {
        const page = await store.rows('l', { first: 3, after });
        pages.push((page ?? []).map(({ id }) => id));
      }

      expect(pages).toEqual([['r6', 'r5', 'r4'], ['r3', 'r2', 'r1'], ['r0'], []]);
    });

    test('behind one that is not in the list are undefined; a list that nobody wrote to is empty', async () => {
      const { store } = await start();
      await store.commit({ rows: [row('l', 'a', now), row('other', 'b', now)] });

      expect(await store.rows('l', { first: 3, after: 'b' })).toBeUndefined();
      expect(await store.rows('none', { first: 3, after: null })).toEqual([]);
      expect(await store.rows('none', { first: 3, after: 'b' })).toBeUndefined();
    });

    test('with an id that is in the list already take its place', async () => {
      const { store } = await start();
      await store.commit({ rows: [row('l', 'a', now), row('l', 'b', now + 1)] });

      await store.commit({ rows: [{ ...row('l', 'a', now + 2), body: '{"new":1}' }] });

      expect(await store.rows('l', { first: 3, after: null })).toEqual([
        { id: 'a', body: '{"new":1}' },
        { id: 'b', body: '{"row":"b"}' },
      ]);
    });

    test('beyond the number to keep are dropped, oldest first', async () => {
      const { store } = await start();

      for (const i of range(6)) await store.commit({ rows: [row('l', `r${i}`, now + i, { rows: 3 })] });

      expect((await store.rows('l', { first: 9, after: null }))?.map(({ id }) => id)).toEqual([
        'r5',
        'r4',
        'r3',
      ]);
      expect(await store.rows('l', { first: 9, after: 'r0' })).toBeUndefined();
    });

    test('older than the age to keep are dropped when another is added', async () => {
      const { store } = await start();
      await store.commit({ rows: [row('l', 'old', now - 5000), row('l', 'young', now - 1000)] });

      await store.commit({ rows: [row('l', 'new', now, { ms: 3000 })] });

      expect((await store.rows('l', { first: 9, after: null }))?.map(({ id }) => id)).toEqual([
        'new',
        'young',
      ]);
    });
  });

  describe('timers', () => {
    test('are due at or before a moment, earliest first, at most so many', async () => {
      const { store } = await start();
      await store.commit({
        timers: [
          { id: 'c', at: 3000 },
          { id: 'a', at: 1000 },
          { id: 'd', at: 3001 },
          { id: 'b', at: 2000 },
        ],
      });

      const [a, b] = [
        { id: 'a', at: 1000 },
        { id: 'b', at: 2000 },
      ];
      const c = { id: 'c', at: 3000 };
      expect(await store.deadlines(999, 10)).toEqual([]);
      expect(await store.deadlines(3000, 10)).toEqual([a, b, c]);
      expect(await store.deadlines(3000, 2)).toEqual([a, b]);
      // Looking at them does not end them: whoever fires one removes it in the commit that does the work.
      expect(await store.deadlines(5000, 10)).toEqual([a, b, c, { id: 'd', at: 3001 }]);
    });

    test('can be moved and removed', async () => {
      const { store } = await start();
      await store.commit({
        timers: [
          { id: 'a', at: 1 },
          { id: 'b', at: 2 },
        ],
      });

      await store.commit({
        timers: [
          { id: 'a', at: 3 },
          { id: 'b', at: null },
          { id: 'none', at: null },
        ],
      });

      expect(await store.deadlines(2, 10)).toEqual([]);
      expect(await store.deadlines(3, 10)).toEqual([{ id: 'a', at: 3 }]);
    });
  });

  describe('access', () => {
    test('keeps with each field the number of the commit that set it', async () => {
      const { store } = await start();
      const set = (field: string, value: string | null) => ({ uid: 'bob', field, value });
      const outcome = await store.commit({
        append: [entry('user:bob'), entry('user:bob')],
        access: [set('grant:a', '1'), set('grant:b', '2')],
      });
      const first = outcome.status === 'DONE' ? outcome.numbers[1] : undefined;

      const later = await store.commit({ append: [entry('user:bob')], access: [set('grant:b', '3')] });

      const second = later.status === 'DONE' ? later.numbers[0] : undefined;
      expect((await store.user('bob')).access).toEqual(
        new Map([
          ['grant:a', { value: '1', since: first }],
          ['grant:b', { value: '3', since: second }],
        ]),
      );
    });

    test('that is set without an entry lies between the entries before and after it', async () => {
      const { store } = await start();
      await store.commit({ append: [entry('hub:a')] });

      await store.commit({ access: [{ uid: 'bob', field: 'f', value: 'v' }] });

      await store.commit({ append: [entry('hub:a')] });
      const since = (await store.user('bob')).access.get('f')?.since ?? Number.NaN;
      const [before, after] = numbersOf(await store.entries('hub:a', 0));
      expect(since).toBeGreaterThanOrEqual(before ?? Number.NaN);
      expect(since).toBeLessThan(after ?? Number.NaN);
    });

    test('is removed by null, and is each user’s own', async () => {
      const { store } = await start();
      await store.commit({
        access: [
          { uid: 'bob', field: 'f', value: 'bob' },
          { uid: 'bob', field: 'g', value: 'bob' },
          { uid: 'carol', field: 'f', value: 'carol' },
        ],
      });

      await store.commit({ access: [{ uid: 'bob', field: 'f', value: null }] });

      expect([...(await store.user('bob')).access.keys()]).toEqual(['g']);
      expect((await store.user('carol')).access.get('f')?.value).toBe('carol');
    });

    test('can be set and removed by an opening, and is part of what it returns', async () => {
      const { store } = await start();
      await store.commit({ access: [{ uid: 'bob', field: 'old', value: '1' }] });

      const opened = await open(store, {
        access: [
          { uid: 'bob', field: 'claim:team', value: '2' },
          { uid: 'bob', field: 'old', value: null },
        ],
      });

      const expected = new Map([['claim:team', { value: '2', since: opened.number }]]);
      expect(opened.user.access).toEqual(expected);
      expect((await store.user('bob')).access).toEqual(expected);
    });
  });

  describe('an opening', () => {
    test('registers its socket', async () => {
      const { store } = await start();
      const record = socket('s1', {
        deviceId: null,
        deviceLabel: 'Kitchen “tablet” ☎',
        openedAt: 1_700_000_000_000,
      });

      const opened = await open(store, { socket: record });
      await open(store, { uid: 'carol', socket: socket('s2') });

      expect(opened.user.sockets).toEqual([connected(record)]);
      expect((await store.user('bob')).sockets).toEqual([connected(record)]);
      expect(await store.ownerOf('s1')).toBe('bob');
      expect(await store.ownerOf('s2')).toBe('carol');
      expect(await store.ownerOf('s3')).toBeUndefined();
    });

    test('of a socket that is open already replaces it', async () => {
      const { store } = await start();
      await open(store, { socket: socket('s1', { deviceLabel: 'before' }) });

      const opened = await open(store, { socket: socket('s1', { deviceLabel: 'after' }), replaces: 1 });

      expect(opened.user.sockets).toEqual([connected(socket('s1', { deviceLabel: 'after' }))]);
    });

    test('is a cut: what was committed before lies at or below it and is read, what comes later lies above', async () => {
      const { store } = await start();
      const { epoch } = await open(store);
      const topics = [
        { topic: 'hub:a', after: 0 },
        { topic: 'user:bob', after: 0 },
      ] as const;

      const work = range(150).map((i) =>
        i % 3 === 0
          ? open(store, { topics, epoch, socket: socket(`s${i}`) })
          : store.commit({ append: [entry(topics[i % 2]?.topic ?? 'hub:a', `${i}`)] }),
      );
      const results = await Promise.all(work);

      const all = new Map([
        ['hub:a', await store.entries('hub:a', 0)],
        ['user:bob', await store.entries('user:bob', 0)],
      ]);
      const cuts = results.flatMap((result) => ('user' in result ? [result] : []));
      expect(cuts).toHaveLength(50);
      for (const { number: cut, topics: read } of cuts)
        for (const { topic, last, entries } of read) {
          const below = all.get(topic)?.filter(({ number }) => number <= cut) ?? [];
          expect(entries).toEqual(below);
          expect(last).toBe(below.at(-1)?.number ?? 0);
        }
    });

    test('is acknowledged before later commits get their numbers', async () => {
      const { store } = await start();
      for (const i of range(50)) {
        const cut = await open(store);
        const outcome = await store.commit({ append: [entry('hub:a', `${i}`)] });
        const [number] = outcome.status === 'DONE' ? outcome.numbers : [];
        expect(number).toBeGreaterThan(cut.number);
      }
    });

    test('reads each topic after its own number, and tells the last of each', async () => {
      const { store } = await start();
      await store.commit({
        append: ['hub:a', 'hub:b', 'hub:a', 'hub:b'].map((topic) => entry(topic as 'hub:a')),
      });
      const [a, b] = [await store.entries('hub:a', 0), await store.entries('hub:b', 0)];
      const { epoch } = await open(store);

      const opened = await open(store, {
        epoch,
        topics: [
          { topic: 'hub:b', after: b[0]?.number ?? 0 },
          { topic: 'user:nobody', after: 0 },
          { topic: 'hub:a', after: 0 },
        ],
      });

      expect(opened).toMatchObject({ epoch, tooMuch: false });
      expect(opened.topics).toEqual([
        { topic: 'hub:b', last: b[1]?.number, entries: [b[1]] },
        { topic: 'user:nobody', last: 0, entries: [] },
        { topic: 'hub:a', last: a[1]?.number, entries: a },
      ]);
    });

    test.each([
      ['of another epoch', 'feedfacecafe'],
      ['without an epoch', null],
    ])('%s reads no entries, and still tells the last of each topic', async (_, epoch) => {
      const { store } = await start();
      await store.commit({ append: [entry('hub:a')] });
      const [only] = await store.entries('hub:a', 0);

      const opened = await open(store, { epoch, topics: [{ topic: 'hub:a', after: 0 }] });

      expect(opened.topics).toEqual([{ topic: 'hub:a', last: only?.number, entries: [] }]);
      expect(opened.tooMuch).toBe(false);
      expect(opened.epoch).toBe(only?.epoch);
    });

    test.each([
      ['entries', { entries: 4, bytes: 1000 }, { entries: 3, bytes: 1000 }],
      ['bytes', { entries: 1000, bytes: 40 }, { entries: 1000, bytes: 39 }],
    ])(
      'reads all of as many %s as its limit, over all topics, and nothing of more',
      async (_, enough, less) => {
        const { store } = await start();
        const body = 'é'.repeat(5);
        await store.commit({
          append: (['hub:a', 'hub:a', 'hub:b', 'user:bob'] as const).map((topic) => entry(topic, body)),
        });
        const { epoch } = await open(store);
        const topics = (['hub:a', 'hub:b', 'user:bob', 'hub:none'] as const).map((topic) => ({
          topic,
          after: 0,
        }));

        const whole = await open(store, { epoch, topics, limit: enough });
        const nothing = await open(store, { epoch, topics, limit: less });

        expect(whole.tooMuch).toBe(false);
        expect(whole.topics.map(({ entries }) => entries.length)).toEqual([2, 1, 1, 0]);
        expect(nothing.tooMuch).toBe(true);
        expect(nothing.topics).toEqual(whole.topics.map((topic) => ({ ...topic, entries: [] })));
        expect(nothing.user.sockets).toHaveLength(1);
      },
    );

    test('counts the sockets of its hubs', async () => {
      const { store } = await start();
      await open(store, {
        counts: new Map([
          ['team', 1],
          ['7', 1],
        ]),
      });
      await open(store, { socket: socket('s2'), counts: new Map([['team', 2]]) });

      expect(await store.counts(['team', '7', 'none'])).toEqual(
        new Map([
          ['team', { sockets: 2, nodes: 1 }],
          ['7', { sockets: 1, nodes: 1 }],
          ['none', { sockets: 0, nodes: 0 }],
        ]),
      );
      expect(await store.counts([])).toEqual(new Map());
    });
  });

  describe('closing', () => {
    test('forgets sockets and counts anew', async () => {
      const { store } = await start();
      await open(store, {
        counts: new Map([
          ['team', 1],
          ['other', 1],
        ]),
      });
      await open(store, { socket: socket('s2'), counts: new Map([['team', 2]]) });
      await open(store, { uid: 'carol', socket: socket('s3'), counts: new Map([['team', 3]]) });

      await store.close(
        [departure('s1'), departure('s3', { uid: 'carol' })],
        new Map([
          ['team', 1],
          ['other', 0],
        ]),
      );

      expect((await store.user('bob')).sockets).toEqual([connected(socket('s2'))]);
      expect((await store.user('carol')).sockets).toEqual([]);
      expect([await store.ownerOf('s1'), await store.ownerOf('s2')]).toEqual([undefined, 'bob']);
      expect(await store.counts(['team', 'other'])).toEqual(
        new Map([
          ['team', { sockets: 1, nodes: 1 }],
          ['other', { sockets: 0, nodes: 0 }],
        ]),
      );
    });

    test('a socket that is not open changes nothing', async () => {
      const { store } = await start();
      await open(store);

      await store.close([departure('s9', { uid: 'nobody' })], new Map());
      await store.close([], new Map());

      expect((await store.user('bob')).sockets).toHaveLength(1);
    });
  });

  describe('departures', () => {
    /** Of one user, in an order that does not depend on the engine. */
    async function departuresOf(store: Store, uid = 'bob'): Promise<Departure[]> {
      return [...(await store.departures(uid))].sort((a, b) => (a.socketId < b.socketId ? -1 : 1));
    }

    test('are known as they were told, each user’s own', async () => {
      const { store } = await start();
      const bobs = departure('s1', { at: 1000, by: 'CLIENT' });
      const carols = departure('s2', { uid: 'carol', deviceId: 'tablet', at: 2000, by: 'SERVICE' });

      await store.close([bobs, carols], new Map());

      expect(await store.departures('bob')).toEqual([bobs]);
      expect(await store.departures('carol')).toEqual([carols]);
      expect(await store.departures('nobody')).toEqual([]);
    });

    test('are the last that was told of each device, whether told together or one after the other', async () => {
      const { store } = await start();
      await store.close(
        [departure('s1'), departure('s2'), departure('s3', { deviceId: 'tablet' })],
        new Map(),
      );
      expect(await departuresOf(store)).toEqual([departure('s2'), departure('s3', { deviceId: 'tablet' })]);

      await store.close([departure('s4', { by: 'SERVICE' })], new Map());

      expect(await departuresOf(store)).toEqual([
        departure('s3', { deviceId: 'tablet' }),
        departure('s4', { by: 'SERVICE' }),
      ]);
    });

    test('of sockets that were never ready are not known, and hide none that was', async () => {
      const { store } = await start();
      await store.close([departure('s1', { by: null })], new Map());
      expect(await store.departures('bob')).toEqual([]);
      await store.close([departure('s2')], new Map());

      await store.close([departure('s3', { by: null })], new Map());

      expect(await store.departures('bob')).toEqual([departure('s2')]);
    });

    test('of sockets without a device are one, beside those of devices', async () => {
      const { store } = await start();
      await store.close([departure('s1', { deviceId: null }), departure('s2')], new Map());

      await store.close([departure('s3', { deviceId: null })], new Map());

      expect(await departuresOf(store)).toEqual([departure('s2'), departure('s3', { deviceId: null })]);
    });

    test('stay known when the device opens another socket, and the same one again', async () => {
      const { store } = await start();
      await open(store);
      await store.close([departure('s1')], new Map());

      await open(store, { socket: socket('s2') });
      await open(store, { socket: socket('s1') });

      expect(await store.departures('bob')).toEqual([departure('s1')]);
    });
  });

  describe('text', () => {
    const texts: readonly [what: string, text: string][] = [
      ['nothing at all', ''],
      ['spaces around it', '  a b  '],
      ['lines', 'a\nb\r\nc\u2028d\n'],
      ['every script and joined emoji', 'Ünïcödé Ελλάδα 日本語 عربى 👩‍👩‍👧‍👦 𝒳'],
      ['control characters', '\u0000\u0001\u001b\u007f\ufeff'],
      ['quotes, backslashes and format signs', `"'\\\\ %s %d $1 {} [] \\u0000`],
      ['numbers', '0123'],
      ['64 KiB', JSON.stringify({ payload: 'ÿ"'.repeat(16 * 1024) })],
    ];

    test.each(texts)('of %s survives wherever it is stored', async (_, text) => {
      const { store, bus, heard } = await start();
      await bus.subscribe(['hub:a']);

      await store.commit({
        append: [entry('hub:a', text)],
        put: [{ ...document('d', 1, text), live: [{ uid: 'bob', listed: true }] }],
        rows: [{ ...row('l', 'r', Date.now()), body: text }],
        access: [{ uid: 'bob', field: 'f', value: text }],
        key: { id: 'k', fingerprint: 'f', result: text, ttlMs: 60_000 },
      });

      expect(bodiesOf(await store.entries('hub:a', 0))).toEqual([text]);
      await vi.waitFor(() => expect(bodiesOf(heard)).toEqual([text]));
      expect((await store.document('d'))?.body).toBe(text);
      expect((await store.rows('l', { first: 1, after: null }))?.[0]?.body).toBe(text);
      const user = await store.user('bob');
      expect(user.access.get('f')?.value).toBe(text);
      expect(user.live).toEqual([text]);
      expect(await store.result('k')).toEqual({ fingerprint: 'f', result: text });
      expect(await store.commit({ key: { id: 'k', fingerprint: 'f', result: '', ttlMs: 1 } })).toEqual({
        status: 'REPEATED',
        result: text,
      });
    });
  });

  test('what is given and what is returned are copies: changing them changes nothing stored', async () => {
    const { store, bus, heard } = await start();
    await bus.subscribe(['hub:a']);
    const record = socket('s1');
    const key = { id: 'k', fingerprint: 'f', result: '1', ttlMs: 60_000 };
    const append = [entry('hub:a', '1')];
    const put = [{ ...document('d', 1, '1'), live: [{ uid: 'bob', listed: true }] }];
    const rows = [row('l', 'r', Date.now())];
    const access = [{ uid: 'bob', field: 'f', value: '1' }];
    const gone = [departure('s0')];
    const { epoch } = await open(store, { socket: record });
    await store.close(gone, new Map());
    await store.commit({ append, put, rows, access, key });
    await vi.waitFor(() => expect(heard).toHaveLength(1));

    const topics = [{ topic: 'hub:a', after: 0 }] as const;
    const readAll = async () => {
      const { user, topics: read } = await open(store, { socket: record, epoch, topics });
      return {
        user: [user, await store.user('bob')],
        topics: read,
        entries: await store.entries('hub:a', 0),
        document: await store.document('d'),
        rows: await store.rows('l', { first: 9, after: null }),
        key: await store.result('k'),
        departures: await store.departures('bob'),
        socket: await store.socket('bob', 's1'),
        access: await store.access('bob'),
      };
    };
    const read = await readAll();
    const before = structuredClone(read);

    spoil([append, put, rows, access, key, gone, heard, read]);
    Object.assign(record, { deviceLabel: 'spoilt' });

    expect(await readAll()).toEqual({
      ...before,
      user: before.user.map((user) => ({
        ...user,
        sockets: [connected(socket('s1', { deviceLabel: 'spoilt' }))],
      })),
      socket: connected(socket('s1', { deviceLabel: 'spoilt' })),
    });
  });

  test('a user of whom nothing is known has nothing', async () => {
    const { store } = await start();
    expect(await store.user('nobody')).toEqual({ access: new Map(), sockets: [], live: [] });
  });

  test('is ready when it takes commands', async () => {
    const { store } = await start();
    await expect(store.ready()).resolves.toBeUndefined();
  });
}

/** Overwrites everything that can be reached from a value. */
function spoil(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  if (value instanceof Map) {
    for (const each of value.values()) spoil(each);
    value.clear();
    return;
  }
  for (const [key, child] of Object.entries(value)) {
    spoil(child);
    Object.assign(value, { [key]: 'spoilt' });
  }
  if (Array.isArray(value)) value.length = 0;
}
