import { Redis } from 'ioredis';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { createKeys } from '../src/redis/keys.ts';
import { as } from './support/api.ts';
import { leave, openSocket, startPair } from './support/grace.ts';
import { engines, tokenFor } from './support/service.ts';

describe.each(engines)('a socket in grace, on %s', (engine) => {
  /** Bob's socket, which has just lost its connection, and what makes it come back. */
  async function begin() {
    const { node, other } = await startPair(engine);
    const [alice, bob] = [await tokenFor('alice'), await tokenFor('bob')];
    const before = await openSocket(node.url, bob, { deviceId: 'phone' });
    const { socketId, cursor, resumeToken } = before.ready;
    const resume = () => openSocket(other.url, bob, { after: cursor, resumeToken });
    return {
      alice: as(other.url, alice),
      bob: as(other.url, bob),
      socketId,
      resume,
      cut: () => leave(node.url, 'bob', before),
    };
  }

  test('still rings: it comes back to the ring, and answers it', async () => {
    const { alice, bob, socketId, resume, cut } = await begin();
    await cut();
    const dialled = await alice.dial({ target: { uid: 'bob' }, roomId: 'room', roomType: 'video' });
    expect(dialled).toMatchObject({ offline: false, call: { state: 'RINGING', legs: 1 } });
    const { ready, next } = await resume();
    expect(ready).toMatchObject({ socketId, recovered: true, calls: [{ id: dialled.call.id }] });
    expect(await next()).toMatchObject({
      __typename: 'IncomingCall',
      ring: true,
      call: { id: dialled.call.id },
    });
    expect(await bob.accept(dialled.call.id, socketId)).toMatchObject({ __typename: 'Accepted' });
  });

  test('answers, even before its connection is back', async () => {
    const { alice, bob, socketId, resume, cut } = await begin();
    await cut();
    const { call } = await alice.dial({ target: { uid: 'bob' }, roomId: 'room', roomType: 'video' });
    expect(await bob.accept(call.id, socketId)).toMatchObject({ __typename: 'Accepted' });
    const { ready, next } = await resume();
    expect(ready).toMatchObject({ socketId, calls: [{ id: call.id }] });
    expect(await next()).toMatchObject({ __typename: 'CallUpdated' });
    expect(await bob.accept(call.id, socketId)).toMatchObject({ __typename: 'Accepted' });
  });

  test('keeps its stream, and its user may still name it', async () => {
    const { alice, bob, socketId, resume, cut } = await begin();
    const origin = { socketId, streamId: 'camera' };
    await bob.message({ target: { uid: 'nobody' }, origin });
    await cut();
    expect(await alice.message({ target: { streamId: 'camera' }, payload: 'to the stream' })).toMatchObject({
      offline: false,
    });
    await bob.message({ target: { uid: 'nobody' }, origin });
    await bob.notify({ recipients: ['team'], socketId, payload: 'own' });
    await alice.message({ target: { socketId }, payload: 'last' });
    const { next } = await resume();
    expect([await next(), await next()]).toMatchObject([{ payload: 'to the stream' }, { payload: 'last' }]);
  });
});

test('a socket of a node that has stopped is the same on another', async () => {
  const { node, other } = await startPair('redis');
  const bob = await tokenFor('bob');
  const before = await openSocket(node.url, bob);
  const { socketId, resumeToken } = before.ready;
  await node.stop();
  expect(await before.next()).toMatchObject({ code: 'SHUTTING_DOWN', reconnect: true });
  expect((await openSocket(other.url, bob, { resumeToken })).ready).toMatchObject({
    socketId,
    resumed: true,
  });
});

test('when the log is another one, SocketReady comes again on the living stream, with another token', async () => {
  const { node, other, prefix } = await startPair('redis');
  const [alice, bob] = [await tokenFor('alice'), await tokenFor('bob')];
  const socket = await openSocket(node.url, bob);
  const { socketId, resumeToken, cursor } = socket.ready;
  const redis = new Redis(inject('redisUrl'));
  onTestFinished(() => redis.disconnect());
  await redis.del(createKeys(prefix).log);
  await as(other.url, alice).message({ target: { socketId }, payload: 'first of its log' });
  const again = await socket.next();
  expect(again).toMatchObject({
    __typename: 'SocketReady',
    socketId,
    resumed: false,
    recovered: false,
    reason: 'EPOCH',
  });
  expect(again.cursor).not.toBe(cursor);
  expect(again.resumeToken).not.toBe(resumeToken);
  await as(other.url, alice).message({ target: { socketId }, payload: 'second' });
  expect(await socket.next()).toMatchObject({ payload: 'second' });
  const { ready } = await openSocket(other.url, bob, { resumeToken: again.resumeToken, after: again.cursor });
  expect(ready).toMatchObject({ socketId, resumed: true, recovered: true });
});
