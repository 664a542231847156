import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { redisWork, workBetween } from '../../bench/run/redis-work.ts';
import { startCrowd } from './crowd.ts';
import type { Fault } from './fault.ts';
import { ownRedis } from './redis.ts';
import { startScene } from './scene.ts';
import { quantile } from './wait.ts';

export const storm: Fault = {
  name: 'storm',
  sentence:
    '10,000 sockets (short form: 1,500) connect in 10 s (2 s), lose their connection, and come back all at once.',
  async run(run) {
    const redis = await ownRedis(run);
    const sockets = run.long ? 10_000 : 1500;
    // Messages only: what costs is who connects, and not what a hub of 10,000 is told.
    const scene = await startScene(run, {
      redisUrl: redis.url,
      nodes: 2,
      clients: 20,
      beatMs: 0,
      perSecond: 40,
      timeoutMs: 15_000,
    });
    const others: number[] = [];
    scene.checker.watch((_, sentAt) => others.push(performance.now() - sentAt));
    const urls = scene.installation.nodes.map(({ url }) => url);
    const crowd = startCrowd(run);
    const observer = new Redis(redis.url);
    run.defer(() => observer.disconnect());

    const before = await redisWork(observer);
    const commandsBefore = await scriptsAndCommands(observer);
    const first = await crowd.connect({ urls, sockets, overMs: run.long ? 10_000 : 2000 });
    run.note(`${first.opened} opened in ${first.ms} ms`);
    const { commands } = workBetween(before, await redisWork(observer));
    const asked = (await scriptsAndCommands(observer)) - commandsBefore;
    await crowd.cut(null);
    await delay(500);
    const second = await crowd.connect({ urls, sockets, overMs: 0 });
    run.note(`${second.opened} came back in ${second.ms} ms`);
    const seconds = (first.ms + second.ms) / 1000;
    scene.checker.watch(undefined);
    await crowd.cut(null);
    return scene.finish(
      {
        unopened: 0,
        connectMs: 30_000,
        backMs: 30_000,
        othersP99Ms: 500,
        commandsEach: 5,
        closed: 0,
        rejected: 0,
      },
      {
        unopened: 2 * sockets - first.opened - second.opened,
        connectMs: first.ms,
        backMs: second.ms,
        othersP99Ms: quantile(others, 0.99),
        // What nodes ask of Redis; what a script does inside is in `commandsInside`.
        commandsEach: Math.round((asked / sockets) * 10) / 10,
        commandsInside: Math.round(commands / sockets),
        perSecond: Math.round((2 * sockets) / seconds),
      },
    );
  },
};

/** Commands that came over the wire. */
async function scriptsAndCommands(redis: Redis): Promise<number> {
  const stats = await redis.info('commandstats');
  const called = (name: string) =>
    Number(new RegExp(`^cmdstat_${name}:calls=(\\d+)`, 'm').exec(stats)?.[1] ?? 0);
  return called('evalsha') + called('eval') + called('subscribe') + called('multi');
}
