import type { Call, Verb } from './call.ts';
import { isConnected } from './call-document.ts';
import type { CallDevice } from './leg.ts';
import type { SignalingNode } from './node.ts';
import type { Departure, Put, SocketRecord } from './ports.ts';

/*
 * Nobody hangs up a call when their phone dies: the service looks whether both sides are still connected. It looks at
 * the call's next deadline, so the state of a watch is written down with it. Times are milliseconds.
 */

/** How often to look while a call rings, and while people talk. */
const lookEveryMs = { RINGING: 5000, ACCEPTED: 60_000 };

/** How long a caller may be gone while it rings: who closed the stream, and who lost it through our own doing. */
const ringPatienceMs = { CLIENT: 10_000, SERVICE: 30_000 };

/** How long people who talk may be gone: both, and one of them. */
const talkPatienceMs = { both: 2 * 60_000, one: 30 * 60_000 };

/** Whether one side of a call is there. */
export interface Presence {
  /** When it was last seen. */
  readonly seenAt: number;
  /** Null while it is connected. */
  readonly gone: { readonly since: number; readonly by: 'CLIENT' | 'SERVICE' } | null;
}

/** What was seen of a call's two sides. */
export interface Watch {
  readonly rev: number;
  readonly caller: Presence;
  readonly callee: Presence;
}

const watchDocumentId = (call: Call): string => `watch:${call.id}`;

/** When the call is to be looked at next, as far as is known without looking; null once it has ended. */
export function nextLook(call: Call): number | null {
  if (call.state === 'ENDED') return null;
  if (!isWatched(call)) return call.expiresAt;
  const since = call.state === 'RINGING' ? call.createdAt : (call.acceptedAt ?? call.createdAt);
  return Math.min(call.expiresAt, since + lookEveryMs[call.state]);
}

function isWatched(call: Call): boolean {
  return call.state === 'RINGING' ? call.callerWatched : !call.byWord;
}

/** What was found at a call. */
export interface Finding {
  /** What is to be done to the call. */
  readonly verb: Verb | undefined;
  /** When to look again, if nothing is. */
  readonly next: number;
  /** What to write down. */
  readonly put: readonly Put[];
  readonly expect: readonly { readonly id: string; readonly rev: number }[];
}

/** Looks whether the people of a live call are still there, as of a time. */
export async function look(node: SignalingNode, call: Call, now: number): Promise<Finding> {
  if (!isWatched(call)) return { verb: undefined, next: call.expiresAt, put: [], expect: [] };
  const id = watchDocumentId(call);
  const known = await node.store.document(id);
  const before = known ? (JSON.parse(known.body) as Omit<Watch, 'rev'>) : begun(call);
  const [caller, callee] = await Promise.all([
    sideOf(node, call, now, { uid: call.caller, before: before.caller, device: call.callerDevice }),
    sideOf(node, call, now, { uid: call.callee, before: before.callee, device: call.winner }),
  ]);
  const watch = { rev: (known?.rev ?? 0) + 1, caller, callee };
  const ttlMs = 2 * (talkPatienceMs.one + lookEveryMs.ACCEPTED);
  return {
    verb: lossOf(call, watch, now),
    next: nextLookAt(call, watch, now),
    put: [{ id, rev: watch.rev, body: JSON.stringify(watch), ttlMs, live: [] }],
    expect: [{ id, rev: watch.rev - 1 }],
  };
}

function begun(call: Call): Omit<Watch, 'rev'> {
  const presence = { seenAt: call.acceptedAt ?? call.createdAt, gone: null };
  return { caller: presence, callee: presence };
}

function isCallerWatched({ state, callerWatched, callerNamed }: Call): boolean {
  return state === 'RINGING' ? callerWatched : callerWatched && callerNamed;
}

/** One of the two people of a call. */
interface Side {
  readonly uid: string;
  readonly before: Presence;
  readonly device: CallDevice | null;
}

async function sideOf(
  node: SignalingNode,
  call: Call,
  now: number,
  { uid, before, device }: Side,
): Promise<Presence> {
  // Of the called user there is nobody to look for before they answered; and who dialled without a socket never had one.
  if (uid === call.callee ? call.state === 'RINGING' : !isCallerWatched(call))
    return { seenAt: now, gone: null };
  const seenAt = node.clock.now();
  const { sockets } = await node.store.user(uid);
  if (isConnected(call, uid, sockets)) return { seenAt, gone: null };
  return absence(before, lastDeparture(await node.store.departures(uid), device), now);
}

/** Since when a side that is not connected is gone; how it left only counts if it was not seen after that. */
export function absence(before: Presence, departure: Departure | undefined, now: number): Presence {
  const known = before.gone?.since ?? before.seenAt;
  if (departure?.by && departure.at >= known) {
    return { seenAt: before.seenAt, gone: { since: departure.at, by: departure.by } };
  }
  return { seenAt: before.seenAt, gone: before.gone ?? { since: now, by: 'SERVICE' } };
}

function lastDeparture(
  departures: readonly Departure[],
  device: Pick<SocketRecord, 'deviceId'> | null,
): Departure | undefined {
  const deviceId = device?.deviceId ?? null;
  const own = departures.filter((each) => deviceId === null || each.deviceId === deviceId);
  return own.sort((a, b) => b.at - a.at)[0];
}

/** Whether they have been away for too long. */
export function lossOf(call: Call, { caller, callee }: Watch, now: number): Verb | undefined {
  if (call.state === 'RINGING') {
    const lost = caller.gone && now - caller.gone.since >= ringPatienceMs[caller.gone.by];
    return lost ? { verb: 'callerLost' } : undefined;
  }
  const away = [caller, callee].flatMap(({ gone }) => (gone ? now - gone.since : []));
  const both = away.length === 2 && Math.min(...away) >= talkPatienceMs.both;
  const one = away.some((ms) => ms >= talkPatienceMs.one);
  return both || one ? { verb: 'connectionLost' } : undefined;
}

/** When to look again: at the next moment at which something could be decided. */
export function nextLookAt(call: Call, { caller, callee }: Watch, now: number): number {
  const looks = [call.expiresAt, now + lookEveryMs[call.state === 'RINGING' ? 'RINGING' : 'ACCEPTED']];
  if (call.state === 'RINGING') {
    if (caller.gone) looks.push(caller.gone.since + ringPatienceMs[caller.gone.by]);
  } else {
    const since = [caller, callee].flatMap(({ gone }) => gone?.since ?? []);
    looks.push(...since.map((each) => each + talkPatienceMs.one));
    if (since.length === 2) looks.push(Math.max(...since) + talkPatienceMs.both);
  }
  return Math.max(now + 1, Math.min(...looks));
}
