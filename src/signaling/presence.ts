import { isKnownToBelong, knownHubs } from './access.ts';
import type { Clock } from './clock.ts';
import type { Exchange } from './exchange.ts';
import { createId } from './id.ts';
import type { Log } from './log.ts';
import type { Bus, Store, UserRecord } from './ports.ts';
import { notice } from './signal.ts';
import { inSlices } from './slices.ts';
import type { Socket } from './socket.ts';
import { presenceTopic } from './topic.ts';

/*
 * Who is there: a user is, from their first socket until the grace of the last one is over. It is not logged: changes are
 * told to those who ask for them, once, and the truth is the `presence` query.
 */

/** How long changes are gathered before they are told, in milliseconds. */
const gatherMs = 250;

/** How often sockets whose grace is over are looked for, in milliseconds. */
const sweepMs = 1000;

/** One user, at one moment. */
export interface PresenceChange {
  readonly uid: string;
  readonly online: boolean;
}

export interface Presence {
  /** A socket opened that was not there before. `user`: as known since. */
  opened(socket: Socket, user: UserRecord): void;
  /** Another node, or this one, told changes of a hub. */
  heard(hubId: string, body: string): void;
  stop(): void;
}

export interface PresenceParts {
  readonly store: Store;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Log;
  readonly exchange: Exchange;
}

type Changes = Map<string, Map<string, boolean>>;

export function createPresence({ store, bus, clock, log, exchange }: PresenceParts): Presence {
  /** By hub and user: what this node is to tell the others, and what it heard for its own sockets. */
  let toTell: Changes = new Map();
  let toWrite: Changes = new Map();
  /** How many hubs are being written to. */
  let writing = 0;
  let sweeping = false;
  let stopGathering: (() => void) | undefined;

  /** Gathers for a while from the first change on. */
  function gather(changes: Changes, hubId: string, change: PresenceChange): void {
    note(changes, hubId, change);
    stopGathering ??= clock.every(gatherMs, tell);
  }

  function opened(socket: Socket, user: UserRecord): void {
    if (user.sockets.length > 1) return;
    // Also of hubs whose signals the socket did not ask for.
    for (const hubId of knownHubs(user.access))
      if (isKnownToBelong(user.access, hubId, clock.now()))
        gather(toTell, hubId, { uid: socket.uid, online: true });
  }

  function heard(hubId: string, body: string): void {
    for (const change of changesIn(body)) gather(toWrite, hubId, change);
  }

  /** All of it leaves at once, whatever a hub's size; not while the last of it is still being written, so that it comes in order. */
  function tell(): void {
    if (writing > 0) return;
    stopGathering?.();
    stopGathering = undefined;
    const [told, written] = [toTell, toWrite];
    [toTell, toWrite] = [new Map(), new Map()];
    for (const [hubId, changes] of told) {
      bus.announce(presenceTopic(hubId), JSON.stringify([...changes])).catch((error: unknown) => {
        log.warn({ error, hubId }, 'a change of presence could not be told');
      });
    }
    for (const [hubId, changes] of written) write(hubId, changes);
  }

  function write(hubId: string, changes: ReadonlyMap<string, boolean>): void {
    const users = [...changes].map(([uid, online]) => ({ uid, online }));
    const signal = notice('PresenceChanged', {
      id: createId('sig'),
      cursor: null,
      sentAt: clock.now(),
      hubId,
      users,
    });
    writing++;
    inSlices(
      exchange.listeners(presenceTopic(hubId)),
      ({ ready, sink }) => {
        if (ready) sink.write(signal);
      },
      () => writing--,
    );
  }

  async function sweep(): Promise<void> {
    if (sweeping) return;
    sweeping = true;
    try {
      for (const uid of new Set(await store.sweep())) await left(uid);
    } catch (error) {
      log.warn({ error }, 'sockets whose grace is over could not be looked for');
    } finally {
      sweeping = false;
    }
  }

  async function left(uid: string): Promise<void> {
    const { access, sockets } = await store.user(uid);
    if (sockets.length > 0) return;
    for (const hubId of knownHubs(access)) gather(toTell, hubId, { uid, online: false });
  }

  const stopSweeping = clock.every(sweepMs, () => void sweep());
  return {
    opened,
    heard,
    stop() {
      stopSweeping();
      stopGathering?.();
    },
  };
}

function note(changes: Changes, hubId: string, { uid, online }: PresenceChange): void {
  const ofHub = changes.get(hubId) ?? new Map<string, boolean>();
  changes.set(hubId, ofHub.set(uid, online));
}

/** What another node told; nothing, when it is no such thing. */
function changesIn(body: string): PresenceChange[] {
  try {
    const told: unknown = JSON.parse(body);
    if (!Array.isArray(told)) return [];
    return told.flatMap((each) =>
      Array.isArray(each) && typeof each[0] === 'string' && typeof each[1] === 'boolean'
        ? [{ uid: each[0], online: each[1] }]
        : [],
    );
  } catch {
    return [];
  }
}
