import {
  type CallDevice,
  closeLegs,
  deviceKey,
  type Leg,
  legOf,
  legsOf,
  mayAnswerBeside,
  mayDecline,
  moved,
  withLeg,
} from './leg.ts';
import type { SocketRecord } from './ports.ts';

/*
 * One dial to one user, and everything that can happen to it: `transition` is a pure function of the call, a verb and the
 * time. Its rules are data; PROTOCOL.md's table and the diagram are made of them. Times are milliseconds.
 */

export type CallState = 'RINGING' | 'ACCEPTED' | 'ENDED';

export type EndReason =
  | 'CANCELLED'
  | 'DECLINED'
  | 'BUSY'
  | 'HANGUP'
  | 'MEDIA_FAILED'
  | 'NO_ANSWER'
  | 'UNREACHABLE'
  | 'CALLER_LOST'
  | 'CONNECTION_LOST'
  | 'EXPIRED';

/** What a call's change is called when it is told. */
export type CallChange = 'ALERTING' | 'ACCEPTED' | 'DECLINED' | 'MOVED' | 'ENDED';

export interface Call {
  readonly id: string;
  /** Grows by one with each transition. */
  readonly rev: number;
  readonly state: CallState;
  readonly reason: EndReason | null;
  readonly hubId: string;
  readonly roomId: string;
  readonly roomType: string;
  readonly caller: string;
  readonly callee: string;
  readonly callerDevice: CallDevice;
  /** The dialling device had an open socket: when it has none any more, the caller is lost. */
  readonly callerWatched: boolean;
  /** The dial named its device. A client that names none knows of no `callId` either: nothing may time out its talk. */
  readonly callerNamed: boolean;
  /** The device of the called user that has the call. */
  readonly winner: CallDevice | null;
  /** Accepted by a client that spoke the seed's words and no `callId`: nothing may time out its talk. */
  readonly byWord: boolean;
  readonly legs: readonly Leg[];
  readonly createdAt: number;
  /** When the service ends it: the end of the ringing, later that of the longest call. */
  readonly expiresAt: number;
  readonly acceptedAt: number | null;
  readonly endedAt: number | null;
  /** The id of the signal that rang. */
  readonly ringId: string;
}

export interface NewCall
  extends Pick<
    Call,
    | 'id'
    | 'hubId'
    | 'roomId'
    | 'roomType'
    | 'caller'
    | 'callee'
    | 'callerDevice'
    | 'callerWatched'
    | 'callerNamed'
    | 'ringId'
  > {
  readonly ringMs: number;
}

/** Why a call may ring nowhere, and has ended as soon as it was made. */
export type Refusal = 'UNREACHABLE' | 'BUSY';

/** With what a dial begins that joins no call, in words. The first that fits decides. */
export interface Beginning {
  readonly when: string;
  readonly to: 'RINGING' | 'ENDED';
  readonly reason: Refusal | null;
  /** What legs it has, in words. */
  readonly legs: string;
}

export const beginnings: readonly Beginning[] = [
  { when: 'nobody can be rung', to: 'ENDED', reason: 'UNREACHABLE', legs: 'none' },
  {
    when: 'the called user talks, and wants no ring then',
    to: 'ENDED',
    reason: 'BUSY',
    legs: 'none',
  },
  { when: 'the called user can be rung', to: 'RINGING', reason: null, legs: 'each device: `SENT`' },
];

/** The longest that a call may last, in milliseconds. */
export const longestCallMs = 24 * 60 * 60 * 1000;

/** A call that rings on all the given sockets; for a reason given, one that ended at once and rings nowhere. */
export function startCall(
  { ringMs, ...parts }: NewCall,
  sockets: readonly SocketRecord[],
  refusal: Refusal | null,
  now: number,
): Call {
  return {
    ...parts,
    rev: 1,
    state: refusal ? 'ENDED' : 'RINGING',
    reason: refusal,
    winner: null,
    byWord: false,
    legs: refusal ? [] : legsOf(sockets, now),
    createdAt: now,
    expiresAt: now + ringMs,
    acceptedAt: null,
    endedAt: refusal ? now : null,
  };
}

