import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createMemoryBus } from '../src/memory/bus.ts';
import { createMemoryStore } from '../src/memory/store.ts';
import { largeAudience } from '../src/signaling/backlog.ts';
import { type Identity, loadCaller } from '../src/signaling/caller.ts';
import { createWheel, systemClock } from '../src/signaling/clock.ts';
import { dial } from '../src/signaling/dial.ts';
import { entryFor } from '../src/signaling/entry.ts';
import { defaultLimits } from '../src/signaling/limits.ts';
import { createLookAhead } from '../src/signaling/look-ahead.ts';
import { createNode, type SignalingNode } from '../src/signaling/node.ts';
import type { Bus } from '../src/signaling/ports.ts';
import type { Envelope, Signal } from '../src/signaling/signal.ts';
import { inSlices, slice, urgent, urgentSlice } from '../src/signaling/slices.ts';
import { createSocket, type Socket } from '../src/signaling/socket.ts';
import { hubTopic, presenceTopic, type Topic, userTopic } from '../src/signaling/topic.ts';
import { manualClock } from './support/clock.ts';

const silent = { info() {}, warn() {}, error() {} };

function createTestNode(clock = systemClock): SignalingNode {
  const bus = createMemoryBus();
  const store = createMemoryStore(systemClock, bus.publish);
  return createNode({ bus, store, clock, limits: defaultLimits, log: silent });
}

/** A live socket of the exchange, whose signals are collected. */
function identityOf(uid: string): Identity {
  const nameless = { ident: null, firstname: null, lastname: null, fullname: null, email: null };
  const times = { issuedAt: 0, expiresAt: Number.MAX_SAFE_INTEGER };
  return { uid, ...nameless, hubs: new Map(), busy: 'waiting', admin: false, ...times };
}

async function join(
  node: SignalingNode,
  uid: string,
  hubs: string[],
  after = 0,
): Promise<{ socket: Socket; got: Signal[]; batches: number[][] }> {
  const got: Signal[] = [];
  const batches: number[][] = [];
  const socket = createSocket({
    uid,
    record: {
      socketId: `sock-${uid}`,
      deviceId: null,
      deviceLabel: null,
      openedAt: 0,
      generation: 1,
      keys: [],
    },
    identity: identityOf(uid),
    sink: {
      write: (signal) => void got.push(signal),
      writeNow({ signals }) {
        got.push(...signals);
        batches.push(signals.map(({ number }) => number ?? 0));
      },
      end() {},
      cut() {},
      gone: false,
      isClear: true,
    },
    kinds: null,
    hubIds: null,
  });
  await node.exchange.join(
    socket,
    new Map<Topic, number>([userTopic(uid), ...hubs.map(hubTopic)].map((topic) => [topic, after])),
  );
  socket.ready = true;
  node.exchange.release(socket);
  return { socket, got, batches };
}

async function send(node: SignalingNode, topic: Topic, content: object = {}): Promise<number> {
  const sender = { id: 'sig', service: 'signaling.notify', hubId: null, origin: null };
  const envelope = {
    ...sender,
    kind: 'HubNotification',
    type: null,
    payload: null,
    recipients: [],
    ...content,
  };
  const outcome = await node.store.commit({ append: [entryFor(topic, envelope as Envelope)] });
  return outcome.status === 'DONE' ? (outcome.numbers[0] ?? 0) : 0;
}

/** By somebody without a socket, for somebody without one: nothing is sent to any. */
async function dialNobody(node: SignalingNode): Promise<number[]> {
  const carol = await loadCaller(node.store, node.clock, identityOf('carol'));
  const { offline } = await dial(node, carol, 'big', {
    target: { uid: 'dave' },
    roomId: 'room',
    roomType: 'video',
  });
  expect(offline).toBe(true);
  return [];
}

