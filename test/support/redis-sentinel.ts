import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { type RedisProcess, startRedis } from './redis-server.ts';

/** A primary, its replicas, and the Sentinels that watch them: all on loopback, all the test's own. */
export interface SentinelProcesses {
  /** As REDIS_URL takes it. */
  readonly url: string;
  /** What the Sentinels call the primary. */
  readonly name: string;
  /** The data servers that run, in the order in which they were started. The first began as the primary. */
  readonly servers: readonly RedisProcess[];
  readonly sentinels: readonly RedisProcess[];
  /** The server that the Sentinels name now; undefined while they name one that was killed. */
  primary(): Promise<RedisProcess | undefined>;
  /** Resolves with the new primary once the Sentinels name another server than `former`, and it takes writes. */
  promoted(former: RedisProcess): Promise<RedisProcess>;
  /** Asks for a planned failover (SENTINEL FAILOVER); resolves with the new primary as `promoted` does. */
  failover(): Promise<RedisProcess>;
  /** Ends a server as a crash does. */
  kill(server: RedisProcess): Promise<void>;
  /** Starts an empty server on the port of one that was killed; the Sentinels make it what they think fit. */
  restart(port: number): Promise<RedisProcess>;
  /** Resolves once every server but the primary is a replica of it, and in step. */
  settled(): Promise<void>;
  /** Ends all of them. May be called again. */
  stop(): Promise<void>;
}

export interface SentinelOptions {
  /** 1 unless given. */
  readonly replicas?: number;
  /** 3 unless given; two of them must agree. */
  readonly sentinels?: number;
  /** After how many milliseconds without an answer a server is taken for dead; 1,000 unless given. */
  readonly downAfterMs?: number;
  /** After how many milliseconds a failover that got stuck is tried again; 5,000 unless given. */
  readonly failoverTimeoutMs?: number;
  /** More arguments for every data server, for example `['--requirepass', 'secret']`. */
  readonly args?: readonly string[];
  /** More lines of configuration for every Sentinel, for example `requirepass secret`. */
  readonly config?: string;
  /** What the servers and the Sentinels ask for, if `args` and `config` say so. */
  readonly password?: string;
}

const name = 'main';

/** Starts them and resolves when each knows the others and a failover could begin. */
export async function startSentinel(options: SentinelOptions = {}): Promise<SentinelProcesses> {
  const { replicas = 1, sentinels: count = 3, downAfterMs = 1000, failoverTimeoutMs = 5000 } = options;
  const { args = [], config = '', password } = options;
  const servers: RedisProcess[] = [];
  const sentinels: RedisProcess[] = [];

  async function stop(): Promise<void> {
    await Promise.all([...sentinels, ...servers].map((each) => each.stop()));
  }

  async function lend<Value>(server: RedisProcess, work: (redis: Redis) => Promise<Value>): Promise<Value> {
    const redis = new Redis(server.port, { ...impatient, ...(password && { password }) });
    redis.on('error', () => {});
    try {
      return await work(redis);
    } finally {
      redis.disconnect();
    }
  }

  const ask = <Value>(work: (redis: Redis) => Promise<Value>) => lend(alive(sentinels), work);
  const role = (server: RedisProcess) =>
    lend(server, async (redis) => (await redis.role()) as unknown[]).catch(() => []);

  async function primary(): Promise<RedisProcess | undefined> {
    const [, port] = (await ask((redis) =>
      redis.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name),
    )) as string[];
    return servers.find((server) => server.port === Number(port));
  }

  function promoted(former: RedisProcess): Promise<RedisProcess> {
    return until('another primary', async () => {
      const server = await primary();
      if (!server || server.port === former.port) return undefined;
      return (await role(server))[0] === 'master' ? server : undefined;
    });
  }

  async function settled(): Promise<void> {
    await until('replicas in step', async () => {
      const server = await primary();
      if (!server) return undefined;
      const [kind, , connected] = await role(server);
      const others = await Promise.all(servers.filter((each) => each !== server).map(role));
      const inStep = others.every(([is, , , state]) => is === 'slave' && state === 'connected');
      return kind === 'master' && inStep && (connected as unknown[]).length === others.length
        ? server
        : undefined;
    });
  }

  /** A failover needs a replica that is known, and Sentinels that know each other. */
  async function acquainted(): Promise<void> {
    await until('Sentinels that know each other', async () => {
      const views = await Promise.all(
        sentinels.map((each) =>
          lend(each, async (redis) => (await redis.call('SENTINEL', 'MASTER', name)) as string[]),
        ),
      );
      return views.every(
        (view) =>
          Number(field(view, 'num-other-sentinels')) === count - 1 &&
          Number(field(view, 'num-slaves')) === replicas &&
          field(view, 'flags') === 'master',
      );
    });
  }

  try {
    const first = await startRedis({ args });
    servers.push(first);
    const followers = ['--replicaof', '127.0.0.1', `${first.port}`];
    for (let i = 0; i < replicas; i++) servers.push(await startRedis({ args: [...followers, ...args] }));
    const watched = [
      `sentinel monitor ${name} 127.0.0.1 ${first.port} ${Math.min(2, count)}`,
      `sentinel down-after-milliseconds ${name} ${downAfterMs}`,
      `sentinel failover-timeout ${name} ${failoverTimeoutMs}`,
      ...(password ? [`sentinel auth-pass ${name} ${password}`] : []),
      config,
    ].join('\n');
    for (let i = 0; i < count; i++) sentinels.push(await startRedis({ sentinel: `${watched}\n` }));
    await settled();
    await acquainted();
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    url: `redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join()}/${name}`,
    name,
    servers,
    sentinels,
    primary,
    promoted,
    async failover() {
      const former = await until('a primary', primary);
      await ask((redis) => redis.call('SENTINEL', 'FAILOVER', name));
      return promoted(former);
    },
    async kill(server) {
      await server.kill();
      servers.splice(servers.indexOf(server), 1);
    },
    async restart(port) {
      const server = await startRedis({ port, args });
      servers.push(server);
      return server;
    },
    settled,
    stop,
  };
}

const impatient = { retryStrategy: () => null, connectTimeout: 1000, commandTimeout: 1000 };

function alive(processes: readonly RedisProcess[]): RedisProcess {
  const [first] = processes;
  if (!first) throw new Error('There is no Sentinel to ask.');
  return first;
}

function field(flat: readonly string[], key: string): string | undefined {
  return flat[flat.indexOf(key) + 1];
}

/** Asks again until there is an answer; one that fails counts as none. Throws after 30 s. */
export async function until<Value>(
  what: string,
  ask: () => Promise<Value | undefined | false>,
): Promise<Value> {
  const deadline = Date.now() + 30_000;
  let failure: unknown;
  while (Date.now() < deadline) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
    } catch (error) {
      failure = error;
    }
    await delay(20);
  }
  throw new Error(`There was no ${what} within 30 s.`, { cause: failure });
}