/** Who says a verb: a user, by one of their devices as far as it is known. */
export interface Actor extends CallDevice {
  readonly uid: string;
}

/** What can be done to a call. The last three are the service's own. */
export type Verb =
  | { readonly verb: 'acknowledgeRing'; readonly by: Actor }
  | {
      readonly verb: 'accept';
      readonly by: Actor;
      /** The called user's open sockets: a device whose socket is gone may go on with another. */
      readonly open: ReadonlySet<string>;
      readonly byWord?: boolean;
    }
  | {
      readonly verb: 'decline';
      readonly by: Actor;
      readonly everywhere: boolean;
      readonly busy: boolean;
      /** The called user's open sockets: where there is none, nobody answers. */
      readonly sockets?: readonly Pick<CallDevice, 'deviceId' | 'socketId'>[];
    }
  | {
      readonly verb: 'hangUp';
      readonly by: Actor;
      readonly reason: 'HANGUP' | 'MEDIA_FAILED';
      /** As for `accept`. */
      readonly open?: ReadonlySet<string>;
    }
  /** One of the two dials the other while the call is alive. */
  | { readonly verb: 'dial'; readonly by: Actor; readonly byWord?: boolean }
  | { readonly verb: 'expire' }
  | { readonly verb: 'callerLost' }
  | { readonly verb: 'connectionLost' };

export type VerbName = Verb['verb'];

/** One line of the machine. The first that fits decides; where none does, the verb changes nothing. */
export interface Rule<Name extends VerbName = VerbName> {
  readonly from: 'RINGING' | 'ACCEPTED';
  readonly verb: Name;
  /** The condition, in words and in code. */
  readonly when: string;
  fits(call: Call, verb: Verb & { readonly verb: Name }, now: number): boolean;
  readonly to: CallState;
  /** The reasons with which it may end. */
  readonly reasons?: readonly EndReason[];
  readonly change: CallChange;
  /** What becomes of the legs, in words. */
  readonly legs: string;
  apply(call: Call, verb: Verb & { readonly verb: Name }, now: number): Partial<Call>;
}

function rule<Name extends VerbName>(parts: Rule<Name>): Rule {
  return parts as unknown as Rule;
}

