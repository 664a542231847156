import { describe, expect, test } from 'vitest';
import { type Actor, type Call, longestCallMs, rules, transition, type Verb } from '../src/signaling/call.ts';
import {
  accept,
  acceptByWord,
  accepted,
  acknowledgeRing,
  actors,
  decline,
  dial,
  hangUp,
  legsOf,
  on,
  ringing,
  ringMs,
  ruleOf,
  said,
} from './support/ringing-call.ts';

const { desk, mobile, caller, phone, phonesOther, tablet, laptop, nameless, callee } = actors;

/** When the verbs of these tests are said. */
const soon = 2000;

const refusedOnPhone = said(ringing, decline(phone));
const alerting = said(ringing, acknowledgeRing(phone));
const unwatched = { ...ringing, callerWatched: false };
const byWord = said(ringing, acceptByWord(callee));
const byNameless = said(ringing, accept(nameless));
const met = said(ringing, dial(on('bob', 'phone', null)));
const dialledFromNowhere = said(
  { ...ringing, callerDevice: { deviceId: null, deviceLabel: null, socketId: null } },
  accept(phone),
);

interface Change {
  readonly name: string;
  readonly call: Call;
  readonly verb: Verb;
  readonly at?: number;
  /** What it becomes; what is not named stays as it was. */
  readonly becomes: Partial<Call>;
  readonly change: string;
  readonly legs?: Record<string, string>;
}

const none = (by: Actor) => ({ deviceId: by.deviceId, deviceLabel: by.deviceLabel, socketId: by.socketId });
const answeredBy = (by: Actor): Partial<Call> => ({
  state: 'ACCEPTED',
  winner: none(by),
  acceptedAt: soon,
  expiresAt: longestCallMs,
});
const endedWith = (reason: NonNullable<Call['reason']>, at = soon): Partial<Call> => ({
  state: 'ENDED',
  reason,
  endedAt: at,
});

