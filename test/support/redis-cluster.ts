import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from './free-port.ts';
import { until } from './redis-sentinel.ts';
import { type RedisProcess, startRedis } from './redis-server.ts';

/** A member of a cluster: a server with an identity that survives its process. */
export interface ClusterMember {
  readonly id: string;
  readonly port: number;
  readonly url: string;
  /** The process that runs now, or ran last. */
  server(): RedisProcess;
}

/** Three masters with a replica each, unless told otherwise: all on loopback, all the test's own. */
export interface ClusterProcesses {
  /** As REDIS_URL takes it. */
  readonly url: string;
  readonly members: readonly ClusterMember[];
  /** The slot of every key of an installation with this REDIS_PREFIX. */
  slotOf(prefix: string): Promise<number>;
  /** The master that owns a slot now, as the members that run see it. */
  masterOf(slot: number): Promise<ClusterMember>;
  /** The replicas of a member. */
  replicasOf(master: ClusterMember): Promise<ClusterMember[]>;
  /** A master that does not own the slot. */
  otherMaster(slot: number): Promise<ClusterMember>;
  /** Resolves with the new master once another member than `former` owns the slot, and the cluster is whole. */
  promoted(slot: number, former: ClusterMember): Promise<ClusterMember>;
  /** Asks a replica of the slot's master to take over in good order; resolves as `promoted` does. */
  failover(slot: number): Promise<ClusterMember>;
  /** Ends a member as a crash does. */
  kill(member: ClusterMember): Promise<void>;
  /** Brings a member back that was killed: with its identity, without its data. */
  restart(member: ClusterMember): Promise<void>;
  /**
   * Moves slots to another master, with the keys in them, one slot after the other, while everything goes on.
   * `pauseMs` between two keys makes the moving of one slot take longer.
   */
  moveSlots(slots: readonly number[], to: ClusterMember, pauseMs?: number): Promise<void>;
  /** Resolves once every member runs, agrees on the slots, and every replica is in step. */
  settled(): Promise<void>;
  /** Ends all of them. May be called again. */
  stop(): Promise<void>;
}

export interface ClusterOptions {
  /** 3 unless given, which is the fewest. */
  readonly masters?: number;
  /** Of each master; 1 unless given. */
  readonly replicas?: number;
  /** After how many milliseconds without an answer a master is taken for dead; 1,000 unless given. */
  readonly nodeTimeoutMs?: number;
  /** More arguments for every server. */
  readonly args?: readonly string[];
  readonly password?: string;
}

const slots = 16_384;

type Member = ClusterMember & { process: RedisProcess; readonly folder: string; readonly busPort: number };

