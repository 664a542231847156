import type { Clock } from '../signaling/clock.ts';
import type {
  Change,
  Cut,
  Deadline,
  HubCount,
  Logged,
  Outcome,
  Page,
  Reading,
  Store,
} from '../signaling/ports.ts';
import type { Topic } from '../signaling/topic.ts';
import { available, type RedisClient, together } from './client.ts';
import { cutOf, loggedOf, planReading, type StreamEntry, type TopicReply } from './cut.ts';
import type { Keys } from './keys.ts';
import { pairs } from './pairs.ts';
import { planCommit } from './plan.ts';
import type { Registry } from './registry.ts';
import type { CountsReply } from './scripts.ts';
import { createSharing } from './sharing.ts';

export interface RedisStoreParts {
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly registry: Registry;
}

/** See the port. Every method is one round trip, unless it says otherwise. */
export function createRedisStore({ client, keys, clock, registry }: RedisStoreParts): Store {
  const { redis, scripts } = client;
  const sharing = createSharing<ReadonlyMap<string, HubCount>>();
  /** The nodes that held a lease when that was last asked: nearly always those that hold one now. */
  let nodes: readonly string[] = [];

  async function commit(change: Change): Promise<Outcome> {
    const { keys: names, argv } = planCommit(keys, change);
    const [status, ...rest] = await client.inEpoch((...epoch) => scripts.commit(names, [...epoch, ...argv]));
    switch (status) {
      case 'DONE':
        return { status, numbers: rest.map(Number) };
      case 'REPEATED':
        return { status, result: String(rest[0]) };
      case 'CONFLICT':
      case 'KEY_CONFLICT':
        return { status };
      default:
        throw new Error(`commit-n.lua answered ${status}`);
    }
  }

  async function read(reading: Reading): Promise<Cut> {
    const names = reading.topics.flatMap(({ topic }) => [keys.entries(topic), keys.record(topic)]);
    const plan = JSON.stringify(planReading(reading));
    const [, epoch, number, tooMuch, kept] = await client.inEpoch((...ofEpoch) =>
      scripts.read([keys.log, ...names], [...ofEpoch, plan]),
    );
    return cutOf(reading, String(epoch), String(number), Number(tooMuch), kept as TopicReply[]);
  }

  async function document(id: string) {
    const [rev, body] = await available(redis.hmget(keys.document(id), 'rev', 'body'));
    return rev && typeof body === 'string' ? { id, rev: Number(rev), body } : undefined;
  }

  async function entries(topic: Topic, after: number): Promise<readonly Logged[]> {
    const [epoch, found] = await together([
      redis.hget(keys.log, 'epoch'),
      redis.xrange(keys.entries(topic), `(${after}-0`, '+'),
    ]);
    return (found as StreamEntry[]).map((entry) => loggedOf(topic, String(epoch), entry));
  }

  /** Three commands, one after the other: a page is read seldom. */
  async function rows(list: string, { first, after }: Page) {
    const rank = after === null ? -1 : await available(redis.zrevrank(keys.list(list), after));
    if (rank === null) return undefined;
    const ids = await available(redis.zrevrange(keys.list(list), rank + 1, rank + first));
    const bodies = ids.length > 0 ? await available(redis.hmget(keys.rows(list), ...ids)) : [];
    return ids.flatMap((id, i) => (typeof bodies[i] === 'string' ? [{ id, body: bodies[i] }] : []));
  }

  async function result(keyId: string) {
    const [fingerprint, found] = await available(redis.hmget(keys.key(keyId), 'fingerprint', 'result'));
    return fingerprint && typeof found === 'string' ? { fingerprint, result: found } : undefined;
  }

  function counts(hubIds: readonly string[]): Promise<ReadonlyMap<string, HubCount>> {
    return sharing(JSON.stringify(hubIds), () => readCounts(hubIds));
  }

  /** Which nodes hold their lease, and what each of them counts; a second round trip for those that were not known. */
  async function readCounts(hubIds: readonly string[]): Promise<ReadonlyMap<string, HubCount>> {
    if (hubIds.length === 0) return new Map();
    const asked = nodes;
    const [alive, ...found] = await countsOf(asked, hubIds);
    nodes = alive;
    const byNode = new Map(asked.map((node, i) => [node, found[i] ?? []]));
    const unknown = alive.filter((node) => !byNode.has(node));
    const [, ...late] = unknown.length > 0 ? await countsOf(unknown, hubIds) : [[]];
    for (const [i, node] of unknown.entries()) byNode.set(node, late[i] ?? []);
    const living = alive.map((node) => byNode.get(node) ?? []);
    return new Map(hubIds.map((hubId, i) => [hubId, sum(living.map((ofNode) => Number(ofNode[i] ?? 0)))]));
  }

  function countsOf(asked: readonly string[], hubIds: readonly string[]): Promise<CountsReply> {
    const names = [keys.nodes, ...asked.map(keys.nodeCounts)];
    return available(scripts.counts(names, [clock.now(), ...hubIds]));
  }

  async function deadlines(until: number, limit: number): Promise<readonly Deadline[]> {
    const range = [keys.timers, '-inf', until, 'WITHSCORES', 'LIMIT', 0, limit] as const;
    const found: unknown[] = await available(redis.zrangebyscore(...range));
    return pairs(found).map(([id, at]) => ({ id, at: Number(at) }));
  }

  return {
    ...registry,
    commit,
    read,
    document,
    entries,
    rows,
    result,
    counts,
    deadlines,
    ready: client.ready,
  };
}

function sum(counts: number[]): HubCount {
  const listening = counts.filter((count) => count > 0);
  return { sockets: listening.reduce((total, count) => total + count, 0), nodes: listening.length };
}