const changes: readonly Change[] = [
  {
    name: 'a device that rings says so',
    call: ringing,
    verb: acknowledgeRing(phone),
    becomes: {},
    change: 'ALERTING',
    legs: { phone: 'ALERTING', tablet: 'SENT' },
  },
  {
    name: 'a device that came late rings too',
    call: alerting,
    verb: acknowledgeRing(laptop),
    becomes: {},
    change: 'ALERTING',
    legs: { phone: 'ALERTING', tablet: 'SENT', laptop: 'ALERTING' },
  },
  {
    name: 'one of two devices answers',
    call: alerting,
    verb: accept(phone),
    becomes: answeredBy(phone),
    change: 'ACCEPTED',
    legs: { phone: 'WON', tablet: 'LOST' },
  },
  {
    name: 'the second socket of a device answers',
    call: ringing,
    verb: accept(phonesOther),
    becomes: answeredBy(phonesOther),
    change: 'ACCEPTED',
    legs: { phone: 'WON', tablet: 'LOST' },
  },
  {
    name: 'a device that refused answers after all',
    call: refusedOnPhone,
    verb: accept(phone),
    becomes: answeredBy(phone),
    change: 'ACCEPTED',
    legs: { phone: 'WON', tablet: 'LOST' },
  },
  {
    name: 'a device answers, and one that refused stays as it is',
    call: refusedOnPhone,
    verb: accept(tablet),
    becomes: answeredBy(tablet),
    change: 'ACCEPTED',
    legs: { phone: 'DECLINED', tablet: 'WON' },
  },
  {
    name: 'a device that came late answers',
    call: ringing,
    verb: accept(laptop),
    becomes: answeredBy(laptop),
    change: 'ACCEPTED',
    legs: { phone: 'LOST', tablet: 'LOST', laptop: 'WON' },
  },
  {
    name: 'a word answers, and nobody knows on which device',
    call: ringing,
    verb: acceptByWord(callee),
    becomes: { ...answeredBy(callee), byWord: true },
    change: 'ACCEPTED',
    legs: { phone: 'LOST', tablet: 'LOST', '': 'WON' },
  },
  {
    name: 'the called user dials the caller meanwhile',
    call: ringing,
    verb: dial(tablet),
    becomes: answeredBy(tablet),
    change: 'ACCEPTED',
    legs: { phone: 'LOST', tablet: 'WON' },
  },
  {
    name: 'the called user dials the caller without naming a device',
    call: ringing,
    verb: dial(callee),
    becomes: answeredBy(callee),
    change: 'ACCEPTED',
    legs: { phone: 'LOST', tablet: 'LOST', '': 'WON' },
  },
  {
    name: 'the caller dials again from another device',
    call: ringing,
    verb: dial(mobile),
    becomes: { callerDevice: none(mobile), callerWatched: true, callerNamed: true },
    change: 'MOVED',
  },
  {
    name: 'one of two devices refuses',
    call: ringing,
    verb: decline(phone),
    becomes: {},
    change: 'DECLINED',
    legs: { phone: 'DECLINED', tablet: 'SENT' },
  },
  {
    name: 'one of two devices is busy',
    call: alerting,
    verb: decline(phone, { busy: true }),
    becomes: {},
    change: 'DECLINED',
    legs: { phone: 'BUSY', tablet: 'SENT' },
  },
  {
    name: 'a device that came late refuses for itself',
    call: ringing,
    verb: decline(laptop),
    becomes: {},
    change: 'DECLINED',
    legs: { phone: 'SENT', tablet: 'SENT', laptop: 'DECLINED' },
  },
  {
    name: 'the last device refuses',
    call: refusedOnPhone,
    verb: decline(tablet),
    becomes: endedWith('DECLINED'),
    change: 'ENDED',
    legs: { phone: 'DECLINED', tablet: 'DECLINED' },
  },
  {
    name: 'the last device is busy',
    call: refusedOnPhone,
    verb: decline(tablet, { busy: true }),
    becomes: endedWith('BUSY'),
    change: 'ENDED',
    legs: { phone: 'DECLINED', tablet: 'BUSY' },
  },
  {
    name: 'one device refuses for all',
    call: alerting,
    verb: decline(tablet, { everywhere: true }),
    becomes: endedWith('DECLINED'),
    change: 'ENDED',
    legs: { phone: 'CANCELLED', tablet: 'DECLINED' },
  },
  {
    name: 'the called user refuses for all, and nobody knows on which device',
    call: ringing,
    verb: decline(callee, { everywhere: true, busy: true }),
    becomes: endedWith('BUSY'),
    change: 'ENDED',
    legs: { phone: 'BUSY', tablet: 'BUSY' },
  },
  {
    name: 'a device that refused for itself refuses for all',
    call: refusedOnPhone,
    verb: decline(phone, { everywhere: true }),
    becomes: endedWith('DECLINED'),
    change: 'ENDED',
    legs: { phone: 'DECLINED', tablet: 'CANCELLED' },
  },
  ...[desk, mobile, caller].map((by) => ({
    name: `the caller hangs up on ${by.deviceId ?? 'a device that nobody knows'} before an answer`,
    call: refusedOnPhone,
    verb: hangUp(by, 'MEDIA_FAILED'),
    becomes: endedWith('CANCELLED'),
    change: 'ENDED',
    legs: { phone: 'DECLINED', tablet: 'CANCELLED' },
  })),
  {
    name: 'it has rung to its deadline',
    call: alerting,
    verb: { verb: 'expire' },
    at: ringMs,
    becomes: endedWith('NO_ANSWER', ringMs),
    change: 'ENDED',
    legs: { phone: 'TIMED_OUT', tablet: 'TIMED_OUT' },
  },
  {
    name: 'the caller is lost while it rings',
    call: alerting,
    verb: { verb: 'callerLost' },
    becomes: endedWith('CALLER_LOST'),
    change: 'ENDED',
    legs: { phone: 'CANCELLED', tablet: 'CANCELLED' },
  },
  {
    name: 'the device that has the call comes back with another socket',
    call: accepted,
    verb: accept(phonesOther, new Set(['p2'])),
    becomes: { winner: none(phonesOther) },
    change: 'MOVED',
  },
  {
    name: 'the device that met the caller tells its socket',
    call: met,
    verb: accept(phonesOther),
    becomes: { winner: none(phonesOther) },
    change: 'MOVED',
  },
  {
    name: 'the called user dials from another device while they talk',
    call: accepted,
    verb: dial(tablet),
    becomes: { winner: none(tablet) },
    change: 'MOVED',
    legs: { phone: 'LOST', tablet: 'WON' },
  },
  {
    name: 'the called user dials from a device that never rang',
    call: accepted,
    verb: dial(laptop),
    becomes: { winner: none(laptop) },
    change: 'MOVED',
    legs: { phone: 'LOST', tablet: 'LOST', laptop: 'WON' },
  },
  {
    name: 'the caller dials from another device while they talk',
    call: accepted,
    verb: dial(mobile),
    becomes: { callerDevice: none(mobile) },
    change: 'MOVED',
  },
  {
    name: 'the caller, of whom no device was known, dials from one',
    call: dialledFromNowhere,
    verb: dial(desk),
    becomes: { callerDevice: none(desk) },
    change: 'MOVED',
  },
  ...[desk, mobile, caller, phone, phonesOther, callee].map((by) => ({
    name: `${by.uid} hangs up on ${by.deviceId ?? 'a device that nobody knows'}, socket ${by.socketId}`,
    call: accepted,
    verb: hangUp(by),
    becomes: endedWith('HANGUP'),
    change: 'ENDED',
  })),
  {
    name: 'a nameless device goes on for the nameless one that answered, and is gone',
    call: byNameless,
    verb: accept(on('bob', null, 'n2'), new Set()),
    becomes: { winner: none(on('bob', null, 'n2')) },
    change: 'MOVED',
  },
  {
    name: 'somebody hangs up without sound or picture',
    call: accepted,
    verb: hangUp(phone, 'MEDIA_FAILED'),
    becomes: endedWith('MEDIA_FAILED'),
    change: 'ENDED',
  },
  {
    name: 'any device hangs up what a word has answered',
    call: byWord,
    verb: hangUp(tablet),
    becomes: endedWith('HANGUP'),
    change: 'ENDED',
  },
  {
    name: 'a device without a name hangs up with the socket that answered',
    call: byNameless,
    verb: hangUp(nameless),
    becomes: endedWith('HANGUP'),
    change: 'ENDED',
  },
  {
    name: 'people who talk are lost',
    call: accepted,
    verb: { verb: 'connectionLost' },
    becomes: endedWith('CONNECTION_LOST'),
    change: 'ENDED',
  },
  ...[accepted, byWord].map((call) => ({
    name: `a talk ${call.byWord ? 'by word' : 'by verb'} has lasted 24 hours`,
    call,
    verb: { verb: 'expire' } as const,
    at: longestCallMs,
    becomes: endedWith('EXPIRED', longestCallMs),
    change: 'ENDED',
  })),
];

