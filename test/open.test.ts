import { expect, onTestFinished, test, vi } from 'vitest';
import { createMemoryBus } from '../src/memory/bus.ts';
import { createMemoryStore } from '../src/memory/store.ts';
import type { Identity } from '../src/signaling/caller.ts';
import { type Clock, systemClock } from '../src/signaling/clock.ts';
import { SignalingError } from '../src/signaling/errors.ts';
import { defaultLimits } from '../src/signaling/limits.ts';
import { revokeHub } from '../src/signaling/membership.ts';
import { createNode } from '../src/signaling/node.ts';
import { openSocket } from '../src/signaling/open.ts';
import type { Bus, BusListener, Opening, Store } from '../src/signaling/ports.ts';
import { refreshSession } from '../src/signaling/refresh-session.ts';
import type { Signal } from '../src/signaling/signal.ts';
import { manualClock } from './support/clock.ts';
import { turns } from './support/raw.ts';

const identity: Identity = {
  uid: 'alice',
  ...{ ident: null, firstname: null, lastname: null, fullname: null, email: null },
  ...{ hubs: new Map(), busy: 'waiting', admin: false, issuedAt: 0, expiresAt: Number.MAX_SAFE_INTEGER },
};

/** A node without transports, on engines that a test may have altered; it stops when the test has finished. */
function startNode(alter: { clock?: Clock; bus?: (bus: Bus) => Bus; store?: (store: Store) => Store } = {}) {
  const { clock = systemClock } = alter;
  const bus = createMemoryBus();
  const store = createMemoryStore(clock, bus.publish);
  const node = createNode({
    clock,
    limits: defaultLimits,
    log: { info() {}, warn() {}, error() {} },
    bus: alter.bus?.(bus) ?? bus,
    store: alter.store?.(store) ?? store,
  });
  onTestFinished(async () => {
    await node.exchange.stop();
    node.presence.stop();
    node.wheel.stop();
    store.stop();
  });
  return { node, store };
}

function sinkOf() {
  const written: Signal['view'][] = [];
  const sink = {
    write: ({ view }: Signal) => void written.push(view),
    end() {},
    cut() {},
    writeNow() {},
    gone: false,
    isClear: true,
  };
  return { written, sink };
}

test.each([
  ['a new socket', undefined, false],
  [
    'a socket that a ticket has named',
    { socketId: 'sock_reserved', resumeToken: 'sock_reserved.secret' },
    false,
  ],
])('%s opens when its subscriptions are lost as it is registered', async (_, reserved, resumed) => {
  let listener: BusListener | undefined;
  const openings: Opening[] = [];
  const { node, store } = startNode({
    bus: (bus) => ({
      ...bus,
      listen: (told) => {
        listener = told;
        bus.listen(told);
      },
    }),
    store: (memory) => ({
      ...memory,
      async open(opening) {
        openings.push(opening);
        if (openings.length > 5) throw new Error('It is registered again and again.');
        const opened = await memory.open(opening);
        if (openings.length === 1) listener?.onLost();
        return opened;
      },
    }),
  });
  const { written, sink } = sinkOf();

  const socket = await openSocket(node, identity, { reserved }, sink);

  expect(openings).toHaveLength(2);
  expect(written).toMatchObject([{ kind: 'SocketReady', socketId: socket.record.socketId, resumed }]);
  expect(await store.socket('alice', socket.record.socketId)).toMatchObject({
    generation: 1,
    connected: true,
  });
});

test('a former connection is ended as soon as the store takes that, however long it is away', async () => {
  const clock = manualClock();
  let refusals = 3;
  const { node } = startNode({
    clock,
    store: (memory) => ({
      ...memory,
      commit: async (change) => {
        if (refusals-- > 0) throw new SignalingError('UNAVAILABLE', 'The store is away.');
        return memory.commit(change);
      },
    }),
  });
  const former = sinkOf();
  await openSocket(node, identity, {}, former.sink);
  const resumeToken = String(former.written[0]?.['resumeToken']);

  await openSocket(node, identity, { resumeToken }, sinkOf().sink);

  await vi.waitFor(
    () => {
      clock.advance(1000);
      expect(former.written.slice(1)).toMatchObject([{ kind: 'SocketClosing', code: 'REPLACED' }]);
    },
    { interval: 5 },
  );
  expect(refusals).toBe(-1);
});

