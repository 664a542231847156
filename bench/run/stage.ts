import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { type RedisProcess, startRedis } from '../../test/support/redis-server.ts';
import type { GeneratorApi } from '../generator/api.ts';
import type { ProbeApi } from '../probe.ts';
import { type Remote, remote } from '../rpc.ts';
import { type Subject, type SubjectName, subjectOf } from '../subjects.ts';
import { benchSecret } from '../token.ts';
import { cores, type NodeProcess, nodeFlags, type Precedence, pin, startNode } from './processes.ts';

/** How long a server may take until it says where it serves, in milliseconds. */
const patienceMs = 20_000;

/** How often peers ping, in milliseconds: as often as ours, or not before everything is over. */
const pingMs = { usual: 14_000, never: 3_600_000 };

const root = new URL('../../', import.meta.url);
const pathOf = (file: string): string => new URL(file, root).pathname;

/** A process that is measured. */
export interface Server {
  readonly url: string;
  readonly pid: number;
  readonly probe: Remote<ProbeApi>;
}

/** A subject that serves, with a Redis of its own and the generators that load it. */
export interface Stage {
  readonly subject: Subject;
  readonly servers: readonly Server[];
  readonly urls: readonly string[];
  /** The servers' process ids. */
  readonly pids: readonly number[];
  readonly redis: Redis;
  /** Starts one more generator: generators share a core. */
  generator(precedence?: Precedence): Promise<Generator>;
  stop(): Promise<void>;
}

export interface Generator {
  readonly load: Remote<GeneratorApi>;
  /** Closes its connections by ending. */
  stop(): Promise<void>;
}

/**
 * It collects in full when it is told to, before it sends, and otherwise alone: helping threads share its core. Either would
 * make it late.
 */
const generatorFlags = [...nodeFlags, '--expose-gc', '--heap-growing-percent=1000', '--single-threaded-gc'];

/** As the documentation of the adapters and of large fan-outs advises: nothing on disk, room for bursts. */
const redisArgs = [
  ...['--client-output-buffer-limit', 'pubsub 256mb 64mb 60'],
  ...['--tcp-backlog', '4096', '--hz', '10', '--io-threads', '1'],
];

export interface StageOptions {
  readonly nodes?: number;
  /**
   * Whether peers ping, every 14 s. Their pings come in waves that a window meets or misses, and a latency beside one is
   * no bound worth keeping; ours, which are spread, cannot be turned off and are paid for in any case.
   */
  readonly peersPing?: boolean;
}

export async function startStage(
  name: SubjectName,
  { nodes = 1, peersPing = true }: StageOptions = {},
): Promise<Stage> {
  const subject = subjectOf(name);
  const processes: NodeProcess[] = [];
  const redisProcess = await startRedis({ args: redisArgs });
  pin(redisProcess.pid, cores.servers);
  const redis = new Redis(redisProcess.url);
  redis.on('error', () => {});

  async function stop(): Promise<void> {
    await Promise.all(processes.map((each) => each.stop()));
    redis.disconnect();
    await redisProcess.stop();
  }

  async function generator(precedence: Precedence = 'usual'): Promise<Generator> {
    const started = await startNode([pathOf('bench/generator/main.ts')], {
      core: cores.load,
      flags: generatorFlags,
      precedence,
    });
    processes.push(started);
    return { load: remote<GeneratorApi>('generator', started.child), stop: started.stop };
  }

  try {
    const env = environmentFor(subject, redisProcess, peersPing);
    const servers: Server[] = [];
    for (let node = 0; node < nodes; node++) servers.push(await startServer(subject, env, processes));
    const urls = servers.map(({ url }) => url);
    const pids = servers.map(({ pid }) => pid);
    return { subject, servers, urls, pids, redis, generator, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function environmentFor(
  { ours }: Subject,
  { url }: RedisProcess,
  peersPing: boolean,
): Record<string, string> {
  if (!ours) return { REDIS_URL: url, PING_MS: String(peersPing ? pingMs.usual : pingMs.never) };
  return {
    PORT: '0',
    HOST: '127.0.0.1',
    REDIS_URL: url,
    REDIS_PREFIX: `bench-${randomUUID()}`,
    AUTH_SECRET: benchSecret,
    LOG_LEVEL: 'silent',
    LIMIT_SOCKETS_PER_USER: '1000',
  };
}

async function startServer(
  { program: [file = '', ...args] }: Subject,
  env: Record<string, string>,
  processes: NodeProcess[],
): Promise<Server> {
  const flags = [...nodeFlags, '--expose-gc', '--import', pathOf('bench/probe.ts')];
  const started = await startNode([pathOf(file), ...args], { core: cores.servers, flags, env });
  processes.push(started);
  const url = await addressOf(started.child).catch(() => {
    throw new Error(`${file} does not serve. ${started.lastWords()}`);
  });
  return { url, pid: started.pid, probe: remote<ProbeApi>(file, started.child) };
}

/** The first address that a server writes is its own. */
function addressOf(child: ChildProcess): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-2000);
    const found = /http:\/\/127\.0\.0\.1:\d+/.exec(text);
    if (found) resolve(found[0]);
  });
  child.once('exit', reject);
  const timer = setTimeout(reject, patienceMs);
  return promise.finally(() => clearTimeout(timer));
}
