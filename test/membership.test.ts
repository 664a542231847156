import { describe, expect, onTestFinished, test } from 'vitest';
import type { Identity } from '../src/signaling/caller.ts';
import { defaultLimits } from '../src/signaling/limits.ts';
import type { Store } from '../src/signaling/ports.ts';
import { createSignaling } from '../src/signaling/signaling.ts';
import { type ManualClock, manualClock } from './support/clock.ts';
import { startEngine } from './support/engine.ts';
import { transports } from './support/listen.ts';
import { operations, run } from './support/operations.ts';
import { idsOf, type Person, person } from './support/person.ts';
import { openSender, signedInWs, until } from './support/raw.ts';
import { type EngineName, engines, randomPrefix, startService, tokenFor } from './support/service.ts';

interface Options {
  readonly clock?: ManualClock;
  readonly env?: NodeJS.ProcessEnv;
}

/** Two nodes of one installation on Redis: orders are given on `here`, sockets are open on `there`. In memory they are one. */
async function startNodes(engine: EngineName, { clock, env = {} }: Options = {}) {
  const options = { engine, prefix: randomPrefix(), env, overrides: clock ? { clock } : {} };
  const here = await startService(options);
  const there = engine === 'redis' ? await startService(options) : here;
  return { here: here.url, there: there.url };
}

/** The orders of the application's server. Each resolves with the answer. */
async function backend(url: string) {
  const { ask } = await person(url, 'backend', { hubs: {}, admin: true });
  return {
    grant: async (hubId: string, uid: string, privilege = 'READ', expiresAt: Date | null = null) =>
      (await ask(operations.grantHub, { hubId, uid, privilege, expiresAt })).grantHub,
    revoke: async (hubId: string, uid: string) => (await ask(operations.revokeHub, { hubId, uid })).revokeHub,
    disconnect: async (uid: string, deviceId: string | null = null) =>
      (await ask(operations.disconnectUser, { uid, deviceId })).disconnectUser,
    roomAccess: async (roomId: string, uid: string) =>
      (await ask(operations.roomAccess, { roomId, uid })).roomAccess,
  };
}

/** Everybody has a hub of their own besides, through which a socket can be asked what it has heard. */
const bobs = { hubs: { home: 'read' } };
const alices = { hubs: { team: 'write', lobby: 'write' } };

/** Tells a hub something; resolves with the signal's id. */
async function tell(who: Person, hubId = 'team'): Promise<string> {
  return (await who.in(hubId).message({ target: { hubId } })).signalId;
}

