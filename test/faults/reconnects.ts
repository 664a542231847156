import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from './fault.ts';
import type { Person } from './people.ts';
import { ownRedis } from './redis.ts';
import { startScene } from './scene.ts';
import { quantile, until } from './wait.ts';

export const reconnects: Fault = {
  name: 'reconnects',
  sentence: '1,000 forced reconnects, half of them to another node, under load.',
  async run(run) {
    const redis = await ownRedis(run);
    const count = 1000;
    const clients = run.long ? 200 : 60;
    const scene = await startScene(run, {
      redisUrl: redis.url,
      nodes: 2,
      clients,
      perSecond: 100,
      beatMs: 250,
      timeoutMs: 15_000,
    });
    const { people } = scene;
    people.forgive();
    const everyMs = run.long ? 40 : 12;
    for (let i = 0; i < count; i++) {
      await until('somebody to be connected', 10_000, () => people.live() > 0);
      const person = anybody(
        people.all.filter(({ signaling }) => isLive(signaling)),
        run.random(),
      );
      // Half are told to, the other half lose their connection and have to notice.
      if (i % 2 === 0) person?.signaling.reconnect();
      else person?.cut();
      await delay(everyMs);
    }
    await people.allLive(30_000);
    return scene.finish(
      { replayP99Ms: 1000, rejected: 0, told: 0, offline: 0 },
      { replayP99Ms: quantile(people.replays, 0.99), reconnects: people.recoveries.length },
    );
  },
};

const isLive = ({ state }: Person['signaling']) => state === 'connected' || state === 'recovered';

const anybody = (people: readonly Person[], random: number) => people[Math.floor(random * people.length)];
