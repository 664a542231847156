import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as passed } from 'node:timers/promises';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import type { Received } from './support/listen.ts';
import { type Person, type PersonalListener, person } from './support/person.ts';
import { openDevice, ringing, socketOf, talking, toBob } from './support/scenario.ts';
import { engines, randomPrefix, startService } from './support/service.ts';

/** One message of a negotiation, as its sender numbers it. */
interface Sent {
  readonly type: 'offer' | 'answer' | 'candidate';
  readonly place: number;
}

/** A sender's way to one device of the other side. */
interface Path {
  /** The sender on each of the nodes. */
  readonly senders: readonly Person[];
  readonly from: PersonalListener;
  readonly to: PersonalListener;
  readonly callId: string;
  readonly type: 'offer' | 'answer';
  readonly generation: number;
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, key: Math.random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

function send({ senders, from, to, callId, generation }: Path, { type, place }: Sent) {
  const sender = senders[Math.floor(Math.random() * senders.length)] as Person;
  return sender.message({
    target: { socketId: socketOf(to) },
    origin: { socketId: socketOf(from) },
    callId,
    generation,
    type,
    payload: { place },
  });
}

/** A description and candidates, as a browser makes them. */
function negotiation(type: Path['type'], candidates: number): Sent[] {
  const all = Array.from({ length: candidates }, (_, place): Sent => ({ type: 'candidate', place }));
  return [{ type, place: -1 }, ...all];
}

/** What came along one way. */
function along({ from, generation }: Path, signals: readonly Received[]): Sent[] {
  const own = signals.filter(
    (signal) => signal.origin?.socketId === socketOf(from) && signal.generation === generation,
  );
  return own.map(({ type, payload }) => ({ type, place: payload.place }));
}

/** The description first, then every candidate once. */
function expectInOrder(path: Path, signals: readonly Received[], candidates: number): void {
  const came = along(path, signals);
  const places = came.map(({ place }) => place);
  expect(came[0]).toEqual({ type: path.type, place: -1 });
  expect(places.toSorted((a, b) => a - b)).toEqual(Array.from({ length: candidates + 1 }, (_, i) => i - 1));
}

describe.each(engines)('candidates on %s', (engine) => {
  /** Alice’s desk, Bob’s phone and tablet, and everybody on both nodes. */
  async function negotiators() {
    const scene = await ringing(engine);
    const { here, there, alice, bob, desk, phone, tablet, callId } = scene;
    const both = async (someone: Person) =>
      here === there ? [someone] : [await person(here, someone.uid), await person(there, someone.uid)];
    const [alices, bobs] = [await both(alice), await both(bob)];
    const path = (
      from: PersonalListener,
      to: PersonalListener,
      type: Path['type'] = from === desk ? 'offer' : 'answer',
      generation = 0,
    ): Path => ({ senders: from === desk ? alices : bobs, from, to, callId, type, generation });
    return { ...scene, desk, phone, tablet, path };
  }

  test('sent at once, in any order and on both nodes, each follow their own description', async () => {
    const { desk, phone, tablet, path } = await negotiators();
    const candidates = 20;
    // Both sides speak to each device of the other, and have begun anew before that was done.
    const paths = [0, 1, 2].flatMap((generation) => [
      path(desk, phone, 'offer', generation),
      path(desk, tablet, 'offer', generation),
      path(phone, desk, generation === 2 ? 'offer' : 'answer', generation),
      path(tablet, desk, 'answer', generation),
    ]);
    const all = paths.flatMap((each) =>
      negotiation(each.type, candidates).map((message) => () => send(each, message)),
    );
    const answers = await Promise.all(shuffled(all).map((say) => say()));
    expect(answers).toHaveLength(paths.length * (candidates + 1));

    const heard = new Map<PersonalListener, Received[]>();
    for (const listener of [desk, phone, tablet]) heard.set(listener, await listener.heard());
    for (const each of paths) expectInOrder(each, heard.get(each.to) ?? [], candidates);
    const came = [...heard.values()].flat();
    expect(came).toHaveLength(answers.length);
  });

  test('come in the order in which they were sent, before and after their description, from node to node', async () => {
    const { desk, phone, path } = await negotiators();
    const own = path(desk, phone);
    const nodes = own.senders.map((sender) => ({ ...own, senders: [sender] }));
    const at = (i: number): Path => nodes[i % nodes.length] ?? own;
    const held: boolean[] = [];
    for (let place = 0; place < 10; place++)
      held.push((await send(at(place), { type: 'candidate', place })).held);
    held.push((await send(own, { type: 'offer', place: -1 })).held);
    for (let place = 10; place < 20; place++)
      held.push((await send(at(place), { type: 'candidate', place })).held);
    expect(held).toEqual([...Array(10).fill(true), ...Array(11).fill(false)]);
    const [first, ...rest] = along(own, await phone.heard());
    expect(first?.type).toBe('offer');
    expect(rest.map(({ place }) => place)).toEqual(Array.from({ length: 20 }, (_, place) => place));
  });

  test('of one device, generation or sender do not follow the description of another', async () => {
    const { desk, phone, tablet, path } = await negotiators();
    const candidate: Sent = { type: 'candidate', place: 0 };
    const heldNow = async (each: Path) => (await send(each, candidate)).held;
    await send(path(desk, phone), { type: 'offer', place: -1 });
    expect([
      await heldNow(path(desk, phone)),
      await heldNow(path(desk, tablet)),
      await heldNow(path(desk, phone, 'offer', 1)),
      await heldNow(path(phone, desk)),
      await heldNow(path(tablet, desk)),
    ]).toEqual([false, true, true, true, true]);
    await send(path(phone, desk), { type: 'answer', place: -1 });
    await send(path(desk, phone, 'offer', 1), { type: 'offer', place: -1 });
    expect(along(path(phone, desk), await desk.heard()).map(({ type }) => type)).toEqual([
      'answer',
      'candidate',
    ]);
    const onPhone = await phone.heard();
    expect(onPhone.map(({ type, generation }) => [type, generation])).toEqual([
      ['offer', 0],
      ['candidate', 0],
      ['offer', 1],
      ['candidate', 1],
    ]);
    expect(await tablet.heard()).toEqual([]);
  });

  test('wait for a description of all devices just as well, and what is for all follows one for any', async () => {
    const { alice, desk, phone, tablet, callId, path } = await negotiators();
    const toAll = { target: { uid: 'bob' }, origin: { socketId: socketOf(desk) }, callId };
    expect(await send(path(desk, phone), { type: 'candidate', place: 0 })).toMatchObject({ held: true });
    expect(await alice.message({ ...toAll, type: 'candidate', payload: { place: 1 } })).toMatchObject({
      held: true,
    });
    expect(await alice.message({ ...toAll, type: 'offer', payload: { place: -1 } })).toMatchObject({
      held: false,
    });
    expect(await send(path(desk, tablet), { type: 'candidate', place: 2 })).toMatchObject({ held: false });
    const placesOf = (signals: Received[]) => signals.map(({ payload }) => payload.place);
    expect(placesOf(await phone.heard())).toEqual([-1, 0, 1]);
    expect(placesOf(await tablet.heard())).toEqual([-1, 1, 2]);
  });

  test('wait for no more than 256 of their kind; more are refused, and none of those that wait is lost', async () => {
    const { alice, desk, phone, callId, path } = await negotiators();
    const own = path(desk, phone);
    const places = Array.from({ length: 256 }, (_, place) => place);
    for (let i = 0; i < 256; i += 32) {
      const batch = places.slice(i, i + 32).map((place) => send(own, { type: 'candidate', place }));
      expect((await Promise.all(batch)).every(({ held }) => held)).toBe(true);
    }
    const oneMore = {
      target: { socketId: socketOf(phone) },
      origin: { socketId: socketOf(desk) },
      callId,
      generation: 0,
      type: 'candidate',
    };
    expect(await alice.refused('message', oneMore)).toMatchObject({
      code: 'BAD_USER_INPUT',
      field: 'input.type',
      retryable: false,
    });
    await send(own, { type: 'offer', place: -1 });
    expect(await alice.message(oneMore)).toMatchObject({ held: false });
    expectInOrder(own, (await phone.heard()).slice(0, -1), 256);
  });

  test('wait for no more than 256 KiB of their kind', async () => {
    const { alice, desk, phone, callId } = await negotiators();
    const large = {
      target: { socketId: socketOf(phone) },
      origin: { socketId: socketOf(desk) },
      callId,
      type: 'candidate',
      payload: 'x'.repeat(60_000),
    };
    for (let i = 0; i < 4; i++) expect((await alice.message(large)).held).toBe(true);
    expect(await alice.refused('message', large)).toMatchObject({ code: 'BAD_USER_INPUT' });
    await alice.message({ ...large, type: 'offer', payload: null });
    expect((await phone.heard()).map(({ type }) => type)).toEqual(['offer', ...Array(4).fill('candidate')]);
  });

  test('are sent once for each key, whether they waited or not', async () => {
    const { alice, desk, phone, callId } = await negotiators();
    const input = {
      target: { socketId: socketOf(phone) },
      origin: { socketId: socketOf(desk) },
      callId,
      type: 'candidate',
    };
    const early = { ...input, clientMutationId: 'early' };
    const first = await alice.message(early);
    expect(await alice.message(early)).toEqual(first);
    await alice.message({ ...input, type: 'offer', clientMutationId: 'offer' });
    await alice.message({ ...input, type: 'offer', clientMutationId: 'offer' });
    expect(await alice.message(early)).toEqual(first);
    await alice.message({ ...input, clientMutationId: 'late' });
    await alice.message({ ...input, clientMutationId: 'late' });
    expect((await phone.heard()).map(({ type }) => type)).toEqual(['offer', 'candidate', 'candidate']);
  });

  test('without a `callId` wait for nothing', async () => {
    const { alice, desk, phone } = await negotiators();
    const input = { target: { socketId: socketOf(phone) }, origin: { socketId: socketOf(desk) } };
    expect(await alice.message({ ...input, type: 'candidate' })).toMatchObject({ held: false, call: null });
    expect((await phone.heard()).map(({ type }) => type)).toEqual(['candidate']);
  });

  test('of a call that has ended are passed on: nothing follows that they could wait for', async () => {
    const { alice, bob, desk, phone, callId } = await talking(engine);
    await bob.hangUp(callId, { socketId: socketOf(phone) });
    await Promise.all([desk.heard(), phone.heard()]);
    const input = { target: { socketId: socketOf(phone) }, origin: { socketId: socketOf(desk) }, callId };
    expect(await alice.message({ ...input, type: 'candidate' })).toMatchObject({ held: false, call: null });
    expect((await phone.heard()).map(({ type }) => type)).toEqual(['candidate']);
  });

  test('go on after the talk has moved to another socket of the device', async () => {
    const { alice, bob, desk, phone, callId } = await talking(engine);
    const from = (listener: PersonalListener) => ({
      target: { socketId: socketOf(desk) },
      origin: { socketId: socketOf(listener) },
      callId,
    });
    await bob.message({ ...from(phone), type: 'answer' });
    await phone.leave();
    const back = await openDevice(bob, 'phone');
    await bob.accept(callId, socketOf(back));
    expect(await bob.message({ ...from(back), type: 'candidate' })).toMatchObject({ held: false });
    const input = { target: { socketId: socketOf(back) }, origin: { socketId: socketOf(desk) }, callId };
    await alice.message({ ...input, type: 'offer' });
    expect(await alice.message({ ...input, type: 'candidate' })).toMatchObject({ held: false });
    const types = (await back.heard()).map(({ type }) => type).filter(Boolean);
    expect(types).toEqual(['offer', 'candidate']);
  });
});

describe('candidates with up to 200 ms of jitter on every hop', () => {
  const jitterMs = 200;

  /** A way to a port of this machine on which everything takes its time, a different one for each piece. */
  async function slowWayTo(port: number): Promise<number> {
    const open = new Set<Socket>();
    const server = createServer((near) => {
      const far = connect(port, '127.0.0.1');
      delay(near, far);
      delay(far, near);
    });

    function delay(from: Socket, to: Socket): void {
      open.add(from);
      from.setNoDelay(true);
      // On one connection nothing overtakes; that is what a connection promises.
      let before: Promise<unknown> = Promise.resolve();
      from.on('data', (piece) => {
        const arrived = Promise.all([before, passed(Math.random() * jitterMs)]);
        before = arrived.then(() => to.writable && to.write(piece));
      });
      from.on('error', () => {});
      from.once('close', () => {
        open.delete(from);
        void before.then(() => to.destroy());
      });
    }

    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.close();
      for (const socket of open) socket.destroy();
    });
    return (server.address() as { port: number }).port;
  }