describe.each(engines)('grantHub on %s', (engine) => {
  test('a hub signal sent right after its answer arrives on every open socket: 200 rounds', async () => {
    const { here, there } = await startNodes(engine);
    const hubIds = Array.from({ length: 200 }, (_, i) => `hub-${i}`);
    const bob = await person(there, 'bob', bobs);
    const sockets = await Promise.all(transports.map((transport) => bob.open({ transport })));
    const admin = await openSender(here, await tokenFor('backend', { hubs: {}, admin: true }));
    const hubs = Object.fromEntries(hubIds.map((hubId) => [hubId, 'read']));
    const send = await openSender(here, await tokenFor('alice', { hubs }));

    const sent: string[] = [];
    async function round(hubId: string): Promise<void> {
      await admin(operations.grantHub, { hubId, uid: 'bob', privilege: 'READ' });
      const { message } = await send(operations.message, { hubId, input: { target: { hubId } } });
      sent.push(message.signalId);
    }
    // Ten at a time, so that grants also meet sockets that are just joining another hub.
    for (let i = 0; i < hubIds.length; i += 10) await Promise.all(hubIds.slice(i, i + 10).map(round));

    for (const socket of sockets) {
      const heard = await socket.heard();
      expect(idsOf(heard).sort()).toEqual([...sent].sort());
      const numbers = heard.map(({ cursor }) => Number(cursor.split(':')[1]));
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    }
  });

  test('what it answers is what the user holds', async () => {
    const { here, there } = await startNodes(engine);
    const bob = await person(there, 'bob', bobs);
    const { grant } = await backend(here);
    const expiresAt = new Date(Date.now() + 3_600_000);
    const granted = { hubId: 'team', uid: 'bob', privilege: 15, expiresAt: expiresAt.toISOString() };
    expect(await grant('team', 'bob', 'WRITE', expiresAt)).toEqual(granted);
    const { viewer } = await bob.ask('{ viewer { hubs { hubId privilege } } }');
    expect(viewer.hubs).toEqual([
      { hubId: 'home', privilege: 3 },
      { hubId: 'team', privilege: 15 },
    ]);
    expect((await bob.open()).ready.hubIds).toEqual(['home', 'team']);
  });

  test('a grant that ends takes open sockets off the hub, and its owner’s right to act there', async () => {
    const clock = manualClock();
    const { here, there } = await startNodes(engine, { clock });
    const [alice, bob] = [await person(here, 'alice', alices), await person(there, 'bob', bobs)];
    const before = await bob.open();
    const { grant } = await backend(here);
    await grant('team', 'bob', 'READ', new Date(clock.now() + 4000));
    const during = await bob.open();
    const first = await tell(alice);
    expect(idsOf(await before.heard())).toEqual([first]);
    expect(idsOf(await during.heard())).toEqual([first]);
    await tell(bob);
    await before.heard();
    await during.heard();

    clock.advance(3000);
    const second = await tell(alice);
    expect(idsOf(await before.heard())).toEqual([second]);
    expect(idsOf(await during.heard())).toEqual([second]);

    clock.advance(2000);
    await tell(alice);
    expect(await before.heard()).toEqual([]);
    expect(await during.heard()).toEqual([]);
    expect(await bob.refused('message', { target: { hubId: 'team' } })).toMatchObject({ code: 'FORBIDDEN' });
    expect((await bob.open()).ready.hubIds).toEqual(['home']);
  });

  test('a renewal moves the end, also away', async () => {
    const clock = manualClock();
    const { here, there } = await startNodes(engine, { clock });
    const [alice, bob] = [await person(here, 'alice', alices), await person(there, 'bob', bobs)];
    const socket = await bob.open();
    const { grant } = await backend(here);
    await grant('team', 'bob', 'READ', new Date(clock.now() + 2000));
    await grant('team', 'bob', 'READ', new Date(clock.now() + 5000));
    clock.advance(4000);
    const first = await tell(alice);
    expect(idsOf(await socket.heard())).toEqual([first]);

    await grant('team', 'bob');
    clock.advance(5000);
    const second = await tell(alice);
    expect(idsOf(await socket.heard())).toEqual([second]);
  });

  test('a replay shows nothing of the hub from before the grant, however old the cursor', async () => {
    const { here, there } = await startNodes(engine);
    const [alice, bob] = [await person(here, 'alice', alices), await person(there, 'bob', bobs)];
    const socket = await bob.open();
    const { grant } = await backend(here);
    await tell(alice);
    await grant('team', 'bob');
    const after = await tell(alice);

    expect(idsOf(await socket.heard())).toEqual([after]);
    const resumed = await bob.open({ variables: { after: socket.ready.cursor } });
    expect(resumed.ready.recovered).toBe(true);
    expect(idsOf((await resumed.heard()).filter(isHubs))).toEqual([after]);
  });

  test('a renewed grant keeps its beginning: a replay shows what came between', async () => {
    const { here, there } = await startNodes(engine);
    const [alice, bob] = [await person(here, 'alice', alices), await person(there, 'bob', bobs)];
    const { ready } = await bob.open();
    const { grant } = await backend(here);
    await grant('team', 'bob', 'READ', new Date(Date.now() + 600_000));
    const first = await tell(alice);
    await grant('team', 'bob', 'WRITE');
    const second = await tell(alice);
    const resumed = await bob.open({ variables: { after: ready.cursor } });
    expect(idsOf((await resumed.heard()).filter(isHubs))).toEqual([first, second]);
  });

  test('a grant that allowed no reading is no beginning', async () => {
    const { here, there } = await startNodes(engine);
    const [alice, bob] = [await person(here, 'alice', alices), await person(there, 'bob', bobs)];
    const { ready } = await bob.open();
    const { grant } = await backend(here);
    await grant('team', 'bob', 'ANONYMOUS');
    await tell(alice);
    await grant('team', 'bob', 'READ');
    const second = await tell(alice);
    const resumed = await bob.open({ variables: { after: ready.cursor } });
    expect(idsOf((await resumed.heard()).filter(isHubs))).toEqual([second]);
  });

  test('a replay shows nothing from between a revocation and the next grant', async () => {
    const { here, there } = await startNodes(engine);
    const [alice, bob] = [await person(here, 'alice', alices), await person(there, 'bob', bobs)];
    const { ready } = await bob.open();
    const { grant, revoke } = await backend(here);
    await grant('team', 'bob');
    await revoke('team', 'bob');
    await tell(alice);
    await grant('team', 'bob');
    const last = await tell(alice);
    const resumed = await bob.open({ variables: { after: ready.cursor } });
    expect(idsOf((await resumed.heard()).filter(isHubs))).toEqual([last]);
  });

  test('a grant below READ takes open sockets off the hub', async () => {
    const { here, there } = await startNodes(engine);
    const [alice, bob] = [await person(here, 'alice', alices), await person(there, 'bob', bobs)];
    const socket = await bob.open();
    const { grant } = await backend(here);
    await grant('team', 'bob', 'WRITE');
    const first = await tell(alice);
    expect(await grant('team', 'bob', 'ANONYMOUS')).toMatchObject({ privilege: 1 });
    await tell(alice);
    expect(idsOf(await socket.heard())).toEqual([first]);
    expect(await bob.refused('message', { target: { hubId: 'team' } })).toMatchObject({ code: 'FORBIDDEN' });
  });

  test('a grant below what the token itself allows takes nothing away', async () => {
    const clock = manualClock();
    const { here, there } = await startNodes(engine, { clock });
    const alice = await person(here, 'alice', alices);
    const bob = await person(there, 'bob', { hubs: { home: 'read', team: 'read' } });
    const socket = await bob.open();
    const { grant } = await backend(here);
    await grant('team', 'bob', 'WRITE', new Date(clock.now() + 1000));
    clock.advance(3000);
    const first = await tell(alice);
    await grant('team', 'bob', 'ANONYMOUS');
    const second = await tell(alice);
    expect(idsOf(await socket.heard())).toEqual([first, second]);
    await bob.message({ target: { hubId: 'team' } });
  });

  test('a socket that asked for other hubs by name is not joined; one that asked for this hub is, again', async () => {
    const { here, there } = await startNodes(engine);
    const [alice, bob] = [await person(here, 'alice', alices), await person(there, 'bob', bobs)];
    const { grant, revoke } = await backend(here);
    await grant('lobby', 'bob');
    const other = await bob.open({ variables: { hubIds: ['home'] } });
    const asked = await bob.open({ variables: { hubIds: ['home', 'lobby'] } });
    await revoke('lobby', 'bob');
    await tell(alice, 'lobby');
    await grant('lobby', 'bob');
    await grant('team', 'bob');
    const told = await tell(alice, 'lobby');
    await tell(alice, 'team');
    expect(idsOf(await asked.heard())).toEqual([told]);
    expect(await other.heard()).toEqual([]);
  });
});

