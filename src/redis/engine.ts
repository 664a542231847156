import type { Clock } from '../signaling/clock.ts';
import type { Log } from '../signaling/log.ts';
import { type Bus, type BusListener, defaultGraceMs, type Store } from '../signaling/ports.ts';
import { createRedisBus } from './bus.ts';
import { createRedisClient } from './client.ts';
import { createKeys } from './keys.ts';
import { createLease } from './lease.ts';
import { reach } from './link.ts';
import { startProbe } from './probe.ts';
import { createRegistry } from './registry.ts';
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
  readonly graceMs?: number | undefined;
  readonly log: Log;
  /** Replaces the time of the Redis server. */
  readonly clock?: Clock | undefined;
  /** This machine's clock. */
  readonly systemClock: Clock;
}

export function createRedisEngine({
  url,
  prefix,
  graceMs = defaultGraceMs,
  log,
  clock: given,
  systemClock,
}: RedisEngineOptions): RedisEngine {
  const keys = createKeys(prefix);
  const client = createRedisClient(url, prefix, log, systemClock);
  const { subscriber } = client;
  const time = createServerClock(systemClock);
  const clock = given ?? time.clock;
  const bus = createRedisBus(subscriber, client.redis, keys, log);
  let listener: BusListener | undefined;
  const lease = createLease({
    client,
    keys,
    clock,
    log,
    onLapse: () => listener?.onLost(),
    onTime: time.set,
  });
  const registry = createRegistry({ client, keys, clock, lease, graceMs });
  const store = createRedisStore({ client, keys, clock, registry });
  let stopProbing = (): void => {};

  /** While others may have taken over its sockets, a node writes nothing to them: what it was told, it reads again. */
  function listen(told: BusListener): void {
    listener = told;
    bus.listen({ ...told, onEntry: (entry) => (lease.holds() ? told.onEntry(entry) : told.onLost()) });
  }

  return {
    store,
    clock,
    bus: { ...bus, listen },
    async start() {
      await client.start();
      await reach(subscriber);
      await lease.start();
      stopProbing = startProbe({
        redis: client.redis,
        subscriber,
        channel: keys.probe(lease.nodeId),
        clock,
        onDeaf: () => {
          log.warn({}, 'what this node publishes does not arrive: it connects anew');
          subscriber.disconnect(true);
        },
      });
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
