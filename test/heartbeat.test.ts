import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createHeartbeat } from '../src/graphql/heartbeat.ts';
import { createBeats } from '../src/signaling/beats.ts';
import { slice, urgent } from '../src/signaling/slices.ts';
import { as, post } from './support/api.ts';
import { type ManualClock, manualClock } from './support/clock.ts';
import { listenDocument } from './support/listen.ts';
import { type RawWs, rawSse, signedInWs, until } from './support/raw.ts';
import { startService, tokenFor } from './support/service.ts';

/** Moves the clock as time does, second by second. */
function pass(clock: ManualClock, seconds: number): void {
  for (let second = 0; second < seconds; second++) clock.advance(1000);
}

/** As long as a heartbeat lasts, and as long as its answer may take, in seconds. */
const beat = 14;
const answer = 6;

async function startNode() {
  const clock = manualClock();
  return { clock, node: await startService({ engine: 'memory', overrides: { clock } }) };
}

/** Lets the groups of a beat be pinged, which has half a beat for it, at the pace of fake timers. */
async function groups(): Promise<void> {
  await vi.advanceTimersByTimeAsync(125);
}

function fakePauses(): void {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
}

/** A heartbeat with so many connections, and how often each of them was pinged. */
function beating(count: number) {
  fakePauses();
  const clock = manualClock();
  const heartbeat = createHeartbeat(clock);
  const pings = new Map<object, number>();
  const connections = Array.from({ length: count }, () => {
    const connection = { ping: () => void pings.set(connection, (pings.get(connection) ?? 0) + 1) };
    heartbeat.add(connection);
    return connection;
  });

  /** How many pings each step of time brings. */
  async function pingsIn(steps: number, ms: number): Promise<number[]> {
    const counts: number[] = [];
    for (let step = 0; step < steps; step++) {
      const before = sum(pings.values());
      clock.advance(ms);
      await groups();
      counts.push(sum(pings.values()) - before);
    }
    return counts;
  }

  return { clock, heartbeat, connections, pings, pingsIn };
}

const sum = (counts: Iterable<number>): number => [...counts].reduce((total, count) => total + count, 0);

describe('every connection is pinged once in each heartbeat, and one timer does it:', () => {
  test('a slice of few in each second, which wakes the process once', async () => {
    const { clock, heartbeat, connections, pings, pingsIn } = beating(slice * beat);
    expect(clock.tasks).toBe(1);
    const counts = await pingsIn(4 * 2 * beat, 250);
    expect(counts.filter((count) => count > 0)).toEqual(Array(2 * beat).fill(slice));
    expect([...pings.values()]).toEqual(connections.map(() => 2));

    for (const connection of connections.slice(1)) heartbeat.delete(connection);
    await pingsIn(beat, 1000);
    expect([...pings.values()].filter((count) => count === 3)).toHaveLength(1);
    heartbeat.stop();
    expect(clock.tasks).toBe(0);
  });

  test('many are spread over its quarter-seconds, until they are few again', async () => {
    const { clock, heartbeat, connections, pings, pingsIn } = beating(6 * slice * beat);
    await pingsIn(2, 1000);
    expect(clock.tasks).toBe(1);
    pings.clear();
    const counts = await pingsIn(4 * beat, 250);
    expect([...pings.values()]).toEqual(connections.map(() => 1));
    expect(counts.every((count) => count >= slice && count <= 2 * slice)).toBe(true);

    for (const connection of connections.slice(slice)) heartbeat.delete(connection);
    await pingsIn(2, 1000);
    pings.clear();
    expect(sum(await pingsIn(beat, 1000))).toBe(slice);
    expect((await pingsIn(8, 250)).filter((count) => count > 0).length).toBeLessThanOrEqual(2);
    heartbeat.stop();
    expect(clock.tasks).toBe(0);
  });

  test('those that come and go do not gather in one second', async () => {
    const { heartbeat, connections, pingsIn } = beating(slice * beat);
    for (let round = 0; round < 20; round++) {
      const leavers = connections.splice(0, slice);
      for (const connection of leavers) heartbeat.delete(connection);
      for (const connection of leavers) heartbeat.add(connection);
      connections.push(...leavers);
    }
    const counts = await pingsIn(beat, 1000);
    expect(sum(counts)).toBe(slice * beat);
    expect(Math.max(...counts)).toBeLessThanOrEqual(2 * slice);
    heartbeat.stop();
  });
});

