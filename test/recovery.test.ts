import { describe, expect, test, vi } from 'vitest';
import { createKeys } from '../src/redis/keys.ts';
import { manualClock } from './support/clock.ts';
import { connectRedis } from './support/engine.ts';
import { type Received, transports } from './support/listen.ts';
import { idsOf, type Person, type PersonalListener, person } from './support/person.ts';
import { engines, randomPrefix, startService } from './support/service.ts';

const hours = 60 * 60 * 1000;

const ring = { target: { uid: 'bob' }, roomId: 'room', roomType: 'video' };

/** The next signals of a socket. */
async function take(listener: PersonalListener, count: number): Promise<Received[]> {
  const signals: Received[] = [];
  while (signals.length < count) signals.push(await listener.next());
  return signals;
}

/** Leaves, and waits until the node has seen it. */
async function leave(
  node: { stats(): { sockets: number } },
  ...listeners: PersonalListener[]
): Promise<void> {
  const before = node.stats().sockets;
  for (const listener of listeners) listener.close();
  await vi.waitFor(() => expect(node.stats().sockets).toBe(before - listeners.length), { interval: 2 });
}

/** Does something many times, some of it at once. */
async function times(count: number, work: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: 20 }, worker));
}

function numberOf({ cursor }: Received): number {
  return Number(cursor.split(':')[1]);
}

function moved({ cursor }: Received, by: number): string {
  const [epoch, number] = cursor.split(':');
  return `${epoch}:${Number(number) + by}`;
}