/** Turns of the event loop, enough for every slice of every hub. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
}

const numbers = (signals: Signal[]): (number | null)[] => signals.map(({ number }) => number);

describe('a hub of a large audience', () => {
  test('is served in slices: a ring that comes after it does not wait for the whole of it', async () => {
    const node = createTestNode();
    const members = [];
    for (let i = 0; i < slice * 8; i++) members.push(await join(node, `user${i}`, ['big']));
    const last = members.at(-1);
    await send(node, hubTopic('big'));
    const ring = await send(node, userTopic('outsider'));
    const outsider = await join(node, 'another', []);
    const own = await send(node, userTopic('another'));
    while (outsider.got.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(last?.got).toEqual([]);
    expect(numbers(outsider.got)).toEqual([own]);
    expect(ring).toBeLessThan(own);
    await settle();
    expect(members.every(({ got }) => got.length === 1)).toBe(true);
  });

  test('is not asked of those who are in other hubs, however many hubs are notified in one turn', async () => {
    const node = createTestNode();
    const hubs = Array.from({ length: 50 }, (_, i) => `hub${i}`);
    const members = [];
    for (const hubId of hubs)
      for (let i = 0; i <= largeAudience; i++) members.push(await join(node, `${hubId}-${i}`, [hubId]));
    const both = await join(node, 'both', ['hub0', 'hub49']);
    let looks = 0;
    for (const { socket } of members) {
      const { topics } = socket;
      vi.spyOn(topics, 'get').mockImplementation((topic) => {
        looks++;
        return Map.prototype.get.call(topics, topic) as number | undefined;
      });
    }
    const sent = await Promise.all(hubs.map((hubId) => send(node, hubTopic(hubId))));
    await settle();
    expect(members.map(({ got }) => numbers(got))).toEqual(
      members.map((_, i) => [sent[Math.floor(i / (largeAudience + 1))]]),
    );
    expect(numbers(both.got)).toEqual([sent[0], sent[49]]);
    expect(looks).toBeLessThanOrEqual(members.length);
  });

  test('gets what comes while it is served with what it still lacks: only those who were served are written to again', async () => {
    const node = createTestNode();
    const members = [];
    for (let i = 0; i < slice * 8; i++) members.push(await join(node, `user${i}`, ['big']));
    const first = await send(node, hubTopic('big'));
    while (members[0]?.got.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const second = await send(node, hubTopic('big'));
    const served = members.filter(({ got }) => got.length > 0).length;
    const third = await send(node, hubTopic('big'));
    await settle();
    expect(served).toBeLessThanOrEqual(2 * slice);
    for (const [i, { batches }] of members.entries()) {
      expect(batches.flat()).toEqual([first, second, third]);
      expect(batches.length).toBeLessThanOrEqual(i < 4 * slice ? 2 : 1);
    }
    expect(members[0]?.batches).toEqual([[first], [second, third]]);
  });

  test.each([
    {
      name: 'was just rung',
      laterMs: 1000,
      act: async (node: SignalingNode) => [await send(node, userTopic('bob'))],
    },
    { name: 'dials, before anybody is rung', laterMs: 2000, act: dialNobody },
  ])(
    'lets go of the core between slices when somebody $name, and not otherwise',
    async ({ laterMs, act }) => {
      const node = createTestNode();
      for (let i = 0; i < slice * 8; i++) await join(node, `user${i}`, ['big']);
      const { got } = await join(node, 'bob', []);
      // Later than whatever was urgent before, and a little later whenever somebody looks.
      let time = performance.now() + laterMs;
      const now = vi.spyOn(performance, 'now').mockImplementation(() => {
        time += 0.05;
        return time;
      });
      const rest = vi.spyOn(Atomics, 'wait').mockReturnValue('timed-out');
      onTestFinished(() => {
        now.mockRestore();
        rest.mockRestore();
      });
      await send(node, hubTopic('big'));
      await settle();
      expect(rest).not.toHaveBeenCalled();

      const rings = await act(node);
      await send(node, hubTopic('big'));
      await settle();

      expect(numbers(got)).toEqual(rings);
      // After each slice.
      expect(rest).toHaveBeenCalledTimes((slice * 8) / urgentSlice);
    },
  );

  test('does not overtake another hub’s signal for those who listen to both', async () => {
    const node = createTestNode();
    const members: Awaited<ReturnType<typeof join>>[] = [];
    for (let i = 0; i < slice * 4; i++) members.push(await join(node, `user${i}`, ['big']));
    for (let i = 0; i <= largeAudience; i++) members.push(await join(node, `both${i}`, ['big', 'other']));
    const sent = [await send(node, hubTopic('big'))];
    while (members[0]?.got.length === 0) await new Promise((resolve) => setImmediate(resolve));
    sent.push(await send(node, hubTopic('other')), await send(node, hubTopic('big')));
    expect(members.at(-1)?.got).toEqual([]);
    await settle();
    expect(numbers(members.at(-1)?.got ?? [])).toEqual(sent);
    expect(numbers(members[0]?.got ?? [])).toEqual([sent[0], sent[2]]);
  });

  test('misses nothing that comes when a second round, over some of it, has gone on to another hub', async () => {
    const node = createTestNode();
    const some: Awaited<ReturnType<typeof join>>[] = [];
    const others: typeof some = [];
    for (let i = 0; i < slice * 4; i++) some.push(await join(node, `some${i}`, ['a']));
    for (let i = 0; i < slice * 4; i++) others.push(await join(node, `other${i}`, ['b']));
    const untilOneOf = async (members: typeof some, count: number) => {
      while (members.every(({ got }) => got.length < count))
        await new Promise((resolve) => setImmediate(resolve));
    };
    const toSome = [await send(node, hubTopic('a'))];
    await untilOneOf(some, 1);
    toSome.push(await send(node, hubTopic('a')));
    const toOthers = [await send(node, hubTopic('b'))];
    await untilOneOf(others, 1);
    // The second round left out those who had both in the first, and is not through with the other hub.
    expect(some.at(-1)?.batches).toEqual([toSome]);
    expect(others.at(-1)?.got).toEqual([]);
    toSome.push(await send(node, hubTopic('a')));
    await settle();
    for (const { got } of some) expect(numbers(got)).toEqual(toSome);
    for (const { got } of others) expect(numbers(got)).toEqual(toOthers);
  });

  test('is caught up with by whoever is to get something else meanwhile', async () => {
    const node = createTestNode();
    const members = [];
    for (let i = 0; i < slice * 8; i++) members.push(await join(node, `user${i}`, ['big']));
    const last = members.at(-1);
    const first = await send(node, hubTopic('big'));
    const ring = await send(node, userTopic(last?.socket.uid ?? ''));
    while (last?.got.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(numbers(last?.got ?? [])).toEqual([first, ring]);
    await settle();
    expect(last?.got).toHaveLength(2);
  });

  test('loses a member at the revocation’s place in the log: what came before it is delivered', async () => {
    const node = createTestNode();
    const members = [];
    for (let i = 0; i < slice * 4; i++) members.push(await join(node, `user${i}`, ['big']));
    const last = members.at(-1);
    const before = await send(node, hubTopic('big'));
    await send(node, userTopic(last?.socket.uid ?? ''), {
      kind: 'HubRevoked',
      revokedHubId: 'big',
      claims: true,
    });
    await send(node, hubTopic('big'));
    await settle();
    expect(numbers(last?.got ?? [])).toEqual([before]);
    expect(members[0]?.got).toHaveLength(2);
  });

  test('takes in a newcomer while it is served, who gets nothing of before', async () => {
    const node = createTestNode();
    const members = [];
    for (let i = 0; i < slice * 2; i++) members.push(await join(node, `user${i}`, ['big']));
    const first = await send(node, hubTopic('big'));
    while (members[0]?.got.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(members.at(-1)?.got).toEqual([]);
    const newcomer = await join(node, 'late', ['big'], first);
    await settle();
    expect(numbers(members.at(-1)?.got ?? [])).toEqual([first]);
    expect(newcomer.got).toEqual([]);
    const second = await send(node, hubTopic('big'));
    await settle();
    expect(numbers(newcomer.got)).toEqual([second]);
  });

  test('takes no part in what acts on a user’s sockets, however many there are', async () => {
    const node = createTestNode();
    const sockets = [];
    for (let i = 0; i <= largeAudience; i++) sockets.push(await join(node, 'alice', ['big']));
    const before = await send(node, hubTopic('big'));
    const own = await send(node, userTopic('alice'));
    await send(node, userTopic('alice'), { kind: 'HubRevoked', revokedHubId: 'big', claims: true });
    await send(node, hubTopic('big'));
    await settle();
    for (const { got } of sockets) expect(numbers(got)).toEqual([before, own]);
  });

  test('gets several hubs’ signals in one round, each socket those of its own', async () => {
    const node = createTestNode();
    const both = [];
    const others = [];
    for (let i = 0; i <= largeAudience; i++) {
      both.push(await join(node, `user${i}`, ['big', 'other']));
      others.push(await join(node, `other${i}`, ['other']));
    }
    const [first, second, third] = [
      await send(node, hubTopic('big')),
      await send(node, hubTopic('other')),
      await send(node, hubTopic('big')),
    ];
    await settle();
    for (const { got } of both) expect(numbers(got)).toEqual([first, second, third]);
    for (const { got } of others) expect(numbers(got)).toEqual([second]);
  });
});

test('every socket gets what was sent to its topics, once and in ascending number, whatever came in between', async () => {
  const hubs = ['small', 'big', 'huge', 'apart'];
  const audiences = { small: 3, big: largeAudience + 20, huge: 3 * slice + 20, apart: 2 * slice };
  const step = fc.record({
    to: fc.nat(23),
    leaves: fc.option(fc.nat(audiences.huge - 1), { freq: 3 }),
    comes: fc.boolean(),
    turns: fc.nat(3),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (script) => {
      const node = createTestNode();
      const members: Awaited<ReturnType<typeof join>>[] = [];
      const expected = new Map<Socket, number[]>();
      async function enter(its: string[], after: number): Promise<void> {
        const member = await join(node, `user${members.length}`, its, after);
        members.push(member);
        expected.set(member.socket, []);
      }
      for (let i = 0; i < audiences.huge; i++)
        await enter(
          ['small', 'big', 'huge'].filter((hub) => i < audiences[hub as keyof typeof audiences]),
          0,
        );
      for (let i = 0; i < audiences.apart; i++) await enter(['apart'], 0);
      for (const { to, leaves, comes, turns } of script) {
        // Users at both ends of the slices, and the hubs.
        const topic = to < 12 ? hubTopic(hubs[to % 4] ?? '') : userTopic(`user${(to - 12) * 19}`);
        const number = await send(node, topic);
        for (const { socket } of members) if (socket.topics.has(topic)) expected.get(socket)?.push(number);
        for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
        const leaver = leaves === null ? undefined : members[leaves]?.socket;
        if (leaver) node.exchange.drop(leaver);
        if (comes) await enter(hubs, number);
      }
      await settle();
      for (const { socket, got } of members) {
        const all = expected.get(socket) ?? [];
        // Whoever left has nothing amiss in what they got until then.
        expect(numbers(got)).toEqual(socket.closed ? all.slice(0, got.length) : all);
      }
    }),
    { numRuns: 50 },
  );
});

describe('a hub that is granted to a live socket', () => {
  /** A bus that tells late: entries wait until the test lets them through. */
  function createLateBus() {
    const bus = createMemoryBus();
    let waiting: (() => void)[] = [];
    const late: Bus & { through(): void } = {
      ...bus,
      listen: (listener) =>
        bus.listen({ ...listener, onEntry: (entry) => void waiting.push(() => listener.onEntry(entry)) }),
      settled: () => new Promise((resolve) => waiting.push(resolve)),
      through() {
        const telling = waiting;
        waiting = [];
        for (const tell of telling) tell();
      },
    };
    return { late, publish: bus.publish };
  }

  test('does not overtake what was sent before and is still on its way', async () => {
    const { late, publish } = createLateBus();
    const store = createMemoryStore(systemClock, publish);
    const node = createNode({ bus: late, store, clock: systemClock, limits: defaultLimits, log: silent });
    const { got } = await join(node, 'alice', []);
    await send(node, userTopic('alice'), { kind: 'HubGranted', grantedHubId: 'new', until: null });
    await settle();
    late.through();
    const toAlice = await send(node, userTopic('alice'));
    const toHub = await send(node, hubTopic('new'));
    await settle();
    late.through();
    await settle();
    late.through();
    await settle();
    expect(numbers(got)).toEqual([toAlice, toHub]);
  });

  test('does not overtake a signal of a large hub that waits for its slice', async () => {
    const node = createTestNode();
    const members = [];
    for (let i = 0; i < slice * 8; i++) members.push(await join(node, `user${i}`, ['big']));
    const last = members.at(-1);
    const topic = userTopic(last?.socket.uid ?? '');
    await send(node, topic, { kind: 'HubGranted', grantedHubId: 'new', until: null });
    const first = await send(node, hubTopic('big'));
    const second = await send(node, hubTopic('new'));
    await settle();
    expect(numbers(last?.got ?? [])).toEqual([first, second]);
  });

  test('and every other change of who listens is counted', async () => {
    const node = createTestNode();
    const { socket } = await join(node, 'alice', []);
    const counted = async () => (await node.store.counts(['new'])).get('new')?.sockets;
    await send(node, userTopic('alice'), { kind: 'HubGranted', grantedHubId: 'new', until: null });
    await settle();
    expect(await counted()).toBe(1);
    await send(node, userTopic('alice'), { kind: 'HubRevoked', revokedHubId: 'new', claims: true });
    await settle();
    expect(await counted()).toBe(0);
    node.exchange.drop(socket);
    await settle();
    expect(await counted()).toBe(0);
  });
});

