import { createMemoryBus, type MemoryBus } from '../../src/memory/bus.ts';
import { createMemoryStore } from '../../src/memory/store.ts';
import { createRedisEngine } from '../../src/redis/engine.ts';
import type { Clock } from '../../src/signaling/clock.ts';
import type { Log } from '../../src/signaling/log.ts';
import type { Bus, Deadline, SocketRecord, Store, UserRecord } from '../../src/signaling/ports.ts';
import type { ManualClock } from './clock.ts';
import { type EngineName, randomPrefix } from './service.ts';

/** A node as its engine sees it. */
export interface Member {
  /** Stands still when the node dies. */
  readonly clock: Clock;
  readonly log: Log;
  /** It lives, or has not been dead for as long as a lease lasts. */
  holdsLease(): boolean;
}

/** One store for several nodes, each with ports of its own. */
export interface ModelEngine {
  join(member: Member): Promise<{ readonly store: Store; readonly bus: Bus }>;
  /** Resolves when what nodes do with the time by themselves is done. */
  renewed(): Promise<void>;
  /** Resolves when every entry that was committed has been told. */
  told(): Promise<void>;
  /** The documents that have a deadline. */
  deadlines(): Promise<readonly Deadline[]>;
  stop(): Promise<void>;
}

/** How long after its last renewal a node is taken for dead, in milliseconds. */
export const leaseMs = 8000;

export function createModelEngine(name: EngineName, clock: ManualClock, redisUrl: string): ModelEngine {
  return name === 'memory' ? memoryEngine(clock) : redisEngine(redisUrl);
}

/** The memory engine as if several nodes could share it, with leases as on Redis. */
function memoryEngine(clock: ManualClock): ModelEngine {
  const buses: MemoryBus[] = [];
  const holders = new Map<string, Member>();
  const shared = createMemoryStore(clock, (entry) => {
    for (const bus of buses) bus.publish({ ...entry });
  });

  const isConnected = ({ socketId }: SocketRecord): boolean => holders.get(socketId)?.holdsLease() ?? false;
  const seen = (record: UserRecord): UserRecord => ({
    ...record,
    sockets: record.sockets.map((socket) => (isConnected(socket) ? socket : { ...socket, connected: false })),
  });

  function storeOf(member: Member): Store {
    return {
      ...shared,
      user: async (uid) => seen(await shared.user(uid)),
      async open(opening) {
        holders.set(opening.socket.socketId, member);
        const opened = await shared.open(opening);
        return opened && { ...opened, user: seen(opened.user) };
      },
    };
  }

  return {
    async join(member) {
      const bus = createMemoryBus();
      buses.push(bus);
      return { store: storeOf(member), bus };
    },
    renewed: async () => {},
    told: async () => {},
    deadlines: () => shared.deadlines(Number.MAX_SAFE_INTEGER, 100),
    stop: async () => shared.stop(),
  };
}

function redisEngine(url: string): ModelEngine {
  const prefix = randomPrefix();
  const engines: ReturnType<typeof createRedisEngine>[] = [];
  return {
    async join({ clock, log }) {
      const engine = createRedisEngine({ url, prefix, log, clock, systemClock: clock });
      engines.push(engine);
      await engine.start();
      return engine;
    },
    // Redis answers each connection in order: the renewal was sent before.
    renewed: async () => void (await Promise.all(engines.map(({ store }) => store.document('none')))),
    told: async () => void (await Promise.all(engines.map(({ bus }) => bus.settled()))),
    deadlines: async () => (await engines[0]?.store.deadlines(Number.MAX_SAFE_INTEGER, 100)) ?? [],
    stop: async () => void (await Promise.all(engines.map((engine) => engine.stop()))),
  };
}
