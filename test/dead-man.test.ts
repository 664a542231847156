import { describe, expect, test } from 'vitest';
import { longestCallMs } from '../src/signaling/call.ts';
import {
  absence,
  lossOf,
  nextLook,
  nextLookAt,
  type Presence,
  type Watch,
} from '../src/signaling/dead-man.ts';
import type { Departure } from '../src/signaling/ports.ts';
import { acceptByWord, accepted, actors, hangUp, ringing, ringMs, said } from './support/ringing-call.ts';

const seconds = 1000;
const minutes = 60 * seconds;

const present: Presence = { seenAt: 0, gone: null };
const gone = (since: number, by: 'CLIENT' | 'SERVICE' = 'CLIENT'): Presence => ({
  seenAt: 0,
  gone: { since, by },
});
const left = (at: number, by: Departure['by']): Departure => ({
  uid: 'alice',
  socketId: 'd1',
  deviceId: 'desk',
  generation: 1,
  final: false,
  at,
  by,
});
const watch = (caller: Presence, callee: Presence): Watch => ({ rev: 1, caller, callee });

describe('absence', () => {
  const seen: Presence = { seenAt: 100, gone: null };
  const away: Presence = { seenAt: 100, gone: { since: 150, by: 'SERVICE' } };

  test.each([
    {
      name: 'whoever closed their socket is gone since then',
      left: left(120, 'CLIENT'),
      is: [120, 'CLIENT'],
    },
    { name: 'so is one whose socket the service closed', left: left(120, 'SERVICE'), is: [120, 'SERVICE'] },
    { name: 'a vanished one is gone from now on', left: undefined, is: [200, 'SERVICE'] },
    {
      name: 'how one left before they were last seen does not count',
      left: left(99, 'CLIENT'),
      is: [200, 'SERVICE'],
    },
    {
      name: 'how one left in the moment they were last seen does',
      left: left(100, 'CLIENT'),
      is: [100, 'CLIENT'],
    },
    { name: 'a socket that never was ready is not missed', left: left(120, null), is: [200, 'SERVICE'] },
  ] as const)('$name', ({ left, is: [since, by] }) => {
    expect(absence(seen, left, 200)).toEqual({ seenAt: 100, gone: { since, by } });
  });

  test.each([
    { name: 'who was gone before is gone since the same moment', left: undefined, is: [150, 'SERVICE'] },
    { name: 'an older departure does not change that', left: left(149, 'CLIENT'), is: [150, 'SERVICE'] },
    {
      name: 'who came and left meanwhile is gone since that',
      left: left(180, 'CLIENT'),
      is: [180, 'CLIENT'],
    },
  ] as const)('$name', ({ left, is: [since, by] }) => {
    expect(absence(away, left, 200)).toEqual({ seenAt: 100, gone: { since, by } });
  });
});

describe('lossOf', () => {
  test.each([
    { name: 'a caller who is there', caller: present, ms: ringMs, lost: false },
    { name: 'a caller who left, a millisecond early', caller: gone(0), ms: 10 * seconds - 1, lost: false },
    { name: 'a caller who left 10 s ago', caller: gone(0), ms: 10 * seconds, lost: true },
    {
      name: 'a caller who was cut off, early',
      caller: gone(0, 'SERVICE'),
      ms: 30 * seconds - 1,
      lost: false,
    },
    { name: 'a caller who was cut off 30 s ago', caller: gone(0, 'SERVICE'), ms: 30 * seconds, lost: true },
  ])('while it rings finds $name lost: $lost', ({ caller, ms, lost }) => {
    // Whether the called user is there does not matter before they answered.
    for (const callee of [present, gone(0)])
      expect(lossOf(ringing, watch(caller, callee), ms)).toEqual(lost ? { verb: 'callerLost' } : undefined);
  });

  test.each([
    { name: 'both there', sides: [present, present], ms: 60 * minutes, lost: false },
    { name: 'both gone, a millisecond early', sides: [gone(0), gone(5)], ms: 2 * minutes + 4, lost: false },
    { name: 'both gone for 2 min', sides: [gone(0), gone(5)], ms: 2 * minutes + 5, lost: true },
    {
      name: 'both gone, whoever cut them off',
      sides: [gone(0, 'SERVICE'), gone(0)],
      ms: 2 * minutes,
      lost: true,
    },
    { name: 'one gone, a millisecond early', sides: [gone(0), present], ms: 30 * minutes - 1, lost: false },
    { name: 'the caller gone for 30 min', sides: [gone(0), present], ms: 30 * minutes, lost: true },
    { name: 'the called user gone for 30 min', sides: [present, gone(0)], ms: 30 * minutes, lost: true },
    {
      name: 'one gone for 30 min, the other for a moment',
      sides: [gone(0), gone(30 * minutes - 1)],
      ms: 30 * minutes,
      lost: true,
    },
  ] as const)(
    'while they talk finds a call with $name lost: $lost',
    ({ sides: [caller, callee], ms, lost }) => {
      expect(lossOf(accepted, watch(caller, callee), ms)).toEqual(
        lost ? { verb: 'connectionLost' } : undefined,
      );
    },
  );
});

