import { createHmac } from 'node:crypto';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import type { Identity } from '../src/signaling/caller.ts';
import { systemClock } from '../src/signaling/clock.ts';
import { defaultLimits } from '../src/signaling/limits.ts';
import type { Store } from '../src/signaling/ports.ts';
import { createSignaling } from '../src/signaling/signaling.ts';
import { data } from './support/api.ts';
import { ringBob } from './support/calls.ts';
import { startChildNode } from './support/child-node.ts';
import { type ManualClock, manualClock } from './support/clock.ts';
import { startEngine } from './support/engine.ts';
import { operations, run } from './support/operations.ts';
import { type Person, person } from './support/person.ts';
import { startRedis } from './support/redis-server.ts';
import { engines, randomPrefix, type ServiceOptions, startService, tokenFor } from './support/service.ts';
import { keysOf, withRedis } from './support/stored.ts';

const secrets = ['the secret of today', 'the secret of yesterday'];
const stunUrls = ['stun:turn.example.org:3478', 'stuns:turn.example.org'];
const turnUrls = ['turn:turn.example.org:3478?transport=udp', 'turns:turn.example.org:443?transport=tcp'];
const env = {
  ICE_STUN_URLS: stunUrls.join(', '),
  ICE_TURN_URLS: turnUrls.join(', '),
  ICE_TURN_SECRETS: secrets.join(','),
  ICE_TTL_SECONDS: '3600',
};
const hour = 3_600_000;

interface IceServer {
  readonly urls: readonly string[];
  readonly username: string | null;
  readonly credential: string | null;
  readonly refreshAfter: string | null;
  readonly expiresAt: string | null;
}

const fields = 'iceServers { urls username credential refreshAfter expiresAt }';
const dialDocument = `mutation ($input: DialInput!) {
  dial(hubId: "team", input: $input) { offline merged call { id state } ${fields} }
}`;
const acceptDocument = `mutation ($callId: ID!, $socketId: ID!) {
  accept(callId: $callId, socketId: $socketId) { __typename ... on Accepted { ${fields} } }
}`;

const dial = async (who: Person, input: object = ringBob) => (await who.ask(dialDocument, { input })).dial;
const accept = async (who: Person, callId: string, socketId: string) =>
  (await who.ask(acceptDocument, { callId, socketId })).accept;
const serversOf = async (who: Person, callId: string): Promise<IceServer[]> =>
  (await who.ask(operations.iceServers, { callId })).iceServers;

/** What a user is to be given at a time, for the secret that mints. */
function expectedAt(time: number, uid: string, secret = secrets[0] ?? ''): IceServer[] {
  const expiry = Math.floor(time / 1000) + 3600;
  const username = `${expiry}:${uid}`;
  return [
    { urls: stunUrls, username: null, credential: null, refreshAfter: null, expiresAt: null },
    {
      urls: turnUrls,
      username,
      credential: createHmac('sha1', secret).update(username).digest('base64'),
      refreshAfter: new Date((expiry - 1800) * 1000).toISOString(),
      expiresAt: new Date(expiry * 1000).toISOString(),
    },
  ];
}

const silent = { info() {}, warn() {}, error() {} };
const noProfile = { ident: null, firstname: null, lastname: null, fullname: null, email: null };
const identityOf = (uid: string): Identity => ({
  ...noProfile,
  uid,
  hubs: new Map([['team', 3]]),
  busy: 'waiting',
  admin: false,
  issuedAt: 0,
  expiresAt: Number.MAX_SAFE_INTEGER,
});

/** A node with STUN and TURN servers and a clock of the test's, Alice, and Bob with an open socket. */
async function setUp(engine: ServiceOptions['engine'], more: Partial<ServiceOptions> = {}) {
  const clock: ManualClock = manualClock();
  const { url } = await startService({ engine, env, overrides: { clock }, ...more });
  const [alice, bob] = [await person(url, 'alice'), await person(url, 'bob')];
  return { url, clock, alice, bob, bobs: await bob.open({ variables: { deviceId: 'phone' } }) };
}