test('nobody waits for a ping much longer than a heartbeat, however the number of connections changes', async () => {
  vi.useFakeTimers({ now: 0 });
  onTestFinished(() => void vi.useRealTimers());
  const heartbeat = createHeartbeat({ now: () => Date.now(), every: createBeats() });
  const since = new Map<object, number>();
  const gaps: number[] = [];
  const add = () => {
    const connection = {
      ping() {
        gaps.push(Date.now() - (since.get(connection) ?? 0));
        since.set(connection, Date.now());
      },
    };
    since.set(connection, Date.now());
    heartbeat.add(connection);
    return connection;
  };
  // As many as are pinged on whole seconds: one more, and it is done in quarters, for as long as that one stays.
  const most = 2 * slice * beat;
  for (let added = 0; added < most; added++) add();
  for (let passed = 0; passed < 70_000; passed += 100) {
    if (passed % 2000 === 1900) {
      const visitor = add();
      setTimeout(() => heartbeat.delete(visitor), 500);
    }
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(gaps.length).toBeGreaterThan(4 * most);
  expect(Math.max(...gaps)).toBeLessThanOrEqual((beat + 1) * 1000);
  heartbeat.stop();
});

test('whoever is pinged was told before that a ping is due, even if a turn took two seconds', () => {
  fakePauses();
  const clock = manualClock();
  const heartbeat = createHeartbeat(clock);
  const told = new Map<object, number>();
  const pinged = new Map<object, number>();
  const count = (counts: Map<object, number>, key: object) =>
    void counts.set(key, (counts.get(key) ?? 0) + 1);
  const connections = Array.from({ length: slice }, () => {
    const connection = {
      owe: () => count(told, connection),
      ping() {
        count(pinged, connection);
        expect(told.get(connection)).toBe(pinged.get(connection));
      },
    };
    heartbeat.add(connection);
    return connection;
  });
  urgent();
  pass(clock, beat - 2);
  expect(told.size).toBe(0);
  clock.advance(2000);
  vi.advanceTimersByTime(125);
  expect(pinged.size).toBeGreaterThan(0);
  expect([...told.values()]).toEqual(connections.map(() => 1));
  heartbeat.stop();
});

test('a process that slept for a minute makes up for no more than a second', async () => {
  fakePauses();
  const clock = manualClock();
  const heartbeat = createHeartbeat(clock);
  let pings = 0;
  for (let added = 0; added < slice * beat; added++) heartbeat.add({ ping: () => pings++ });
  clock.advance(60_000);
  await groups();
  expect(pings).toBe(slice);
  pass(clock, beat - 1);
  await groups();
  expect(pings).toBe(slice * beat);
  heartbeat.stop();
});

test('many connections are pinged in groups, milliseconds apart, so that nothing else waits for all of them', async () => {
  fakePauses();
  const clock = manualClock();
  const heartbeat = createHeartbeat(clock);
  const each = 16 * slice;
  let pings = 0;
  for (let added = 0; added < each * beat; added++) heartbeat.add({ ping: () => pings++ });
  pass(clock, 1);
  let most = pings;
  for (let ms = 0; ms < 125; ms++) {
    const before = pings;
    await vi.advanceTimersByTimeAsync(1);
    most = Math.max(most, pings - before);
  }
  expect(pings).toBe(each);
  expect(most).toBeLessThanOrEqual(each / 15 + 1);
  heartbeat.stop();
});

test('the heartbeat that clients are told of is the one that is kept', async () => {
  const { node } = await startNode();
  const { data } = await post(node.url, undefined, '{ service { heartbeatMs } }');
  expect(data.service.heartbeatMs).toBe(beat * 1000);
  const raw = rawSse(node.url, await tokenFor('alice'));
  await raw.contains(`"heartbeatMs":${beat * 1000}`);
});

describe('over server-sent events', () => {
  test('an idle stream gets a comment in each heartbeat', async () => {
    const { clock, node } = await startNode();
    const raw = rawSse(node.url, await tokenFor('alice'));
    await raw.contains('SocketReady');
    for (const beats of [1, 2]) {
      pass(clock, beat);
      await until('the comment', () => comments(raw.text) >= beats);
    }
    pass(clock, beat - 1);
    expect(comments(raw.text)).toBe(2);
  });

  test('a stream that has not begun gets none, and one that has ended none either', async () => {
    const { clock, node } = await startNode();
    const refused = rawSse(node.url, undefined);
    await refused.closed;
    const left = rawSse(node.url, await tokenFor('alice'));
    await left.contains('SocketReady');
    left.socket.destroy();
    await until('the socket is gone', () => node.stats().sockets === 0);
    pass(clock, 2 * beat);
    for (const raw of [refused, left]) expect(comments(raw.text)).toBe(0);
  });
});

describe('a large hub that is notified shortly before a beat', () => {
  const count = 18;

  /** Somebody who notifies the hub. */
  async function notifying(url: string): Promise<(payload: string) => Promise<void>> {
    const token = await tokenFor('bob');
    const raw = rawSse(url, token);
    await raw.contains('SocketReady');
    const socketId = /"socketId":"([^"]+)"/.exec(raw.text)?.[1];
    return async (payload) => void (await as(url, token).notify({ recipients: ['team'], socketId, payload }));
  }

  test('takes the pings of its sockets with it, which are to be answered as ever', async () => {
    const { clock, node } = await startNode();
    const token = await tokenFor('alice');
    const answering = await Promise.all(Array.from({ length: count }, () => signedInWs(node.url, token)));
    const deaf = await signedInWs(node.url, token, { autoPong: false });
    const pings = new Map<RawWs, number>();
    for (const raw of [...answering, deaf]) {
      raw.ws.on('ping', () => pings.set(raw, (pings.get(raw) ?? 0) + 1));
      raw.subscribe('1', listenDocument);
      await raw.nextOf('next');
    }
    const notify = await notifying(node.url);
    const settled = () => Promise.all([...answering, deaf].map(roundTrip));
    // Two sockets on one connection are still one connection to be pinged.
    const [twice] = answering;
    twice?.subscribe('2', listenDocument);
    await twice?.nextOf('next');
    const heard = async (payload: string) => {
      await notify(payload);
      for (const raw of [...answering, deaf]) await raw.nextOf('next');
      await twice?.nextOf('next');
      await settled();
    };
    await heard('too early');
    pass(clock, beat - 1);
    await settled();
    expect(pings.size).toBe(0);
    await heard('in time');
    expect([...pings.values()]).toEqual(Array(count + 1).fill(1));

    pass(clock, 1);
    await settled();
    expect([...pings.values()]).toEqual(Array(count + 1).fill(1));
    pass(clock, answer);
    expect(await deaf.closed).toMatchObject({ code: 1006 });
    await until('the socket is gone', () => node.stats().sockets === count + 2);
    pass(clock, beat - answer);
    await Promise.all(answering.map(roundTrip));
    expect(answering.map((raw) => pings.get(raw))).toEqual(Array(count).fill(2));
  });

  test('is sign of life enough on its streams, which get no comment then', async () => {
    const { clock, node } = await startNode();
    const token = await tokenFor('alice');
    const streams = Array.from({ length: count }, () => rawSse(node.url, token));
    await Promise.all(streams.map((raw) => raw.contains('SocketReady')));
    const notify = await notifying(node.url);
    pass(clock, beat - 1);
    await notify('first');
    await Promise.all(streams.map((raw) => raw.contains('first')));
    pass(clock, beat);
    await notify('second');
    await Promise.all(streams.map((raw) => raw.contains('second')));
    expect(streams.map((raw) => comments(raw.text))).toEqual(Array(count).fill(0));
    pass(clock, beat + 1);
    for (const raw of streams) await until('the comment', () => comments(raw.text) === 1);
  });
});