test('what waits for a held socket is kept once, however often it is caught up with', async () => {
  const node = createTestNode();
  const members = [];
  for (let i = 0; i < largeAudience + 1; i++) members.push(await join(node, `user${i}`, ['big']));
  const { socket, got } = members[0] ?? (await join(node, 'nobody', []));
  socket.held = [];
  const sent: number[] = [];
  for (let i = 0; i < 10; i++) sent.push(await send(node, hubTopic('big')));
  for (let i = 0; i < 20; i++) sent.push(await send(node, userTopic(socket.uid)));
  await settle();
  expect(socket.held.map(({ number }) => number)).toEqual(sent);
  node.exchange.release(socket);
  expect(numbers(got)).toEqual(sent);
});

test('a socket that ends among what was held acts on nothing that follows', async () => {
  const node = createTestNode();
  const { socket } = await join(node, 'alice', []);
  socket.held = [];
  const topic = userTopic('alice');
  await send(node, topic, { kind: 'SocketReplaced', socketId: socket.record.socketId, generation: 2 });
  const refreshed = { deviceId: null, expiresAt: Date.now() + 60_000, hubs: [], claimed: [], claims: [] };
  await send(node, topic, { kind: 'SessionRefreshed', ...refreshed, issuedAt: Date.now() });
  await settle();
  const at = vi.spyOn(node.wheel, 'at');
  node.exchange.release(socket);
  expect(socket.closed).toBe(true);
  expect(at).not.toHaveBeenCalledWith(refreshed.expiresAt, expect.anything());
});

