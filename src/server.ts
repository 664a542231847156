import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo, Socket as Connection } from 'node:net';
import { pino } from 'pino';
import packageJson from '../package.json' with { type: 'json' };
import type { Config } from './config.ts';
import { prepareDevelopment } from './development.ts';
import { type AuthOptions, createAuthenticate } from './graphql/auth.ts';
import { createDemo } from './graphql/demo.ts';
import { createMaskError } from './graphql/errors.ts';
import { createGraphiql } from './graphql/graphiql.ts';
import { createHeartbeat } from './graphql/heartbeat.ts';
import { createHttpServer } from './graphql/http.ts';
import { createPlans } from './graphql/plan.ts';
import { createSchema } from './graphql/schema.ts';
import { createWsServer } from './graphql/ws.ts';
import { createGraphQLServer } from './graphql/yoga.ts';
import { createMemoryBus } from './memory/bus.ts';
import { createMemoryStore } from './memory/store.ts';
import { createRedisEngine } from './redis/engine.ts';
import { type Clock, systemClock } from './signaling/clock.ts';
import type { Log } from './signaling/log.ts';
import { heartbeatMs } from './signaling/open.ts';
import type { Bus, Store } from './signaling/ports.ts';
import { createSignaling, type SocketStats } from './signaling/signaling.ts';

/** One node of the service. */
export interface Node {
  /** Where it listens, for example `http://127.0.0.1:4000`. */
  readonly url: string;
  /** Tokens to try it with; empty outside development mode. */
  readonly users: readonly { readonly uid: string; readonly token: string }[];
  /** What can be counted, for tests and operators. */
  stats(): NodeStats;
  /** Ends every socket, finishes what runs, and lets go of everything. May be called again. */
  stop(): Promise<void>;
}

export interface NodeStats extends SocketStats {
  readonly plans: number;
  /** How often graphql-js has run for signals. */
  readonly executions: number;
}

/** How long a stopping node waits for its requests, in milliseconds. */
const patienceMs = 2000;

/** What tests replace. */
export interface Overrides {
  readonly clock?: Clock;
}

/** Builds a node from its configuration and starts it. Throws when it cannot serve: a port taken, Redis away or unfit. */
export async function startNode(config: Config, overrides: Overrides = {}): Promise<Node> {
  const log = pino({ level: config.logLevel, serializers: { error: pino.stdSerializers.err } });
  const { engine, ...engineParts } = createEngine(config, log, overrides.clock);
  await engineParts.start();

  const development = config.development ? await prepareDevelopment() : undefined;
  const users = development?.users ?? [];
  const { clock } = engineParts;
  const { limits, ice } = config;
  const signaling = createSignaling({ ...engineParts, limits, ice, log });
  const authenticate = createAuthenticate(authOptions(config, development?.secret));
  const mask = createMaskError(log);
  const schema = createSchema();
  const service = {
    name: packageJson.name,
    version: packageJson.version,
    engine,
    limits,
    heartbeatMs,
  };
  const yoga = createGraphQLServer(schema, { signaling, service, authenticate }, mask);
  const plans = createPlans(schema, mask);
  const heartbeat = createHeartbeat(clock);
  const ws = createWsServer({ signaling, yoga, plans, authenticate, mask, heartbeat, log });
  const graphiql = config.graphiql ? createGraphiql(users) : undefined;
  const demo = config.demo ? createDemo({ users, graphiql: config.graphiql }) : undefined;
  const { corsOrigins } = config;
  const http = createHttpServer({
    signaling,
    yoga,
    plans,
    mask,
    heartbeat,
    ws,
    graphiql,
    demo,
    log,
    corsOrigins,
    localOnly: config.development,
  });

  const unasked = trackUnasked(http);

  async function stop(): Promise<void> {
    const closed = once(http, 'close');
    http.close();
    for (const connection of unasked) connection.destroy();
    await signaling.stop();
    await ws.stop();
    heartbeat.stop();
    await orGiveUp(closed, () => http.closeAllConnections());
    await engineParts.stop();
  }

  try {
    http.listen(config.port, config.host);
    await once(http, 'listening');
  } catch (error) {
    await signaling.stop();
    heartbeat.stop();
    await engineParts.stop();
    throw error;
  }

  let stopped: Promise<void> | undefined;
  return {
    url: urlOf(http.address() as AddressInfo),
    users,
    stats: () => ({ ...signaling.stats(), plans: plans.size, executions: plans.executions }),
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

/** The ports, with what starts and stops behind them. */
interface Engine {
  readonly engine: 'memory' | 'redis';
  readonly store: Store;
  readonly bus: Bus;
  readonly clock: Clock;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** The one place that chooses. */
function createEngine({ redis }: Config, log: Log, clock: Clock | undefined): Engine {
  if (redis) return { engine: 'redis', ...createRedisEngine({ ...redis, log, clock, systemClock }) };
  const bus = createMemoryBus();
  const store = createMemoryStore(clock ?? systemClock, bus.publish);
  return {
    engine: 'memory',
    store,
    bus,
    clock: clock ?? systemClock,
    start: async () => {},
    stop: async () => store.stop(),
  };
}

function authOptions({ auth }: Config, developmentSecret: string | undefined): AuthOptions {
  const { algorithms, issuer, audience, jwksUrl } = auth;
  const key = jwksUrl ? { jwksUrl } : { secret: auth.secret ?? developmentSecret ?? '' };
  return { key, algorithms, issuer, audience };
}

/** Connections on which nothing was asked yet: browsers open some ahead, and `close()` would wait for them. */
function trackUnasked(http: Server): ReadonlySet<Connection> {
  const unasked = new Set<Connection>();
  http.on('connection', (connection) => {
    unasked.add(connection);
    connection.once('close', () => unasked.delete(connection));
  });
  for (const event of ['request', 'upgrade'] as const)
    http.on(event, ({ socket }) => void unasked.delete(socket));
  return unasked;
}

/** Requests that run may finish; whoever takes longer than that is cut off. */
async function orGiveUp(finished: Promise<unknown>, giveUp: () => void): Promise<void> {
  const timer = setTimeout(giveUp, patienceMs);
  await finished;
  clearTimeout(timer);
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
