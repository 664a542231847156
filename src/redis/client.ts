import type { Redis } from 'ioredis';
import { parseRedisAddress } from '../redis-address.ts';
import type { Clock } from '../signaling/clock.ts';
import { SignalingError } from '../signaling/errors.ts';
import { createEpoch } from '../signaling/id.ts';
import type { Log } from '../signaling/log.ts';
import { createLink, gather, type Link, reach } from './link.ts';
import { createFindPrimary, nameOf } from './primary.ts';
import { createScripts, type Reply, type Scripts } from './scripts.ts';

/** Two connections to one primary, for commands and for listening, and which primary that is. */
export interface RedisClient {
  readonly redis: Redis;
  /** Runs on `redis`. */
  readonly scripts: Scripts;
  /** Only listens. It never stays at another server than `redis` leads to. */
  readonly subscriber: Redis;
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

/** How often a script is sent again because another node began an epoch meanwhile. */
const claims = 5;

/** How often Sentinels or the cluster are asked whether the primary is still the one we are at, in milliseconds. */
const verifyMs = 1000;

/** `tag` is the hash tag that all keys carry. Throws for an address that `parseRedisAddress` does not know. */
export function createRedisClient(url: string, tag: string, log: Log, clock: Clock): RedisClient {
  const address = parseRedisAddress(url);
  if (!address) throw new Error('This is no address of a Redis.');
  const findPrimary = createFindPrimary(address, tag);
  const parts = { address, findPrimary, log, onRefusal };
  const commands = createLink({ ...parts, name: 'commands' });
  const listening = createLink({ ...parts, name: 'subscriber' });
  const { redis } = commands;
  const { redis: subscriber } = listening;
  let stopVerifying = (): void => {};

  redis.on('connect', () => gather(redis.stream));
  redis.on('ready', () => meet(commands, listening));
  subscriber.on('ready', () => meet(listening, commands));

  /** Both must be at one server: who listens at another hears nothing, in silence. The one that looked last is right. */
  function meet(link: Link, other: Link): void {
    if (link.server && other.server && link.server.run !== other.server.run) leave(other);
    verify();
  }

  function leave({ redis: left }: Link): void {
    if (left.status === 'ready') left.disconnect(true);
  }

  /** The server says that it is not, or no longer, the primary. */
  function onRefusal({ message }: Error): void {
    if (/^(MOVED|READONLY|MASTERDOWN)/.test(message)) for (const link of [commands, listening]) leave(link);
    else if (message.startsWith('CLUSTERDOWN')) verify();
  }

  /** A server that was cut off, or slept, may take itself for the primary when it no longer is. */
  function verify(): void {
    if (address?.form === 'single') return;
    findPrimary().then(
      (primary) => {
        for (const link of [commands, listening])
          if (link.server && nameOf(link.server.at) !== nameOf(primary)) leave(link);
      },
      () => {
        // Nobody knows better.
      },
    );
  }

  async function inEpoch(send: Parameters<RedisClient['inEpoch']>[0]): Promise<Reply> {
    let replaces = '';
    for (let claim = 0; claim < claims; claim++) {
      const { server } = commands;
      if (!server) throw unavailable();
      const reply = await available(send(server.run, createEpoch(), replaces));
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
    const fault = unfit(parseInfo(await available(redis.info())));
    if (fault) throw new SignalingError('UNAVAILABLE', fault);
  }

  return {
    redis,
    scripts: createScripts(redis),
    subscriber,
    inEpoch,
    ready,
    async start() {
      await reach(redis);
      await ready();
      if (address.form !== 'single') stopVerifying = clock.every(verifyMs, verify);
    },
    stop() {
      stopVerifying();
      redis.disconnect();
    },
  };
}

/** What we need to know of a server. */
interface ServerInfo {
  readonly version: string;
  readonly evicts: string | undefined;
}

function parseInfo(text: string): ServerInfo {
  const value = (field: string): string => new RegExp(`^${field}:(.*?)\\r?$`, 'm').exec(text)?.[1] ?? '';
  return { version: value('redis_version'), evicts: value('maxmemory_policy') };
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

/**
 * The replies to commands that are sent together, or the first error. `gather` has them leave in one piece, and Redis
 * answers them in one. Pipelines of ioredis do no more, and what they allocate outlives young collections: a busy node's
 * heap grew to ten times its size between two full ones.
 */
export function together<const Answers extends readonly Promise<unknown>[]>(
  answers: Answers,
): Promise<{ -readonly [Index in keyof Answers]: Awaited<Answers[Index]> }> {
  return available(Promise.all(answers));
}
