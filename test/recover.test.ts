import { describe, expect, test } from 'vitest';
import type { Cursor } from '../src/signaling/cursor.ts';
import type { Logged, Opened } from '../src/signaling/ports.ts';
import { recover } from '../src/signaling/recovery.ts';
import { hubTopic, type Topic, userTopic } from '../src/signaling/topic.ts';

describe('recover', () => {
  const day = 24 * 60 * 60 * 1000;
  /** Milliseconds. */
  const now = 10 * day;
  /** A number of the log, some time before now. */
  const ago = (ms: number): number => (now - ms) * 1000;
  const user = userTopic('bob');
  const hub = hubTopic('team');

  const logged = (topic: Topic, number: number, previous: number): Logged => ({
    topic,
    number,
    previous,
    epoch: 'e1',
    body: '{}',
  });

  interface Case {
    readonly name: string;
    readonly cursor?: Cursor;
    readonly topics?: Opened['topics'];
    readonly tooMuch?: boolean;
    readonly since?: [Topic, number][];
    readonly reason: string | null;
    /** The numbers that are replayed; undefined when it is not recovered. */
    readonly replays?: number[];
  }

  const at = (number: number, epoch = 'e1'): Cursor => ({ epoch, number });
  const [a, b, c, d, e] = [50_000, 40_000, 30_000, 20_000, 10_000].map(ago) as [
    number,
    number,
    number,
    number,
    number,
  ];

  test.each<Case>([
    { name: 'no cursor begins at the cut', reason: null },
    {
      name: 'nothing was ever sent',
      cursor: at(a),
      topics: [{ topic: user, last: 0, entries: [] }],
      reason: null,
      replays: [],
    },
    {
      name: 'nothing was sent since',
      cursor: at(b),
      topics: [{ topic: user, last: b, entries: [] }],
      reason: null,
      replays: [],
    },
    {
      name: 'the last was sent before',
      cursor: at(b),
      topics: [{ topic: user, last: a, entries: [] }],
      reason: null,
      replays: [],
    },
    {
      name: 'one was sent since',
      cursor: at(a),
      topics: [{ topic: user, last: b, entries: [logged(user, b, a)] }],
      reason: null,
      replays: [b],
    },
    {
      name: 'the first of a topic was sent since',
      cursor: at(a),
      topics: [{ topic: user, last: b, entries: [logged(user, b, 0)] }],
      reason: null,
      replays: [b],
    },
    {
      name: 'two topics are merged in the order of their numbers',
      cursor: at(a),
      topics: [
        { topic: user, last: d, entries: [logged(user, b, a), logged(user, d, b)] },
        { topic: hub, last: e, entries: [logged(hub, c, 0), logged(hub, e, c)] },
      ],
      reason: null,
      replays: [b, c, d, e],
    },
    {
      name: 'the oldest kept follows on one that is gone',
      cursor: at(a),
      topics: [{ topic: user, last: c, entries: [logged(user, c, b)] }],
      reason: 'TRIMMED',
    },
    {
      name: 'everything since is gone',
      cursor: at(a),
      topics: [{ topic: user, last: b, entries: [] }],
      reason: 'TRIMMED',
    },
    {
      name: 'one of two topics has a gap',
      cursor: at(a),
      topics: [
        { topic: user, last: b, entries: [logged(user, b, a)] },
        { topic: hub, last: d, entries: [] },
      ],
      reason: 'TRIMMED',
    },
    {
      name: 'a gap before the hub was joined is no gap',
      cursor: at(a),
      topics: [{ topic: hub, last: d, entries: [logged(hub, d, c)] }],
      since: [[hub, c]],
      reason: null,
      replays: [d],
    },
    {
      name: 'a gap after the hub was joined is one',
      cursor: at(a),
      topics: [{ topic: hub, last: e, entries: [logged(hub, e, d)] }],
      since: [[hub, c]],
      reason: 'TRIMMED',
    },
    { name: 'the cursor is of another epoch', cursor: at(a, 'e0'), reason: 'EPOCH' },
    { name: 'the cursor lies in the future', cursor: at(ago(-1)), reason: 'EPOCH' },
    { name: 'the cursor is the cut itself', cursor: at(ago(0)), reason: null, replays: [] },
    { name: 'the cursor is 24 hours old', cursor: at(ago(day)), reason: null, replays: [] },
    { name: 'the cursor is older than 24 hours', cursor: at(ago(day + 1)), reason: 'WINDOW' },
    {
      name: 'too much lies after it',
      cursor: at(a),
      topics: [{ topic: user, last: b, entries: [] }],
      tooMuch: true,
      reason: 'TOO_MUCH',
    },
    {
      name: 'another epoch counts before all else',
      cursor: at(ago(2 * day), 'e0'),
      tooMuch: true,
      reason: 'EPOCH',
    },
  ])('$name: $reason', ({ cursor, topics = [], tooMuch = false, since = [], reason, replays }) => {
    const opened: Opened = {
      epoch: 'e1',
      number: ago(0),
      user: { access: new Map(), sockets: [], live: [] },
      topics,
      tooMuch,
    };
    const recovery = recover(opened, cursor, new Map(since), now);
    expect(recovery).toMatchObject({
      recovered: replays !== undefined,
      reason,
      cursor: replays === undefined ? { epoch: 'e1', number: ago(0) } : cursor,
    });
    expect(recovery.entries.map(({ number }) => number)).toEqual(replays ?? []);
  });
});
