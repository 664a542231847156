import { createHook } from 'node:async_hooks';
import { once } from 'node:events';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { type AddressInfo, connect, createServer, Socket } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Outbox } from '../src/graphql/outbox.ts';
import { createSlowReaders } from '../src/graphql/slow-readers.ts';
import { descriptorOf } from '../src/graphql/wire.ts';
import { largeAudience } from '../src/signaling/backlog.ts';
import { heartbeatMs } from '../src/signaling/open.ts';
import { as } from './support/api.ts';
import { manualClock } from './support/clock.ts';
import { listen, listenDocument, transports } from './support/listen.ts';
import { otherEnd, rawConnection, requestText, signedInWs, turns, until } from './support/raw.ts';
import { engines, startService, tokenFor } from './support/service.ts';

/*
 * What a signal and a socket may cost, in things that can be counted and that no machine changes. Executions per signal
 * are in render.test.ts, Redis commands per signal in cluster.test.ts, microseconds and kilobytes in bench/.
 */

const audience = 40;

/** Counts the writes to connections that were accepted on a port, per connection. */
function countWrites(port: number): () => number[] {
  const writes = new Map<Socket, number>();
  const write = Socket.prototype.write;
  const spy = vi.spyOn(Socket.prototype, 'write').mockImplementation(function (
    this: Socket,
    ...args: unknown[]
  ) {
    if (this.localPort === port) writes.set(this, (writes.get(this) ?? 0) + 1);
    return Reflect.apply(write, this, args) as boolean;
  });
  onTestFinished(() => spy.mockRestore());
  return () => [...writes.values()];
}