test.each(engines)(
  'on %s a grant that is renewed while its owner opens a socket is not forgotten with the one that has ended',
  async (engine) => {
    const clock = manualClock();
    const { store, bus } = await startEngine(engine, { clock });
    let meanwhile = async (): Promise<unknown> => undefined;
    const slow: Store = {
      ...store,
      async open(opening) {
        const opened = await store.open(opening);
        await meanwhile();
        return opened;
      },
    };
    const log = { info() {}, warn() {}, error() {} };
    const signaling = createSignaling({ store: slow, bus, clock, limits: defaultLimits, log });
    onTestFinished(() => signaling.stop());
    const grant = { hubId: 'team', uid: 'bob', privilege: 'READ' } as const;
    await signaling.grantHub({ ...grant, expiresAt: new Date(clock.now() + 1000) });
    clock.advance(2000);

    meanwhile = () => signaling.grantHub(grant);
    const sink = { write() {}, end() {}, cut() {}, writeNow() {}, gone: false, isClear: true };
    await signaling.open(bobsIdentity, {}, sink);

    expect([...(await store.user('bob')).access.keys()]).toContain('grant:team');
  },
);

const bobsIdentity: Identity = {
  uid: 'bob',
  ident: null,
  firstname: null,
  lastname: null,
  fullname: null,
  email: null,
  hubs: new Map(),
  busy: 'waiting',
  admin: false,
  issuedAt: 0,
  expiresAt: Number.MAX_SAFE_INTEGER,
};

