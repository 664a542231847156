import { describe, expect, test } from 'vitest';
import {
  type Actor,
  beginnings,
  type Call,
  hasWon,
  longestCallMs,
  type Rule,
  startCall,
  transition,
} from '../src/signaling/call.ts';
import { deviceKey } from '../src/signaling/leg.ts';
import {
  accept,
  acceptByWord,
  accepted,
  acknowledgeRing,
  actors,
  decline,
  dial,
  dialled,
  everyVerb,
  on,
  ringing,
  ringMs,
  ruleOf,
  said,
  socketOn,
} from './support/ringing-call.ts';

const { caller, phone, phonesOther, tablet, laptop, nameless, callee, stranger } = actors;

/** When the verbs of these tests are said. */
const soon = 2000;

const refusedOnPhone = said(ringing, decline(phone));
const alerting = said(ringing, acknowledgeRing(phone));
const byWord = said(ringing, acceptByWord(callee));
const byNameless = said(ringing, accept(nameless));
const met = said(ringing, dial(on('bob', 'phone', null)));

describe('startCall', () => {
  test('rings on every device until the deadline', () => {
    const { ringMs: _, ...parts } = dialled;
    expect(ringing).toEqual({
      ...parts,
      rev: 1,
      state: 'RINGING',
      reason: null,
      winner: null,
      byWord: false,
      legs: [
        {
          deviceId: 'phone',
          deviceLabel: 'The phone',
          state: 'SENT',
          socketIds: ['p1', 'p2'],
          steps: [{ state: 'SENT', at: 0 }],
        },
        {
          deviceId: 'tablet',
          deviceLabel: 'The tablet',
          state: 'SENT',
          socketIds: ['t1'],
          steps: [{ state: 'SENT', at: 0 }],
        },
      ],
      createdAt: 0,
      expiresAt: ringMs,
      acceptedAt: null,
      endedAt: null,
    });
  });

  test('makes a leg of each socket that named no device', () => {
    const sockets = [
      socketOn(null, 'a'),
      socketOn('phone', 'b'),
      socketOn(null, 'c'),
      socketOn('phone', 'd'),
    ];
    const { legs } = startCall(dialled, sockets, null, 0);
    expect(legs.map(({ deviceId, socketIds }) => [deviceId, ...socketIds])).toEqual([
      [null, 'a'],
      ['phone', 'b', 'd'],
      [null, 'c'],
    ]);
  });

  test.each(['UNREACHABLE', 'BUSY'] as const)('that is %s has ended at once, and rings nowhere', (reason) => {
    const call = startCall(dialled, [socketOn('phone', 'p1')], reason, 1000);
    expect(call).toMatchObject({ rev: 1, state: 'ENDED', reason, createdAt: 1000, endedAt: 1000, legs: [] });
    expect(beginnings.filter((each) => each.reason === reason)).toMatchObject([{ to: 'ENDED' }]);
  });
});

describe('hasWon', () => {
  test.each([
    { name: 'the socket that answered', call: accepted, by: phone, won: true },
    {
      name: 'its device, by a word without a socket',
      call: accepted,
      by: on('bob', 'phone', null),
      won: true,
    },
    { name: 'another socket of its device', call: accepted, by: phonesOther, won: false },
    { name: 'another device', call: accepted, by: tablet, won: false },
    { name: 'nobody knows who', call: accepted, by: callee, won: false },
    { name: 'any socket of a device that named none', call: met, by: phonesOther, won: true },
    { name: 'the nameless device that answered', call: byNameless, by: nameless, won: true },
    { name: 'another nameless device', call: byNameless, by: on('bob', null, 'n2'), won: false },
    { name: 'nobody knows who, after a word', call: byWord, by: callee, won: true },
    { name: 'a device, after a word', call: byWord, by: phone, won: false },
    { name: 'somebody before the answer', call: ringing, by: phone, won: false },
  ])('$name: $won', ({ call, by, won }) => {
    expect(hasWon(call, by)).toBe(won);
  });
});

test('devices are told apart by their id, without one by their socket', () => {
  expect([phone, nameless, callee].map(deviceKey)).toEqual(['phone', 'n1', '']);
});

/** A change, and the rule that decided it. */
interface Step {
  readonly before: Call;
  readonly rule: Rule;
  readonly call: Call;
}

/** Every call that any words of some devices can make of one that rings: all states of legs and winners, each once. */
const { reachable, steps } = explore([ringing, startCall(dialled, [], 'UNREACHABLE', 0)]);

function explore(starts: readonly Call[]): { reachable: Call[]; steps: Step[] } {
  const speakers: readonly Actor[] = [caller, phone, tablet, laptop, callee];
  const verbs = everyVerb.filter((verb) => !('by' in verb) || speakers.includes(verb.by));
  const known = new Map<string, Call>(starts.map((call) => [fingerprint(call), call]));
  const steps: Step[] = [];
  for (const before of known.values()) {
    for (const verb of verbs) {
      const at = verb.verb === 'expire' ? before.expiresAt : soon;
      const [rule, done] = [ruleOf(before, verb, at), transition(before, verb, at)];
      if (!rule || !done) continue;
      steps.push({ before, rule, call: done.call });
      if (!known.has(fingerprint(done.call))) known.set(fingerprint(done.call), done.call);
    }
  }
  return { reachable: [...known.values()], steps };
}

