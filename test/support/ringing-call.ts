import {
  type Actor,
  type Call,
  type NewCall,
  type Rule,
  rules,
  startCall,
  transition,
  type Verb,
} from '../../src/signaling/call.ts';
import type { KnownSocket } from '../../src/signaling/ports.ts';

/** A call of Alice's, from her desk, to Bob, whose phone and tablet ring; made at 0, and rings for a minute. */

export const ringMs = 60_000;

export const dialled: NewCall = {
  id: 'call_1',
  hubId: 'team',
  roomId: 'room',
  roomType: 'video',
  caller: 'alice',
  callee: 'bob',
  callerDevice: { deviceId: 'desk', deviceLabel: 'Desk', socketId: 'd1' },
  callerWatched: true,
  callerNamed: true,
  ringId: 'sig_ring',
  ringMs,
};

export function socketOn(deviceId: string | null, socketId: string, openedAt = 0): KnownSocket {
  const label = deviceId && labelOf(deviceId);
  return { socketId, deviceId, deviceLabel: label, openedAt, generation: 1, keys: [], connected: true };
}

const labelOf = (deviceId: string): string => `The ${deviceId}`;

/** Somebody by a device of theirs, with one of its sockets. */
export function on(uid: string, deviceId: string | null, socketId: string | null): Actor {
  return { uid, deviceId, deviceLabel: deviceId && labelOf(deviceId), socketId };
}

/** Who may speak: devices that rang, one that came late, ones that nobody can name, and a stranger. */
export const actors = {
  desk: on('alice', 'desk', 'd1'),
  mobile: on('alice', 'mobile', 'm1'),
  caller: on('alice', null, null),
  phone: on('bob', 'phone', 'p1'),
  phonesOther: on('bob', 'phone', 'p2'),
  tablet: on('bob', 'tablet', 't1'),
  laptop: on('bob', 'laptop', 'l1'),
  nameless: on('bob', null, 'n1'),
  callee: on('bob', null, null),
  stranger: on('carol', 'phone', 'c1'),
} as const;

export const ringing: Call = startCall(
  dialled,
  [socketOn('phone', 'p1'), socketOn('phone', 'p2'), socketOn('tablet', 't1')],
  null,
  0,
);

/** What a call becomes by verbs that are said one after the other. Fails when one of them changes nothing. */
export function said(call: Call, ...verbs: readonly (Verb & { readonly at?: number })[]): Call {
  return verbs.reduce((before, { at = 1000, ...verb }) => {
    const done = transition(before, verb, at);
    if (!done) throw new Error(`${verb.verb} changes nothing of a call that is ${before.state}`);
    return done.call;
  }, call);
}

const open: ReadonlySet<string> = new Set(['p1', 'p2', 't1']);

export const accept = (by: Actor, sockets = open): Verb => ({ verb: 'accept', by, open: sockets });
export const acceptByWord = (by: Actor): Verb => ({ verb: 'accept', by, open, byWord: true });
export const decline = (by: Actor, { everywhere = false, busy = false } = {}): Verb => ({
  verb: 'decline',
  by,
  everywhere,
  busy,
});
export const hangUp = (by: Actor, reason: 'HANGUP' | 'MEDIA_FAILED' = 'HANGUP'): Verb => ({
  verb: 'hangUp',
  by,
  reason,
});
export const acknowledgeRing = (by: Actor): Verb => ({ verb: 'acknowledgeRing', by });
export const dial = (by: Actor): Verb => ({ verb: 'dial', by });

/** Bob's phone answered after a second. */
export const accepted: Call = said(ringing, accept(actors.phone));

/** Everything that can be said of a call, by everybody. */
export const everyVerb: readonly Verb[] = [
  ...Object.values(actors).flatMap((by) => [
    acknowledgeRing(by),
    accept(by),
    accept(by, new Set()),
    acceptByWord(by),
    ...[true, false].flatMap((everywhere) => [true, false].map((busy) => decline(by, { everywhere, busy }))),
    hangUp(by),
    hangUp(by, 'MEDIA_FAILED'),
    dial(by),
  ]),
  { verb: 'expire' },
  { verb: 'callerLost' },
  { verb: 'connectionLost' },
];

/** The states of the legs, by device. */
export function legsOf(call: Call): Record<string, string> {
  return Object.fromEntries(call.legs.map((leg) => [leg.deviceId ?? leg.socketIds[0] ?? '', leg.state]));
}

/** The rule that decides, found as the machine finds it. */
export function ruleOf(call: Call, verb: Verb, now: number): Rule | undefined {
  return rules.find(
    (each) => each.from === call.state && each.verb === verb.verb && each.fits(call, verb, now),
  );
}
