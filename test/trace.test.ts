import { describe, expect, test } from 'vitest';
import type { Received } from './support/listen.ts';
import { operations, run } from './support/operations.ts';
import { person } from './support/person.ts';
import {
  iso,
  openScene,
  ringing,
  socketOf,
  talking,
  toAlice,
  toBob,
  traceOf,
  untilEnded,
} from './support/scenario.ts';
import { engines } from './support/service.ts';

/** The sentences of a trace, without their times. */
const textsOf = ({ steps }: Received): string[] => steps.map(({ text }: Received) => text);

const legOf = ({ legs }: Received, deviceId: string): Received =>
  legs.find((leg: Received) => leg.deviceId === deviceId);

describe.each(engines)('callTrace on %s says why the phone did not ring', (engine) => {
  test('nobody was there', async () => {
    const { alice, bob, phone, tablet } = await openScene(engine);
    await Promise.all([phone.leave(), tablet.leave()]);
    const { call } = await alice.dial(toBob);
    const trace = await traceOf(alice, call.id);
    expect(trace).toEqual({
      call: { id: call.id, state: 'ENDED' },
      steps: [
        {
          at: call.createdAt,
          text: 'Dialled; the called user had no open socket, or cannot be reached through this hub: it rang nowhere.',
        },
        { at: call.createdAt, text: 'There was nobody to ring.' },
      ],
      legs: [],
    });
    expect(await traceOf(bob, call.id)).toEqual(trace);
  });

  test('they were busy', async () => {
    const { here, bob } = await talking(engine, { bob: { busy: 'reject' } });
    const carol = await person(here, 'carol');
    await carol.open();
    const { call } = await carol.dial(toBob);
    const trace = await traceOf(bob, call.id);
    expect(textsOf(trace)).toEqual([
      'Dialled; the called user was in another call and does not want to be rung then: it rang nowhere.',
      'The called user was busy.',
    ]);
    expect(trace.legs).toEqual([]);
  });

  test('it was told to, said nothing, and the time was over', async () => {
    const scene = await ringing(engine);
    const { clock, bob, callId } = scene;
    const dialledAt = clock.now() - 1000;
    clock.advance(59_000);
    await untilEnded(scene, callId, 500);
    const trace = await traceOf(bob, callId);
    expect(trace.steps).toEqual([
      { at: iso(dialledAt), text: 'Dialled; the ring was sent to 2 devices that had an open socket.' },
      { at: expect.any(String), text: 'The ringing was over before anybody answered.' },
    ]);
    expect(legOf(trace, 'phone')).toEqual({
      deviceId: 'phone',
      deviceLabel: 'Pocket',
      state: 'TIMED_OUT',
      steps: [
        { at: iso(dialledAt), text: 'The ring was sent to 1 open socket of this device.' },
        {
          at: expect.any(String),
          text: 'It stopped ringing: the time was over. The device never said that it rang.',
        },
      ],
    });
    expect(legOf(trace, 'tablet')).toMatchObject({ deviceLabel: 'Sofa', state: 'TIMED_OUT' });
  });

  test('it rang, and was answered on another device', async () => {
    const { clock, bob, phone, tablet, callId } = await ringing(engine);
    const at = [clock.now() - 1000];
    for (const listener of [tablet, phone]) {
      await bob.acknowledgeRing(callId, socketOf(listener));
      at.push(clock.now());
      clock.advance(500);
    }
    await bob.accept(callId, socketOf(phone));
    at.push(clock.now());
    const [dialled, tabletRang, phoneRang, answered] = at.map(iso);
    const trace = await traceOf(bob, callId);
    expect(trace.call).toEqual({ id: callId, state: 'ACCEPTED' });
    expect(trace.steps).toEqual([
      { at: dialled, text: 'Dialled; the ring was sent to 2 devices that had an open socket.' },
      { at: tabletRang, text: 'The first device said that it rings.' },
      { at: answered, text: 'The called user answered.' },
    ]);
    const sent = { at: dialled, text: 'The ring was sent to 1 open socket of this device.' };
    const said = (when: string | undefined) => ({ at: when, text: 'The device said that it rings.' });
    expect(legOf(trace, 'tablet')).toMatchObject({
      state: 'LOST',
      steps: [sent, said(tabletRang), { at: answered, text: 'It was answered on another device.' }],
    });
    expect(legOf(trace, 'phone')).toMatchObject({
      state: 'WON',
      steps: [sent, said(phoneRang), { at: answered, text: 'It was answered here.' }],
    });
  });

  test('it was refused, here or on another device', async () => {
    const { bob, phone, tablet, callId } = await ringing(engine);
    await bob.acknowledgeRing(callId, socketOf(phone));
    await bob.decline(callId, { socketId: socketOf(tablet), busy: true });
    await bob.decline(callId, { socketId: socketOf(phone) });
    const trace = await traceOf(bob, callId);
    expect(textsOf(trace).at(-1)).toBe('The called user refused.');
    expect(textsOf(legOf(trace, 'tablet')).at(-1)).toBe('It was refused here, as busy.');
    expect(textsOf(legOf(trace, 'phone')).at(-1)).toBe('It was refused here.');
  });

  test('the caller was lost', async () => {
    const scene = await ringing(engine);
    const { bob, desk, phone, callId } = scene;
    await bob.acknowledgeRing(callId, socketOf(phone));
    await desk.leave();
    await untilEnded(scene, callId, 1000);
    const trace = await traceOf(bob, callId);
    expect(textsOf(trace).at(-1)).toBe(
      'The dialling device had no open socket any more, and the ringing was ended.',
    );
    expect(textsOf(legOf(trace, 'phone')).at(-1)).toBe('It stopped ringing: the call had ended.');
    expect(textsOf(legOf(trace, 'tablet')).at(-1)).toBe(
      'It stopped ringing: the call had ended. The device never said that it rang.',
    );
  });

  test('the caller gave up', async () => {
    const { alice, bob, callId } = await ringing(engine);
    await alice.hangUp(callId);
    const trace = await traceOf(bob, callId);
    expect(textsOf(trace).at(-1)).toBe('The caller hung up before an answer.');
  });

  test('it came late', async () => {
    const { bob, callId } = await ringing(engine);
    const late = await bob.open({ variables: { deviceId: 'watch', deviceLabel: 'Wrist' } });
    await bob.acknowledgeRing(callId, socketOf(late));
    const trace = await traceOf(bob, callId);
    expect(textsOf(legOf(trace, 'watch'))).toEqual([
      'The device opened its socket after the dial. The device said that it rings.',
    ]);
    // It is counted to those that ring, and not to those that the ring was sent to.
    expect(textsOf(trace)[0]).toBe('Dialled; the ring was sent to 2 devices that had an open socket.');
  });

  test('it was answered by who did not say on which device', async () => {
    const { alice, bob, callId } = await ringing(engine);
    await bob.message({ target: { uid: 'alice' }, type: 'pickup' });
    const trace = await traceOf(bob, callId);
    const unknown = trace.legs.find(({ deviceId }: Received) => deviceId === null);
    expect(unknown).toMatchObject({ state: 'WON', deviceLabel: null });
    expect(textsOf(unknown)).toEqual(['The device did not say which it is. It was answered here.']);
    expect(textsOf(legOf(await traceOf(bob, callId), 'phone')).at(-1)).toBe(
      'It was answered on another device. The device never said that it rang.',
    );
    await alice.hangUp(callId);
  });
});

