import type { Clock } from '../../src/signaling/clock.ts';
import { SignalingError } from '../../src/signaling/errors.ts';
import { defaultLimits } from '../../src/signaling/limits.ts';
import type { Log } from '../../src/signaling/log.ts';
import type { Bus, Change, Deadline, Opened, Outcome, Store } from '../../src/signaling/ports.ts';
import { createSignaling } from '../../src/signaling/signaling.ts';
import { type ManualClock, manualClock } from './clock.ts';
import { type Doing, doing, type ModelNode } from './model-doing.ts';
import { createModelEngine, leaseMs, type ModelEngine } from './model-engine.ts';
import { createJournal, type Journal, toldBy } from './model-journal.ts';
import { takePauses } from './model-pauses.ts';
import { rules } from './model-rules.ts';
import { createModelSockets, type ModelDevice, type ModelSockets } from './model-sockets.ts';
import { createTurns, type Turns } from './model-turns.ts';
import type { EngineName } from './service.ts';

/** Nodes on one store whose every step waits for its turn, and everything that is known of them. */
export interface World {
  readonly clock: ManualClock;
  readonly turns: Turns;
  readonly journal: Journal;
  readonly sockets: ModelSockets;
  readonly nodes: readonly ModelNode[];
  readonly living: readonly ModelNode[];
  /** What should have held and did not. */
  readonly faults: readonly string[];
  /** What happened, line by line. */
  readonly trace: readonly string[];
  /** How often what happened. */
  readonly tally: ReadonlyMap<string, number>;
  claim(holds: boolean, what: string): void;
  tell(line: string): void;
  count(what: string): void;
  /** Moves the time; what becomes due by that waits in turn. */
  advance(ms: number): Promise<void>;
  /** From now on it does nothing any more, and cleans nothing up. */
  kill(node: ModelNode): void;
  /** Documents that still have a deadline, as the store knows it. */
  deadlines(): Promise<readonly Deadline[]>;
  stop(): Promise<void>;
}

export interface WorldOptions {
  readonly engine: EngineName;
  readonly redisUrl: string;
  /** See `createTurns`. */
  readonly order: readonly number[];
  readonly users: ReadonlyMap<string, readonly ModelDevice[]>;
}

const nodeNames = ['node1', 'node2', 'node3'];

export async function createWorld({ engine: name, redisUrl, order, users }: WorldOptions): Promise<World> {
  // Whole seconds: a run that is repeated sees the same time.
  const clock = manualClock(Math.floor(Date.now() / 1000) * 1000);
  const engine = createModelEngine(name, clock, redisUrl);
  const journal = createJournal();
  const faults: string[] = [];
  const trace: string[] = [];
  const tell = (line: string): void => void trace.push(line);
  const claim = (holds: boolean, what: string): void => {
    if (holds) return;
    faults.push(what);
    tell(`!! ${what}`);
  };
  const tally = new Map<string, number>();
  const count = (what: string): void => void tally.set(what, (tally.get(what) ?? 0) + 1);
  const turns: Turns = createTurns({ order, tell, settled: () => sockets.hear() });
  const sockets: ModelSockets = createModelSockets({
    journal,
    claim,
    now: clock.now,
    turn: () => turns.taken,
  });
  const diedAt = new Map<ModelNode, number>();
  const unnamed = new Set<string>();

  function kill(node: ModelNode): void {
    tell(`${node.name} dies`);
    node.alive = false;
    node.dying = false;
    diedAt.set(node, clock.now());
    for (const socket of sockets.all) if (socket.node === node) sockets.left(socket, 'SERVICE');
  }

  function secretsFrom(uid: string): string[] {
    const others = [...users].filter(([other]) => other !== uid).flatMap(([, devices]) => devices);
    const socketIds = sockets.all.flatMap((each) => (each.uid === uid ? [] : (each.socketId ?? [])));
    return [...others.flatMap(({ deviceId, deviceLabel }) => [deviceId, deviceLabel]), ...socketIds].filter(
      (secret) => secret !== null,
    );
  }

  function committed(change: Change, by: Doing): void {
    const now = clock.now();
    const before = new Map(journal.calls);
    for (const after of journal.write(change)) {
      const former = before.get(after.id)?.at(-1);
      tell(`   ${after.id} ${after.rev} ${after.state} ${after.reason ?? ''}`);
      by.committed.push(after);
      if (former?.state !== after.state) count(after.reason ?? after.state);
      else if (after.state === 'ACCEPTED') count('moved');
      if (by.isUnnamed && former?.state === 'RINGING' && after.state === 'ACCEPTED') unnamed.add(after.id);
      const step = {
        before: former,
        after,
        change,
        told: toldBy(change).filter(({ envelope }) => concerns(envelope, after.id)),
        doing: by,
        journal,
        sockets,
        now,
        answeredUnnamed: unnamed.has(after.id),
        secretsFrom,
      };
      for (const [sentence, holds] of rules) claim(holds(step), `${sentence} (${after.id}, ${by.what})`);
    }
  }

  /** Looks at what a step at the store did. */
  async function observe(method: string, args: readonly unknown[], value: unknown, by: Doing): Promise<void> {
    if (method === 'open' && by.opens) {
      const { socket } = args[0] as { socket: { socketId: string } };
      sockets.registered(by.opens, socket.socketId, value as Opened);
    }
    if (method !== 'commit') return;
    if ((value as Outcome).status === 'DONE') committed(args[0] as Change, by);
    else {
      tell(`   ${(value as Outcome).status}`);
      count((value as Outcome).status);
    }
    await engine.told();
  }

  const leavePauses = takePauses(turns);
  const parts = { engine, clock, turns, observe, claim, kill, journal };
  const nodes = await Promise.all(
    nodeNames.map((nodeName) => startNode(nodeName, parts, (node) => leaseHolds(node))),
  );

  function leaseHolds(node: ModelNode): boolean {
    return node.alive || clock.now() < (diedAt.get(node) ?? 0) + leaseMs;
  }

  return {
    clock,
    turns,
    journal,
    sockets,
    nodes,
    get living() {
      return nodes.filter(({ alive }) => alive);
    },
    faults,
    trace,
    tally,
    claim,
    tell,
    count,
    async advance(ms) {
      tell(`${ms} ms pass`);
      clock.advance(ms);
      await engine.renewed();
      await turns.settle();
    },
    kill,
    deadlines: () => engine.deadlines(),
    stop() {
      leavePauses();
      return engine.stop();
    },
  };
}