test('a slice ends early when what is served takes long, and is small while something is urgent', async () => {
  // Later than whatever was urgent before.
  let now = performance.now() + 3000;
  const time = vi.spyOn(performance, 'now').mockImplementation(() => now);
  onTestFinished(() => time.mockRestore());
  const servedAtOnce = (itemMs: number): number => {
    let served = 0;
    inSlices(Array.from({ length: 2 * slice }), () => {
      served++;
      now += itemMs;
    });
    return served;
  };
  expect(servedAtOnce(0.5)).toBeLessThan(slice / 4);
  expect(servedAtOnce(0)).toBe(slice);
  urgent();
  expect(servedAtOnce(0)).toBe(urgentSlice);
  now += 1000;
  expect(servedAtOnce(0)).toBe(slice);
  await settle();
  // Nothing is urgent for the tests that follow.
  now = 0;
  urgent();
});

test('a slice that took next to nothing does not rest, however urgent something is', async () => {
  let now = performance.now() + 3000;
  const time = vi.spyOn(performance, 'now').mockImplementation(() => now);
  const rest = vi.spyOn(Atomics, 'wait').mockReturnValue('timed-out');
  onTestFinished(() => {
    time.mockRestore();
    rest.mockRestore();
  });
  urgent();
  const serveAll = async (itemMs: number): Promise<void> => {
    inSlices(Array.from({ length: 4 * urgentSlice }), () => {
      now += itemMs;
    });
    await settle();
  };
  await serveAll(0.001);
  expect(rest).not.toHaveBeenCalled();
  await serveAll(0.01);
  expect(rest).toHaveBeenCalledTimes(4);
  now = 0;
  urgent();
});