describe.each(engines)('ICE servers on %s', (engine) => {
  test('come with the answers of dial and accept, for each side in its own name', async () => {
    const { clock, alice, bob, bobs } = await setUp(engine);
    const { call, iceServers, offline } = await dial(alice);
    expect(offline).toBe(false);
    expect(iceServers).toEqual(expectedAt(clock.now(), 'alice'));

    clock.advance(7000);
    const accepted = await accept(bob, call.id, bobs.ready.socketId);
    expect(accepted).toEqual({ __typename: 'Accepted', iceServers: expectedAt(clock.now(), 'bob') });
    // Repeating is harmless, and as good as new.
    clock.advance(1000);
    const again = await accept(bob, call.id, bobs.ready.socketId);
    expect(again.iceServers).toEqual(expectedAt(clock.now(), 'bob'));
  });

  test('can be had again by both sides while the call rings and while it lasts', async () => {
    const { clock, alice, bob, bobs } = await setUp(engine);
    const { call } = await dial(alice);
    const expectBoth = async () => {
      for (const side of [alice, bob])
        expect(await serversOf(side, call.id)).toEqual(expectedAt(clock.now(), side.uid));
    };
    await expectBoth();
    await bob.accept(call.id, bobs.ready.socketId);
    await expectBoth();
    // To be asked again at half of the time.
    clock.advance(hour / 2);
    await expectBoth();
  });

  test('are for nobody else: a call of others and one that does not exist look alike', async () => {
    const { url, alice } = await setUp(engine);
    const { call } = await dial(alice);
    const dave = await tokenFor('dave');
    const server = await tokenFor('server', { admin: true });
    const unknown = await run('http', url, dave, operations.iceServers, { callId: 'call_unknown' });
    for (const token of [dave, server]) {
      const refused = await run('http', url, token, operations.iceServers, { callId: call.id });
      expect(refused).toEqual({ ...unknown, data: null });
      expect(refused.errors?.map(({ extensions }) => extensions['code'])).toEqual(['NOT_FOUND']);
    }
  });

  test('are none once the call has ended, or for a dial that reached nobody', async () => {
    const { alice, bob, bobs } = await setUp(engine);
    const offline = await dial(alice, { ...ringBob, target: { uid: 'nobody' } });
    expect(offline).toMatchObject({ offline: true, iceServers: [] });
    expect(await serversOf(alice, offline.call.id)).toEqual([]);

    const { call } = await dial(alice);
    await bob.accept(call.id, bobs.ready.socketId);
    await alice.hangUp(call.id);
    for (const side of [alice, bob]) expect(await serversOf(side, call.id)).toEqual([]);
    expect(await accept(bob, call.id, bobs.ready.socketId)).toEqual({ __typename: 'CallEnded' });
  });

  test('are none when the ringing is over, also before the deadline has been acted upon', async () => {
    // Nothing periodic runs on this clock.
    const stopped: ManualClock = { ...manualClock(), every: () => () => {} };
    const { url } = await startService({ engine, env, overrides: { clock: stopped } });
    const [alice, bob] = [await person(url, 'alice'), await person(url, 'bob')];
    await bob.open();
    const { call } = await dial(alice);
    stopped.advance(59_000);
    expect(await serversOf(alice, call.id)).toHaveLength(2);
    stopped.advance(1000);
    expect((await alice.ask(operations.call, { callId: call.id })).call.state).toBe('RINGING');
    expect(await serversOf(alice, call.id)).toEqual([]);
  });

  test('of a dial that is repeated are new, and none when the call has ended since', async () => {
    const { clock, alice } = await setUp(engine);
    const input = { ...ringBob, clientMutationId: 'dial-1' };
    const first = await dial(alice, input);
    clock.advance(2000);
    const second = await dial(alice, input);
    expect(second).toEqual({ ...first, iceServers: expectedAt(clock.now(), 'alice') });
    expect(second.iceServers).not.toEqual(first.iceServers);

    await alice.hangUp(first.call.id);
    expect(await dial(alice, input)).toEqual({ ...first, iceServers: [] });
  });

  test('come to both who dial each other', async () => {
    const { clock, alice, bob } = await setUp(engine);
    await alice.open({ variables: { deviceId: 'laptop' } });
    const { call } = await dial(alice);
    const met = await dial(bob, { ...ringBob, target: { uid: 'alice' }, deviceId: 'phone' });
    expect(met).toMatchObject({ merged: true, call: { id: call.id, state: 'ACCEPTED' } });
    expect(met.iceServers).toEqual(expectedAt(clock.now(), 'bob'));
  });

  test('are minted by the first secret', async () => {
    const turned = { ...env, ICE_TURN_SECRETS: secrets.toReversed().join(', ') };
    const { clock, alice } = await setUp(engine, { env: turned });
    const { call, iceServers } = await dial(alice);
    const expected = expectedAt(clock.now(), 'alice', secrets[1]);
    expect(iceServers).toEqual(expected);
    expect(await serversOf(alice, call.id)).toEqual(expected);
  });

  test('are what is configured: nothing, or STUN alone, or TURN alone', async () => {
    const told = async (only: NodeJS.ProcessEnv) => {
      const { alice } = await setUp(engine, { env: only });
      const { call, iceServers } = await dial(alice);
      expect(await serversOf(alice, call.id)).toEqual(iceServers);
      return iceServers.map(({ urls }: IceServer) => urls);
    };
    const { ICE_STUN_URLS, ...turn } = env;
    expect(await told({})).toEqual([]);
    expect(await told({ ICE_STUN_URLS })).toEqual([stunUrls]);
    expect(await told(turn)).toEqual([turnUrls]);
  });

  test('are in nothing that is committed: not in the log, the call, the history or what a repetition is told', async () => {
    const { store, bus } = await startEngine(engine);
    const committed: string[] = [];
    const watched: Store = {
      ...store,
      commit(change) {
        committed.push(JSON.stringify(change));
        return store.commit(change);
      },
    };
    const parts = { store: watched, bus, clock: systemClock, limits: defaultLimits, log: silent };
    const ice = { stunUrls, turnUrls, turnSecrets: secrets, ttlSeconds: 3600 };
    const signaling = createSignaling({ ...parts, ice });
    onTestFinished(() => signaling.stop());
    const opened = await signaling.open(
      identityOf('bob'),
      {},
      { write() {}, end() {}, cut() {}, writeNow() {}, gone: false, isClear: true },
    );
    const [alice, bob] = [
      await signaling.caller(identityOf('alice')),
      await signaling.caller(identityOf('bob')),
    ];

    const { call, iceServers } = await signaling.dial(alice, 'team', { ...ringBob, clientMutationId: 'd-1' });
    const accepted = await signaling.accept(bob, { callId: call.id, socketId: opened.record.socketId });
    await signaling.hangUp(alice, { callId: call.id, reason: 'HANGUP' });

    const all = committed.join('\n');
    for (const part of ['IncomingCall', 'CallUpdated', 'CallLogged', 'alice/dial/d-1', `call:${call.id}`])
      expect(all).toContain(part);
    const servers = [iceServers, 'iceServers' in accepted ? accepted.iceServers : []].flat();
    const minted = servers.flatMap(({ username, credential }) => [username ?? [], credential ?? []].flat());
    expect(minted).toHaveLength(4);
    for (const secret of [...minted, ...secrets, 'turn.example.org']) expect(all).not.toContain(secret);
  });
});

