import { Redis } from 'ioredis';
import { inject } from 'vitest';
import { createKeys } from '../../src/redis/keys.ts';
import { run } from './operations.ts';
import type { EngineName } from './service.ts';

/** Lends a connection to a Redis: that of the run unless told otherwise. */
export async function withRedis<Value>(
  work: (redis: Redis) => Promise<Value>,
  url = inject('redisUrl'),
): Promise<Value> {
  const redis = new Redis(url);
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

/** The names of everything that an installation has in Redis. */
export async function keysOf(redis: Redis, prefix: string): Promise<string[]> {
  const names: string[] = [];
  for await (const batch of redis.scanStream({ match: `{${prefix}}:*`, count: 1000 })) names.push(...batch);
  return [...new Set(names)].sort();
}

/** An installation, as `stateOf` looks at it. */
export interface Installation {
  readonly engine: EngineName;
  readonly prefix: string;
  readonly url: string;
  /** Of a user without live calls, whose sockets would begin before those; only used with the memory engine. */
  readonly token: string;
}

/**
 * What an installation holds, to be compared with what it holds later. On Redis: every key, byte by byte, but for leases
 * and the sequence's last number, which go on by themselves. In memory, with a clock that stands still: the end of the
 * log, which an appended entry would have moved by one.
 */
export function stateOf({ engine, prefix, url, token }: Installation): Promise<unknown> {
  return engine === 'redis' ? withRedis((redis) => dump(redis, prefix)) : endOfLog(url, token);
}

async function dump(redis: Redis, prefix: string): Promise<Record<string, unknown>> {
  const { log, nodes } = createKeys(prefix);
  const names = (await keysOf(redis, prefix)).filter((name) => name !== log && name !== nodes);
  const values = await Promise.all(names.map((name) => redis.dumpBuffer(name)));
  const dumped = Object.fromEntries(names.map((name, i) => [name, values[i]?.toString('hex')]));
  return { ...dumped, epoch: await redis.hget(log, 'epoch') };
}

async function endOfLog(url: string, token: string): Promise<string> {
  const { data } = await run('sse', url, token, 'subscription { incomingSignal { cursor } }');
  return data.incomingSignal.cursor;
}
