import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from './fault.ts';
import { ownRedis } from './redis.ts';
import { startScene } from './scene.ts';
import { quantile } from './wait.ts';

/** A node must be gone so soon after SIGTERM, in milliseconds. */
const drainMs = 15_000;

export const rollingRestart: Fault = {
  name: 'rolling-restart',
  sentence: 'Three nodes are restarted one after the other with SIGTERM, under load.',
  async run(run) {
    const redis = await ownRedis(run);
    const scene = await startScene(run, {
      redisUrl: redis.url,
      nodes: 3,
      clients: run.long ? 500 : 60,
      beatMs: 0,
      perSecond: 100,
      ringsPerSecond: 4,
      timeoutMs: 15_000,
    });
    const { installation, people } = scene;
    people.forgive();
    let unclean = 0;
    let slowestMs = 0;
    for (const node of [...installation.nodes]) {
      await installation.start();
      run.note(`SIGTERM to ${node.url}`);
      installation.expectEnd(node);
      const began = performance.now();
      const impatience = setTimeout(() => void node.end('SIGKILL'), drainMs + 5000);
      const code = await node.end('SIGTERM');
      clearTimeout(impatience);
      slowestMs = Math.max(slowestMs, performance.now() - began);
      if (code !== 0) unclean++;
      run.note(`it ended with ${code}`);
      await delay(1000);
    }
    return scene.finish(
      { rejected: 0, told: 0, ringsLost: 0, offline: 0, unclean: 0, drainMs },
      {
        unclean,
        drainMs: Math.round(slowestMs),
        ringsLost: scene.load.ringsLost(),
        rings: scene.load.rings.dialled,
        recoverMs: quantile(people.recoveries, 0.99),
      },
    );
  },
};