test('no key in Redis holds a credential, nor the secret that it came of', async () => {
  // What is dumped is to be read.
  const redis = await startRedis({ args: ['--rdbcompression', 'no'] });
  onTestFinished(() => redis.stop());
  const prefix = randomPrefix();
  const { alice, bob, bobs } = await setUp('redis', { prefix, redisUrl: redis.url });
  const { call, iceServers } = await dial(alice, { ...ringBob, clientMutationId: 'dial-1' });
  const accepted = await accept(bob, call.id, bobs.ready.socketId);
  await alice.hangUp(call.id);

  const dumped = await withRedis(async (client) => {
    const names = await keysOf(client, prefix);
    const values = await Promise.all(names.map((name) => client.dumpBuffer(name)));
    return `${names.join('\n')}\n${values.map((value) => value?.toString('latin1')).join('\n')}`;
  }, redis.url);
  for (const part of ['IncomingCall', 'CallUpdated', 'CallLogged', 'dial-1']) expect(dumped).toContain(part);
  for (const { username, credential } of [iceServers[1], accepted.iceServers[1]])
    for (const secret of [username, credential, ...secrets]) expect(dumped).not.toContain(secret);
});

test('nothing secret is logged, at any level, when all goes well and when a request fails', async () => {
  const node = await startChildNode({
    ...env,
    LOG_LEVEL: 'trace',
    REDIS_URL: inject('redisUrl'),
    REDIS_PREFIX: randomPrefix(),
  });
  const [alice, bob] = [await person(node.url, 'alice'), await person(node.url, 'bob')];
  await bob.open();
  const { call, iceServers } = await dial(alice);
  await data(node.url, alice.token, operations.iceServers, { callId: call.id });
  await run('http', node.url, await tokenFor('dave'), operations.iceServers, { callId: call.id });
  expect(await node.end('SIGTERM')).toBe(0);
  expect(node.output()).toContain('serves at');
  for (const secret of [iceServers[1].username, iceServers[1].credential, ...secrets])
    expect(node.output()).not.toContain(secret);
});