describe.each(engines)('callTrace on %s', (engine) => {
  test('tells the caller the same steps, and not the names of devices', async () => {
    const { alice, bob, phone, tablet, callId } = await ringing(engine);
    await bob.acknowledgeRing(callId, socketOf(phone));
    await bob.decline(callId, { socketId: socketOf(tablet) });
    await bob.accept(callId, socketOf(phone));
    await bob.dial({ ...toAlice, deviceId: 'tablet' });
    const [callers, callees] = [await traceOf(alice, callId), await traceOf(bob, callId)];
    expect(callers.steps).toEqual(callees.steps);
    expect(callers.legs).toEqual(
      callees.legs.map((leg: Received) => ({ ...leg, deviceId: null, deviceLabel: null })),
    );
    expect(JSON.stringify(callers)).not.toMatch(/phone|Pocket|tablet|Sofa/);
    expect(JSON.stringify(callees)).not.toMatch(/desk|Office/);
  });

  test('tells where the talk went', async () => {
    const { bob, callId } = await talking(engine);
    for (const deviceId of ['tablet', 'phone']) await bob.dial({ ...toAlice, deviceId });
    const trace = await traceOf(bob, callId);
    expect(textsOf(legOf(trace, 'phone')).slice(1)).toEqual([
      'It was answered here.',
      'The talk went on on another device.',
      'It was answered here.',
    ]);
    expect(textsOf(legOf(trace, 'tablet')).slice(2)).toEqual([
      'It was answered here.',
      'The talk went on on another device.',
    ]);
  });

  test('is only for the two', async () => {
    const { here, callId } = await ringing(engine);
    const carol = await person(here, 'carol');
    const { errors } = await run('http', here, carol.token, operations.callTrace, { callId });
    expect(errors).toMatchObject([{ extensions: { code: 'NOT_FOUND' } }]);
  });
});
