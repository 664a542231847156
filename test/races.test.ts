import { describe, expect, test } from 'vitest';
import {
  createReport,
  percentile,
  recordsOf,
  ringBob,
  startTwoNodes,
  summary,
  updateOf,
} from './support/calls.ts';
import type { Listener, Received } from './support/listen.ts';
import { type Person, person } from './support/person.ts';
import { engines } from './support/service.ts';

/*
 * What several do at once. `npm run -s races` is the long form: a thousand rounds, and their figures, in milliseconds, on
 * one line of JSON.
 */

const rounds = Number(process.env['ROUNDS'] ?? 25);
const timeout = 20_000 + 200 * rounds;
const report = createReport({ rounds });

/** A device of Bob's on a node of its own. */
interface Device {
  readonly deviceId: string;
  readonly deviceLabel: string;
  readonly bob: Person;
  readonly listener: Listener;
}

async function deviceOf(url: string, deviceId: string, deviceLabel: string): Promise<Device> {
  const bob = await person(url, 'bob');
  return { deviceId, deviceLabel, bob, listener: await bob.open({ variables: { deviceId, deviceLabel } }) };
}

/** What a device was told of a call that it tried to answer, and when. */
interface Told {
  readonly device: Device;
  readonly result: Received;
  readonly resultAt: number;
  readonly update: Received;
  readonly updateAt: number;
}

async function answer(device: Device, callId: string): Promise<Told> {
  const { bob, listener } = device;
  const timed = async (promise: Promise<Received>) => [await promise, performance.now()] as const;
  const [[result, resultAt], [update, updateAt]] = await Promise.all([
    timed(bob.accept(callId, listener.ready.socketId)),
    timed(updateOf(listener, callId, 'ACCEPTED')),
  ]);
  return { device, result, resultAt, update, updateAt };
}

describe.each(engines)('%s', (engine) => {
  test('of two devices that accept at once on two nodes one wins, and the other is told which within 100 ms', {
    timeout,
  }, async () => {
    const [one, other] = await startTwoNodes(engine);
    const alice = await person(one, 'alice');
    const devices = [await deviceOf(one, 'phone', 'Phone'), await deviceOf(other, 'tablet', 'Tablet')];
    const wins = { phone: 0, tablet: 0 } as Record<string, number>;
    const told: number[] = [];
    const updated: number[] = [];

    for (let round = 0; round < rounds; round++) {
      const { call } = await alice.dial(ringBob);
      await Promise.all(devices.map(({ listener }) => listener.nextOf('IncomingCall')));
      // Whoever asks first has an advantage: they take turns.
      const inTurn = round % 2 === 0 ? devices : devices.toReversed();
      const answers = await Promise.all(inTurn.map((device) => answer(device, call.id)));

      const [winners, losers] = ['Accepted', 'AnsweredElsewhere'].map((outcome) =>
        answers.filter(({ result }) => result.__typename === outcome),
      );
      expect([winners?.length, losers?.length]).toEqual([1, 1]);
      const [winner, loser] = [winners?.[0] as Told, losers?.[0] as Told];
      const { deviceId, deviceLabel, listener } = winner.device;
      const device = { deviceId, deviceLabel, socketId: listener.ready.socketId };
      const accepted = { id: call.id, state: 'ACCEPTED' };
      expect(winner.result).toMatchObject({ polite: true, call: accepted });
      expect(loser.result).toMatchObject({ device, call: accepted });
      for (const { update } of answers)
        expect(update).toMatchObject({
          device,
          call: accepted,
          legs: expect.arrayContaining([
            expect.objectContaining({ deviceId, state: 'WON' }),
            expect.objectContaining({ deviceId: loser.device.deviceId, state: 'LOST' }),
          ]),
        });
      wins[deviceId] = (wins[deviceId] ?? 0) + 1;
      updated.push(loser.updateAt - winner.resultAt);
      told.push(Math.min(loser.resultAt, loser.updateAt) - winner.resultAt);
      expect(await alice.hangUp(call.id)).toMatchObject({ changed: true });
    }

    report(`accept, ${engine}`, { wins, told: summary(told), updated: summary(updated) });
    // A few rounds beside other suites tell little of the slowest: there it is the median.
    const share = rounds >= 1000 ? 0.99 : 0.5;
    expect(percentile(told, share)).toBeLessThan(100);
    expect(percentile(updated, share)).toBeLessThan(100);
  });

  test('two who dial each other at once are in one call', { timeout }, async () => {
    const [one, other] = await startTwoNodes(engine);
    const sides = await Promise.all(
      [await person(one, 'alice'), await person(other, 'bob')].map(async (user) => {
        const deviceId = `${user.uid}-phone`;
        return { user, deviceId, listener: await user.open({ variables: { deviceId } }) };
      }),
    );
    const first: Record<string, number> = {};
    const took: number[] = [];
    const callIds: string[] = [];

    for (let round = 0; round < rounds; round++) {
      const inTurn = round % 2 === 0 ? sides : sides.toReversed();
      const began = performance.now();
      const dialled = await Promise.all(
        inTurn.map(({ user, deviceId }) =>
          user.dial({ ...ringBob, target: { uid: user.uid === 'alice' ? 'bob' : 'alice' }, deviceId }),
        ),
      );
      const callId = dialled[0]?.call.id;
      const updates = await Promise.all(sides.map(({ listener }) => updateOf(listener, callId, 'ACCEPTED')));
      took.push(performance.now() - began);
      callIds.unshift(callId);

      expect(dialled.map(({ call }) => call.id)).toEqual([callId, callId]);
      expect(dialled.map(({ merged }) => merged).sort()).toEqual([false, true]);
      expect(dialled.map(({ polite }) => polite).sort()).toEqual([false, true]);
      const { caller, callee } = updates[0].call;
      expect([caller, callee].sort()).toEqual(['alice', 'bob']);
      const accepted = { id: callId, state: 'ACCEPTED', caller, callee };
      expect(dialled.find(({ merged }) => merged)).toMatchObject({ polite: true, call: accepted });
      for (const [i, { deviceId }] of sides.entries())
        expect(updates[i]).toMatchObject({ call: accepted, device: { deviceId } });
      for (const { user } of sides)
        expect((await user.ask('{ activeCalls { id state } }')).activeCalls).toEqual([
          { id: callId, state: 'ACCEPTED' },
        ]);
      first[caller] = (first[caller] ?? 0) + 1;

      const { user, listener } = sides[round % 3 === 0 ? 0 : 1] as (typeof sides)[number];
      expect(await user.hangUp(callId, { socketId: listener.ready.socketId })).toMatchObject({
        changed: true,
      });
      for (const each of sides) {
        expect((await updateOf(each.listener, callId, 'ENDED')).call).toMatchObject({ reason: 'HANGUP' });
        const peer = each.user.uid === 'alice' ? 'bob' : 'alice';
        const records = await recordsOf(each.user, peer, 2);
        // One for this round, and behind it that of the round before.
        expect(records.map((record) => record.callId)).toEqual(callIds.slice(0, 2));
        expect(records[0]).toMatchObject({
          direction: each.user.uid === caller ? 'OUTGOING' : 'INCOMING',
          reason: 'HANGUP',
          missed: false,
        });
      }
    }

    report(`dial, ${engine}`, { first, bothInTheCall: summary(took) });
  });
});
