import type { Clock } from '../signaling/clock.ts';
import type { Log } from '../signaling/log.ts';
import type { Bus, Store } from '../signaling/ports.ts';
import { createRedisBus } from './bus.ts';
import { connect, createRedisClient, reach } from './client.ts';
import { createKeys } from './keys.ts';
import { createLease } from './lease.ts';
import { createRedisStore } from './store.ts';

/** The ports on one Redis, shared with other nodes. */
export interface RedisEngine {
  readonly store: Store;
  readonly bus: Bus;
  readonly clock: Clock;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface RedisEngineOptions {
  readonly url: string;
  /** Installations that share a Redis differ in it. */
  readonly prefix: string;
  readonly log: Log;
  /** Replaces the time of the Redis server. */
  readonly clock?: Clock | undefined;
  /** This machine's clock. */
  readonly systemClock: Clock;
}

/** How often the connection that only listens is probed, in milliseconds. */
const probeMs = 2000;

export function createRedisEngine({
  url,
  prefix,
  log,
  clock: given,
  systemClock,
}: RedisEngineOptions): RedisEngine {
  const keys = createKeys(prefix);
  const client = createRedisClient(url, log);
  const subscriber = connect(url, 'subscriber', log);
  const time = createServerClock(systemClock);
  const clock = given ?? time.clock;
  const bus = createRedisBus(subscriber, keys, log);
  const lease = createLease({ client, keys, clock, log, onLapse: bus.lose, onTime: time.set });
  const store = createRedisStore({ client, keys, clock, nodeId: lease.nodeId });

  let stopProbing = (): void => {};

  return {
    store,
    clock,
    bus: {
      ...bus,
      listen: (listener) =>
        bus.listen({
          onEntry: listener.onEntry,
          onLost() {
            lease.restart();
            listener.onLost();
          },
        }),
    },
    async start() {
      await client.start();
      await reach(subscriber);
      await lease.start();
      stopProbing = clock.every(probeMs, bus.probe);
    },
    async stop() {
      stopProbing();
      await lease.stop();
      subscriber.removeAllListeners('close');
      subscriber.disconnect();
      client.stop();
    },
  };
}

/** The time of the Redis server, as last read; nodes whose own clocks differ agree on it. */
function createServerClock(systemClock: Clock): { clock: Clock; set(now: number): void } {
  let ahead = 0;
  return {
    clock: { now: () => systemClock.now() + ahead, every: systemClock.every },
    set: (now) => {
      ahead = now - systemClock.now();
    },
  };
}