describe('rotation', () => {
  test('a stream is broken off after five minutes, each at another time, and told to come back at once', async () => {
    const { clock, node } = await startNode();
    const token = await tokenFor('alice');
    const streams = Array.from({ length: 15 }, () => rawSse(node.url, token));
    await Promise.all(streams.map((raw) => raw.contains('SocketReady')));
    pass(clock, 279);
    expect(node.stats().sockets).toBe(streams.length);
    const counts = Array.from({ length: 44 }, () => {
      pass(clock, 1);
      return node.stats().sockets;
    });
    expect(counts.at(-1)).toBe(0);
    expect(new Set([streams.length, ...counts]).size).toBeGreaterThan(3);
    for (const raw of streams) {
      await raw.closed;
      expect(raw.text).toContain('"code":"ROTATION","reconnect":true,"retryAfterMs":0');
      expect(raw.text).toContain('retry: 0\n');
      expect(raw.text).not.toContain('event: complete');
      // Broken off: the body has no end.
      expect(raw.text.endsWith('\r\n0\r\n\r\n')).toBe(false);
    }
  });

  test('the client goes on from its cursor and has missed nothing', async () => {
    const { clock, node } = await startNode();
    const token = await tokenFor('alice');
    const raw = rawSse(node.url, token);
    await raw.contains('SocketReady');
    pass(clock, 323);
    await raw.closed;
    const [, cursor = ''] = /\nid: (\S+)/.exec(raw.text) ?? [];
    await as(node.url, token).message({ target: { uid: 'alice' }, payload: 'meanwhile' });
    const again = rawSse(node.url, token, { variables: { after: cursor } });
    await again.contains('"recovered":true');
    await again.contains('meanwhile');
  });
});

