import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from './fault.ts';
import { ownRedis } from './redis.ts';
import { startScene } from './scene.ts';
import { openStubborn } from './stubborn.ts';
import { comesAbout } from './wait.ts';

export const nodeStop: Fault = {
  name: 'node-stop',
  sentence: 'One of three nodes freezes for 30 s (short form: 22 s), its clients leave it, and it wakes up.',
  async run(run) {
    const redis = await ownRedis(run);
    const scene = await startScene(run, {
      redisUrl: redis.url,
      nodes: 3,
      clients: run.long ? 300 : 60,
      beatMs: 200,
      perSecond: 60,
      timeoutMs: 15_000,
    });
    const { installation, people } = scene;
    const [victim] = installation.nodes;
    if (!victim) throw new Error('There is no node.');
    run.defer(() => victim.signal('SIGCONT'));
    const stubborn = await openStubborn(run, victim.url);
    people.forgive();
    run.note('freezing a node');
    installation.avoid(victim);
    victim.signal('SIGSTOP');
    await delay(run.long ? 29_000 : 21_000);
    const tookOver = await stubborn.takeOver(installation.nodes[1]?.url ?? '');
    await delay(1000);
    victim.signal('SIGCONT');
    run.note('the node goes on');
    const replaced = await comesAbout(5000, stubborn.replaced, 50);
    await delay(2000);
    return scene.finish(
      { rejected: 0, told: 0, servedTwice: 0, notTakenOver: 0, notReplaced: 0 },
      {
        cut: people.recoveries.length,
        servedTwice: stubborn.servedTwice(),
        served: stubborn.served(),
        notTakenOver: Number(!tookOver),
        notReplaced: Number(!replaced),
      },
    );
  },
};