test('each slice is looked at before the first of it is served, whether turns end early or not', async () => {
  let now = performance.now() + 3000;
  const time = vi.spyOn(performance, 'now').mockImplementation(() => now);
  onTestFinished(() => time.mockRestore());
  const items = Array.from({ length: 3 * slice }, (_, item) => item);
  const looked: number[] = [];
  const served: number[] = [];
  const done = Promise.withResolvers<void>();
  const ahead = createLookAhead(items, (item) => {
    looked.push(item);
    return item % 2 === 0;
  });
  const serve = (item: number): void => {
    if (served.length === 0) expect(looked).toHaveLength(slice);
    expect(looked).toContain(item);
    served.push(item);
    // Turns of the first slice end early.
    if (item < slice) now += 0.5;
  };
  inSlices(items, serve, done.resolve, ahead);
  await done.promise;
  expect(looked).toEqual(items);
  expect(served).toEqual(items);
  expect(ahead(4 * slice)).toBe(items.length / 2);
});

test('a socket that was closed while it opened is not let in again', async () => {
  const node = createTestNode();
  const { socket } = await join(node, 'alice', ['team']);
  node.exchange.drop(socket);
  await node.exchange.join(socket, new Map([[hubTopic('team'), 0]]));
  expect(node.exchange.sockets.size).toBe(0);
  await send(node, hubTopic('team'));
  await settle();
  expect(socket.held ?? []).toEqual([]);
});

