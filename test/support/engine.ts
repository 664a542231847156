import { Redis } from 'ioredis';
import { inject, onTestFinished } from 'vitest';
import { createMemoryBus } from '../../src/memory/bus.ts';
import { createMemoryStore } from '../../src/memory/store.ts';
import { createRedisEngine } from '../../src/redis/engine.ts';
import { type Clock, systemClock } from '../../src/signaling/clock.ts';
import type { Log } from '../../src/signaling/log.ts';
import type { Bus, Logged, Store } from '../../src/signaling/ports.ts';
import type { Topic } from '../../src/signaling/topic.ts';
import { type EngineName, randomPrefix } from './service.ts';

/** The two ports of one engine without a service around them, and what they had to say. */
export interface TestEngine {
  readonly store: Store;
  readonly bus: Bus;
  /** The entries that the bus told, in their order. */
  readonly heard: readonly Logged[];
  /** The news that the bus told, in their order. */
  readonly news: readonly { readonly topic: Topic; readonly body: string }[];
  /** How often the bus said that it was lost. */
  losses(): number;
  /** What was logged as an error. */
  readonly errors: readonly { readonly message: string; readonly fields: object }[];
  stop(): Promise<void>;
}

export interface EngineOptions {
  /** The shared Redis of the run unless given. */
  readonly redisUrl?: string;
  /** Nodes of one installation share it. Random unless given. */
  readonly prefix?: string;
  /** The engine's own unless given. */
  readonly clock?: Clock;
}

/** Starts an engine; it stops when the test has finished. */
export async function startEngine(name: EngineName, options: EngineOptions = {}): Promise<TestEngine> {
  const errors: TestEngine['errors'][number][] = [];
  const log: Log = {
    info: () => {},
    warn: () => {},
    error: (fields, message) => errors.push({ message, fields }),
  };
  const engine = name === 'memory' ? memoryEngine(options) : redisEngine(options, log);
  const heard: Logged[] = [];
  const news: { topic: Topic; body: string }[] = [];
  let losses = 0;
  engine.bus.listen({
    onEntry: (entry) => heard.push(entry),
    onNews: (topic, body) => news.push({ topic, body }),
    onLost: () => {
      losses++;
    },
  });
  await engine.start();
  onTestFinished(() => engine.stop());
  const { store, bus, stop } = engine;
  return { store, bus, heard, news, losses: () => losses, errors, stop };
}

/** A client of the test's own; the shared Redis of the run unless told otherwise. */
export function connectRedis(url = inject('redisUrl')): Redis {
  const redis = new Redis(url);
  // Tests that break a Redis look at what the service makes of it.
  redis.on('error', () => {});
  onTestFinished(() => redis.disconnect());
  return redis;
}

function memoryEngine({ clock = systemClock }: EngineOptions) {
  const bus = createMemoryBus();
  const store = createMemoryStore(clock, bus.publish);
  return { store, bus, start: async () => {}, stop: async () => store.stop() };
}

function redisEngine(
  { redisUrl = inject('redisUrl'), prefix = randomPrefix(), clock }: EngineOptions,
  log: Log,
) {
  return createRedisEngine({ url: redisUrl, prefix, log, clock, systemClock });
}
