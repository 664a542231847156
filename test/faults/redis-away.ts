import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from './fault.ts';
import { ownRedis } from './redis.ts';
import { startScene } from './scene.ts';

export const redisAway: Fault = {
  name: 'redis-away',
  sentence:
    'Redis does not answer for 30 s (short form: 12 s, past the lease), and goes on with all its data.',
  async run(run) {
    const redis = await ownRedis(run);
    const scene = await startScene(run, { redisUrl: redis.url, clients: run.long ? 200 : 40 });
    run.note('freezing Redis');
    redis.pause();
    await delay(run.long ? 30_000 : 12_000);
    redis.resume();
    run.note('Redis goes on');
    const [recoverMs, presenceMs] = await Promise.all([scene.deliveredMs(20_000), scene.presentMs(20_000)]);
    const fenced = [...scene.people.closings.values()].reduce((sum, each) => sum + each, 0);
    return scene.finish(
      { recoverMs: 5000, presenceMs: 5000, closed: 0, fenced: 0, renamed: 0, told: 0 },
      { recoverMs, presenceMs, fenced, renamed: scene.people.renamed() },
    );
  },
};
