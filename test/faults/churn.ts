import { Redis } from 'ioredis';
import type { ProbeApi } from '../../bench/probe.ts';
import { type Remote, remote } from '../../bench/rpc.ts';
import { Checker } from './checker.ts';
import { startCrowd } from './crowd.ts';
import type { Fault } from './fault.ts';
import { startInstallation } from './installation.ts';
import { ownRedis } from './redis.ts';
import { comesAbout } from './wait.ts';

interface Holdings {
  readonly heapBytes: number;
  readonly resources: Readonly<Record<string, number>>;
  readonly keys: number;
  readonly channels: number;
}

export const churn: Fault = {
  name: 'churn',
  sentence:
    '100,000 sockets (short form: 2,000) connect and leave; what the service holds is what it held before.',
  async run(run) {
    const redis = await ownRedis(run);
    const cycles = run.long ? 100_000 : 2000;
    const flags = ['--expose-gc', '--import', new URL('../../bench/probe.ts', import.meta.url).pathname];
    const { nodes, crashes } = await startInstallation(run, { nodes: 1, redisUrl: redis.url, flags });
    const [node] = nodes;
    if (!node) throw new Error('There is no node.');
    const probe = remote<ProbeApi>('node', node.child);
    const observer = new Redis(redis.url);
    run.defer(() => observer.disconnect());
    const urls = [node.url];
    const crowd = startCrowd(run);
    // What is remembered of users and compiled once is there before.
    await crowd.churn({ urls, cycles: run.long ? 5000 : 2000, atOnce: 50 });
    const before = await settled(probe, observer, run.long);
    run.note(`before: ${JSON.stringify(before)}`);
    await crowd.churn({ urls, cycles, atOnce: 50 });
    const after = await settled(probe, observer, run.long, before);
    run.note(`after: ${JSON.stringify(after)}`);
    const grown = (kind: string) => (after.resources[kind] ?? 0) - (before.resources[kind] ?? 0);
    return {
      nodes: 1,
      clients: cycles,
      counts: new Checker().counts(),
      figures: {
        heapGrowthKb: Math.round((after.heapBytes - before.heapBytes) / 1024),
        timers: grown('Timeout') + grown('Immediate'),
        handles: grown('TCPSocketWrap') + grown('TCPServerWrap'),
        keys: after.keys - before.keys,
        channels: after.channels - before.channels,
        crashes: crashes(),
      },
      // A heap is never the same to the byte: less than 20 bytes for each of the 100,000.
      limits: { heapGrowthKb: 2048, timers: 0, handles: 0, keys: 0, channels: 0, crashes: 0 },
    };
  },
};

/** What is held when nobody is there; waits until it is no more than before, as long as that may take. */
async function settled(
  probe: Remote<ProbeApi>,
  redis: Redis,
  long: boolean,
  before?: Holdings,
): Promise<Holdings> {
  let now = await holdings(probe, redis);
  let last = '';
  // A grace of 30 s, and a sweep after it.
  await comesAbout(
    long ? 120_000 : 45_000,
    async () => {
      last = JSON.stringify([now.keys, now.channels, now.resources]);
      now = await holdings(probe, redis);
      if (before) return isNoMore(now, before);
      return now.channels === 0 && last === JSON.stringify([now.keys, now.channels, now.resources]);
    },
    before ? 500 : long ? 35_000 : 3000,
  );
  return now;
}

/** Commands on their way have timers of their own: they come and go. */
function isNoMore(now: Holdings, before: Holdings): boolean {
  const kinds = Object.keys(now.resources);
  const fewer = kinds.every((kind) => (now.resources[kind] ?? 0) <= (before.resources[kind] ?? 0));
  return fewer && now.keys <= before.keys && now.channels <= before.channels;
}

async function holdings(probe: Remote<ProbeApi>, redis: Redis): Promise<Holdings> {
  const [{ usedBytes, externalBytes }, resources] = [await probe.heap(null), await probe.resources(null)];
  const channels = ((await redis.call('PUBSUB', 'CHANNELS')) as string[]).filter((name) =>
    /:topic:(user|hub)/.test(name),
  );
  return {
    heapBytes: usedBytes + externalBytes,
    resources,
    keys: await redis.dbsize(),
    channels: channels.length,
  };
}