/** Whether a signal is one of a hub: a new socket also finds in its replay what it was asked with `heard`. */
const isHubs = ({ target }: { target?: { hubId: string | null } }): boolean => Boolean(target?.hubId);

describe.each(engines)('revokeHub on %s', (engine) => {
  describe.each(transports)('over %s', (transport) => {
    test.each([
      ['a grant', bobs],
      ['a claim of the token', { hubs: { home: 'read', team: 'write' } }],
    ])('the next signal of the hub does not arrive on a socket that had it by %s', async (_, claims) => {
      const { here, there } = await startNodes(engine);
      const [alice, bob] = [await person(here, 'alice', alices), await person(there, 'bob', claims)];
      const { grant, revoke } = await backend(here);
      if (claims === bobs) await grant('team', 'bob');
      const socket = await bob.open({ transport });
      expect(socket.ready.hubIds).toEqual(['home', 'team']);
      const first = await tell(alice);

      const { voidUntil } = await revoke('team', 'bob');
      await tell(alice);
      await alice.notify({ recipients: ['team'], socketId: (await alice.open()).ready.socketId });

      expect(idsOf(await socket.heard())).toEqual([first]);
      expect(Math.abs(Date.parse(voidUntil) - Date.now())).toBeLessThan(60_000);
    });
  });

  test('claims of tokens issued until then are void for everything', async () => {
    const { here, there } = await startNodes(engine);
    const [alice, bob] = [
      await person(here, 'alice', alices),
      await person(there, 'bob', { hubs: { home: 'read', team: 'write' } }),
    ];
    const socket = await bob.open();
    const { revoke } = await backend(here);
    await revoke('team', 'bob');

    const input = { target: { hubId: 'team' } };
    expect(await bob.refused('message', input)).toMatchObject({ code: 'FORBIDDEN', field: 'hubId' });
    expect(await bob.refused('message', input, 'home')).toMatchObject({
      code: 'FORBIDDEN',
      field: 'input.target.hubId',
    });
    const { socketId } = socket.ready;
    expect(await bob.refused('notify', { recipients: ['home', 'team'], socketId }, 'home')).toMatchObject({
      code: 'FORBIDDEN',
      field: 'input.recipients[1]',
    });
    const dial = { target: { uid: 'alice' }, roomId: 'room-1', roomType: 'video' };
    expect(await bob.refused('dial', dial)).toMatchObject({ code: 'FORBIDDEN' });
    const asked = await run('sse', there, bob.token, operations.incomingSignal, { hubIds: ['team'] });
    expect(asked.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
    expect((await bob.open()).ready.hubIds).toEqual(['home']);
    const { viewer } = await bob.ask('{ viewer { hubs { hubId } } }');
    expect(viewer.hubs).toEqual([{ hubId: 'home' }]);
    // And he is no longer reached through it.
    expect(await alice.message({ target: { uid: 'bob' } })).toMatchObject({ offline: true });
  });

  test.each([
    ['lies ahead of our clock', 4],
    ['has a fraction, as a NumericDate may', 1.5],
  ])('a later token’s claim counts at once, also when its iat %s', async (_, issuedAt) => {
    const { here, there } = await startNodes(engine);
    const alice = await person(here, 'alice', alices);
    const { revoke } = await backend(here);
    await revoke('team', 'bob');
    const bob = await person(there, 'bob', { hubs: { home: 'read', team: 'read' }, issuedAt });
    const first = await bob.open();
    const sent = await tell(alice);
    expect(idsOf(await first.heard())).toEqual([sent]);

    const second = await bob.open({ variables: { after: first.ready.cursor } });
    expect(second.ready).toMatchObject({ recovered: true, hubIds: ['home', 'team'] });
    const next = await tell(alice);
    expect(idsOf(await second.heard())).toContain(next);
  });

  test('a claim of a token issued later counts again, whatever tokens come after it', async () => {
    const { here, there } = await startNodes(engine);
    const alice = await person(here, 'alice', alices);
    const hubs = { home: 'read', team: 'read' };
    const older = await person(there, 'bob', { hubs });
    const { revoke } = await backend(here);
    await revoke('team', 'bob');
    const newer = await person(there, 'bob', { hubs, issuedAt: 1 });

    const socket = await newer.open();
    expect(socket.ready.hubIds).toEqual(['home', 'team']);
    expect(await alice.message({ target: { uid: 'bob' } })).toMatchObject({ offline: false });
    await newer.message({ target: { hubId: 'team' } });
    // A device that still has the old token belongs to less, and takes nothing away from the others.
    expect((await older.open()).ready.hubIds).toEqual(['home']);
    expect(await alice.message({ target: { uid: 'bob' } })).toMatchObject({ offline: false });
  });

  test('a grant to someone whose claim is void holds, and ends when it says', async () => {
    const clock = manualClock();
    const { here, there } = await startNodes(engine, { clock });
    const alice = await person(here, 'alice', alices);
    const bob = await person(there, 'bob', { hubs: { home: 'read', team: 'read' } });
    const before = await bob.open();
    const { grant, revoke } = await backend(here);
    clock.advance(1000);
    await revoke('team', 'bob');
    await grant('team', 'bob', 'READ', new Date(clock.now() + 3000));
    const during = await bob.open();
    const first = await tell(alice);
    expect(idsOf(await before.heard())).toEqual([first]);
    expect(idsOf(await during.heard())).toEqual([first]);

    clock.advance(5000);
    await tell(alice);
    expect(await before.heard()).toEqual([]);
    expect(await during.heard()).toEqual([]);
  });

  test('a revocation takes away one hub of one user', async () => {
    const { here, there } = await startNodes(engine);
    const hubs = { home: 'read', team: 'read', lobby: 'read' };
    const alice = await person(here, 'alice', alices);
    const [bob, carol] = [await person(there, 'bob', { hubs }), await person(there, 'carol', { hubs })];
    const [bobsSocket, carolsSocket] = [await bob.open(), await carol.open()];
    const { revoke } = await backend(here);
    await revoke('team', 'bob');
    const sent = [await tell(alice, 'team'), await tell(alice, 'lobby')];
    expect(idsOf(await bobsSocket.heard())).toEqual(sent.slice(1));
    expect(idsOf(await carolsSocket.heard())).toEqual(sent);
  });
});

describe.each(engines)('disconnectUser on %s', (engine) => {
  describe.each(transports)('over %s', (transport) => {
    test('every socket of the user is closed on every node, and told not to come back', async () => {
      const { here, there } = await startNodes(engine);
      const open = async (url: string, uid: string, deviceId: string) =>
        (await person(url, uid)).open({ transport, variables: { deviceId } });
      const sockets = await Promise.all([
        open(here, 'bob', 'phone'),
        open(there, 'bob', 'phone'),
        open(there, 'bob', 'tablet'),
      ]);
      const carols = await open(there, 'carol', 'phone');
      const { disconnect } = await backend(here);

      expect(await disconnect('bob')).toEqual({ uid: 'bob', sockets: 3 });

      for (const { nextOf, ended, received } of sockets) {
        expect(await nextOf('SocketClosing')).toMatchObject({
          code: 'DISCONNECTED',
          reconnect: false,
          retryAfterMs: null,
          cursor: null,
        });
        // Completed in good order. A stream that breaks off makes clients come back.
        expect(await ended).toBeUndefined();
        expect(received.at(-1).__typename).toBe('SocketClosing');
      }
      expect(await carols.heard()).toEqual([]);
      await until('their sockets are forgotten', async () => (await disconnect('bob')).sockets === 0);
    });

    test('with a device, only that device’s sockets are closed', async () => {
      const { here, there } = await startNodes(engine);
      const bob = await person(there, 'bob');
      const open = (deviceId?: string) => bob.open({ transport, variables: { deviceId } });
      const [phone, tablet, nameless] = await Promise.all([open('phone'), open('tablet'), open()]);
      const { disconnect } = await backend(here);
      expect(await disconnect('bob', 'phone')).toEqual({ uid: 'bob', sockets: 1 });
      expect(await phone.ended).toBeUndefined();
      expect(await tablet.heard()).toEqual([]);
      expect(await nameless.heard()).toEqual([]);
      expect(await disconnect('bob', 'fridge')).toEqual({ uid: 'bob', sockets: 0 });
    });
  });

  test('on a WebSocket the one operation ends, and the connection goes on with the others', async () => {
    const { here, there } = await startNodes(engine);
    const raw = await signedInWs(there, await tokenFor('bob'));
    for (const deviceId of ['phone', 'tablet']) {
      raw.subscribe(deviceId, operations.incomingSignal, { deviceId });
      await raw.nextOf('next', deviceId);
    }
    const { disconnect } = await backend(here);
    await disconnect('bob', 'phone');
    expect((await raw.nextOf('next', 'phone')).payload.data.incomingSignal).toMatchObject({
      __typename: 'SocketClosing',
    });
    await raw.nextOf('complete', 'phone');
    const alice = await person(here, 'alice');
    const { signalId } = await alice.message({ target: { uid: 'bob' } });
    expect((await raw.next()).payload.data.incomingSignal).toMatchObject({ id: signalId });
  });

  test('tokens stay good: a client that comes back all the same is let in', async () => {
    const { here, there } = await startNodes(engine);
    const bob = await person(there, 'bob');
    const socket = await bob.open();
    await (await backend(here)).disconnect('bob');
    await socket.ended;
    const resumed = await bob.open({ variables: { after: socket.ready.cursor } });
    expect(resumed.ready.recovered).toBe(true);
    expect(await resumed.heard()).toEqual([]);
  });
});

describe.each(engines)('the limit of sockets per user on %s', (engine) => {
  test.each(transports)(
    'one socket too many closes the oldest, wherever it is, over %s',
    async (transport) => {
      const clock = manualClock();
      const nodes = await startNodes(engine, { clock, env: { LIMIT_SOCKETS_PER_USER: '3' } });
      const sockets = [];
      for (const url of [nodes.here, nodes.there, nodes.here, nodes.there, nodes.here]) {
        clock.advance(1);
        sockets.push(await (await person(url, 'bob')).open({ transport }));
      }
      const [first, second, ...others] = sockets;
      for (const oldest of [first, second]) {
        expect(await oldest?.nextOf('SocketClosing')).toMatchObject({
          code: 'TOO_MANY_SOCKETS',
          reconnect: false,
        });
        expect(await oldest?.ended).toBeUndefined();
      }
      const { signalId } = await (await person(nodes.here, 'alice')).message({ target: { uid: 'bob' } });
      for (const socket of others) expect(idsOf([await socket.next()])).toEqual([signalId]);
    },
  );

  test('sockets of other users do not count', async () => {
    const { here, there } = await startNodes(engine, { env: { LIMIT_SOCKETS_PER_USER: '1' } });
    const bob = await (await person(there, 'bob')).open();
    const carol = await (await person(here, 'carol')).open();
    expect(await bob.heard()).toEqual([]);
    expect(await carol.heard()).toEqual([]);
  });
});

describe.each(engines)('roomAccess on %s', (engine) => {
  const input = { target: { uid: 'bob' }, roomId: 'room-1', roomType: 'video' };
  const none = { privilege: 0, expiresAt: null };

  test('who was rung may enter the room for a day at most; nobody else may', async () => {
    const { here, there } = await startNodes(engine);
    const [alice, bob] = [await person(here, 'alice'), await person(there, 'bob')];
    await bob.open();
    const { roomAccess } = await backend(there);
    expect(await roomAccess('room-1', 'bob')).toEqual({ roomId: 'room-1', uid: 'bob', ...none });

    const { call } = await alice.dial(input);

    const access = await roomAccess('room-1', 'bob');
    expect(access).toMatchObject({ roomId: 'room-1', uid: 'bob', privilege: 3 });
    expect(Date.parse(access.expiresAt) - Date.parse(call.createdAt)).toBe(24 * 60 * 60 * 1000);
    for (const [roomId, uid] of [
      ['room-1', 'carol'],
      ['room-1', 'alice'],
      ['room-2', 'bob'],
    ] as const) {
      expect(await roomAccess(roomId, uid)).toEqual({ roomId, uid, ...none });
    }
  });

  test('a dial that rings nobody opens no room', async () => {
    const { here, there } = await startNodes(engine);
    const alice = await person(here, 'alice');
    const { grant, roomAccess } = await backend(there);
    await grant('team', 'bob');
    expect(await alice.dial(input)).toMatchObject({ offline: true });
    expect(await roomAccess('room-1', 'bob')).toMatchObject(none);
  });
});
