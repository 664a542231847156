import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { available, createRedisClient, type RedisClient } from '../src/redis/client.ts';
import { reach } from '../src/redis/link.ts';
import { systemClock } from '../src/signaling/clock.ts';
import { type ClusterMember, startCluster } from './support/redis-cluster.ts';
import { startSentinel } from './support/redis-sentinel.ts';

const prefix = 'forms';
const key = `{${prefix}}:key`;

async function startClient(url: string): Promise<RedisClient> {
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  const client = createRedisClient(url, prefix, log, systemClock);
  onTestFinished(() => {
    client.subscriber.disconnect();
    client.stop();
  });
  await client.start();
  await reach(client.subscriber);
  return client;
}

/** Writes until a write is taken. Every refusal is UNAVAILABLE and takes 2 s at most. */
async function untilWritten({ redis }: RedisClient): Promise<void> {
  for (;;) {
    const began = performance.now();
    try {
      await available(redis.set(key, '1'));
      return;
    } catch (error) {
      expect(error).toMatchObject({ code: 'UNAVAILABLE' });
      expect(performance.now() - began).toBeLessThan(2000);
      await delay(10);
    }
  }
}

/** Waits until both connections lead to this port. */
async function untilAt({ redis, subscriber }: RedisClient, port: number): Promise<void> {
  await vi.waitFor(
    () => {
      expect([redis.status, subscriber.status]).toEqual(['ready', 'ready']);
      expect([redis.stream.remotePort, subscriber.stream.remotePort]).toEqual([port, port]);
    },
    { timeout: 10_000, interval: 10 },
  );
}

async function epochOf(client: RedisClient): Promise<string> {
  const [, run] = await client.inEpoch(async (...given) => ['DONE', given[0]]);
  return String(run);
}

describe('with Sentinel', () => {
  test.each([
    ['is killed', 'kill'],
    ['hangs', 'pause'],
    ['is replaced as planned', 'failover'],
  ])('both connections find the new primary when theirs %s', { timeout: 40_000 }, async (_, how) => {
    // At their own pace: quick ones see it in the same moment and vote for themselves, again and again.
    const redis = await startSentinel();
    onTestFinished(() => redis.stop());
    const client = await startClient(redis.url);
    const [former, before] = [await redis.primary(), await epochOf(client)];
    if (!former) throw new Error('There is no primary.');

    if (how === 'kill') await redis.kill(former);
    else if (how === 'pause') former.pause();
    else await redis.failover();
    const promoted = await redis.promoted(former);
    await untilWritten(client);

    await untilAt(client, promoted.port);
    expect(await epochOf(client)).not.toBe(before);
    // One that slept still takes itself for the primary.
    former.resume();
    await untilWritten(client);
    await untilAt(client, promoted.port);
  });

  test('a subscriber that is left behind on a demoted primary is noticed', { timeout: 40_000 }, async () => {
    const redis = await startSentinel();
    onTestFinished(() => redis.stop());
    const client = await startClient(redis.url);
    const former = await redis.primary();
    if (!former) throw new Error('There is no primary.');
    former.pause();
    const promoted = await redis.promoted(former);
    client.redis.disconnect(true);

    await untilAt(client, promoted.port);
  });
});

describe('with a cluster', () => {
  test('both connections follow our slot wherever it goes', { timeout: 60_000 }, async () => {
    const redis = await startCluster();
    onTestFinished(() => redis.stop());
    const client = await startClient(redis.url);
    const slot = await redis.slotOf(prefix);
    async function follow({ port }: ClusterMember): Promise<void> {
      await untilWritten(client);
      await untilAt(client, port);
    }
    await untilWritten(client);

    const other = await redis.otherMaster(slot);
    await redis.moveSlots([slot === 0 ? 1 : slot - 1], other);
    await available(client.redis.set(key, '2'));

    await redis.moveSlots([slot], other);
    await follow(other);
    expect(await client.redis.get(key)).toBe('1');

    await redis.settled();
    const planned = await redis.failover(slot);
    await follow(planned);

    await redis.settled();
    planned.server().pause();
    const [promoted] = await Promise.all([redis.promoted(slot, planned), untilWritten(client)]);
    await follow(promoted);
    planned.server().resume();

    await redis.settled();
    await redis.kill(promoted);
    const [last] = await Promise.all([redis.promoted(slot, promoted), untilWritten(client)]);
    await follow(last);
  });
});
