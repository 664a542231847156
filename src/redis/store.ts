import type { Clock } from '../signaling/clock.ts';
import type {
  AccessField,
  Change,
  Departure,
  HubCount,
  Logged,
  Opened,
  Opening,
  Outcome,
  Page,
  SocketRecord,
  Store,
  UserRecord,
} from '../signaling/ports.ts';
import type { Topic } from '../signaling/topic.ts';
import { available, type RedisClient, results } from './client.ts';
import type { Keys } from './keys.ts';
import { type Call, planCommit } from './plan.ts';

/** A socket as it is registered: with the node that holds it. */
type Registered = SocketRecord & { readonly node: string };

/** An entry of a stream, as Redis answers it: its id, and `previous`, `bytes`, `body` with their values. */
type StreamEntry = [id: string, fields: [string, string, string, string, string, string]];

/** How long it is known which socket of a device was closed last, in milliseconds. */
const departureMs = 2 * 60_000;

export interface RedisStoreParts {
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly clock: Clock;
  /** The id under which this node registers sockets. */
  nodeId(): string;
}

/** See the port. Every method is one command, one script or one pipeline, unless it says otherwise. */
export function createRedisStore({ client, keys, clock, nodeId }: RedisStoreParts): Store {
  const { redis } = client;

  async function commit(change: Change): Promise<Outcome> {
    const call = planCommit(keys, change);
    const [status, ...rest] = await client.inEpoch((...epoch) => redis.commit(...argumentsOf(call, epoch)));
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

  async function open(opening: Opening): Promise<Opened> {
    const call = planOpen(opening);
    const reply = await client.inEpoch((...epoch) => redis.open(...argumentsOf(call, epoch)));
    const [, epoch, number, access, sockets, live, nodes, tooMuch, kept] = reply as [
      string,
      string,
      string,
      string[],
      string[],
      string[],
      string[],
      number,
      [string, StreamEntry[]][],
    ];
    return {
      epoch,
      number: Number(number),
      user: { access: accessOf(pairs(access)), sockets: connected(sockets, nodes), live },
      topics: opening.topics.map(({ topic }, i) => ({
        topic,
        last: Number(kept[i]?.[0]),
        entries: (kept[i]?.[1] ?? []).map((entry) => loggedOf(topic, epoch, entry)),
      })),
      tooMuch: tooMuch === 1,
    };
  }

  function planOpen({ uid, socket, access, counts, topics, epoch, limit }: Opening): Call {
    const node = nodeId();
    const registered: Registered = { ...socket, node };
    const owned = [
      keys.log,
      keys.access(uid),
      keys.sockets(uid),
      keys.live(uid),
      keys.owner(socket.socketId),
    ];
    const shared = [keys.nodes, keys.nodeSockets(node), keys.nodeCounts(node)];
    const plan = {
      uid,
      node,
      epoch,
      limit,
      socketId: socket.socketId,
      now: clock.now(),
      counts: Object.fromEntries(counts),
      // As text: Lua would round them when it joins them to others.
      after: topics.map(({ after }) => String(after)),
      access: access.map(({ field, value }, i) => ({ field, ...(value !== null && { bValue: 6 + i }) })),
    };
    return {
      keys: [
        ...owned,
        ...shared,
        ...topics.flatMap(({ topic }) => [keys.entries(topic), keys.record(topic)]),
      ],
      argv: [JSON.stringify(plan), JSON.stringify(registered), ...access.map(({ value }) => value ?? '')],
    };
  }

  async function close(sockets: readonly Departure[], counts: ReadonlyMap<string, number>): Promise<void> {
    const node = nodeId();
    const pipeline = redis.pipeline();
    for (const departure of sockets) {
      const { uid, socketId, deviceId } = departure;
      pipeline
        .hdel(keys.sockets(uid), socketId)
        .del(keys.owner(socketId))
        .hdel(keys.nodeSockets(node), socketId);
      if (departure.by === null) continue;
      pipeline
        .hset(keys.departures(uid), deviceId ?? '', JSON.stringify(departure))
        .pexpire(keys.departures(uid), departureMs);
    }
    // A hub that nobody listens to any more leaves no field behind.
    for (const [hubId, count] of counts) {
      if (count > 0) pipeline.hset(keys.nodeCounts(node), hubId, count);
      else pipeline.hdel(keys.nodeCounts(node), hubId);
    }
    await results(pipeline);
  }

  async function user(uid: string): Promise<UserRecord> {
    const pipeline = redis
      .pipeline()
      .hgetall(keys.access(uid))
      .hvals(keys.sockets(uid))
      .hvals(keys.live(uid));
    const [access, sockets, live, nodes] = await results(
      pipeline.zrangebyscore(keys.nodes, `(${clock.now()}`, '+inf'),
    );
    return {
      access: accessOf(Object.entries(access as Record<string, string>)),
      sockets: connected(sockets as string[], nodes as string[]),
      live: live as string[],
    };
  }

  async function departures(uid: string): Promise<readonly Departure[]> {
    const found = await available(redis.hvals(keys.departures(uid)));
    return found.map((text) => JSON.parse(text) as Departure);
  }

  async function ownerOf(socketId: string): Promise<string | undefined> {
    const pipeline = redis.pipeline().get(keys.owner(socketId));
    const [owner, nodes] = await results(pipeline.zrangebyscore(keys.nodes, `(${clock.now()}`, '+inf'));
    const [node, uid] = String(owner ?? '').split(' ');
    return (nodes as string[]).includes(node ?? '') ? uid : undefined;
  }

  async function document(id: string) {
    const [rev, body] = await available(redis.hmget(keys.document(id), 'rev', 'body'));
    return rev && typeof body === 'string' ? { id, rev: Number(rev), body } : undefined;
  }

  async function entries(topic: Topic, after: number): Promise<readonly Logged[]> {
    const pipeline = redis.pipeline().hget(keys.log, 'epoch').xrange(keys.entries(topic), `(${after}-0`, '+');
    const [epoch, found] = await results(pipeline);
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

  /** Two steps: which nodes hold their lease, then what each of them counts. */
  async function counts(hubIds: readonly string[]): Promise<ReadonlyMap<string, HubCount>> {
    if (hubIds.length === 0) return new Map();
    const nodes = await available(redis.zrangebyscore(keys.nodes, `(${clock.now()}`, '+inf'));
    const pipeline = redis.pipeline();
    for (const node of nodes) pipeline.hmget(keys.nodeCounts(node), ...hubIds);
    const byNode = (await results(pipeline)) as (string | null)[][];
    return new Map(hubIds.map((hubId, i) => [hubId, sum(byNode.map((found) => Number(found[i] ?? 0)))]));
  }

  async function due(now: number, limit: number): Promise<readonly string[]> {
    return available(redis.zrangebyscore(keys.timers, '-inf', now, 'LIMIT', 0, limit));
  }

  return {
    commit,
    open,
    close,
    user,
    departures,
    ownerOf,
    document,
    entries,
    rows,
    result,
    counts,
    due,
    ready: client.ready,
  };
}

function argumentsOf({ keys, argv }: Call, epoch: string[]): [number, ...string[]] {
  return [keys.length, ...keys, ...epoch, ...argv];
}

function sum(counts: number[]): HubCount {
  const listening = counts.filter((count) => count > 0);
  return { sockets: listening.reduce((total, count) => total + count, 0), nodes: listening.length };
}

function pairs(flat: string[]): [string, string][] {
  return flat.flatMap((field, i) => (i % 2 === 0 ? [[field, flat[i + 1] ?? ''] as [string, string]] : []));
}

function accessOf(fields: [field: string, text: string][]): Map<string, AccessField> {
  return new Map(
    fields.map(([field, text]) => {
      const space = text.indexOf(' ');
      return [field, { since: Number(text.slice(0, space)), value: text.slice(space + 1) }];
    }),
  );
}

/** The sockets among those registered whose node's lease holds. */
function connected(registered: string[], nodes: string[]): SocketRecord[] {
  return registered.flatMap((text) => {
    const { node, ...socket } = JSON.parse(text) as Registered;
    return nodes.includes(node) ? [socket] : [];
  });
}

function loggedOf(topic: Topic, epoch: string, [id, [, previous, , , , body]]: StreamEntry): Logged {
  return { topic, epoch, number: Number.parseInt(id, 10), previous: Number(previous), body };
}
