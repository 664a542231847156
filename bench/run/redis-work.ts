import type { Redis } from 'ioredis';

/** What a Redis has done since it started. */
export interface RedisWork {
  /** Commands, those inside scripts included. */
  readonly commands: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly cpuUs: number;
}

export async function redisWork(redis: Redis): Promise<RedisWork> {
  const [commands, traffic, cpu] = await Promise.all([
    redis.info('commandstats'),
    redis.info('stats'),
    redis.info('cpu'),
  ]);
  return {
    commands: callsIn(commands),
    bytesIn: field(traffic, 'total_net_input_bytes'),
    bytesOut: field(traffic, 'total_net_output_bytes'),
    cpuUs: (field(cpu, 'used_cpu_sys') + field(cpu, 'used_cpu_user')) * 1e6,
  };
}

/** The bench's own questions do not count. */
function callsIn(stats: string): number {
  const calls = [...stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)];
  return calls.reduce((sum, [, name, count]) => sum + (name === 'info' ? 0 : Number(count)), 0);
}

function field(info: string, name: string): number {
  return Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1] ?? 0);
}

export function workBetween(before: RedisWork, after: RedisWork): RedisWork {
  return {
    commands: after.commands - before.commands,
    bytesIn: after.bytesIn - before.bytesIn,
    bytesOut: after.bytesOut - before.bytesOut,
    cpuUs: after.cpuUs - before.cpuUs,
  };
}
