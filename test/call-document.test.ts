import { describe, expect, test } from 'vitest';
import type { Call } from '../src/signaling/call.ts';
import {
  isConnected,
  isLive,
  isParty,
  liveCalls,
  otherSide,
  putCall,
  readCall,
} from '../src/signaling/call-document.ts';
import type { CallDevice } from '../src/signaling/leg.ts';
import { accepted, actors, hangUp, ringing, ringMs, said, socketOn } from './support/ringing-call.ts';

const hours = 60 * 60 * 1000;
const ended = said(accepted, hangUp(actors.desk));

describe('a call is stored', () => {
  test.each([
    {
      name: 'while it rings, listed for both sides and longer than it can last',
      call: ringing,
      days: 2,
      listed: true,
    },
    { name: 'while people talk, the same', call: accepted, days: 2, listed: true },
    { name: 'for a day after its end, and not listed any more', call: ended, days: 1, listed: false },
  ])('$name', ({ call, days, listed }) => {
    expect(putCall(call)).toEqual({
      id: 'call:call_1',
      rev: call.rev,
      body: expect.any(String),
      ttlMs: days * 24 * hours,
      live: [
        { uid: 'alice', listed },
        { uid: 'bob', listed },
      ],
    });
  });

  test.each([ringing, accepted, ended])('and read as it was: $state', (call) => {
    expect(readCall(putCall(call))).toEqual(call);
  });
});

describe('a call', () => {
  test.each([
    { uid: 'alice', party: true, other: 'bob' },
    { uid: 'bob', party: true, other: 'alice' },
    { uid: 'carol', party: false, other: 'alice' },
    { uid: '', party: false, other: 'alice' },
  ])('has $uid as a party: $party', ({ uid, party, other }) => {
    expect(isParty(ringing, uid)).toBe(party);
    if (party) expect(otherSide(ringing, uid)).toBe(other);
  });

  test.each([
    { name: 'while it rings', call: ringing, at: 0, live: true },
    { name: 'a millisecond before its deadline', call: ringing, at: ringMs - 1, live: true },
    { name: 'at its deadline, also before anybody has ended it', call: ringing, at: ringMs, live: false },
    { name: 'after the end of ringing, once it was accepted', call: accepted, at: ringMs, live: true },
    { name: 'a millisecond before 24 hours are over', call: accepted, at: 24 * hours - 1, live: true },
    { name: 'after 24 hours', call: accepted, at: 24 * hours, live: false },
    { name: 'after its end', call: ended, at: 2000, live: false },
  ])('lives $name: $live', ({ call, at, live }) => {
    expect(isLive(call, at)).toBe(live);
  });
});

test('the live calls of a user are those that have not ended, oldest first', () => {
  const calls: Call[] = [
    { ...ringing, id: 'young', createdAt: 30, expiresAt: 2000 },
    { ...ringing, id: 'over', createdAt: 5, expiresAt: 1000 },
    { ...ended, id: 'ended', createdAt: 1 },
    { ...accepted, id: 'old', createdAt: 10 },
  ];
  const bodies = calls.map((call) => putCall(call).body);
  expect(liveCalls(bodies, 1000).map(({ id }) => id)).toEqual(['old', 'young']);
  expect(liveCalls([], 1000)).toEqual([]);
});

describe('a side of a call is connected', () => {
  const nameless: CallDevice = { deviceId: null, deviceLabel: null, socketId: null };
  const [desk, mobile] = [socketOn('desk', 'd9'), socketOn('mobile', 'm1')];
  const [phone, tablet] = [socketOn('phone', 'p9'), socketOn('tablet', 't1')];

  test.each([
    { name: 'the caller without a socket', call: ringing, uid: 'alice', sockets: [], is: false },
    {
      name: 'the caller with another socket of the device',
      call: ringing,
      uid: 'alice',
      sockets: [desk],
      is: true,
    },
    { name: 'the caller on another device only', call: ringing, uid: 'alice', sockets: [mobile], is: false },
    { name: 'the caller on both', call: accepted, uid: 'alice', sockets: [mobile, desk], is: true },
    {
      name: 'a caller who named no device on any',
      call: { ...ringing, callerDevice: nameless },
      uid: 'alice',
      sockets: [mobile],
      is: true,
    },
    {
      name: 'a caller on a socket without a device',
      call: ringing,
      uid: 'alice',
      sockets: [socketOn(null, 'x')],
      is: false,
    },
    {
      name: 'the called user before the answer on any',
      call: ringing,
      uid: 'bob',
      sockets: [tablet],
      is: true,
    },
    {
      name: 'the called user on the device that answered',
      call: accepted,
      uid: 'bob',
      sockets: [phone],
      is: true,
    },
    { name: 'the called user on another only', call: accepted, uid: 'bob', sockets: [tablet], is: false },
    { name: 'the called user nowhere', call: accepted, uid: 'bob', sockets: [], is: false },
    {
      name: 'the called user on any, after a word without a device',
      call: { ...accepted, winner: nameless },
      uid: 'bob',
      sockets: [tablet],
      is: true,
    },
  ])('$name: $is', ({ call, uid, sockets, is }) => {
    expect(isConnected(call, uid, sockets)).toBe(is);
  });
});
