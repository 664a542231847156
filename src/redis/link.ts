import type { Writable } from 'node:stream';
import { Redis, type RedisOptions } from 'ioredis';
import type { RedisAddress } from '../redis-address.ts';
import { SignalingError } from '../signaling/errors.ts';
import type { Log } from '../signaling/log.ts';
import { atTurnsEnd } from '../signaling/turns-end.ts';
import { connectorTo, type Server } from './connector.ts';
import { type FindPrimary, nameOf } from './primary.ts';

/** Everything that waits for Redis gives up after this, in milliseconds: the port promises a refusal within 2 s. */
const patienceMs = 1500;

/** Fail fast: nothing queues while Redis is away, nothing is sent twice. */
const options = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  maxRetriesPerRequest: 0,
  commandTimeout: patienceMs,
  connectTimeout: patienceMs,
  // A server that answers nothing at all hangs: whatever else waits for it fails at once, and what comes later too.
  socketTimeout: patienceMs,
  maxLoadingRetryTime: 200,
  retryStrategy: (times: number) => Math.min(25 * 2 ** times, 200) + Math.random() * 50,
} satisfies RedisOptions;

/** One of the two connections, and the server it leads to; undefined while there is none. */
export interface Link {
  readonly redis: Redis;
  server: Server | undefined;
}

export interface LinkParts {
  readonly address: RedisAddress;
  readonly findPrimary: FindPrimary;
  readonly name: string;
  readonly log: Log;
  onRefusal(error: Error): void;
}

export function createLink({ address, findPrimary, name, log, onRefusal }: LinkParts): Link {
  const { tls, db, username, password } = address;
  const redis = new Redis({
    ...options,
    connectionName: `call-signaling:${name}`,
    db,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && { tls: {} }),
    Connector: connectorTo(findPrimary, tls, (server) => {
      link.server = server;
    }),
    reconnectOnError(error) {
      onRefusal(error);
      return false;
    },
  });
  const link: Link = { redis, server: undefined };
  redis.on('close', () => {
    link.server = undefined;
  });
  // Without a listener, each failed attempt would end the process.
  redis.on('error', (error: Error) =>
    log.warn({ connection: name, error: error.message }, 'Redis cannot be reached'),
  );
  redis.on('ready', () =>
    log.info({ connection: name, server: link.server && nameOf(link.server.at) }, 'connected to Redis'),
  );
  return link;
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

/**
 * What is written to a connection within one turn of the event loop leaves in one piece: a write costs more than most
 * commands, here and at Redis. Order, replies and errors stay those of each command.
 */
export function gather(connection: Writable): void {
  const write = connection.write.bind(connection) as (...chunk: unknown[]) => boolean;
  let isCorked = false;
  connection.write = (...chunk: unknown[]): boolean => {
    if (!isCorked) {
      isCorked = true;
      connection.cork();
      atTurnsEnd(() => {
        isCorked = false;
        connection.uncork();
      });
    }
    return write(...chunk);
  };
}