export const rules: readonly Rule[] = [
  rule({
    from: 'RINGING',
    verb: 'acknowledgeRing',
    when: 'a called device that has said nothing yet',
    fits: (call, { by }) => by.uid === call.callee && (legOf(call.legs, by)?.state ?? 'SENT') === 'SENT',
    to: 'RINGING',
    change: 'ALERTING',
    legs: 'its own: `ALERTING`',
    apply: (call, { by }, now) => ({ legs: withLeg(call.legs, by, 'ALERTING', now) }),
  }),
  rule({
    from: 'RINGING',
    verb: 'accept',
    when: 'a called device, even one that refused',
    fits: (call, { by }) => by.uid === call.callee,
    to: 'ACCEPTED',
    change: 'ACCEPTED',
    legs: 'its own: `WON`; open others: `LOST`',
    apply: (call, { by, byWord = false }, now) => ({ ...accepted(call, by, now), byWord }),
  }),
  rule({
    from: 'RINGING',
    verb: 'dial',
    when: 'the called user dials the caller',
    fits: (call, { by }) => by.uid === call.callee,
    to: 'ACCEPTED',
    change: 'ACCEPTED',
    legs: 'the dialling one: `WON`; open others: `LOST`',
    apply: (call, { by, byWord = false }, now) => ({ ...accepted(call, by, now), byWord }),
  }),
  rule({
    from: 'RINGING',
    verb: 'dial',
    when: 'the caller dials again, from another device',
    fits: (call, { by }) => by.uid === call.caller && by.deviceId !== null && !isDeviceInCall(call, by),
    to: 'RINGING',
    change: 'MOVED',
    legs: 'unchanged',
    apply: (_, { by }) => ({ callerDevice: deviceOf(by), callerWatched: true, callerNamed: true }),
  }),
  rule({
    from: 'RINGING',
    verb: 'decline',
    when: 'a called device, while another may still answer',
    fits: (call, { by, everywhere, sockets }) =>
      by.uid === call.callee &&
      !everywhere &&
      mayAnswerBeside(call.legs, by, sockets) &&
      mayDecline(call.legs, by),
    to: 'RINGING',
    change: 'DECLINED',
    legs: 'its own: `DECLINED` or `BUSY`',
    apply: (call, { by, busy }, now) => ({ legs: withLeg(call.legs, by, busy ? 'BUSY' : 'DECLINED', now) }),
  }),
  rule({
    from: 'RINGING',
    verb: 'decline',
    when: 'the last device that could answer, or the called user for all',
    fits: (call, { by, everywhere }) => by.uid === call.callee && (everywhere || mayDecline(call.legs, by)),
    to: 'ENDED',
    reasons: ['DECLINED', 'BUSY'],
    change: 'ENDED',
    legs: 'its own (all open ones, if none is named): `DECLINED` or `BUSY`; open others: `CANCELLED`',
    apply: (call, { by, busy }, now) => {
      const state = busy ? 'BUSY' : 'DECLINED';
      const legs = deviceKey(by) === '' ? call.legs : withLeg(call.legs, by, state, now);
      return { legs: closeLegs(legs, deviceKey(by) === '' ? state : 'CANCELLED', now), reason: state };
    },
  }),
  rule({
    from: 'RINGING',
    verb: 'hangUp',
    when: 'the caller',
    fits: (call, { by }) => by.uid === call.caller,
    to: 'ENDED',
    reasons: ['CANCELLED'],
    change: 'ENDED',
    legs: 'open: `CANCELLED`',
    apply: (call, _, now) => ({ legs: closeLegs(call.legs, 'CANCELLED', now), reason: 'CANCELLED' }),
  }),
  rule({
    from: 'RINGING',
    verb: 'expire',
    when: 'the time to ring is over: 60 s, or 10 to 120 s as dialled',
    fits: (call, _, now) => now >= call.expiresAt,
    to: 'ENDED',
    reasons: ['NO_ANSWER'],
    change: 'ENDED',
    legs: 'open: `TIMED_OUT`',
    apply: (call, _, now) => ({ legs: closeLegs(call.legs, 'TIMED_OUT', now), reason: 'NO_ANSWER' }),
  }),
  rule({
    from: 'RINGING',
    verb: 'callerLost',
    when: 'the dialling device is gone for 10 s, or for 30 s if the service cut it off',
    fits: (call) => call.callerWatched,
    to: 'ENDED',
    reasons: ['CALLER_LOST'],
    change: 'ENDED',
    legs: 'open: `CANCELLED`',
    apply: (call, _, now) => ({ legs: closeLegs(call.legs, 'CANCELLED', now), reason: 'CALLER_LOST' }),
  }),
  rule({
    from: 'ACCEPTED',
    verb: 'accept',
    when: 'the device that has it, with another socket once the former is gone',
    fits: (call, { by, open }) => isSameDevice(call, by) && isSocketGone(call, by, open),
    to: 'ACCEPTED',
    change: 'MOVED',
    legs: 'unchanged',
    apply: (_, { by }) => ({ winner: deviceOf(by) }),
  }),
  rule({
    from: 'ACCEPTED',
    verb: 'dial',
    when: 'either of the two dials the other from another device',
    fits: (call, { by }) => isSide(call, by) && deviceKey(by) !== '' && !isDeviceInCall(call, by),
    to: 'ACCEPTED',
    change: 'MOVED',
    legs: 'if the called user dials: the dialling one: `WON`; the former: `LOST`',
    apply: (call, { by }, now) =>
      by.uid === call.caller ? { callerDevice: deviceOf(by) } : handedOver(call, by, now),
  }),
  rule({
    from: 'ACCEPTED',
    verb: 'hangUp',
    when: 'the caller, or the device that has the call',
    fits: (call, { by, open }) => by.uid === call.caller || holdsCall(call, by, open),
    to: 'ENDED',
    reasons: ['HANGUP', 'MEDIA_FAILED'],
    change: 'ENDED',
    legs: 'unchanged',
    apply: (_, { reason }) => ({ reason }),
  }),
  rule({
    from: 'ACCEPTED',
    verb: 'connectionLost',
    when: 'both sides are gone for 2 min, or one for 30 min; never if answered without a `callId`',
    fits: (call) => !call.byWord,
    to: 'ENDED',
    reasons: ['CONNECTION_LOST'],
    change: 'ENDED',
    legs: 'unchanged',
    apply: () => ({ reason: 'CONNECTION_LOST' }),
  }),
  rule({
    from: 'ACCEPTED',
    verb: 'expire',
    when: 'it was made 24 hours ago',
    fits: (call, _, now) => now >= call.expiresAt,
    to: 'ENDED',
    reasons: ['EXPIRED'],
    change: 'ENDED',
    legs: 'unchanged',
    apply: () => ({ reason: 'EXPIRED' }),
  }),
];