/** Starts them and resolves when they are whole and every replica is in step. */
export async function startCluster(options: ClusterOptions = {}): Promise<ClusterProcesses> {
  const { masters = 3, replicas = 1, nodeTimeoutMs = 1000, args = [], password } = options;
  const members: Member[] = [];
  const folder = await mkdtemp(join(tmpdir(), 'redis-cluster-'));

  async function stop(): Promise<void> {
    await Promise.all(members.map(({ process }) => process.stop()));
    await rm(folder, { recursive: true, force: true });
  }

  async function lend<Value>(port: number, work: (redis: Redis) => Promise<Value>): Promise<Value> {
    const redis = new Redis(port, {
      retryStrategy: () => null,
      connectTimeout: 1000,
      commandTimeout: 2000,
      ...(password && { password }),
    });
    redis.on('error', () => {});
    try {
      return await work(redis);
    } finally {
      redis.disconnect();
    }
  }

  function launch(place: { port?: number; folder: string; busPort: number }): Promise<RedisProcess> {
    const cluster = [
      ...['--cluster-enabled', 'yes', '--cluster-config-file', `${place.busPort}.conf`],
      ...['--cluster-port', `${place.busPort}`, '--cluster-node-timeout', `${nodeTimeoutMs}`],
      // Tests say who follows whom.
      ...['--cluster-allow-replica-migration', 'no', '--cluster-replica-validity-factor', '0'],
    ];
    return startRedis({ ...place, args: [...cluster, ...args] });
  }

  async function addMember(): Promise<void> {
    const place = { folder, busPort: await freePort() };
    const process = await launch(place);
    const { port, url } = process;
    const id = await lend(port, async (redis) => String(await redis.call('CLUSTER', 'MYID')));
    const member: Member = { ...place, id, port, url, process, server: () => member.process };
    members.push(member);
  }

  /** What the first member that answers knows of all: `id address flags master … slots`. */
  async function view(): Promise<string[][]> {
    let failure: unknown;
    for (const { port } of members)
      try {
        return lines(await lend(port, (redis) => redis.call('CLUSTER', 'NODES')));
      } catch (error) {
        failure = error;
      }
    throw new Error('No member answers.', { cause: failure });
  }

  function member(id: string | undefined): Member {
    const found = members.find((each) => each.id === id);
    if (!found) throw new Error(`There is no member ${id}.`);
    return found;
  }

  async function ownerOf(slot: number): Promise<Member | undefined> {
    for (const [id, , flags, , , , , , ...ranges] of await view())
      if (!flags?.includes('fail') && ranges.some((range) => holds(range, slot))) return member(id);
    return undefined;
  }

  const masterOf = (slot: number) => until(`owner of slot ${slot}`, () => ownerOf(slot));

  async function replicasOf(master: ClusterMember): Promise<Member[]> {
    return (await view()).filter(([, , , of]) => of === master.id).map(([id]) => member(id));
  }

  const isWhole = ({ port }: ClusterMember) =>
    lend(port, async (redis) => String(await redis.call('CLUSTER', 'INFO')).includes('cluster_state:ok'));

  function promoted(slot: number, former: ClusterMember): Promise<ClusterMember> {
    return until('another master', async () => {
      const owner = await ownerOf(slot);
      return owner && owner.id !== former.id && (await isWhole(owner)) ? owner : undefined;
    });
  }

  async function isInStep({ port }: ClusterMember): Promise<boolean> {
    const [kind, , , state] = await lend(port, async (redis) => (await redis.role()) as unknown[]);
    return kind === 'master' || state === 'connected';
  }

  /** Who owns what, as one member sees it. */
  async function layout({ port }: ClusterMember): Promise<string> {
    const seen = lines(await lend(port, (redis) => redis.call('CLUSTER', 'NODES')));
    return seen
      .map(([id, , flags, master, , , link, , ...ranges]) =>
        [id, flags?.replace('myself,', ''), master, link, ...ranges].join(' ').replace(/ \[.*/, ''),
      )
      .sort()
      .join('\n');
  }

  async function settled(): Promise<void> {
    await until('whole cluster', async () => {
      const whole = await Promise.all(members.map(isWhole));
      const inStep = await Promise.all(members.map(isInStep));
      const layouts = new Set(await Promise.all(members.map(layout)));
      const [seen = ''] = layouts;
      const isBroken = /fail|noaddr|handshake|disconnected/.test(seen);
      return whole.every(Boolean) && inStep.every(Boolean) && layouts.size === 1 && !isBroken;
    });
  }

  async function moveSlot(slot: number, to: ClusterMember, pauseMs: number): Promise<void> {
    const from = await masterOf(slot);
    if (from.id === to.id) return;
    await lend(to.port, (redis) => redis.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id));
    await lend(from.port, async (redis) => {
      await redis.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id);
      for (;;) {
        const keys = (await redis.call('CLUSTER', 'GETKEYSINSLOT', slot, pauseMs > 0 ? 1 : 100)) as string[];
        if (keys.length === 0) break;
        const auth = password ? ['AUTH', password] : [];
        await redis.call('MIGRATE', '127.0.0.1', to.port, '', 0, 5000, ...auth, 'KEYS', ...keys);
        if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    });
    // First who receives it, so that it has an owner at every moment; then the others, so that none asks the wrong one.
    const others = members.filter(({ id }) => id !== to.id && id !== from.id);
    for (const { port } of [to, from, ...others])
      await lend(port, (redis) => redis.call('CLUSTER', 'SETSLOT', slot, 'NODE', to.id)).catch(() => {
        // A replica takes no such order, and one that was killed none at all.
      });
  }

  async function form(): Promise<void> {
    const [first, ...others] = members.slice(0, masters) as [Member, ...Member[]];
    for (const [i, { port }] of members.slice(0, masters).entries()) {
      const range = [i, i + 1].map((part) => Math.floor((slots * part) / masters));
      await lend(port, async (redis) => {
        await redis.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
        await redis.call('CLUSTER', 'ADDSLOTSRANGE', range[0] ?? 0, (range[1] ?? slots) - 1);
      });
    }
    for (const { port, busPort } of [...others, ...members.slice(masters)])
      await lend(first.port, (redis) => redis.call('CLUSTER', 'MEET', '127.0.0.1', port, busPort));
    for (const [i, { port }] of members.slice(masters).entries()) {
      const master = members[i % masters] as Member;
      await until('acquaintance', () =>
        lend(port, async (redis) => (await redis.call('CLUSTER', 'REPLICATE', master.id)) === 'OK'),
      );
    }
    await settled();
  }

  try {
    for (let i = 0; i < masters * (1 + replicas); i++) await addMember();
    await form();
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    url: `redis+cluster://${members.map(({ port }) => `127.0.0.1:${port}`).join()}`,
    members,
    slotOf: async (prefix) =>
      Number(
        await lend((await masterOf(0)).port, (redis) => redis.call('CLUSTER', 'KEYSLOT', `{${prefix}}`)),
      ),
    masterOf,
    replicasOf,
    async otherMaster(slot) {
      const owner = await masterOf(slot);
      const other = (await view()).find(
        ([id, , flags]) => id !== owner.id && flags?.includes('master') && !flags.includes('fail'),
      );
      return member(other?.[0]);
    },
    promoted,
    async failover(slot) {
      const former = await masterOf(slot);
      const [replica] = await replicasOf(former);
      if (!replica) throw new Error(`The master of slot ${slot} has no replica.`);
      await lend(replica.port, (redis) => redis.call('CLUSTER', 'FAILOVER'));
      return promoted(slot, former);
    },
    kill: (which) => member(which.id).process.kill(),
    async restart(which) {
      const { port, busPort, id } = member(which.id);
      member(id).process = await launch({ port, busPort, folder });
    },
    async moveSlots(which, to, pauseMs = 0) {
      for (const slot of which) await moveSlot(slot, to, pauseMs);
    },
    settled,
    stop,
  };
}

function lines(nodes: unknown): string[][] {
  return String(nodes)
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
}

/** Whether a range of CLUSTER NODES (`5`, `0-5460`, or a slot in motion in brackets) holds a slot. */
function holds(range: string, slot: number): boolean {
  if (range.startsWith('[')) return false;
  const [first, last = first] = range.split('-').map(Number);
  return first !== undefined && last !== undefined && first <= slot && slot <= last;
}
