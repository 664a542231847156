import { expect, inject, onTestFinished, test, vi } from 'vitest';
import { Connection } from '../bench/generator/connection.ts';
import { dialects } from '../bench/generator/dialects/table.ts';
import { Meter } from '../bench/generator/meter.ts';
import type { ProbeApi } from '../bench/probe.ts';
import { remote } from '../bench/rpc.ts';
import { benchSecret } from '../bench/token.ts';
import { launchNode } from './support/node-process.ts';
import { randomPrefix } from './support/service.ts';

/*
 * What the process holds for an open, silent socket: heap and external memory after collections. The exact figure is
 * bench/'s; this notices when something is kept that need not be, for a quarter more than is needed fails it.
 */

/** Of heap and external memory, in KiB. */
const mostPerSocket = { 'ours-ws': 9, 'ours-sse': 11 };

const sockets = { before: 500, measured: 1000 };

test.each(['ours-ws', 'ours-sse'] as const)('an idle socket holds little memory: %s', async (dialect) => {
  const env = {
    PATH: process.env['PATH'],
    AUTH_SECRET: benchSecret,
    REDIS_URL: inject('redisUrl'),
    REDIS_PREFIX: randomPrefix(),
    LOG_LEVEL: 'silent',
  };
  const probeModule = new URL('../bench/probe.ts', import.meta.url).pathname;
  const node = await launchNode(env, { flags: ['--expose-gc', '--import', probeModule] });
  onTestFinished(async () => void (await node.end('SIGKILL')));
  const probe = remote<ProbeApi>('node', node.child);
  const endpoint = { host: '127.0.0.1', port: node.port };
  const meter = new Meter();
  let opened = 0;

  async function open(count: number): Promise<void> {
    for (let left = count; left > 0; left -= 50) {
      const some = Array.from({ length: Math.min(50, left) }, () => {
        const uid = `user${opened++}`;
        const member = { uid, deviceId: uid, hubId: 'team', operation: 0 };
        return new Connection(endpoint, dialects[dialect], member, meter);
      });
      onTestFinished(() => {
        for (const connection of some) connection.end();
      });
      await Promise.all(some.map((connection) => connection.open));
    }
  }

  const held = async (): Promise<number> => {
    const { usedBytes, externalBytes } = await probe.heap(null);
    return usedBytes + externalBytes;
  };
  // Code that is compiled and tables that grow belong to no socket.
  await open(sockets.before);
  // What they have left is gone by the second look.
  await held();
  const before = await held();
  await open(sockets.measured);
  await vi.waitFor(
    async () =>
      expect(((await held()) - before) / 1024 / sockets.measured).toBeLessThanOrEqual(mostPerSocket[dialect]),
    { timeout: 5000, interval: 250 },
  );
});