/** A call after a verb, and what the change is called. */
export interface Transition {
  readonly call: Call;
  readonly change: CallChange;
  /** The verb came too late: the call's time was over, and it has ended of that instead. */
  readonly late: boolean;
}

/** What a verb makes of a call; undefined when it changes nothing. Ended calls never change. */
export function transition(call: Call, verb: Verb, now: number): Transition | undefined {
  const expired = verb.verb === 'expire' ? undefined : step(call, { verb: 'expire' }, now);
  return expired ? { ...expired, late: true } : step(call, verb, now);
}

function step(call: Call, verb: Verb, now: number): Transition | undefined {
  const found = rules.find(
    (each) => each.from === call.state && each.verb === verb.verb && each.fits(call, verb, now),
  );
  if (!found) return undefined;
  const changed = found.apply(call, verb, now);
  const endedAt = found.to === 'ENDED' ? now : null;
  const next = { ...call, ...changed, rev: call.rev + 1, state: found.to, endedAt };
  return { call: next, change: found.change, late: false };
}

/** Whether somebody who accepted has the call, with this very socket. */
export function hasWon({ winner }: Call, by: Actor): boolean {
  if (!winner || deviceKey(winner) !== deviceKey(by)) return false;
  return winner.socketId === null || by.socketId === null || winner.socketId === by.socketId;
}

function deviceOf({ deviceId, deviceLabel, socketId }: Actor): CallDevice {
  return { deviceId, deviceLabel, socketId };
}

function accepted(call: Call, by: Actor, now: number): Partial<Call> {
  return {
    winner: deviceOf(by),
    legs: closeLegs(withLeg(call.legs, by, 'WON', now), 'LOST', now),
    acceptedAt: now,
    expiresAt: call.createdAt + longestCallMs,
  };
}

function handedOver(call: Call, by: Actor, now: number): Partial<Call> {
  const legs = call.legs.map((leg) => (leg.state === 'WON' ? moved(leg, 'LOST', now) : leg));
  return { winner: deviceOf(by), legs: withLeg(legs, by, 'WON', now) };
}

const isSide = (call: Call, { uid }: Actor): boolean => uid === call.caller || uid === call.callee;

/** Whether this is the device with which its user is in the accepted call. */
function isDeviceInCall(call: Call, by: Actor): boolean {
  const device = by.uid === call.caller ? call.callerDevice : call.winner;
  return device !== null && deviceKey(device) === deviceKey(by);
}

function isSameDevice({ callee, winner }: Call, by: Actor): boolean {
  return by.uid === callee && winner !== null && by.deviceId === winner.deviceId;
}

function isSocketGone({ winner }: Call, by: Actor, open: ReadonlySet<string>): boolean {
  return by.socketId !== winner?.socketId && !open.has(winner?.socketId ?? '');
}

/**
 * Whether a called user's device may have the call. One that nobody can name may, for words carry no device; and so may
 * a socket that names none, once that of the answer is gone, for it cannot be told from its successor.
 */
export function holdsCall({ callee, winner }: Call, by: Actor, open?: ReadonlySet<string>): boolean {
  if (by.uid !== callee || !winner) return false;
  const [answered, speaks] = [deviceKey(winner), deviceKey(by)];
  if (answered === speaks || answered === '' || speaks === '') return true;
  return winner.deviceId === null && by.deviceId === null && open?.has(answered) === false;
}
