import { expect, test } from 'vitest';
import { createMemoryBus } from '../src/memory/bus.ts';
import { createMemoryStore } from '../src/memory/store.ts';
import type { Identity } from '../src/signaling/caller.ts';
import { systemClock } from '../src/signaling/clock.ts';
import { defaultLimits } from '../src/signaling/limits.ts';
import { createNode } from '../src/signaling/node.ts';
import { openSocket } from '../src/signaling/open.ts';
import type { BusListener, Opening } from '../src/signaling/ports.ts';
import type { Signal } from '../src/signaling/signal.ts';

const identity: Identity = {
  uid: 'alice',
  ...{ ident: null, firstname: null, lastname: null, fullname: null, email: null },
  ...{ hubs: new Map(), busy: 'waiting', admin: false, issuedAt: 0, expiresAt: Number.MAX_SAFE_INTEGER },
};

test.each([
  ['a new socket', undefined, false],
  [
    'a socket that a ticket has named',
    { socketId: 'sock_reserved', resumeToken: 'sock_reserved.secret' },
    false,
  ],
])('%s opens when its subscriptions are lost as it is registered', async (_, reserved, resumed) => {
  const bus = createMemoryBus();
  const store = createMemoryStore(systemClock, bus.publish);
  let listener: BusListener | undefined;
  const openings: Opening[] = [];
  const log = { info() {}, warn() {}, error() {} };
  const node = createNode({
    clock: systemClock,
    limits: defaultLimits,
    log,
    bus: {
      ...bus,
      listen: (told) => {
        listener = told;
        bus.listen(told);
      },
    },
    store: {
      ...store,
      async open(opening) {
        openings.push(opening);
        if (openings.length > 5) throw new Error('It is registered again and again.');
        const opened = await store.open(opening);
        if (openings.length === 1) listener?.onLost();
        return opened;
      },
    },
  });
  const written: Signal[] = [];
  const sink = { write: (signal: Signal) => void written.push(signal), end() {}, cut() {}, gone: false };

  const socket = await openSocket(node, identity, { reserved }, sink);

  expect(openings).toHaveLength(2);
  expect(written.map(({ view }) => view)).toMatchObject([
    { kind: 'SocketReady', socketId: socket.record.socketId, resumed },
  ]);
  expect(await store.socket('alice', socket.record.socketId)).toMatchObject({
    generation: 1,
    connected: true,
  });
  await node.exchange.stop();
  node.presence.stop();
  store.stop();
});