describe('nextLookAt', () => {
  test.each([
    { name: 'every 5 s', caller: present, at: 20 * seconds, next: 25 * seconds },
    {
      name: 'when patience with who left is over',
      caller: gone(12 * seconds),
      at: 20 * seconds,
      next: 22 * seconds,
    },
    {
      name: 'every 5 s until then',
      caller: gone(19 * seconds, 'SERVICE'),
      at: 20 * seconds,
      next: 25 * seconds,
    },
    {
      name: 'when patience with who was cut off is over',
      caller: gone(0, 'SERVICE'),
      at: 27 * seconds,
      next: 30 * seconds,
    },
    { name: 'at the deadline', caller: present, at: ringMs - 1, next: ringMs },
    { name: 'never at once again', caller: gone(0), at: 10 * seconds, next: 10 * seconds + 1 },
  ])('while it rings looks $name', ({ caller, at, next }) => {
    expect(nextLookAt(ringing, watch(caller, present), at)).toBe(next);
  });

  const at = 40 * minutes;
  test.each([
    { name: 'every minute', sides: [present, present], next: at + minutes },
    { name: 'every minute while one is gone', sides: [gone(at - minutes), present], next: at + minutes },
    {
      name: 'when 30 min without one are over',
      sides: [present, gone(at - 30 * minutes + 7)],
      next: at + 7,
    },
    {
      name: 'when 2 min without both are over',
      sides: [gone(at - 110 * seconds), gone(at - 70 * seconds)],
      next: at + 50 * seconds,
    },
    {
      name: 'when 30 min without one are over, though both are gone',
      sides: [gone(at - 30 * minutes + 7), gone(at)],
      next: at + 7,
    },
  ] as const)('while they talk looks $name', ({ sides: [caller, callee], next }) => {
    expect(nextLookAt(accepted, watch(caller, callee), at)).toBe(next);
  });

  test('while they talk looks at the end of the 24 hours', () => {
    expect(nextLookAt(accepted, watch(present, present), longestCallMs - 5)).toBe(longestCallMs);
  });

  test('never lies behind the moment at which somebody is lost', () => {
    for (const caller of [present, gone(0), gone(90 * seconds, 'SERVICE')])
      for (const callee of [present, gone(0), gone(70 * seconds)])
        for (const call of [ringing, accepted]) {
          const looked = firstLoss(call, watch(caller, callee));
          const exact = range(120 * minutes).find((ms) => lossOf(call, watch(caller, callee), ms));
          expect(looked).toBe(call === ringing && (exact ?? ringMs) >= ringMs ? undefined : exact);
        }
  });
});

/** When a call is found lost by who looks only when it is time to, until its deadline. */
function firstLoss(call: typeof ringing, sides: Watch): number | undefined {
  for (let at = 0; at < Math.min(call.expiresAt, 120 * minutes); at = nextLookAt(call, sides, at))
    if (lossOf(call, sides, at)) return at;
  return undefined;
}

/** The whole seconds below a limit, in milliseconds. */
const range = (limit: number): number[] => Array.from({ length: limit / seconds }, (_, i) => i * seconds);

describe('nextLook', () => {
  const byWord = said(ringing, acceptByWord(actors.callee));

  test.each([
    { name: 'a call that rings after 5 s', call: ringing, at: 5 * seconds },
    {
      name: 'one that rings without a socket to watch at its deadline',
      call: { ...ringing, callerWatched: false },
      at: ringMs,
    },
    {
      name: 'one that rings shorter than that at its deadline',
      call: { ...ringing, expiresAt: 4000 },
      at: 4000,
    },
    { name: 'a talk a minute after the answer', call: accepted, at: 1000 + minutes },
    { name: 'a talk by word after 24 hours', call: byWord, at: longestCallMs },
    { name: 'one that has ended never', call: said(accepted, hangUp(actors.desk)), at: null },
  ])('looks at $name', ({ call, at }) => {
    expect(nextLook(call)).toBe(at);
  });
});
