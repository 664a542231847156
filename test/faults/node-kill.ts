import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from './fault.ts';
import { watchGhosts } from './presence.ts';
import { ownRedis } from './redis.ts';
import { startScene } from './scene.ts';
import { quantile } from './wait.ts';

export const nodeKill: Fault = {
  name: 'node-kill',
  sentence: 'One of three nodes is killed.',
  async run(run) {
    const redis = await ownRedis(run);
    const scene = await startScene(run, {
      redisUrl: redis.url,
      nodes: 3,
      clients: run.long ? 300 : 60,
      // A third of the beats would end with the node: only those are counted that a client repeats.
      beatMs: 0,
      perSecond: 100,
      ringsPerSecond: 2,
      timeoutMs: 15_000,
    });
    await delay(1000);
    const { installation, people } = scene;
    const [victim] = installation.nodes;
    if (!victim) throw new Error('There is no node.');
    // Somebody who will not come back: the node has them, and dies with them.
    const ghost = await watchGhosts(run, victim.url, installation.nodes[1]?.url ?? '');
    people.forgive();
    installation.expectEnd(victim);
    run.note('killing a node');
    await victim.end('SIGKILL');
    const ghostMs = await ghost.goneMs(20_000);
    await delay(2000);
    return scene.finish(
      { recoverMs: 3000, ghostMs: 10_000, rejected: 0, told: 0, ringsLost: 0, offline: 0 },
      {
        ghostMs,
        recoverMs: quantile(people.recoveries, 1),
        cut: people.recoveries.length,
        ringsLost: scene.load.ringsLost(),
      },
    );
  },
};
