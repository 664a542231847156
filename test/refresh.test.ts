import { describe, expect, test } from 'vitest';
import { post } from './support/api.ts';
import { manualClock } from './support/clock.ts';
import { listen, transports } from './support/listen.ts';
import { person } from './support/person.ts';
import { rawSse, signedInWs } from './support/raw.ts';
import { engines, randomPrefix, startService, tokenFor } from './support/service.ts';

const document = `mutation ($token: String!, $deviceId: ID) {
  refreshSession(token: $token, deviceId: $deviceId) { uid expiresAt }
}`;

describe.each(engines)('refreshSession, on %s', (engine) => {
  const claims = { hubs: { team: 'write', first: 'read' } };

  /** Two nodes where there can be, and Alice with a token of one minute. */
  async function begin() {
    const clock = manualClock();
    const prefix = randomPrefix();
    const node = await startService({ engine, prefix, overrides: { clock } });
    const other = engine === 'redis' ? await startService({ engine, prefix, overrides: { clock } }) : node;
    const alice = await person(other.url, 'alice', { ...claims, expiresIn: 60 });
    const refresh = (variables: object) => post(node.url, alice.token, document, variables);
    return { clock, node, other, alice, refresh };
  }

  test.each(transports)(
    'lets open sockets live on under the new token, on every node, over %s',
    async (transport) => {
      const { clock, other, alice, refresh } = await begin();
      const phone = await alice.open({ transport, variables: { deviceId: 'phone' } });
      const token = await tokenFor('alice', { ...claims, expiresIn: 3000 });
      const { data } = await refresh({ token });
      expect(data.refreshSession.uid).toBe('alice');
      const left = Date.parse(data.refreshSession.expiresAt) - clock.now();
      expect(left).toBeGreaterThan(2_900_000);
      expect(await phone.heard()).toEqual([]);
      clock.advance(65_000);
      const bob = await person(other.url, 'bob', claims);
      await bob.message({ target: { uid: 'alice' }, payload: 'still here' });
      expect(await phone.next()).toMatchObject({ payload: 'still here' });
      clock.advance(3_000_000);
      expect(await phone.next()).toMatchObject({ __typename: 'SocketClosing', code: 'TOKEN_EXPIRED' });
    },
  );

  test('of one device leaves the others as they are', async () => {
    const { clock, alice, refresh } = await begin();
    const phone = await alice.open({ variables: { deviceId: 'phone' } });
    const tablet = await alice.open({ variables: { deviceId: 'tablet' } });
    await refresh({ token: await tokenFor('alice', { ...claims, expiresIn: 3000 }), deviceId: 'phone' });
    for (const socket of [phone, tablet]) expect(await socket.heard()).toEqual([]);
    clock.advance(65_000);
    expect(await tablet.next()).toMatchObject({ code: 'TOKEN_EXPIRED' });
    await alice.message({ target: { socketId: phone.ready.socketId }, payload: 'here' });
    expect(await phone.next()).toMatchObject({ payload: 'here' });
  });

  test('brings the hubs of the new token, and takes those that only the former one allowed', async () => {
    const { other, alice, refresh } = await begin();
    const socket = await alice.open();
    const hubs = { team: 'write', second: 'read', third: 'read' };
    await refresh({ token: await tokenFor('alice', { hubs }) });
    expect(await socket.heard()).toEqual([]);
    const bob = await person(other.url, 'bob', { hubs: { ...hubs, first: 'read' } });
    const own = await bob.open();
    for (const hubId of ['first', 'second', 'third', 'team'])
      await bob.notify({ recipients: [hubId], socketId: own.ready.socketId, type: hubId });
    expect((await socket.heard()).map(({ type }) => type)).toEqual(['second', 'third', 'team']);
  });

  test('takes a token that was issued earlier, when it lasts longer', async () => {
    const { clock, alice, refresh } = await begin();
    const socket = await alice.open();
    await refresh({ token: await tokenFor('alice', { ...claims, expiresIn: 3000, issuedAt: -5 }) });
    expect(await socket.heard()).toEqual([]);
    clock.advance(65_000);
    await alice.message({ target: { socketId: socket.ready.socketId }, payload: 'here' });
    expect(await socket.next()).toMatchObject({ payload: 'here' });
  });

  test('brings its hubs also to who asks with the new token itself', async () => {
    const { node, other, alice } = await begin();
    const socket = await alice.open();
    const hubs = { team: 'write', first: 'read', second: 'read' };
    const token = await tokenFor('alice', { hubs });
    await post(node.url, token, document, { token });
    expect(await socket.heard()).toEqual([]);
    const bob = await person(other.url, 'bob', { hubs });
    const own = await bob.open();
    for (const hubId of ['first', 'second'])
      await bob.notify({ recipients: [hubId], socketId: own.ready.socketId, type: hubId });
    expect((await socket.heard()).map(({ type }) => type)).toEqual(['first', 'second']);
  });

  test('a hub that the new token claims outlasts a grant, and a token of another device', async () => {
    const { clock, node, other, alice, refresh } = await begin();
    const [phone, tablet] = [
      await alice.open({ variables: { deviceId: 'phone' } }),
      await alice.open({ variables: { deviceId: 'tablet' } }),
    ];
    const hubs = { ...claims.hubs, granted: 'read', claimed: 'read' };
    const grant = `mutation ($expiresAt: DateTime) { grantHub(hubId: "granted", uid: "alice", privilege: READ, expiresAt: $expiresAt) { hubId } }`;
    const admin = await tokenFor('backend', { admin: true });
    await post(node.url, admin, grant, { expiresAt: new Date(clock.now() + 100_000).toISOString() });
    await refresh({ token: await tokenFor('alice', { hubs, expiresIn: 200 }), deviceId: 'phone' });
    await refresh({ token: await tokenFor('alice', { hubs, expiresIn: 3000 }), deviceId: 'tablet' });
    for (const socket of [phone, tablet]) expect(await socket.heard()).toEqual([]);
    clock.advance(205_000);
    expect(await phone.next()).toMatchObject({ code: 'TOKEN_EXPIRED' });
    const bob = await person(other.url, 'bob', { hubs });
    const own = await bob.open();
    for (const hubId of ['granted', 'claimed'])
      await bob.notify({ recipients: [hubId], socketId: own.ready.socketId, type: hubId });
    expect([await tablet.next(), await tablet.next()]).toMatchObject([
      { type: 'granted' },
      { type: 'claimed' },
    ]);
  });

  test('refuses a token of somebody else, one that ends earlier, and one that is none', async () => {
    const { clock, alice, refresh } = await begin();
    const socket = await alice.open();
    const refused = async (token: string) => (await refresh({ token })).errors?.[0]?.extensions;
    expect(await refused(await tokenFor('bob'))).toMatchObject({ code: 'FORBIDDEN', field: 'token' });
    expect(await refused(await tokenFor('alice', { expiresIn: 30 }))).toMatchObject({
      code: 'BAD_USER_INPUT',
      field: 'token',
    });
    expect(await refused('nonsense')).toMatchObject({ code: 'UNAUTHENTICATED' });
    clock.advance(65_000);
    expect(await socket.next()).toMatchObject({ code: 'TOKEN_EXPIRED' });
  });

  test('over a WebSocket is for what is asked on it, too', async () => {
    const { node, alice } = await begin();
    const ws = await signedInWs(node.url, alice.token);
    const token = await tokenFor('alice', { ...claims, firstname: 'Alicia', expiresIn: 3000 });
    ws.subscribe('1', document, { token });
    await ws.nextOf('complete', '1');
    ws.subscribe('2', '{ viewer { firstname } }');
    expect(await ws.nextOf('next', '2')).toMatchObject({
      payload: { data: { viewer: { firstname: 'Alicia' } } },
    });
  });

  test('is passed over by a replay', async () => {
    const { node, alice, refresh } = await begin();
    const socket = await alice.open();
    await refresh({ token: await tokenFor('alice', { ...claims, expiresIn: 3000 }) });
    await alice.message({ target: { uid: 'alice' }, payload: 'after it' });
    const back = await listen(node.url, alice.token, { variables: { after: socket.ready.cursor } });
    expect(back.ready).toMatchObject({ recovered: true });
    expect(await back.next()).toMatchObject({ payload: 'after it' });
    const raw = rawSse(node.url, alice.token, { variables: { after: socket.ready.cursor } });
    await raw.contains('after it');
    expect(raw.text).not.toContain('SessionRefreshed');
  });
});