/** What tells two calls apart, but for their histories. */
function fingerprint({ state, reason, winner, byWord, legs }: Call): string {
  const kept = legs.map((leg) => `${leg.deviceId}:${leg.state}`);
  return JSON.stringify([state, reason, winner && deviceKey(winner), byWord, kept.sort()]);
}

describe('a verb changes nothing', () => {
  test('when a stranger says it', () => {
    const strangers = everyVerb.filter((verb) => 'by' in verb && verb.by === stranger);
    const changed = [ringing, accepted, byWord].flatMap((call) =>
      strangers.filter((verb) => transition(call, verb, soon)),
    );
    expect(strangers.length).toBeGreaterThan(8);
    expect(changed).toEqual([]);
  });

  const verbNames = [...new Set(everyVerb.map(({ verb }) => verb))];
  const possible = {
    RINGING: ['acknowledgeRing', 'accept', 'dial', 'decline', 'hangUp', 'expire', 'callerLost'],
    ACCEPTED: ['accept', 'dial', 'hangUp', 'connectionLost', 'expire'],
    ENDED: [],
  };
  const impossible = (['RINGING', 'ACCEPTED', 'ENDED'] as const).flatMap((state) =>
    verbNames
      .filter((name) => !(possible[state] as string[]).includes(name))
      .map((verb) => ({ state, verb })),
  );

  test.each(impossible)('when it is $verb and the call is $state', ({ state, verb }) => {
    const calls = reachable.filter((call) => call.state === state);
    const verbs = everyVerb.filter((each) => each.verb === verb);
    expect(calls.length * verbs.length).toBeGreaterThan(0);
    expect(calls.filter((call) => verbs.some((each) => transition(call, each, soon)))).toEqual([]);
  });

  test('when the call has ended, for any reason, however long ago', () => {
    const ended = reachable.filter(({ state }) => state === 'ENDED');
    const times = [soon, ringMs, 2 * longestCallMs];
    const changes = (call: Call) => everyVerb.some((verb) => times.some((at) => transition(call, verb, at)));
    expect(new Set(ended.map(({ reason }) => reason)).size).toBe(10);
    expect(ended.filter(changes)).toEqual([]);
  });
});

describe('a verb that comes when the time is over', () => {
  const later = everyVerb.filter(({ verb }) => verb !== 'expire');

  test.each([
    { name: 'ringing', calls: [ringing, alerting, refusedOnPhone], at: ringMs, reason: 'NO_ANSWER' },
    { name: 'talking', calls: [accepted, byWord, met], at: longestCallMs, reason: 'EXPIRED' },
  ])('ends the call as the deadline of $name does, whatever it is', ({ calls, at, reason }) => {
    for (const call of calls) {
      const expired = transition(call, { verb: 'expire' }, at);
      expect(expired).toMatchObject({ call: { state: 'ENDED', reason, endedAt: at }, late: false });
      for (const verb of later) expect(transition(call, verb, at)).toEqual({ ...expired, late: true });
      expect(later.filter((verb) => transition(call, verb, at - 1)?.late)).toEqual([]);
    }
  });
});

describe('everything that can become of a call', () => {
  test('has exactly one winner once it was accepted, and none before', () => {
    const isWrong = ({ acceptedAt, winner, legs }: Call) => {
      const won = legs.filter(({ state }) => state === 'WON');
      if (acceptedAt === null) return winner !== null || won.length > 0;
      return won.length !== 1 || winner === null || won[0]?.deviceId !== winner.deviceId;
    };
    expect(reachable.filter(isWrong)).toEqual([]);
  });

  test('rings somewhere if, and only if, it rings', () => {
    const rings = ({ legs }: Call) => legs.some(({ state }) => state === 'SENT' || state === 'ALERTING');
    expect(reachable.filter((call) => rings(call) !== (call.state === 'RINGING'))).toEqual([]);
  });

  test('has a reason and an end if, and only if, it has ended', () => {
    const isWrong = ({ state, reason, endedAt }: Call) =>
      [reason, endedAt].some((each) => (each !== null) !== (state === 'ENDED'));
    expect(reachable.filter(isWrong)).toEqual([]);
  });

  test('is what its rule says: a revision more, the state, a reason of its own', () => {
    const isWrong = ({ before, rule, call }: Step) =>
      call.rev !== before.rev + 1 ||
      call.state !== rule.to ||
      (call.reason !== null && !rule.reasons?.includes(call.reason));
    expect(steps.filter(isWrong)).toEqual([]);
  });

  test('is what its rule says of legs', () => {
    const isWrong = ({ before, rule, call }: Step) =>
      call.legs.some((leg, place) => {
        const isNew = leg.steps.length !== before.legs[place]?.steps.length;
        return isNew && !rule.legs.includes(`\`${leg.state}\``);
      });
    expect(steps.filter(isWrong)).toEqual([]);
  });
});