describe.each(engines)('on %s', (engine) => {
  describe.each(transports)('over %s', (transport) => {
    test('`after` replays everything that lies behind the cursor, in order, from all topics', async () => {
      const { url } = await startService({ engine });
      const hubs = { team: 'write', club: 'write' };
      const [alice, bob] = [await person(url, 'alice', { hubs }), await person(url, 'bob', { hubs })];
      const own = await alice.open();
      const live = await bob.open({ transport, variables: { deviceId: 'phone' } });
      for (let i = 0; i < 10; i++) {
        await alice.message({ target: { uid: 'bob' }, payload: i });
        await alice.notify({ recipients: ['team'], socketId: own.ready.socketId, payload: i });
        await alice.message({ target: { hubId: 'club' }, payload: i });
      }
      const signals = await take(live, 30);
      expect(signals.map(numberOf)).toEqual(signals.map(numberOf).sort((a, b) => a - b));

      for (const seen of [0, 1, 7, 29, 30]) {
        const { cursor } = [live.ready, ...signals][seen];
        const back = await bob.open({ transport, variables: { after: cursor } });
        expect(back.ready).toMatchObject({ recovered: true, reason: null, cursor });
        expect(await back.heard()).toEqual(signals.slice(seen));
        back.close();
      }
    });

    test('a device that breaks off again and again gets every signal once and in order', async () => {
      const prefix = randomPrefix();
      const nodes = [await startService({ engine, prefix })];
      // On Redis, it comes back to the other node each time.
      if (engine === 'redis') nodes.push(await startService({ engine, prefix }));
      const [alice, ...bobs] = await Promise.all([
        person(nodes[0]?.url ?? '', 'alice'),
        ...nodes.map(({ url }) => person(url, 'bob')),
      ]);
      const own = await alice.open();
      const first = await bobs[0]?.open();
      const sent: string[] = [];

      const sending = (async () => {
        while (sent.length < 80) {
          const { signalId } = await (sent.length % 2
            ? alice.message({ target: { uid: 'bob' } })
            : alice.notify({ recipients: ['team'], socketId: own.ready.socketId }));
          sent.push(signalId);
        }
      })();
      const received: Received[] = [first?.ready];
      for (let visit = 0; received.length <= 80; visit++) {
        const variables = { deviceId: 'phone', after: received.at(-1).cursor };
        const visiting = await bobs[visit % bobs.length]?.open({ transport, variables });
        expect(visiting?.ready).toMatchObject({ recovered: true });
        for (let i = 0; i < 12 && received.length <= 80; i++) received.push(await visiting?.next());
        visiting?.close();
      }
      await sending;

      expect(idsOf(received.slice(1))).toEqual(sent);
    });

    test('a replay as large as one may be arrives whole', async () => {
      const { url } = await startService({ engine });
      const [alice, bob] = [await person(url, 'alice'), await person(url, 'bob')];
      const first = await bob.open();
      const payload = 'x'.repeat(60 * 1024);
      await times(16, () => alice.message({ target: { uid: 'bob' }, payload }));

      const back = await bob.open({ transport, variables: { after: first.ready.cursor } });

      expect(back.ready).toMatchObject({ recovered: true });
      const replayed = await take(back, 16);
      expect(idsOf(replayed)).toEqual(idsOf(await take(first, 16)));
      expect(replayed.every((signal) => signal.payload === payload)).toBe(true);
      // One more, and it is too much.
      await alice.message({ target: { uid: 'bob' }, payload });
      const late = await bob.open({ transport, variables: { after: first.ready.cursor } });
      expect(late.ready).toMatchObject({ recovered: false, reason: 'TOO_MUCH' });
    });

    test('a cursor that this service cannot have written is refused as BAD_USER_INPUT, and names the field', async () => {
      const { url, stats } = await startService({ engine });
      const bob = await person(url, 'bob');
      const beyond = '9'.repeat(20);
      const garbage = [
        'garbage',
        ':1',
        'abc:',
        'abc:1e3',
        'abc:-1',
        `abc:${beyond}`,
        'ABC:1',
        ' abc:1 ',
        'abc:1:2',
      ];

      for (const after of [...garbage, 'abc:1\n', `${'a'.repeat(33)}:1`, 'äbc:1', '\u0000'])
        await expect(bob.open({ transport, variables: { after } }), after).rejects.toThrow(
          /"code":"BAD_USER_INPUT".*"field":"after"/,
        );

      expect(stats().sockets).toBe(0);
    });
  });

  describe('a replay', () => {
    test('brings a notification once to a socket in several of its hubs, as live delivery does', async () => {
      const { url } = await startService({ engine });
      const hubs = { a: 'write', b: 'write', c: 'write' };
      const [alice, bob, carol] = await Promise.all([
        person(url, 'alice', { hubs }),
        person(url, 'bob', { hubs }),
        person(url, 'carol', { hubs: { b: 'read', c: 'read' } }),
      ]);
      const own = await alice.open();
      const live = await Promise.all([bob.open(), carol.open(), bob.open({ variables: { hubIds: ['c'] } })]);
      const ids: string[] = [];
      for (const recipients of [['a', 'b', 'c'], ['c', 'b', 'a'], ['b', 'c'], ['a'], ['c']])
        ids.push((await alice.in('b').notify({ recipients, socketId: own.ready.socketId })).signalId);

      const expected = [ids, ids.filter((_, i) => i !== 3), ids.filter((_, i) => i !== 3)];
      const heard = await Promise.all(live.map(async (listener) => idsOf(await listener.heard())));
      expect(heard).toEqual(expected);

      const back = await Promise.all([
        bob.open({ variables: { after: live[0].ready.cursor } }),
        carol.open({ variables: { after: live[1].ready.cursor } }),
        bob.open({ variables: { after: live[2].ready.cursor, hubIds: ['c'] } }),
      ]);
      const replayed = await Promise.all(
        back.map(async (listener, i) => idsOf(await take(listener, expected[i]?.length ?? 0))),
      );
      expect(replayed).toEqual(expected);
      expect(await Promise.all(back.map((listener) => listener.heard()))).toEqual([[], [], []]);
    });

    test('leaves a device’s own notifications and hub messages out when the tab that sent them is gone', async () => {
      const node = await startService({ engine });
      const alice = await person(node.url, 'alice');
      const open = (deviceId: string | null, after?: string) =>
        alice.open({ variables: { deviceId, after } });
      const tab = await open('laptop');
      const { socketId, cursor } = tab.ready;
      const sent = [
        await alice.notify({ recipients: ['team'], socketId }),
        await alice.message({ target: { hubId: 'team' }, origin: { socketId } }),
      ].map(({ signalId }) => signalId);
      await leave(node, tab);

      const [laptop, phone, unnamed] = [
        await open('laptop', cursor),
        await open('phone', cursor),
        await open(null, cursor),
      ];

      expect(await laptop.heard()).toEqual([]);
      expect(idsOf(await phone.heard())).toEqual(sent);
      expect(idsOf(await unnamed.heard())).toEqual(sent);
    });

    test('brings a tab what another open tab of the same device sent', async () => {
      const node = await startService({ engine });
      const alice = await person(node.url, 'alice');
      const open = (after?: string) => alice.open({ variables: { deviceId: 'laptop', after } });
      const [sender, other] = [await open(), await open()];
      const { socketId, cursor } = sender.ready;
      await leave(node, other);
      const { signalId } = await alice.notify({ recipients: ['team'], socketId });

      const back = await open(cursor);

      expect(idsOf(await back.heard())).toEqual([signalId]);
      expect(await sender.heard()).toEqual([]);
    });

    test('does not take a socket without a device for another', async () => {
      const node = await startService({ engine });
      const [alice, bob] = [await person(node.url, 'alice'), await person(node.url, 'bob')];
      const nameless = await bob.open();
      const { socketId, cursor } = nameless.ready;
      const { signalId } = await bob.notify({ recipients: ['team'], socketId });
      await alice.message({ target: { socketId } });
      await leave(node, nameless);

      const back = await bob.open({ variables: { after: cursor } });

      expect(idsOf(await back.heard())).toEqual([signalId]);
    });

    test('brings what was addressed to a socket to its successor on the same device, and to no other', async () => {
      const node = await startService({ engine });
      const [alice, bob] = [await person(node.url, 'alice'), await person(node.url, 'bob')];
      const open = (deviceId: string, after?: string) => bob.open({ variables: { deviceId, after } });
      const phone = await open('phone');
      const { socketId, cursor } = phone.ready;
      const { signalId } = await alice.message({ target: { socketId }, type: 'offer' });

      // While it is open, nobody stands for it.
      const others = [await open('phone', cursor), await open('tablet', cursor)];
      const second = (await alice.message({ target: { uid: 'bob' } })).signalId;
      for (const other of others) expect(await other.next()).toMatchObject({ id: second });
      await leave(node, phone, ...others);

      const [successor, tablet] = [await open('phone', cursor), await open('tablet', cursor)];
      expect(idsOf(await successor.heard())).toEqual([signalId, second]);
      expect(idsOf(await tablet.heard())).toEqual([second]);
    });

    test('obeys the kinds and the hubs that the socket asks for', async () => {
      const { url } = await startService({ engine });
      const hubs = { team: 'write', club: 'write' };
      const [alice, bob] = [await person(url, 'alice', { hubs }), await person(url, 'bob', { hubs })];
      const own = await alice.open();
      const { cursor } = (await bob.open()).ready;
      const told = async (hub: string) =>
        (await alice.in(hub).notify({ recipients: [hub], socketId: own.ready.socketId })).signalId;
      const wrote = async (hub: string) =>
        (await alice.in(hub).message({ target: { uid: 'bob' }, type: 'question' })).signalId;
      const [teamTold, clubTold, teamWrote, clubWrote] = [
        await told('team'),
        await told('club'),
        await wrote('team'),
        await wrote('club'),
      ];
      const dialled = (await alice.dial(ring)).signalId;

      const all = [teamTold, clubTold, teamWrote, clubWrote, dialled];

      /** What a socket with these filters gets of all that. They must let the club's notifications pass. */
      async function replay(filters: object): Promise<string[]> {
        const back = await bob.open({ variables: { ...filters, after: cursor } });
        expect(back.ready).toMatchObject({ recovered: true, cursor });
        const last = await told('club');
        const ids: string[] = [];
        while (ids.at(-1) !== last) ids.push((await back.next()).id);
        return ids.filter((id) => all.includes(id));
      }

      expect(await replay({})).toEqual(all);
      expect(await replay({ kinds: ['HUB_NOTIFICATION'] })).toEqual([teamTold, clubTold]);
      expect(await replay({ hubIds: ['club'] })).toEqual([clubTold, clubWrote]);
      expect(await replay({ hubIds: ['club'], kinds: ['HUB_NOTIFICATION'] })).toEqual([clubTold]);
      expect(
        await replay({ kinds: ['INCOMING_CALL', 'HUB_NOTIFICATION'], hubIds: ['team', 'club'] }),
      ).toEqual([teamTold, clubTold, dialled]);
    });

    test('counts anew how long a call still rings, and has no ring when it is over', async () => {
      const clock = manualClock();
      const { url } = await startService({ engine, overrides: { clock } });
      const [alice, bob] = [await person(url, 'alice'), await person(url, 'bob')];
      const live = await bob.open();
      const { call } = await alice.dial({ ...ring, ringTimeoutSeconds: 30 });
      const rung = await live.next();
      expect(rung).toMatchObject({ __typename: 'IncomingCall', remainingMs: 30_000, ring: true });
      const replay = async () => (await bob.open({ variables: { after: live.ready.cursor } })).heard();

      for (const [passed, remainingMs, rings] of [
        [7000, 23_000, true],
        [20_000, 3000, true],
        [1, 2999, false],
        [2998, 1, false],
      ] as const) {
        clock.advance(passed);
        expect(await replay()).toEqual([{ ...rung, remainingMs, ring: rings }]);
      }

      clock.advance(10_000);
      const ended = [await live.next(), await live.next()];
      expect(ended).toMatchObject([
        { __typename: 'CallUpdated', change: 'ENDED', call: { id: call.id, reason: 'NO_ANSWER' } },
        { __typename: 'CallLogged', record: { callId: call.id } },
      ]);
      expect(await replay()).toEqual(ended);
    });

    test('of a hub that was granted later begins with the grant', async () => {
      const { url } = await startService({ engine });
      const [alice, bob, admin] = await Promise.all([
        person(url, 'alice', { hubs: { club: 'write' } }),
        person(url, 'bob'),
        person(url, 'admin', { admin: true }),
      ]);
      const own = await alice.open();
      const { cursor } = (await bob.open()).ready;
      const tell = async () =>
        (await alice.in('club').notify({ recipients: ['club'], socketId: own.ready.socketId })).signalId;
      const grant = 'mutation { grantHub(hubId: "club", uid: "bob", privilege: READ) { privilege } }';
      const revoke = 'mutation { revokeHub(hubId: "club", uid: "bob") { voidUntil } }';

      await tell();
      await admin.ask(grant);
      const after = [await tell(), await tell()];
      const member = await bob.open({ variables: { after: cursor } });
      expect(member.ready).toMatchObject({ recovered: true, hubIds: ['team', 'club'] });
      expect(idsOf(await member.heard())).toEqual(after);

      await admin.ask(revoke);
      const stranger = await bob.open({ variables: { after: cursor } });
      expect(stranger.ready).toMatchObject({ recovered: true, hubIds: ['team'] });
      expect(await stranger.heard()).toEqual([]);
    });
  });

  describe('a first signal', () => {
    test('without a cursor stands at the end of the log and says nothing of recovery', async () => {
      const { url } = await startService({ engine });
      const [alice, bob] = [await person(url, 'alice'), await person(url, 'bob')];
      const before = await bob.open();
      await alice.message({ target: { uid: 'bob' } });
      const last = await before.next();

      const { ready } = await bob.open();

      expect(ready).toMatchObject({ recovered: false, reason: null });
      expect(numberOf(ready)).toBeGreaterThanOrEqual(numberOf(last));
      const back = await bob.open({ variables: { after: ready.cursor } });
      expect(back.ready).toMatchObject({ recovered: true, cursor: ready.cursor });
      expect(await back.heard()).toEqual([]);
    });

    test('without a cursor stands before the ring of a call that is open: it follows, with what was said in the call', async () => {
      const { url } = await startService({ engine });
      const [alice, bob] = [await person(url, 'alice'), await person(url, 'bob')];
      await bob.open({ variables: { deviceId: 'phone' } });
      await alice.message({ target: { uid: 'bob' }, type: 'before' });
      const { call, signalId } = await alice.dial(ring);
      const offer = await alice.message({ target: { uid: 'bob' }, type: 'offer', callId: call.id });
      const aside = await alice.message({ target: { uid: 'bob' }, type: 'aside' });

      const late = await bob.open({ variables: { deviceId: 'tablet' } });
      const replayed = await take(late, 2);

      expect(late.ready).toMatchObject({ recovered: false, reason: null, calls: [{ id: call.id }] });
      expect(idsOf(replayed)).toEqual([signalId, offer.signalId]);
      expect(numberOf(late.ready)).toBeLessThan(Math.min(...replayed.map(numberOf)));
      expect(await late.heard()).toEqual([]);
      // It is a cursor like any other.
      const back = await bob.open({ variables: { deviceId: 'tablet', after: late.ready.cursor } });
      expect(back.ready).toMatchObject({ recovered: true, cursor: late.ready.cursor });
      expect(idsOf(await take(back, 3))).toEqual([signalId, offer.signalId, aside.signalId]);
    });

    test('carries the calls that are open, recovered or not, to both sides', async () => {
      const clock = manualClock();
      const { url } = await startService({ engine, overrides: { clock } });
      const [alice, bob, carol] = (await Promise.all(
        ['alice', 'bob', 'carol'].map((uid) => person(url, uid)),
      )) as [Person, Person, Person];
      const { cursor } = (await bob.open()).ready;
      await carol.open();
      const calls: object[] = [];
      for (const [caller, callee] of [
        [alice, bob],
        [carol, bob],
      ] as const) {
        const { call } = await caller.dial({ ...ring, target: { uid: callee.uid } });
        calls.push({ id: call.id, state: 'RINGING', caller: caller.uid, callee: callee.uid });
        clock.advance(1000);
      }

      const recovered = await bob.open({ variables: { after: cursor } });
      const lost = await bob.open({ variables: { after: 'abc:1' } });

      expect(recovered.ready).toMatchObject({ recovered: true, calls });
      expect(lost.ready).toMatchObject({ recovered: false, reason: 'EPOCH', calls });
      expect((await bob.open()).ready.calls).toEqual(calls);
      expect((await alice.open()).ready.calls).toEqual(calls.slice(0, 1));
      expect((await carol.open()).ready.calls).toEqual(calls.slice(1));

      clock.advance(60_000);
      expect((await bob.open()).ready.calls).toEqual([]);
    });
  });

  describe('what cannot be recovered whole is not recovered at all:', () => {
    /** Opens bob's socket with a cursor that must not be honoured: it stands at the end, and goes on live from there. */
    async function expectLost(alice: Person, bob: Person, after: string, reason: string): Promise<void> {
      const back = await bob.open({ variables: { deviceId: 'phone', after } });
      expect(back.ready).toMatchObject({ recovered: false, reason });
      const { signalId } = await alice.message({ target: { uid: 'bob' } });
      const live = await back.next();
      expect(live).toMatchObject({ id: signalId });
      expect(numberOf(live)).toBeGreaterThan(numberOf(back.ready));
      back.close();
    }

    test('EPOCH for a cursor of another log, and for one beyond the end', async () => {
      const { url } = await startService({ engine });
      const [alice, bob] = [await person(url, 'alice'), await person(url, 'bob')];
      const { ready } = await bob.open();

      await expectLost(alice, bob, `0123456789ab:${numberOf(ready)}`, 'EPOCH');
      await expectLost(alice, bob, '0:0', 'EPOCH');
      await expectLost(alice, bob, moved(ready, 60_000_000), 'EPOCH');
    });

    test('WINDOW for a cursor older than 24 hours', async () => {
      const { url } = await startService({ engine });
      const [alice, bob] = [await person(url, 'alice'), await person(url, 'bob')];
      const { ready } = await bob.open();
      const { signalId } = await alice.message({ target: { uid: 'bob' } });

      // The log began after both: the younger one can be proven whole, of the older one nothing is known any more.
      const back = await bob.open({ variables: { after: moved(ready, -24 * hours * 1000 + 60_000_000) } });
      expect(back.ready).toMatchObject({ recovered: true });
      expect(await back.next()).toMatchObject({ id: signalId });
      await expectLost(alice, bob, moved(ready, -24 * hours * 1000 - 60_000_000), 'WINDOW');
    });

    test('TRIMMED when a topic has dropped what follows, TOO_MUCH when it is more than 1,000 signals', async () => {
      const { url } = await startService({ engine });
      const [alice, bob] = [await person(url, 'alice'), await person(url, 'bob')];
      const live = await bob.open();
      const replay = async (after: string) => {
        const back = await bob.open({ variables: { after } });
        expect(back.ready).toMatchObject({ recovered: true, cursor: after });
        return take(back, 1000);
      };

      // One more than a topic keeps.
      await times(1001, () => alice.message({ target: { uid: 'bob' } }));
      const signals = await take(live, 1001);
      expect(await replay(signals[0].cursor)).toEqual(signals.slice(1));
      await expectLost(alice, bob, live.ready.cursor, 'TRIMMED');

      // That sent another one. With one of another topic, the thousand after the second are too many.
      signals.push(await live.next());
      expect(await replay(signals[1].cursor)).toEqual(signals.slice(2));
      await alice.message({ target: { hubId: 'team' } });
      signals.push(await live.next());
      expect(await replay(signals[2].cursor)).toEqual(signals.slice(3));
      await expectLost(alice, bob, signals[1].cursor, 'TOO_MUCH');
    });

    test('TRIMMED when a topic has been idle so long that it was forgotten, if anything lay behind the cursor', async () => {
      const clock = manualClock();
      const prefix = randomPrefix();
      const { url } = await startService({ engine, prefix, overrides: { clock } });
      const [alice, bob] = [await person(url, 'alice'), await person(url, 'bob')];
      const live = await bob.open();
      await alice.message({ target: { hubId: 'team' } });
      const last = await live.next();

      // Two minutes; those of Redis cannot be moved, so that its key is ended here.
      clock.advance(2 * 60_000);
      if (engine === 'redis') await connectRedis().pexpire(createKeys(prefix).entries('hub:team'), -1);

      const whole = await bob.open({ variables: { after: last.cursor } });
      expect(whole.ready).toMatchObject({ recovered: true, cursor: last.cursor });
      await expectLost(alice, bob, live.ready.cursor, 'TRIMMED');
    });
  });
});
