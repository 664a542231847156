import { Redis } from 'ioredis';
import { type RedisProcess, startRedis } from '../support/redis-server.ts';
import type { Run } from './fault.ts';

/** A Redis of the run's own. */
export async function ownRedis(run: Run, args: readonly string[] = []): Promise<RedisProcess> {
  const redis = await startRedis({ args });
  run.defer(redis.stop);
  return redis;
}

/** Says one thing to a Redis. */
export async function tell(url: string, command: string, ...args: (string | number)[]): Promise<unknown> {
  const redis = new Redis(url, { retryStrategy: () => null, protocol: 2 });
  redis.on('error', () => {});
  try {
    return await redis.call(command, ...args);
  } finally {
    redis.disconnect();
  }
}
