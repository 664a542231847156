import type { Clock } from '../signaling/clock.ts';
import { createId } from '../signaling/id.ts';
import type { Log } from '../signaling/log.ts';
import { type RedisClient, results } from './client.ts';
import type { Keys } from './keys.ts';

/**
 * This node's place among the others: an id, and a lease that says it is alive. Sockets are registered under the id;
 * when the lease ends, so do they. A node that may have been taken for dead goes on under a new id.
 */
export interface Lease {
  nodeId(): string;
  /** Begins again under a new id: what was registered under the old one is no longer ours. */
  restart(): void;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Milliseconds. Three renewals may fail before a lease ends. */
const leaseMs = 8000;
const renewMs = 2000;

/** How many sockets of dead nodes one renewal removes at most from the registry. */
const mostReaped = 1000;

export interface LeaseParts {
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly log: Log;
  /** The lease ended before it could be renewed, or Redis no longer knows of it. */
  onLapse(): void;
  /** The time of the server, in milliseconds, as just read. */
  onTime(now: number): void;
}

export function createLease({ client, keys, clock, log, onLapse, onTime }: LeaseParts): Lease {
  const { redis } = client;
  let nodeId = createId('node');
  /** Redis has confirmed that it knows this id. */
  let isKnown = false;
  /** Ids that were given up. Until Redis knows, what was registered under them looks connected. */
  let former: readonly string[] = [];
  let renewedAt = performance.now();
  let stopRenewing = (): void => {};

  async function renew(): Promise<void> {
    const began = performance.now();
    if (began - renewedAt > leaseMs) {
      renewedAt = began;
      onLapse();
    }
    const [holder, left] = [nodeId, former];
    const pipeline = redis
      .pipeline()
      .time()
      .zadd(keys.nodes, clock.now() + leaseMs, holder);
    for (const id of left) pipeline.zadd(keys.nodes, 0, id);
    const [time, added] = await results(pipeline);
    const [seconds, microseconds] = time as [string, string];
    onTime(Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000));
    former = former.filter((id) => !left.includes(id));
    if (holder === nodeId) renewed(began, added === 1);
    await reap();
  }

  function renewed(began: number, isNew: boolean): void {
    renewedAt = began;
    // Redis was emptied, or others took this node for dead: its sockets are no longer registered.
    if (isNew && isKnown) onLapse();
    else isKnown = true;
  }

  function renewAndTell(): void {
    renew().catch((error: unknown) => log.warn({ error }, 'the lease of this node could not be renewed'));
  }

  /** Removes what dead nodes left in the registry. Several nodes may do it at once. */
  async function reap(): Promise<void> {
    const dead = await redis.zrangebyscore(keys.nodes, '-inf', clock.now() - leaseMs);
    for (const node of dead) await reapNode(node);
  }

  async function reapNode(node: string): Promise<void> {
    const sockets = Object.entries(await redis.hgetall(keys.nodeSockets(node)));
    const pipeline = redis.pipeline();
    for (const [socketId, uid] of sockets.slice(0, mostReaped)) {
      pipeline
        .hdel(keys.sockets(uid), socketId)
        .del(keys.owner(socketId))
        .hdel(keys.nodeSockets(node), socketId);
    }
    if (sockets.length <= mostReaped) {
      pipeline.del(keys.nodeSockets(node), keys.nodeCounts(node)).zrem(keys.nodes, node);
      log.info({ node, sockets: sockets.length }, 'removed what a dead node left');
    }
    await results(pipeline);
  }

  return {
    nodeId: () => nodeId,
    restart() {
      former = [...former, nodeId];
      nodeId = createId('node');
      isKnown = false;
      renew().catch(() => {});
    },
    async start() {
      await renew();
      const stopPeriodic = clock.every(renewMs, renewAndTell);
      // Before anything else that is sent on the new connection, so that no socket is looked for in vain.
      redis.on('ready', renewAndTell);
      stopRenewing = () => {
        stopPeriodic();
        redis.off('ready', renewAndTell);
      };
    },
    async stop() {
      stopRenewing();
      await redis.zadd(keys.nodes, 0, nodeId).catch(() => {});
    },
  };
}