test('nobody goes on telling a former connection when the latter has closed too', async () => {
  const clock = manualClock();
  let attempts = 0;
  const { node } = startNode({
    clock,
    store: (memory) => ({
      ...memory,
      commit: async () => {
        attempts++;
        throw new SignalingError('UNAVAILABLE', 'The store is away.');
      },
    }),
  });
  const former = sinkOf();
  await openSocket(node, identity, {}, former.sink);
  const resumeToken = String(former.written[0]?.['resumeToken']);
  const latter = await openSocket(node, identity, { resumeToken }, sinkOf().sink);
  await turns(5);
  const before = attempts;
  await vi.waitFor(
    () => {
      clock.advance(1000);
      expect(attempts).toBe(before + 1);
    },
    { interval: 5 },
  );
  node.exchange.drop(latter);
  for (const second of [1000, 1000, 1000]) {
    clock.advance(second);
    await turns(5);
  }
  expect(attempts).toBe(before + 1);
});

test('a socket too many that was not closed then is not closed when there are no longer too many', async () => {
  const clock = manualClock();
  let isAway = false;
  const { node } = startNode({
    clock,
    store: (memory) => ({
      ...memory,
      commit: async (change) => {
        if (isAway) throw new SignalingError('UNAVAILABLE', 'The store is away.');
        return memory.commit(change);
      },
    }),
  });
  const oldest = sinkOf();
  await openSocket(node, identity, {}, oldest.sink);
  for (let i = 1; i < node.limits.socketsPerUser; i++) await openSocket(node, identity, {}, sinkOf().sink);
  isAway = true;
  const newest = await openSocket(node, identity, {}, sinkOf().sink);
  await turns(5);
  node.exchange.drop(newest);
  isAway = false;
  for (const second of [1000, 1000, 1000]) {
    clock.advance(second);
    await turns(5);
  }
  expect(oldest.written).toHaveLength(1);
});

test('a refreshed token counts after a revocation by when it was issued, also when a socket begins anew', async () => {
  const { node } = startNode();
  const { written, sink } = sinkOf();
  const first = { ...identity, hubs: new Map([['team', 3]]) };
  const socket = await openSocket(node, first, {}, sink);
  await revokeHub(node, { hubId: 'team', uid: 'alice' });
  await vi.waitFor(() => expect([...socket.topics.keys()]).not.toContain('hub:team'));

  await refreshSession(node, first, { ...first, issuedAt: Date.now() + 1000 }, {});
  await vi.waitFor(() => expect([...socket.topics.keys()]).toContain('hub:team'));
  node.exchange.doubt(socket, 'TRIMMED');
  await vi.waitFor(() => expect(written).toHaveLength(2));
  expect(written[1]).toMatchObject({ hubIds: ['team'] });

  // An older one that ends earlier is for others.
  const older = { ...first, hubs: new Map(), issuedAt: 1, expiresAt: first.expiresAt - 1000 };
  await refreshSession(node, older, { ...older, expiresAt: older.expiresAt + 1 }, {});
  await turns(5);
  expect([...socket.topics.keys()]).toContain('hub:team');
});

test('a socket that begins anew after its session was refreshed has the hubs of the new token', async () => {
  const { node } = startNode();
  const { written, sink } = sinkOf();
  const hubs = (...names: string[]) => new Map(names.map((name) => [name, 3]));
  const first = { ...identity, hubs: hubs('team', 'former') };
  const socket = await openSocket(node, first, {}, sink);

  await refreshSession(node, first, { ...first, hubs: hubs('team', 'latter') }, {});
  await vi.waitFor(() => expect([...socket.topics.keys()]).toContain('hub:latter'));
  node.exchange.doubt(socket, 'TRIMMED');

  await vi.waitFor(() => expect(written).toHaveLength(2));
  expect(written[1]).toMatchObject({ kind: 'SocketReady', recovered: false, hubIds: ['team', 'latter'] });
});
