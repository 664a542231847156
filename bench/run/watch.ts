import { type Spent, spending } from './cpu.ts';
import { type RedisWork, redisWork, workBetween } from './redis-work.ts';
import type { Stage } from './stage.ts';

/** What some work made Redis and the nodes do. */
export interface Watched<Value> {
  readonly value: Value;
  readonly redis: RedisWork;
  readonly spent: Spent;
}

export async function watching<Value>(stage: Stage, work: () => Promise<Value>): Promise<Watched<Value>> {
  const before = await redisWork(stage.redis);
  const { value, spent } = await spending(stage.pids, work);
  return { value, spent, redis: workBetween(before, await redisWork(stage.redis)) };
}

/** What each of so many units of work asked of Redis, without what goes on when there is none. */
export function redisValues(busy: Watched<unknown>, idle: Watched<unknown>, units: number) {
  const share = busy.spent.seconds / idle.spent.seconds;
  const perUnit = (count: (redis: RedisWork) => number) =>
    (count(busy.redis) - count(idle.redis) * share) / units;
  return {
    commands: perUnit(({ commands }) => commands),
    bytesIn: perUnit(({ bytesIn }) => bytesIn),
    bytesOut: perUnit(({ bytesOut }) => bytesOut),
    redisCpuUs: perUnit(({ cpuUs }) => cpuUs),
  };
}
