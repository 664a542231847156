import { randomBytes } from 'node:crypto';
import type { Writable } from 'node:stream';
import { Redis, type RedisOptions } from 'ioredis';
import { SignalingError } from '../signaling/errors.ts';
import type { Log } from '../signaling/log.ts';
import { type Reply, scripts } from './scripts.ts';

/** A connection for commands that knows which primary it leads to. */
export interface RedisClient {
  readonly redis: Redis;
  /**
   * Runs a script in the log's present epoch; begins a new one when the log turns out to be on another primary.
   * `send` puts the given three values first in ARGV.
   */
  inEpoch(send: (run: string, freshEpoch: string, replaces: string) => Promise<Reply>): Promise<Reply>;
  /** Resolves when Redis takes commands and is fit for us; throws UNAVAILABLE, with what is wrong. */
  ready(): Promise<void>;
  start(): Promise<void>;
  stop(): void;
}

/** Everything that waits for Redis gives up after this, in milliseconds: the port promises a refusal within 2 s. */
const patienceMs = 1500;

/** How often a script is sent again because another node began an epoch meanwhile. */
const claims = 5;

/** Fail fast: nothing queues while Redis is away, nothing is sent twice. */
const options = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  maxRetriesPerRequest: 0,
  commandTimeout: patienceMs,
  connectTimeout: patienceMs,
  retryStrategy: (times: number) => Math.min(50 * 2 ** times, 1000) + Math.random() * 100,
  scripts,
} satisfies RedisOptions;

export function connect(url: string, name: string, log: Log): Redis {
  const redis = new Redis(url, { ...options, connectionName: `call-signaling:${name}` });
  // Without a listener, each failed attempt would end the process.
  redis.on('error', (error: Error) =>
    log.warn({ connection: name, error: error.message }, 'Redis cannot be reached'),
  );
  redis.on('ready', () => log.info({ connection: name }, 'connected to Redis'));
  return redis;
}

/** Connects for the first time; throws UNAVAILABLE, with the reason, when Redis cannot be reached. */
export async function reach(redis: Redis): Promise<void> {
  let reason = 'it does not answer';
  const note = ({ message }: Error): void => {
    reason = message;
  };
  redis.on('error', note);
  try {
    await redis.connect();
  } catch (cause) {
    redis.disconnect();
    throw new SignalingError('UNAVAILABLE', `Redis cannot be reached: ${reason}`, { cause });
  } finally {
    redis.off('error', note);
  }
}

export function createRedisClient(url: string, log: Log): RedisClient {
  const redis = connect(url, 'commands', log);
  let server: ServerInfo | undefined;

  redis.on('connect', () => gather(redis.stream));
  redis.on('close', () => {
    server = undefined;
  });
  redis.on('ready', () => {
    learn().catch((error: unknown) => {
      log.warn({ error }, 'Redis did not say who it is');
      redis.disconnect(true);
    });
  });

  async function learn(): Promise<ServerInfo> {
    const info = parseInfo(await redis.info());
    server = info;
    return info;
  }

  async function inEpoch(send: Parameters<RedisClient['inEpoch']>[0]): Promise<Reply> {
    let replaces = '';
    for (let claim = 0; claim < claims; claim++) {
      if (!server) throw unavailable();
      const reply = await available(send(server.run, freshEpoch(), replaces));
      if (reply[0] !== 'STALE_PRIMARY') return reply;
      replaces = String(reply[1] ?? '');
      log.warn(
        { replaces, run: server.run },
        'the log is on another primary than before: beginning a new epoch',
      );
    }
    throw unavailable();
  }

  async function ready(): Promise<void> {
    const fault = unfit(await available(learn()));
    if (fault) throw new SignalingError('UNAVAILABLE', fault);
  }

  return {
    redis,
    inEpoch,
    ready,
    async start() {
      await reach(redis);
      await ready();
    },
    stop: () => redis.disconnect(),
  };
}

/**
 * What is written to a connection within one turn of the event loop leaves in one piece: a write costs more than most
 * commands, here and at Redis. Order, replies and errors stay those of each command.
 */
function gather(connection: Writable): void {
  const write = connection.write.bind(connection) as (...chunk: unknown[]) => boolean;
  let isCorked = false;
  connection.write = (...chunk: unknown[]): boolean => {
    if (!isCorked) {
      isCorked = true;
      connection.cork();
      process.nextTick(() => {
        isCorked = false;
        connection.uncork();
      });
    }
    return write(...chunk);
  };
}

function freshEpoch(): string {
  return randomBytes(6).toString('hex');
}

/** What we need to know of a server. */
interface ServerInfo {
  readonly run: string;
  readonly version: string;
  readonly evicts: string | undefined;
}

function parseInfo(text: string): ServerInfo {
  const value = (field: string): string => new RegExp(`^${field}:(.*?)\\r?$`, 'm').exec(text)?.[1] ?? '';
  return { run: value('run_id'), version: value('redis_version'), evicts: value('maxmemory_policy') };
}

/** Why this server cannot carry the service, if so. */
function unfit({ version, evicts }: ServerInfo): string | undefined {
  if (Number.parseInt(version, 10) < 7) return `Redis 7.0 or newer is needed; this is ${version}.`;
  if (evicts && evicts !== 'noeviction')
    return `Redis must run with maxmemory-policy noeviction; it has ${evicts}.`;
  return undefined;
}

function unavailable(cause?: unknown): SignalingError {
  return new SignalingError('UNAVAILABLE', 'The store is not available. Try again.', {
    retryAfterMs: 500,
    cause,
  });
}

/** Turns every way in which Redis can be away into UNAVAILABLE. What remains is our own mistake. */
export async function available<Value>(answer: Promise<Value>): Promise<Value> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof SignalingError || isOurMistake(error)) throw error;
    throw unavailable(error);
  }
}

function isOurMistake(error: unknown): boolean {
  return (
    error instanceof Error &&
    error.name === 'ReplyError' &&
    /^(ERR|WRONGTYPE|WRONGPASS|NOPERM)/.test(error.message)
  );
}

/** The results of a pipeline, or its first error. */
export async function results(pipeline: {
  exec(): Promise<[error: Error | null, result: unknown][] | null>;
}): Promise<unknown[]> {
  const replies = (await available(pipeline.exec())) ?? [];
  return available(
    Promise.all(
      replies.map(async ([error, result]) => {
        if (error) throw error;
        return result;
      }),
    ),
  );
}
