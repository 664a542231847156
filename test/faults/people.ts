import { tokenFor } from '../../bench/token.ts';
import { connect, type Signaling } from '../../client/src/index.ts';
import type { Checker } from './checker.ts';
import type { Run } from './fault.ts';
import { type Tapped, tapWebSockets, type WireSignal } from './tap.ts';
import { until } from './wait.ts';

/** A user with one device, on the project's own SDK. */
export interface Person {
  readonly uid: string;
  readonly signaling: Signaling;
  /** Breaks its connection off; the SDK comes back by itself. */
  cut(): void;
}

/** All clients of a run, and what their connections were seen to do. */
export interface People {
  readonly all: readonly Person[];
  /** Opens so many clients; resolves when all of them are live. */
  open(count: number, urlOf: (index: number) => string): Promise<readonly Person[]>;
  close(person: Person): void;
  /** How many are connected. */
  live(): number;
  allLive(ms: number): Promise<void>;
  /** Sockets that the service closed, and connections that it or somebody in between ended, since `forgive`. */
  closed(): number;
  /** How often sockets were closed by the service, by the code. */
  readonly closings: ReadonlyMap<string, number>;
  /** How often a client was told `recovered: false`, its first connection apart, by the reason. */
  readonly told: ReadonlyMap<string, number>;
  /** Numbers of the log that were given to more than one signal. */
  reused(): number;
  /** How often a socket came back under another id. */
  renamed(): number;
  /** How long it took from being cut to having all that was missed, in milliseconds. */
  readonly recoveries: number[];
  /** How long it took from beginning to connect to the replay, in milliseconds. */
  readonly replays: number[];
  /** Counts connections that end from now on. */
  forgive(): void;
}

export const hubId = 'team';

interface Wire {
  tapped: Tapped | undefined;
  epoch: string;
  number: number;
  ids: Set<string>;
  socketId: string | undefined;
}

export function createPeople(run: Run, checker: Checker, options: { timeoutMs?: number } = {}): People {
  const all: Person[] = [];
  const wires = new Map<string, Wire>();
  const closings = new Map<string, number>();
  const told = new Map<string, number>();
  const recoveries: number[] = [];
  const replays: number[] = [];
  let closed = 0;
  let renamed = 0;
  let reused = 0;
  const numbers = new Map<string, string>();

  tapWebSockets({
    opened: (tapped) => {
      const { socketId } = wires.get(tapped.deviceId) ?? {};
      wires.set(tapped.deviceId, { tapped, epoch: '', number: -1, ids: new Set(), socketId });
    },
    closed: (_, ours) => {
      if (!ours) closed++;
    },
    signal: (tapped, signal) => {
      const wire = wires.get(tapped.deviceId);
      if (wire?.tapped === tapped) heard(tapped.deviceId, wire, signal);
    },
  });

  function heard(uid: string, wire: Wire, signal: WireSignal): void {
    if (signal.__typename === 'SocketClosing') count(closings, signal.code ?? '?');
    const [epoch = '', digits = ''] = signal.cursor?.split(':') ?? [];
    if (signal.__typename === 'SocketReady') {
      if (wire.number === -1 && wire.tapped) replays.push(performance.now() - wire.tapped.startedAt);
      if (wire.socketId !== undefined && wire.socketId !== signal.socketId) renamed++;
      Object.assign(wire, { epoch, number: Number(digits), ids: new Set(), socketId: signal.socketId });
      return;
    }
    if (signal.cursor === null) return;
    if ((numbers.get(digits) ?? signal.id) !== signal.id) reused++;
    numbers.set(digits, signal.id);
    if (wire.ids.has(signal.id)) checker.wire('duplicates', `${uid} was written ${signal.id} twice`);
    wire.ids.add(signal.id);
    if (wire.epoch === epoch && Number(digits) <= wire.number)
      checker.wire('outOfOrder', `${uid} was written ${digits} after ${wire.number}`);
    Object.assign(wire, { epoch, number: Number(digits) });
  }

  function openOne(index: number, url: string): Person {
    const uid = `user${index}`;
    const signaling = connect({
      url,
      getToken: () => tokenFor(uid, hubId),
      hubId,
      deviceId: uid,
      transport: 'ws',
      timeoutMs: options.timeoutMs ?? 15_000,
      acknowledgeRings: false,
    });
    let lostAt = 0;
    signaling.on('error', (error) => run.note(`${uid}: ${error}`));
    signaling.on('signal', (signal) => {
      const { fault } = ((signal as { payload?: unknown }).payload ?? {}) as { fault?: number };
      if (fault !== undefined) checker.arrived(uid, fault);
    });
    signaling.on('state', ({ state }) => {
      if (state === 'reconnecting') lostAt ||= performance.now();
      if ((state === 'recovered' || state === 'connected') && lostAt > 0) {
        recoveries.push(performance.now() - lostAt);
        lostAt = 0;
      }
    });
    let first = true;
    signaling.on('calls', (_, reason) => {
      if (!first) count(told, reason ?? 'none');
      first = false;
      checker.told(uid);
    });
    const person = { uid, signaling, cut: () => wires.get(uid)?.tapped?.cut() };
    all.push(person);
    return person;
  }

  const isLive = ({ signaling: { state } }: Person) => state === 'connected' || state === 'recovered';
  const live = () => all.filter(isLive).length;

  run.defer(() => {
    for (const { signaling } of all) signaling.close();
  });

  return {
    all,
    async open(count, urlOf) {
      const opened: Person[] = [];
      // Not all in one turn: that is another fault.
      for (let i = 0; i < count; i += 50) {
        const batch = Array.from({ length: Math.min(50, count - i) }, (_, j) =>
          openOne(all.length, urlOf(i + j)),
        );
        await Promise.all(batch.map(({ signaling }) => signaling.ready()));
        opened.push(...batch);
      }
      for (const { uid } of opened) checker.join(uid);
      return opened;
    },
    close(person) {
      person.signaling.close();
      checker.leave(person.uid);
      all.splice(all.indexOf(person), 1);
    },
    live,
    allLive: (ms) => until('every client to be connected', ms, () => live() === all.length),
    closed: () => [...closings.values()].reduce((sum, each) => sum + each, closed),
    closings,
    told,
    renamed: () => renamed,
    reused: () => reused,
    recoveries,
    replays,
    forgive() {
      closed = 0;
      renamed = 0;
      closings.clear();
      told.clear();
      recoveries.length = 0;
      replays.length = 0;
    },
  };
}

function count(map: Map<string, number>, key: string): void {
  map.set(key, (map.get(key) ?? 0) + 1);
}
