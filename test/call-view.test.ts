import { describe, expect, test } from 'vitest';
import type { Call } from '../src/signaling/call.ts';
import { callUpdate, callView } from '../src/signaling/call-view.ts';
import {
  accept,
  acceptByWord,
  accepted,
  acknowledgeRing,
  actors,
  decline,
  dial,
  hangUp,
  ringing,
  said,
} from './support/ringing-call.ts';

const { desk, mobile, phone, tablet, callee } = actors;

/** What names a device of either side: ids, labels and sockets. */
const alices = /desk|mobile|d1|m1|Desk/;
const bobs = /phone|tablet|laptop|"p1"|"p2"|"t1"/;

const calls: readonly { name: string; call: Call }[] = [
  { name: 'that rings', call: ringing },
  { name: 'that is known to ring', call: said(ringing, acknowledgeRing(phone)) },
  { name: 'that one device refused', call: said(ringing, decline(tablet)) },
  { name: 'that was accepted', call: accepted },
  { name: 'that was accepted by a word', call: said(ringing, acceptByWord(callee)) },
  { name: 'that has moved to other devices', call: said(accepted, dial(tablet), dial(mobile)) },
  { name: 'that has ended', call: said(accepted, hangUp(desk)) },
];

describe('a call', () => {
  test.each(calls)('$name is shown without devices', ({ call }) => {
    const view = JSON.stringify(callView(call));
    expect(view).not.toMatch(alices);
    expect(view).not.toMatch(bobs);
  });

  test('is shown with what both sides may know, and nothing else', () => {
    expect(
      callView(said(ringing, { ...acknowledgeRing(phone), at: 5 }, { ...accept(phone), at: 7 })),
    ).toEqual({
      id: 'call_1',
      rev: 3,
      state: 'ACCEPTED',
      reason: null,
      hubId: 'team',
      roomId: 'room',
      roomType: 'video',
      caller: 'alice',
      callee: 'bob',
      legs: 2,
      alerting: 1,
      createdAt: 0,
      expiresAt: 24 * 60 * 60 * 1000,
      acceptedAt: 7,
      endedAt: null,
    });
  });

  test('counts as alerting the devices that said once that they ring', () => {
    const both = said(ringing, acknowledgeRing(phone), acknowledgeRing(tablet));
    expect(callView(ringing)).toMatchObject({ legs: 2, alerting: 0 });
    expect(callView(both)).toMatchObject({ legs: 2, alerting: 2 });
    expect(callView(said(both, decline(phone), accept(tablet)))).toMatchObject({ legs: 2, alerting: 2 });
  });
});

describe('a change', () => {
  test.each(calls)('of a call $name tells neither side of the other’s devices', ({ call }) => {
    expect(JSON.stringify(callUpdate(call, 'ACCEPTED', 'alice'))).not.toMatch(bobs);
    expect(JSON.stringify(callUpdate(call, 'ACCEPTED', 'bob'))).not.toMatch(alices);
  });

  test('tells the caller of the device that they call from, and of no legs', () => {
    expect(callUpdate(accepted, 'ACCEPTED', 'alice')).toEqual({
      call: callView(accepted),
      change: 'ACCEPTED',
      device: { deviceId: 'desk', deviceLabel: 'Desk', socketId: 'd1' },
      legs: [],
    });
  });

  test('tells the called user of the device that answered, and of all their legs', () => {
    expect(callUpdate(accepted, 'ACCEPTED', 'bob')).toEqual({
      call: callView(accepted),
      change: 'ACCEPTED',
      device: { deviceId: 'phone', deviceLabel: 'The phone', socketId: 'p1' },
      legs: [
        { deviceId: 'phone', deviceLabel: 'The phone', state: 'WON', since: 1000 },
        { deviceId: 'tablet', deviceLabel: 'The tablet', state: 'LOST', since: 1000 },
      ],
    });
  });

  test('tells the called user of no device before the answer', () => {
    const call = said(ringing, { ...decline(tablet), at: 30 });
    expect(callUpdate(call, 'DECLINED', 'bob')).toMatchObject({
      device: null,
      legs: [
        { deviceId: 'phone', state: 'SENT', since: 0 },
        { deviceId: 'tablet', state: 'DECLINED', since: 30 },
      ],
    });
  });
});
