import { once } from 'node:events';
import { type AddressInfo, connect, createServer, Socket } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Outbox } from '../src/graphql/outbox.ts';
import { createSlowReaders } from '../src/graphql/slow-readers.ts';
import { as } from './support/api.ts';
import { manualClock } from './support/clock.ts';
import { listen, transports } from './support/listen.ts';
import { turns, until } from './support/raw.ts';
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

describe.each(engines)('on %s', (engine) => {
  describe.each(transports)('over %s', (transport) => {
    test('a signal is one write to each socket, and none to others', async () => {
      const { url } = await startService({ engine });
      const members = await Promise.all(Array.from({ length: audience }, (_, i) => tokenFor(`user${i}`)));
      const listeners = await Promise.all(members.map((token) => listen(url, token, { transport })));
      const own = await listen(url, await tokenFor('alice'), { transport });
      const bystander = await listen(url, await tokenFor('carol', { hubs: {} }), { transport });
      const writes = countWrites(Number(new URL(url).port));
      const { socketId } = own.ready;
      await as(url, await tokenFor('alice')).notify({ recipients: ['team'], socketId });
      await until('all to have come', () => listeners.every(({ received }) => received.length === 2));
      // One for each listener, and the answer of the mutation.
      const counts = writes();
      expect(counts.length).toBeLessThanOrEqual(audience + 1);
      expect(counts.filter((count) => count > 1).length).toBeLessThanOrEqual(1);
      expect(own.received).toHaveLength(1);
      expect(bystander.received).toHaveLength(1);
    });

    test('an open socket has no timer of its own', async () => {
      const { url } = await startService({ engine });
      const timers = (): number =>
        process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
      const open = async (i: number) => listen(url, await tokenFor(`user${i}`), { transport });
      await open(0);
      await turns(20);
      const before = timers();
      await Promise.all(Array.from({ length: audience }, (_, i) => open(1 + i)));
      await until('the timers of the openings to be gone', () => timers() <= before + 3);
    });
  });
});