describe('over WebSocket', () => {
  test('a connection that answers its pings stays, with or without a subscription', async () => {
    const { clock, node } = await startNode();
    const idle = await signedInWs(node.url, undefined);
    const raw = await signedInWs(node.url, await tokenFor('alice'));
    raw.subscribe('1', listenDocument);
    await raw.nextOf('next');
    const pings: string[] = [];
    idle.ws.on('ping', () => pings.push('idle'));
    raw.ws.on('ping', () => pings.push('subscribed'));
    for (let second = 0; second < 3 * beat; second++) {
      pass(clock, 1);
      await Promise.all([roundTrip(idle), roundTrip(raw)]);
    }
    expect(pings.toSorted()).toEqual(['idle', 'idle', 'idle', 'subscribed', 'subscribed', 'subscribed']);
    expect(node.stats().sockets).toBe(1);
  });

  test('a connection that does not answer is ended after the time for an answer, and its sockets with it', async () => {
    const { clock, node } = await startNode();
    const deaf = await signedInWs(node.url, await tokenFor('alice'), { autoPong: false });
    const pinged = new Promise((resolve) => deaf.ws.once('ping', resolve));
    deaf.subscribe('1', listenDocument);
    await deaf.nextOf('next');
    pass(clock, beat);
    await pinged;
    expect(node.stats().sockets).toBe(1);
    pass(clock, answer);
    expect(await deaf.closed).toMatchObject({ code: 1006 });
    await until('the socket is gone', () => node.stats().sockets === 0);
  });
});

/** How many chunks that are nothing but a comment. */
const comments = (text: string): number => text.match(/^3\r\n:\n\n\r$/gm)?.length ?? 0;

/** Whatever was sent before has been dealt with on both sides. */
async function roundTrip({ send, nextOf }: RawWs): Promise<void> {
  send({ type: 'ping' });
  await nextOf('pong');
}
