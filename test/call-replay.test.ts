import { describe, expect, test } from 'vitest';
import type { Call, CallChange } from '../src/signaling/call.ts';
import { compact } from '../src/signaling/call-replay.ts';
import { callUpdate, callView } from '../src/signaling/call-view.ts';
import type { Content, Signal } from '../src/signaling/signal.ts';
import { userTopic } from '../src/signaling/topic.ts';
import {
  accept,
  accepted,
  acknowledgeRing,
  actors,
  decline,
  hangUp,
  ringing,
  said,
} from './support/ringing-call.ts';

const { phone, tablet, desk } = actors;

const other: Call = { ...ringing, id: 'call_2', caller: 'carol' };

const ring = (call: Call) =>
  signalOf(`${call.id} rings`, {
    kind: 'IncomingCall',
    call: callView(call),
    name: null,
    waiting: false,
    payload: null,
  });
const update = (call: Call, change: CallChange) =>
  signalOf(`${call.id} ${change}`, { kind: 'CallUpdated', ...callUpdate(call, change, 'bob') });
const message = (type: string) =>
  signalOf(type, {
    kind: 'PeerMessage',
    target: { socketId: null, streamId: null, hubId: null, uid: 'bob' },
    scope: 'USER',
    type,
    role: null,
    duration: 0,
    callId: ringing.id,
    generation: null,
    payload: null,
  });

function signalOf(id: string, content: Content): Signal {
  const envelope = { id, service: 'signaling.test', hubId: 'team', origin: null, ...content };
  return {
    number: 1,
    topic: userTopic('bob'),
    envelope,
    view: { kind: content.kind, id, cursor: null },
    renders: new Map(),
  };
}

const notice: Signal = {
  number: null,
  topic: null,
  envelope: null,
  view: { kind: 'SocketReady', id: 'notice', cursor: null },
  renders: new Map(),
};

const alerting = said(ringing, acknowledgeRing(phone));

describe('compact', () => {
  test.each([
    { name: 'nothing is nothing', signals: [], left: [] },
    { name: 'a ring without news rings', signals: [ring(ringing)], left: ['call_1 rings'] },
    {
      name: 'a ring whose call still rings stays, with the newest of it',
      signals: [
        ring(ringing),
        update(alerting, 'ALERTING'),
        update(said(alerting, decline(tablet)), 'DECLINED'),
      ],
      left: ['call_1 rings', 'call_1 DECLINED'],
    },
    {
      name: 'a ring that was answered is gone, and the answer stays',
      signals: [ring(ringing), update(alerting, 'ALERTING'), update(accepted, 'ACCEPTED')],
      left: ['call_1 ACCEPTED'],
    },
    {
      name: 'of a call that has ended only the end is left',
      signals: [
        ring(ringing),
        update(said(ringing, accept(phone)), 'ACCEPTED'),
        update(said(accepted, hangUp(desk)), 'ENDED'),
      ],
      left: ['call_1 ENDED'],
    },
    {
      name: 'calls do not disturb each other',
      signals: [
        ring(ringing),
        ring(other),
        update(accepted, 'ACCEPTED'),
        update(said(other, acknowledgeRing(phone)), 'ALERTING'),
      ],
      left: ['call_2 rings', 'call_1 ACCEPTED', 'call_2 ALERTING'],
    },
    {
      name: 'messages stay, in their places',
      signals: [
        message('offer'),
        ring(ringing),
        message('candidate'),
        update(alerting, 'ALERTING'),
        message('candidate'),
        update(accepted, 'ACCEPTED'),
        message('answer'),
      ],
      left: ['offer', 'candidate', 'candidate', 'call_1 ACCEPTED', 'answer'],
    },
    {
      name: 'what is of no call stays',
      signals: [notice, ring(ringing), update(accepted, 'ACCEPTED')],
      left: ['notice', 'call_1 ACCEPTED'],
    },
  ])('$name', ({ signals, left }) => {
    const before = [...signals];
    expect(compact(signals).map(({ view }) => view.id)).toEqual(left);
    expect(signals).toEqual(before);
  });

  test('a ring is gone on the device that refused it, and rings on on the others', () => {
    const signals = [ring(ringing), update(said(ringing, decline(tablet)), 'DECLINED')];
    const left = (deviceId: string | null) => compact(signals, deviceId).map(({ view }) => view.id);
    expect(left('tablet')).toEqual(['call_1 DECLINED']);
    for (const deviceId of ['phone', 'laptop', null])
      expect(left(deviceId)).toEqual(['call_1 rings', 'call_1 DECLINED']);
  });

  test('a ring is gone on the device that is busy, too', () => {
    const signals = [ring(ringing), update(said(ringing, decline(tablet, { busy: true })), 'DECLINED')];
    expect(compact(signals, 'tablet').map(({ view }) => view.id)).toEqual(['call_1 DECLINED']);
  });
});
