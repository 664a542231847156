import { setTimeout as delay } from 'node:timers/promises';
import type { RedisProcess } from '../support/redis-server.ts';
import type { Fault, Run } from './fault.ts';
import { ownRedis, tell } from './redis.ts';
import { startScene } from './scene.ts';

/** What goes wrong inside a Redis that runs on; the sockets stay, and all is well 5 s after it is. */
function trouble(
  name: string,
  sentence: string,
  inject: (redis: RedisProcess, run: Run) => Promise<unknown>,
): Fault {
  return {
    name,
    sentence,
    async run(run) {
      const redis = await ownRedis(run);
      const scene = await startScene(run, { redisUrl: redis.url, clients: run.long ? 200 : 40 });
      let worst: (number | null)[] = [0, 0];
      for (let round = 0; round < (run.long ? 5 : 1); round++) {
        run.note(name);
        await inject(redis, run);
        const healed = await Promise.all([scene.deliveredMs(15_000), scene.presentMs(15_000)]);
        worst = healed.map((ms, i) =>
          ms === null || worst[i] === null ? null : Math.max(ms, worst[i] ?? 0),
        );
      }
      const [recoverMs = null, presenceMs = null] = worst;
      return scene.finish({ recoverMs: 5000, presenceMs: 5000, closed: 0 }, { recoverMs, presenceMs });
    },
  };
}

export const pubsubKill = trouble(
  'pubsub-kill',
  'Redis cuts off the connections on which the nodes listen.',
  ({ url }) => tell(url, 'CLIENT', 'KILL', 'TYPE', 'pubsub'),
);

export const flushall = trouble('flushall', 'Somebody empties Redis while everything runs.', ({ url }) =>
  tell(url, 'FLUSHALL'),
);

export const readOnly = trouble(
  'read-only',
  'Redis becomes a read-only replica of a server that is not there, for 3 s.',
  async ({ url }) => {
    await tell(url, 'REPLICAOF', '127.0.0.1', 1);
    await delay(3000);
    await tell(url, 'REPLICAOF', 'NO', 'ONE');
  },
);

export const outOfMemory = trouble(
  'out-of-memory',
  'Redis has no memory left for writes, for 3 s.',
  async ({ url }) => {
    await tell(url, 'CONFIG', 'SET', 'maxmemory', 1);
    await delay(3000);
    await tell(url, 'CONFIG', 'SET', 'maxmemory', 0);
  },
);

/** What no node ever published. */
const rubbish = [
  '',
  'garbage',
  '{"a":',
  '0 0 0 {}',
  'ffff 1 0 {"kind":"Nonsense"}',
  '\u0000'.repeat(1000),
  'x'.repeat(10_000_000),
];

export const garbage = trouble(
  'garbage',
  'Somebody publishes rubbish, 10 MB of it in one message, on all our channels.',
  async ({ url }, run) => {
    const channels = (await tell(url, 'PUBSUB', 'CHANNELS', `{faults-${run.seed}}*`)) as string[];
    const some = channels.slice(0, 10);
    for (const channel of some)
      for (const text of rubbish)
        await tell(url, 'PUBLISH', channel, text.length > 1000 && channel !== some[0] ? 'x' : text);
  },
);