test('sockets that leave together are forgotten some hundreds at a time', async () => {
  const bus = createMemoryBus();
  const store = createMemoryStore(systemClock, bus.publish);
  const told: number[] = [];
  const node = createNode({
    ...{ bus, clock: systemClock, limits: defaultLimits, log: silent },
    store: {
      ...store,
      close: (departures, counts) => {
        told.push(departures.length);
        return store.close(departures, counts);
      },
    },
  });
  const count = 1500;
  for (let i = 0; i < count; i++) await join(node, `user${i}`, ['big']);
  await settle();
  told.length = 0;
  await node.exchange.stop();
  expect(told.reduce((sum, each) => sum + each, 0)).toBe(count);
  expect(Math.max(...told)).toBeLessThanOrEqual(512);
});

test('who is there is told to thousands in slices, and in order', async () => {
  const clock = manualClock();
  const node = createTestNode(clock);
  const watching: Awaited<ReturnType<typeof join>>[] = [];
  for (let i = 0; i < slice * 4; i++) {
    const member = await join(node, `user${i}`, []);
    await node.exchange.join(member.socket, new Map([[presenceTopic('big'), 0]]));
    watching.push(member);
  }
  const told = () => watching.map(({ got }) => got.map(({ view }) => view['users']));
  for (const online of [true, false]) {
    node.presence.heard('big', JSON.stringify([['bob', online]]));
    clock.advance(500);
  }
  expect(told().filter(({ length }) => length > 0).length).toBeLessThanOrEqual(slice);
  await settle();
  clock.advance(500);
  await settle();
  const [came, left] = [true, false].map((online) => [{ uid: 'bob', online }]);
  expect(told()).toEqual(watching.map(() => [came, left]));
});

test('deadlines of thousands in one second pass in slices', async () => {
  const clock = manualClock();
  const wheel = createWheel(clock);
  let passed = 0;
  for (let i = 0; i < 1000; i++) wheel.at(clock.now() + 500, () => void passed++);
  clock.advance(2000);
  expect(passed).toBeLessThanOrEqual(slice);
  await settle();
  expect(passed).toBe(1000);
});

test('sockets that the store could not forget are told again', async () => {
  const manual = manualClock();
  const bus = createMemoryBus();
  const store = createMemoryStore(systemClock, bus.publish);
  let away = true;
  const told: string[] = [];
  const node = createNode({
    bus,
    clock: manual,
    limits: defaultLimits,
    log: silent,
    store: {
      ...store,
      async close(sockets, counts) {
        if (away) throw new Error('away');
        told.push(...sockets.map(({ socketId }) => socketId));
        await store.close(sockets, counts);
      },
    },
  });
  const { socket } = await join(node, 'alice', ['team']);
  node.exchange.drop(socket);
  await settle();
  expect(told).toEqual([]);
  away = false;
  manual.advance(2000);
  await settle();
  expect(told).toEqual(['sock-alice']);
});
