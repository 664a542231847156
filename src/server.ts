import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import packageJson from '../package.json' with { type: 'json' };
import type { Config } from './config.ts';
import { prepareDevelopment } from './development.ts';
import { type AuthOptions, createAuthenticate } from './graphql/auth.ts';
import { trackConnections } from './graphql/connections.ts';
import { createDemo } from './graphql/demo.ts';
import { createMaskError } from './graphql/errors.ts';
import { createGraphiql } from './graphql/graphiql.ts';
import { createHeartbeat } from './graphql/heartbeat.ts';
import { createHttpServer } from './graphql/http.ts';
import { createOperations } from './graphql/operation.ts';
import { createPlans } from './graphql/plan.ts';
import { createSchema } from './graphql/schema.ts';
import { createSlowReaders } from './graphql/slow-readers.ts';
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
  /**
   * Leaves in good order, within the configured window: no socket is opened any more, those that are open are sent away one
   * after the other, what runs is finished; then `stop`.
   */
  drain(): Promise<void>;
  /** Ends every socket at once, finishes what runs, and lets go of everything. May be called again, also during `drain`. */
  stop(): Promise<void>;
}

export interface NodeStats extends SocketStats {
  readonly plans: number;
  /** How often graphql-js has run for signals. */
  readonly executions: number;
  /** How many connections were ended because they took their bytes too slowly. */
  readonly slowReaders: number;
}

/** How long a stopping node waits for its requests, in milliseconds. */
const patienceMs = 2000;

/** What is kept of a drain's window for letting go of everything, in milliseconds. */
const leastMs = 500;

/** Sockets are closed in the first half of the window; the wheel may take a second more. */
const spreadOf = (drainMs: number): number => Math.max(0, drainMs / 2 - 1000);

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
  const contextParts = { signaling, service, authenticate };
  const yoga = createGraphQLServer(schema, contextParts, mask);
  const operations = createOperations(yoga, contextParts);
  const plans = createPlans(schema, mask);
  const heartbeat = createHeartbeat(clock);
  const slowReaders = createSlowReaders(clock);
  const ws = createWsServer({
    signaling,
    operations,
    plans,
    authenticate,
    mask,
    heartbeat,
    slowReaders,
    log,
  });
  const graphiql = config.graphiql ? createGraphiql(users) : undefined;
  const demo = config.demo ? createDemo({ users, graphiql: config.graphiql }) : undefined;
  const { corsOrigins } = config;
  const http = createHttpServer({
    signaling,
    yoga,
    operations,
    plans,
    mask,
    heartbeat,
    slowReaders,
    ws,
    graphiql,
    demo,
    log,
    corsOrigins,
    localOnly: config.development,
  });

  const connections = trackConnections(http);
  const drainMs = config.drainSeconds * 1000;
  const stopping = Promise.withResolvers<void>();
  let drained: Promise<void> | undefined;
  let stopped: Promise<void> | undefined;

  async function drain(): Promise<void> {
    const end = performance.now() + drainMs;
    log.info({ seconds: config.drainSeconds }, 'the node is stopping: it sends its clients away');
    connections.leave();
    await Promise.race([signaling.drain(spreadOf(drainMs)), stopping.promise]);
    stopped ??= stop(drainMs === 0 ? patienceMs : Math.max(leastMs, end - performance.now() - leastMs));
    await stopped;
  }

  async function stop(patience: number): Promise<void> {
    stopping.resolve();
    const closed = once(http, 'close');
    connections.leave();
    http.close();
    connections.closeUnasked();
    await signaling.stop();
    await Promise.all([ws.stop(patience), orGiveUp(closed, patience, () => http.closeAllConnections())]);
    heartbeat.stop();
    slowReaders.stop();
    await engineParts.stop();
  }

  try {
    http.listen(config.port, config.host);
    await once(http, 'listening');
  } catch (error) {
    await signaling.stop();
    heartbeat.stop();
    slowReaders.stop();
    await engineParts.stop();
    throw error;
  }

  return {
    url: urlOf(http.address() as AddressInfo),
    users,
    stats: () => ({
      ...signaling.stats(),
      plans: plans.size,
      executions: plans.executions,
      slowReaders: slowReaders.count,
    }),
    drain: () => {
      drained ??= drain();
      return drained;
    },
    stop: () => {
      // One that is patient, because it drains, is so no longer.
      if (stopped !== undefined) setTimeout(() => http.closeAllConnections(), patienceMs).unref();
      stopped ??= stop(patienceMs);
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
function createEngine({ redis, graceMs }: Config, log: Log, clock: Clock | undefined): Engine {
  if (redis) return { engine: 'redis', ...createRedisEngine({ ...redis, graceMs, log, clock, systemClock }) };
  const bus = createMemoryBus();
  const store = createMemoryStore(clock ?? systemClock, bus.publish, graceMs);
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

/** Requests that run may finish; whoever takes longer than that is cut off. */
async function orGiveUp(finished: Promise<unknown>, patience: number, giveUp: () => void): Promise<void> {
  const timer = setTimeout(giveUp, patience);
  await finished;
  clearTimeout(timer);
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