describe('a verb that fits a rule', () => {
  test.each(changes)('changes the call when $name', ({ call, verb, at = soon, becomes, change, legs }) => {
    const before = structuredClone(call);
    const done = transition(call, verb, at);
    expect(done).toEqual({
      call: { ...call, ...becomes, rev: call.rev + 1, legs: done?.call.legs },
      change,
      late: false,
    });
    expect(done && legsOf(done.call)).toEqual(legs ?? legsOf(call));
    expect(call).toEqual(before);
  });

  test('is in the table above for every rule, and for every reason of each', () => {
    const decided = changes.map(({ call, verb, at = soon, becomes }) => [
      ruleOf(call, verb, at),
      becomes.reason ?? null,
    ]);
    for (const rule of rules) {
      const reasons = decided.flatMap(([each, reason]) => (each === rule ? [reason] : []));
      expect([...new Set(reasons)].sort(), `${rule.from} ${rule.verb}: ${rule.when}`).toEqual(
        [...(rule.reasons ?? [null])].sort(),
      );
    }
  });

  test('adds a step to a leg for each state it enters, with its time', () => {
    const call = said(
      ringing,
      { ...acknowledgeRing(phone), at: 10 },
      { ...accept(phone), at: 20 },
      { ...dial(tablet), at: 30 },
    );
    expect(call.legs.map(({ steps }) => steps)).toEqual([
      [
        { state: 'SENT', at: 0 },
        { state: 'ALERTING', at: 10 },
        { state: 'WON', at: 20 },
        { state: 'LOST', at: 30 },
      ],
      [
        { state: 'SENT', at: 0 },
        { state: 'LOST', at: 20 },
        { state: 'WON', at: 30 },
      ],
    ]);
  });

  test('gives a late device a leg that was never sent a ring', () => {
    const call = said(ringing, { ...accept(laptop), at: 20 });
    expect(call.legs.at(-1)).toEqual({
      deviceId: 'laptop',
      deviceLabel: 'The laptop',
      state: 'WON',
      socketIds: ['l1'],
      steps: [{ state: 'WON', at: 20 }],
    });
    expect(said(ringing, accept(callee)).legs.at(-1)).toMatchObject({ deviceId: null, socketIds: [] });
  });
});