function concerns(envelope: object, callId: string): boolean {
  const { call, record, kind } = envelope as {
    kind: string;
    call?: { id: string };
    record?: { callId: string };
  };
  return kind !== 'PeerMessage' && (call?.id ?? record?.callId) === callId;
}

interface NodeParts {
  readonly engine: ModelEngine;
  readonly clock: ManualClock;
  readonly turns: Turns;
  readonly journal: Journal;
  observe(method: string, args: readonly unknown[], value: unknown, by: Doing): Promise<void>;
  claim(holds: boolean, what: string): void;
  kill(node: ModelNode): void;
}

async function startNode(
  name: string,
  parts: NodeParts,
  holdsLease: (node: ModelNode) => boolean,
): Promise<ModelNode> {
  const state = { name, alive: true, dying: false };
  const node = state as ModelNode;
  const log = logOf(name, parts.claim);
  const engineClock = clockOf(node, parts, (task) => task());
  const { store, bus } = await parts.engine.join({
    clock: engineClock,
    log,
    holdsLease: () => holdsLease(node),
  });
  const clock = clockOf(node, parts, (task) => {
    const began = parts.turns.taken;
    doing.run({ node, what: 'the time', began, by: null, isUnnamed: false, committed: [] }, task);
  });
  const signaling = createSignaling({
    store: inTurn(node, store, parts),
    bus: besideTurns(bus, parts.turns),
    clock,
    limits: defaultLimits,
    log,
  });
  return Object.assign(state, { signaling });
}

/** The shared time; what it does by itself ends with the node. */
function clockOf(node: ModelNode, { clock }: NodeParts, run: (task: () => void) => void): Clock {
  return {
    now: clock.now,
    every: (ms, task) => clock.every(ms, () => void (node.alive && run(task))),
  };
}

/** What a node may complain of: races that it lost. */
function logOf(name: string, claim: NodeParts['claim']): Log {
  return {
    info: () => {},
    warn({ error }: { error?: unknown }, message) {
      claim(!(error instanceof Error) || error instanceof SignalingError, `${name}: ${message}: ${error}`);
      claim(!message.startsWith('an entry does not follow'), `${name}: ${message}`);
    },
    error: (fields, message) => claim(false, `${name}: ${message} ${JSON.stringify(fields)}`),
  };
}

const steps = [
  'commit',
  'open',
  'close',
  'user',
  'access',
  'socket',
  'departures',
  'ownerOf',
  'document',
  'entries',
  'rows',
  'result',
  'counts',
  'deadlines',
] as const;

/** A store whose every step waits for its turn; a dead node's never come, or are answered to nobody. */
function inTurn(node: ModelNode, store: Store, { turns, observe, kill, journal }: NodeParts): Store {
  const nobody = { node, what: 'itself', began: 0, by: null, isUnnamed: false, committed: [] };

  function step(method: (typeof steps)[number], run: (...args: unknown[]) => Promise<unknown>) {
    return (...args: unknown[]) => {
      const by = doing.getStore() ?? nobody;
      return new Promise((resolve, reject) => {
        turns.wait(node.name, `${method} ${briefly(args[0])} | ${by.what}`, async () => {
          if (!node.alive) return;
          try {
            const value = await run(...args);
            await observe(method, args, value, by);
            if (node.dying) kill(node);
            else resolve(method === 'deadlines' ? inOrderOfCalls(value as Deadline[]) : value);
          } catch (error) {
            reject(error);
          }
        });
      });
    };
  }

  /** Redis sorts what is due at the same time by id, and ids are random: no run could be repeated. */
  function inOrderOfCalls(deadlines: Deadline[]): Deadline[] {
    const known = [...journal.calls.keys()];
    const place = ({ id }: Deadline) => known.indexOf(id.slice(5));
    return [...deadlines].sort((a, b) => place(a) - place(b));
  }

  const gated = Object.fromEntries(
    steps.map((method) => [method, step(method, store[method].bind(store) as never)]),
  );
  return { ...store, ...gated } as Store;
}

function besideTurns(bus: Bus, { beside }: Turns): Bus {
  return {
    ...bus,
    // What the engine itself waits for is real.
    subscribe: (topics) => beside(doing.exit(() => bus.subscribe(topics))),
    settled: () => beside(doing.exit(() => bus.settled())),
  };
}

const briefly = (argument: unknown): string => (typeof argument === 'string' ? argument : '');
