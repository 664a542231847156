import type { TestProject } from 'vitest/node';
import { ensureRedisServer, type RedisProcess, startRedis } from './redis-server.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The Redis that all suites share. Use a random key prefix, and never FLUSHALL; to break a Redis, start your own. */
    redisUrl: string;
  }
}

let redis: RedisProcess | undefined;

export async function setup(project: TestProject): Promise<void> {
  await ensureRedisServer();
  redis = await startRedis();
  project.provide('redisUrl', redis.url);
}

export async function teardown(): Promise<void> {
  await redis?.stop();
}
