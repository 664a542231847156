import type { Clock } from '../signaling/clock.ts';
import { createId } from '../signaling/id.ts';
import type { Log } from '../signaling/log.ts';
import { type RedisClient, together } from './client.ts';
import type { Keys } from './keys.ts';

/**
 * This node's place among the others: an id, and a lease that says it is alive. Its sockets are registered under the id;
 * when the lease has ended, others take them for lost.
 */
export interface Lease {
  readonly nodeId: string;
  /** Whether others still take this node for alive. Compares a clock that no one sets. */
  holds(): boolean;
  /** If it ever lapsed, it has held since for as long as others need to come back who were away too. */
  isSteady(): boolean;
  /** Renews it now; true when it had lapsed, or Redis knew nothing of it any more. Throws UNAVAILABLE. */
  renew(): Promise<boolean>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Milliseconds. Three renewals may fail before a lease ends. */
const leaseMs = 8000;
const renewMs = 2000;

export interface LeaseParts {
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly log: Log;
  /** Others may have taken this node for dead, or Redis no longer knows of it. */
  onLapse(): void;
  /** The time of the server, in milliseconds, as just read. */
  onTime(now: number): void;
}

export function createLease({ client, keys, clock, log, onLapse, onTime }: LeaseParts): Lease {
  const { redis } = client;
  const nodeId = createId('node');
  /** Redis has confirmed that it knows this id. */
  let isKnown = false;
  let renewedAt = performance.now();
  /** By the clock that nodes share. */
  let until = 0;
  let heldSince = Number.NEGATIVE_INFINITY;
  let stopRenewing = (): void => {};

  const holds = (): boolean => performance.now() - renewedAt <= leaseMs;

  async function renew(): Promise<boolean> {
    const began = performance.now();
    const end = clock.now() + leaseMs;
    const [time, added] = await together([redis.time(), redis.zadd(keys.nodes, end, nodeId)]);
    until = end;
    const [seconds, microseconds] = time;
    onTime(Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000));
    // Redis was emptied, or others have removed what was registered here.
    const wasForgotten = added === 1 && isKnown;
    const hadLapsed = !holds();
    if (hadLapsed) heldSince = began;
    [isKnown, renewedAt] = [true, began];
    return wasForgotten || hadLapsed;
  }

  async function renewAndTell(): Promise<void> {
    try {
      if (await renew()) onLapse();
    } catch (error) {
      log.warn({ error }, 'the lease of this node could not be renewed');
    }
  }

  return {
    nodeId,
    holds,
    isSteady: () => holds() && clock.now() < until && performance.now() - heldSince >= leaseMs,
    renew,
    async start() {
      await renew();
      const stopPeriodic = clock.every(renewMs, () => void renewAndTell());
      // Before anything else that is sent on the new connection, so that no socket is looked for in vain.
      redis.on('ready', renewAndTell);
      stopRenewing = () => {
        stopPeriodic();
        redis.off('ready', renewAndTell);
      };
    },
    async stop() {
      stopRenewing();
      await redis.zadd(keys.nodes, clock.now(), nodeId).catch(() => {});
    },
  };
}
