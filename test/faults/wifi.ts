import { type ChaosProxy, openProxy } from '../support/proxy.ts';
import type { Fault } from './fault.ts';
import { jitter } from './jitter.ts';
import { ownRedis } from './redis.ts';
import { startScene } from './scene.ts';
import { quantile } from './wait.ts';
import { socketIoOnWifi } from './wifi-socketio.ts';

export const wifi: Fault = {
  name: 'wifi',
  sentence: 'Every client loses its network every 15 s, for 2 s, each in its own rhythm.',
  async run(run) {
    const redis = await ownRedis(run);
    const clients = run.long ? 1000 : 60;
    const forMs = run.long ? 120_000 : 20_000;
    const proxies: ChaosProxy[] = [];
    const scene = await startScene(run, {
      redisUrl: redis.url,
      nodes: 2,
      clients,
      perSecond: 100,
      beatMs: 1000,
      timeoutMs: 15_000,
      async urlOf({ nodes }, index) {
        // Whoever comes back may come to another node.
        let turn = index;
        const proxy = await openProxy(() => nodes[turn++ % nodes.length]?.port ?? 1);
        run.defer(proxy.stop);
        proxies[index] = proxy;
        return proxy.url;
      },
    });
    const { people } = scene;
    people.forgive();
    await jitter(run, proxies, forMs);
    run.note('every network stays');
    const figures = {
      cuts: people.recoveries.length,
      replayP99Ms: quantile(people.replays, 0.99),
      recoverMs: quantile(people.recoveries, 0.99),
    };
    const outcome = await scene.finish({ told: 0, rejected: 0, offline: 0, replayP99Ms: 1000 }, figures);
    if (!run.long) return outcome;
    return { ...outcome, beside: await socketIoOnWifi(run, redis.url, clients, forMs) };
  },
};