interface Refusal {
  readonly name: string;
  readonly call: Call;
  readonly verb: Verb;
  readonly at?: number;
}

const refusals: readonly Refusal[] = [
  { name: 'says twice that it rings', call: alerting, verb: acknowledgeRing(phone) },
  { name: 'rings after it refused', call: refusedOnPhone, verb: acknowledgeRing(phone) },
  { name: 'is the caller’s, and says that it rings', call: ringing, verb: acknowledgeRing(desk) },
  { name: 'is the caller’s, and answers', call: ringing, verb: accept(desk) },
  { name: 'is the caller’s, and refuses', call: ringing, verb: decline(desk) },
  { name: 'is the caller’s, and dials again', call: ringing, verb: dial(desk) },
  { name: 'refuses twice', call: refusedOnPhone, verb: decline(phone) },
  { name: 'refuses, and then is busy', call: refusedOnPhone, verb: decline(phone, { busy: true }) },
  { name: 'was called, and hangs up what still rings', call: ringing, verb: hangUp(phone) },
  {
    name: 'dials before its time to ring is over by a millisecond',
    call: ringing,
    verb: { verb: 'expire' },
    at: ringMs - 1,
  },
  { name: 'never had a socket, and is lost', call: unwatched, verb: { verb: 'callerLost' } },
  { name: 'has the call, and answers again', call: accepted, verb: accept(phone) },
  {
    name: 'has the call, and answers again without a socket',
    call: accepted,
    verb: accept(phone, new Set()),
  },
  { name: 'has the call on another socket that is open', call: accepted, verb: accept(phonesOther) },
  { name: 'did not get the call, and answers', call: accepted, verb: accept(tablet) },
  {
    name: 'did not get the call, and answers when who got it is gone',
    call: accepted,
    verb: accept(tablet, new Set()),
  },
  {
    name: 'has no name, and answers what another nameless one got',
    call: byNameless,
    verb: accept(on('bob', null, 'n2'), new Set(['n1'])),
  },
  { name: 'is the caller’s, and answers what was answered', call: accepted, verb: accept(desk, new Set()) },
  { name: 'has the call, and dials', call: accepted, verb: dial(phone) },
  { name: 'has the call on another socket, and dials', call: accepted, verb: dial(phonesOther) },
  { name: 'is not known, and dials while they talk', call: accepted, verb: dial(callee) },
  { name: 'is the caller’s in the talk, and dials', call: accepted, verb: dial(desk) },
  { name: 'is not known, but the caller’s, and dials', call: accepted, verb: dial(caller) },
  { name: 'did not get the call, and hangs up', call: accepted, verb: hangUp(tablet) },
  { name: 'did not get the call from a nameless one, and hangs up', call: byNameless, verb: hangUp(phone) },
  { name: 'came late, and hangs up', call: accepted, verb: hangUp(laptop) },
  { name: 'talks by word, and is lost', call: byWord, verb: { verb: 'connectionLost' } },
  {
    name: 'talks for a millisecond less than 24 hours',
    call: accepted,
    verb: { verb: 'expire' },
    at: longestCallMs - 1,
  },
];

describe('a verb that fits no rule changes nothing', () => {
  test.each(refusals)('when a device $name', ({ call, verb, at = soon }) => {
    expect(transition(call, verb, at)).toBeUndefined();
  });
});