  test('are never before their offer or answer, and none is lost', { timeout: 60_000 }, async () => {
    const prefix = randomPrefix();
    const slowNode = async () => {
      const redis = new URL(inject('redisUrl'));
      redis.port = String(await slowWayTo(Number(redis.port)));
      const { url } = await startService({ engine: 'redis', prefix, redisUrl: redis.href });
      return `http://127.0.0.1:${await slowWayTo(Number(new URL(url).port))}`;
    };
    const urls = await Promise.all([slowNode(), slowNode()]);
    const alices = await Promise.all(urls.map((url) => person(url, 'alice')));
    const bobs = await Promise.all(urls.map((url) => person(url, 'bob')));
    const [alice, bob] = [alices[0] as Person, bobs[1] as Person];
    const [desk, phone] = await Promise.all([openDevice(alice, 'desk'), openDevice(bob, 'phone')]);
    const { call } = await alice.dial({ ...toBob, deviceId: 'desk' });
    await phone.nextOf('IncomingCall');

    const candidates = 6;
    const shared = { callId: call.id, generation: 0 };
    const paths: Path[] = [
      { ...shared, senders: alices, from: desk, to: phone, type: 'offer' },
      { ...shared, senders: bobs, from: phone, to: desk, type: 'answer' },
    ];
    const sent = paths.map(async (each) => {
      const early = shuffled(negotiation(each.type, candidates).slice(1)).map((message) =>
        send(each, message),
      );
      // The description last: one has overtaken it for certain, and as many others as can.
      await Promise.race(early);
      return Promise.all([...early, send(each, { type: each.type, place: -1 })]);
    });
    for (const answers of await Promise.all(sent)) expect(answers.some(({ held }) => held)).toBe(true);
    const [atDesk, onPhone] = await Promise.all([desk.heard(), phone.heard()]);
    const [toPhone, toDesk] = paths as [Path, Path];
    expectInOrder(toPhone, onPhone, candidates);
    expectInOrder(toDesk, atDesk, candidates);
  });
});
