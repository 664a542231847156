import { setTimeout as delay } from 'node:timers/promises';
import { startRedis } from '../support/redis-server.ts';
import type { Fault } from './fault.ts';
import { ownRedis } from './redis.ts';
import { startScene } from './scene.ts';

export const redisRestart: Fault = {
  name: 'redis-restart',
  sentence: 'Redis is killed, and comes back empty a second later, under load.',
  async run(run) {
    const redis = await ownRedis(run);
    const scene = await startScene(run, { redisUrl: redis.url, clients: run.long ? 200 : 40 });
    run.note('killing Redis');
    await redis.kill();
    await delay(run.long ? 5000 : 1000);
    const again = await startRedis({ port: redis.port });
    run.defer(again.stop);
    run.note('Redis is back, empty');
    const [recoverMs, presenceMs] = await Promise.all([scene.deliveredMs(20_000), scene.presentMs(20_000)]);
    return scene.finish({ recoverMs: 1000, presenceMs: 2000, closed: 0 }, { recoverMs, presenceMs });
  },
};