test('what a tick brings for a connection is one write, in the order it came', async () => {
  const accepted: Socket[] = [];
  const server = createServer((connection) => accepted.push(connection)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const clients = Array.from({ length: 3 }, () => connect(port, '127.0.0.1'));
  onTestFinished(() => {
    for (const client of clients) client.destroy();
    server.close();
  });
  await until('the connections', () => accepted.length === clients.length);
  const packing = {
    lengthOf: (item: string) => item.length,
    join: (items: readonly string[]) => Buffer.from(items.join('')),
  };
  const slowReaders = createSlowReaders(manualClock());
  const outboxes = accepted.map(
    (connection) => new Outbox<string>(connection, packing, slowReaders, { slow() {} }),
  );
  const writes = countWrites(port);
  for (const word of ['one ', 'two ', 'three']) for (const outbox of outboxes) outbox.push(word);
  expect(writes()).toEqual([]);
  expect(await Promise.all(clients.map(async (client) => String((await once(client, 'data'))[0])))).toEqual(
    clients.map(() => 'one two three'),
  );
  expect(writes()).toEqual([1, 1, 1]);
});

/** How long a ping is, and a comment of a stream, in bytes: they may come at any time. */
const signsOfLife = [2, 8];

/** Counts the writes that go past the streams of connections, per connection. */
function countWritesThrough(): { signals(): number[]; signsOfLife(): number[] } {
  const [signals, beats] = [new Map<number, number>(), new Map<number, number>()];
  const { writeSync } = fs;
  const spy = vi.spyOn(fs, 'writeSync').mockImplementation((...args: unknown[]) => {
    const [descriptor, { length }] = args as [number, Buffer];
    const writes = signsOfLife.includes(length) ? beats : signals;
    writes.set(descriptor, (writes.get(descriptor) ?? 0) + 1);
    return Reflect.apply(writeSync, fs, args) as number;
  });
  syncBuiltinESMExports();
  onTestFinished(() => {
    spy.mockRestore();
    syncBuiltinESMExports();
  });
  return { signals: () => [...signals.values()], signsOfLife: () => [...beats.values()] };
}

/** Counts the timers of this process, those too that do not keep it alive. */
function countTimers(): () => number {
  const timers = new Set<number>();
  const hook = createHook({
    init: (id, type) => void (type === 'Timeout' && timers.add(id)),
    destroy: (id) => void timers.delete(id),
  }).enable();
  onTestFinished(() => void hook.disable());
  return () => timers.size;
}

test('bytes that are written at once are taken by the kernel, or wait, or are refused', async () => {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(client, 'connect');
  onTestFinished(() => {
    client.destroy();
    server.close();
  });
  expect(descriptorOf(client)).toBeGreaterThan(0);
  const packing = {
    lengthOf: (item: Buffer) => item.length,
    join: (items: readonly Buffer[]) => Buffer.concat(items),
  };
  const outbox = new Outbox<Buffer>(client, packing, createSlowReaders(manualClock()), { slow() {} });
  const piece = Buffer.alloc(64 * 1024, 'a');
  let written = 0;
  for (; outbox.writeNow(piece); written++) expect(written).toBeLessThan(10_000);
  // The last one was taken in part, or not at all; what waits is as it was, whatever becomes of the buffer.
  expect(outbox.pushed).toBe(written * piece.length);
  piece.fill('b');
  expect(outbox.writeNow(Buffer.alloc(1))).toBe(false);
  outbox.push(Buffer.from('end'));
  const chunks: Buffer[] = [];
  const [reader] = (await accepted) as [Socket];
  reader.on('data', (chunk: Buffer) => chunks.push(chunk)).resume();
  await until('the end', () => String(chunks.at(-1)?.subarray(-3)) === 'end');
  expect(Buffer.concat(chunks).equals(Buffer.from(`${'a'.repeat(outbox.pushed - 3)}end`))).toBe(true);
  expect(outbox.unsent).toBe(0);
  client.destroy();
  expect(outbox.writeNow(Buffer.from('late'))).toBe(false);
});

test('nothing is written to a WebSocket after its Close frame, however many others are written to', async () => {
  const clock = manualClock();
  const { url } = await startService({ engine: 'memory', overrides: { clock } });
  const members = await Promise.all(Array.from({ length: largeAudience }, (_, i) => tokenFor(`user${i}`)));
  const listeners = await Promise.all(members.map((token) => listen(url, token, { transport: 'ws' })));
  const leaving = await signedInWs(url, await tokenFor('carol'));
  leaving.subscribe('1', listenDocument);
  await leaving.nextOf('next');
  const { _socket } = leaving.ws as unknown as { readonly _socket: Socket };
  const connection = otherEnd(_socket.localPort);
  // It answers to nothing more: the connection stays until the service gives it up.
  leaving.ws.pause();
  const before = connection.bytesWritten;
  leaving.ws.send('This is no message of the protocol.');
  await until('the Close frame', () => connection.bytesWritten > before);
  const [closed, through] = [connection.bytesWritten, countWritesThrough()];
  const alice = await listen(url, await tokenFor('alice'), { transport: 'ws' });
  await as(url, await tokenFor('alice')).notify({ recipients: ['team'], socketId: alice.ready.socketId });
  await until('all to have come', () => listeners.every(({ received }) => received.length === 2));
  expect(through.signals()).toHaveLength(listeners.length);
  for (let second = 0; second < 14; second++) clock.advance(1000);
  expect(through.signsOfLife()).toHaveLength(listeners.length + 1);
  expect(connection.bytesWritten).toBe(closed);
});

test.each(transports)('a sign of life over %s is one write past the stream', async (transport) => {
  const clock = manualClock();
  const { url } = await startService({ engine: 'memory', overrides: { clock } });
  const token = await tokenFor('alice');
  const sockets = 20;
  await Promise.all(Array.from({ length: sockets }, () => listen(url, token, { transport })));
  const [streams, through] = [countWrites(Number(new URL(url).port)), countWritesThrough()];
  for (let second = 0; second < 14; second++) clock.advance(1000);
  expect(through.signsOfLife()).toEqual(Array.from({ length: sockets }, () => 1));
  expect(streams()).toEqual([]);
});

describe.each(engines)('on %s', (engine) => {
  describe.each(transports)('over %s', (transport) => {
    test.each([
      { hub: 'small', count: largeAudience - 1 },
      { hub: 'large', count: audience },
    ])('a signal to a $hub hub is one write to each socket, and none to others', async ({ hub, count }) => {
      const { url } = await startService({ engine });
      const members = await Promise.all(Array.from({ length: count }, (_, i) => tokenFor(`user${i}`)));
      const listeners = await Promise.all(members.map((token) => listen(url, token, { transport })));
      const own = await listen(url, await tokenFor('alice'), { transport });
      const bystander = await listen(url, await tokenFor('carol', { hubs: {} }), { transport });
      const [streams, through] = [countWrites(Number(new URL(url).port)), countWritesThrough()];
      const { socketId } = own.ready;
      await as(url, await tokenFor('alice')).notify({ recipients: ['team'], socketId });
      await until('all to have come', () => listeners.every(({ received }) => received.length === 2));
      const once = listeners.map(() => 1);
      expect(through.signals()).toEqual(hub === 'large' ? once : []);
      // The answer of the mutation goes through a stream in any case, in one write or two.
      const [answer = 0, ...others] = streams().toSorted((a, b) => b - a);
      expect(answer).toBeLessThanOrEqual(2);
      expect(others).toEqual(hub === 'large' ? [] : once);
      expect(own.received).toHaveLength(1);
      expect(bystander.received).toHaveLength(1);
    });

    test('signals that come together are one write to each socket of a large hub', async () => {
      const { url } = await startService({ engine });
      const members = await Promise.all(
        Array.from({ length: largeAudience + 1 }, (_, i) => tokenFor(`user${i}`)),
      );
      const listeners = await Promise.all(members.map((token) => listen(url, token, { transport })));
      const own = await listen(url, await tokenFor('alice'), { transport });
      const { socketId } = own.ready;
      const [streams, through] = [countWrites(Number(new URL(url).port)), countWritesThrough()];
      const signals = 3;
      const input = `{ recipients: ["team"], socketId: "${socketId}" }`;
      const query = `mutation { notify(hubId: "team", input: ${input}) { signalId } }`;
      const headers = {
        authorization: `Bearer ${await tokenFor('alice')}`,
        'content-type': 'application/json',
      };
      // They arrive in one packet.
      const request = requestText(url, 'POST /graphql HTTP/1.1', headers, JSON.stringify({ query }));
      rawConnection(url).socket.write(request.repeat(signals));
      await until('all to have come', () =>
        listeners.every(({ received }) => received.length === 1 + signals),
      );
      expect(through.signals()).toEqual(listeners.map(() => 1));
      // Nothing but the answers of the mutations goes through a stream.
      expect(streams().reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(signals * 2);
      const [first] = listeners;
      for (const { received } of listeners) expect(received.slice(1)).toEqual(first?.received.slice(1));
      expect(own.received).toHaveLength(1);
    });

    test('more than a piece is fed to each socket as it drains, and not written at once', async () => {
      const { url } = await startService({ engine });
      const query = `subscription { incomingSignal {
        ... on SocketReady { socketId } ... on HubNotification { a: payload b: payload } } }`;
      const members = await Promise.all(
        Array.from({ length: largeAudience + 1 }, (_, i) => tokenFor(`user${i}`)),
      );
      const listeners = await Promise.all(members.map((token) => listen(url, token, { transport, query })));
      const own = await listen(url, await tokenFor('alice'), { transport });
      const through = countWritesThrough();
      const payload = 'x'.repeat(40 * 1024);
      const { socketId } = own.ready;
      await as(url, await tokenFor('alice')).notify({ recipients: ['team'], socketId, payload });
      await until('all to have come', () => listeners.every(({ received }) => received.length === 2));
      for (const { received } of listeners) expect(received[1]).toMatchObject({ a: payload, b: payload });
      expect(through.signals()).toEqual([]);
    });

    test('an open socket has no timer of its own: not when it is pinged, nor when it is written to', async () => {
      const clock = manualClock();
      const { url } = await startService({ engine, overrides: { clock } });
      const timers = countTimers();
      const open = async (i: number) => listen(url, await tokenFor(`user${i}`), { transport });
      const first = await open(0);
      // Who has come is told by then.
      clock.advance(1000);
      await turns(20);
      const [before, tasks] = [timers(), clock.tasks];
      const others = await Promise.all(Array.from({ length: audience }, (_, i) => open(1 + i)));
      await until('the timers of the openings to be gone', () => timers() <= before + 3);
      for (let passed = 0; passed <= heartbeatMs; passed += 1000) {
        clock.advance(1000);
        await turns(2);
      }
      const { socketId } = first.ready;
      await as(url, await tokenFor('user0')).notify({ recipients: ['team'], socketId, payload: 'hello' });
      await until('all to have come', () => others.every(({ received }) => received.length === 2));
      expect(timers()).toBeLessThanOrEqual(before + 5);
      expect(clock.tasks).toBe(tasks);
    });
  });
});
