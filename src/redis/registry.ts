import type { Clock } from '../signaling/clock.ts';
import type {
  AccessField,
  Departure,
  KnownSocket,
  Opened,
  Opening,
  SocketRecord,
  Store,
  UserRecord,
} from '../signaling/ports.ts';
import { available, type RedisClient, together } from './client.ts';
import { cutOf, planReading, type TopicReply } from './cut.ts';
import type { Keys } from './keys.ts';
import type { Lease } from './lease.ts';
import { pairs } from './pairs.ts';
import type { Call } from './plan.ts';
import type { UserReply } from './scripts.ts';
import { createSharing } from './sharing.ts';

/** The part of the store that knows users and their sockets: see scripts/sockets.lua for how they are registered. */
export type Registry = Pick<
  Store,
  'open' | 'reclaim' | 'close' | 'sweep' | 'user' | 'access' | 'socket' | 'departures' | 'ownerOf'
>;

/** How long it is known which socket of a device was closed last, in milliseconds. */
const departureMs = 2 * 60_000;

/** How many sockets one sweep forgets at most, of each kind. */
const mostForgotten = 1000;

export interface RegistryParts {
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly lease: Lease;
  readonly graceMs: number;
}

/** Every method is one round trip, unless it says otherwise. */
export function createRegistry({ client, keys, clock, lease, graceMs }: RegistryParts): Registry {
  const { redis, scripts } = client;
  const { nodeId } = lease;
  const sharing = createSharing<UserRecord>();
  /** A socket that leaves while it is registered again leaves after that. */
  let reclaiming: Promise<unknown> = Promise.resolve();

  async function open(opening: Opening): Promise<Opened | undefined> {
    const { keys: names, argv } = planOpen(opening);
    const [status, ...rest] = await client.inEpoch((...epoch) => scripts.open(names, [...epoch, ...argv]));
    if (status === 'TAKEN') return undefined;
    const [epoch, number, known, tooMuch, kept] = rest as [string, string, UserReply, number, TopicReply[]];
    return { ...cutOf(opening.reading, epoch, number, tooMuch, kept), user: userRecordOf(known) };
  }

  function planOpen({ uid, socket, replaces, access, counts, reading }: Opening): Call {
    const plan = {
      uid,
      node: nodeId,
      socketId: socket.socketId,
      generation: socket.generation,
      replaces,
      graceBegan: clock.now() - graceMs,
      counts: Object.fromEntries(counts),
      access: access.map(({ field, value }, i) => ({ field, ...(value !== null && { bValue: 6 + i }) })),
      reading: planReading(reading),
    };
    const ofUser = [keys.access(uid), keys.sockets(uid), keys.live(uid), keys.owner(socket.socketId)];
    const ofNode = [keys.graces, keys.nodes, keys.nodeSockets(nodeId), keys.nodeCounts(nodeId)];
    const ofTopics = reading.topics.flatMap(({ topic }) => [keys.entries(topic), keys.record(topic)]);
    return {
      keys: [keys.log, ...ofUser, ...ofNode, ...ofTopics],
      argv: [JSON.stringify(plan), JSON.stringify(socket), ...access.map(({ value }) => value ?? '')],
    };
  }

  function reclaim(...parts: Parameters<Store['reclaim']>): Promise<readonly string[]> {
    const reclaimed = register(...parts);
    reclaiming = reclaimed.catch(() => {});
    return reclaimed;
  }

  /** The lease first, then one script. */
  async function register(...[sockets, counts]: Parameters<Store['reclaim']>): Promise<readonly string[]> {
    await lease.renew();
    const plan = {
      node: nodeId,
      counts: Object.fromEntries(counts),
      sockets: sockets.map(({ uid, record }) => ({
        uid,
        socketId: record.socketId,
        generation: record.generation,
      })),
    };
    const names = [keys.nodeSockets(nodeId), keys.nodeCounts(nodeId), keys.graces].concat(
      sockets.flatMap(({ uid, record }) => [keys.sockets(uid), keys.owner(record.socketId)]),
    );
    const records = sockets.map(({ record }) => JSON.stringify(record));
    return available(scripts.reclaim(names, [JSON.stringify(plan), ...records]));
  }

  async function close(...[sockets, counts]: Parameters<Store['close']>): Promise<void> {
    await reclaiming;
    const plan = {
      departureMs,
      node: nodeId,
      counts: Object.fromEntries(counts),
      departures: sockets.map(({ uid, socketId, deviceId, generation, at, by, final }) => ({
        uid,
        socketId,
        generation,
        ended: final ? at - graceMs : at,
        isMissed: by !== null,
        deviceId: deviceId ?? '',
      })),
    };
    const names = [keys.nodeSockets(nodeId), keys.nodeCounts(nodeId), keys.graces].concat(
      sockets.flatMap(({ uid, socketId }) => [keys.sockets(uid), keys.owner(socketId), keys.departures(uid)]),
    );
    const departures = sockets.map((departure) => JSON.stringify(departure));
    await available(scripts.leave(names, [JSON.stringify(plan), ...departures]));
  }

  /** Two commands, and one more for each kind of socket that is found. */
  async function sweep(): Promise<readonly string[]> {
    const over = clock.now() - graceMs;
    // Who was away with everybody else cannot tell the dead from those who are on their way back.
    const canTell = lease.isSteady();
    const [inGrace, dead] = await together([
      redis.zrangebyscore(keys.graces, '-inf', over, 'LIMIT', 0, mostForgotten),
      redis.zrangebyscore(keys.nodes, '-inf', over),
    ]);
    const gone = await forget(
      inGrace.map((member) => member.split(' ') as [string, string]),
      '',
    );
    if (canTell) for (const node of dead) gone.push(...(await forgetNode(node)));
    return gone;
  }

  async function forget(sockets: [socketId: string, uid: string][], dead: string): Promise<string[]> {
    if (sockets.length === 0) return [];
    const names = [keys.graces, keys.nodeSockets(dead)].concat(
      sockets.flatMap(([socketId, uid]) => [keys.sockets(uid), keys.owner(socketId)]),
    );
    return available(scripts.forget(names, [clock.now() - graceMs, dead, ...sockets.flat()]));
  }

  async function forgetNode(node: string): Promise<string[]> {
    const flat = await available(redis.hrandfield(keys.nodeSockets(node), mostForgotten, 'WITHVALUES'));
    const sockets = pairs(flat as unknown[]);
    const gone = await forget(sockets, node);
    if (sockets.length < mostForgotten) {
      await together([
        redis.del(keys.nodeSockets(node), keys.nodeCounts(node)),
        redis.zrem(keys.nodes, node),
      ]);
    }
    return gone;
  }

  function user(uid: string): Promise<UserRecord> {
    return sharing(uid, () => readUser(uid));
  }

  async function readUser(uid: string): Promise<UserRecord> {
    const names = [keys.access(uid), keys.sockets(uid), keys.live(uid), keys.nodes];
    return userRecordOf(await available(scripts.user(names, [clock.now() - graceMs])));
  }

  function userRecordOf([access, sockets, live, nodes]: UserReply): UserRecord {
    return { access: accessOf(pairs(access)), sockets: knownSockets(sockets, nodes), live };
  }

  /** The nodes that are alive, or were less than a grace ago. */
  function leases(): Promise<string[]> {
    return redis.zrangebyscore(keys.nodes, `(${clock.now() - graceMs}`, '+inf', 'WITHSCORES');
  }

  async function access(uid: string): Promise<UserRecord['access']> {
    return accessOf(Object.entries(await available(redis.hgetall(keys.access(uid)))));
  }

  async function socket(uid: string, socketId: string): Promise<KnownSocket | undefined> {
    const [text, nodes] = await together([redis.hget(keys.sockets(uid), socketId), leases()]);
    return knownSockets(text === null ? [] : [text], nodes)[0];
  }

  async function departures(uid: string): Promise<readonly Departure[]> {
    const found = await available(redis.hvals(keys.departures(uid)));
    return found.map((text) => JSON.parse(text) as Departure);
  }

  async function ownerOf(socketId: string): Promise<string | undefined> {
    const [owner, nodes] = await together([redis.get(keys.owner(socketId)), leases()]);
    const [node = '', ended = '', uid] = (owner ?? '').split(' ');
    return stateOf(node, Number(ended), leasesOf(nodes)) ? uid : undefined;
  }

  /** The sockets among those registered that are connected or in grace. */
  function knownSockets(registered: string[], nodes: unknown[]): KnownSocket[] {
    const leases = leasesOf(nodes);
    return registered.flatMap((text) => {
      const [, node = '', ended, record] = /^(\S+) \d+ (\d+) (.*)$/s.exec(text) ?? [];
      const state = stateOf(node, Number(ended), leases);
      return record && state
        ? [{ ...(JSON.parse(record) as SocketRecord), connected: state === 'connected' }]
        : [];
    });
  }

  /** A connection ends by itself, or with the lease of its node. */
  function stateOf(node: string, ended: number, leases: ReadonlyMap<string, number>) {
    const now = clock.now();
    const until = leases.get(node) ?? 0;
    if (ended === 0 && until > now) return 'connected';
    return (ended || until) + graceMs > now ? 'in grace' : undefined;
  }

  return { open, reclaim, close, sweep, user, access, socket, departures, ownerOf };
}

/** Nodes and the ends of their leases, as Redis answers them: flat, or in pairs. */
function leasesOf(nodes: unknown[]): Map<string, number> {
  return new Map(pairs(nodes).map(([node, until]) => [node, Number(until)]));
}

function accessOf(fields: [field: string, text: string][]): Map<string, AccessField> {
  return new Map(
    fields.map(([field, text]) => {
      const space = text.indexOf(' ');
      return [field, { since: Number(text.slice(0, space)), value: text.slice(space + 1) }];
    }),
  );
}
