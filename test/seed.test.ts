import { Redis } from 'ioredis';
import { describe, expect, inject, onTestFinished, test, vi } from 'vitest';
import { createMemoryBus } from '../src/memory/bus.ts';
import { createMemoryStore } from '../src/memory/store.ts';
import { createKeys } from '../src/redis/keys.ts';
import type { Identity } from '../src/signaling/caller.ts';
import { defaultLimits } from '../src/signaling/limits.ts';
import { holds, permissions, privilegeLevels, privilegeUpTo } from '../src/signaling/permission.ts';
import { createSignaling } from '../src/signaling/signaling.ts';
import { documents, post } from './support/api.ts';
import { manualClock } from './support/clock.ts';
import { idsOf, type Person, type PersonalListener, person } from './support/person.ts';
import { engines, randomPrefix, startService } from './support/service.ts';

/*
 * What the system that we come from does, sentence by sentence: each test's name is such a sentence. Where ours differs
 * on purpose, the name goes on to say how.
 */

const toBob = { target: { uid: 'bob' }, roomId: 'room-1', roomType: 'video' };

async function aliceAndBob(url: string): Promise<[Person, Person]> {
  return [
    await person(url, 'alice', { lastname: 'Archer', email: 'alice@example.com' }),
    await person(url, 'bob'),
  ];
}

const historyDocument = '{ callHistory { edges { node { peer caller direction status duration reason } } } }';

async function historyOf(someone: Person) {
  const { callHistory } = await someone.ask(historyDocument);
  return callHistory.edges.map(({ node }: { node: object }) => node);
}

describe.each(engines)('on %s', (engine) => {
  describe('identity', () => {
    test('every signal carries `origin`: the caller’s own `origin` input with `uid, firstname, lastname, fullname, email` written over it from the session', async () => {
      const { url } = await startService({ engine });
      const [alice, bob] = await aliceAndBob(url);
      const [own, ear] = [await alice.open(), await bob.open()];
      const { socketId } = own.ready;
      await alice.notify({ recipients: ['team'], socketId });
      await alice.message({ target: { uid: 'bob' }, origin: { socketId, streamId: 'camera' } });
      await alice.message({ target: { uid: 'bob' }, role: 'CALLER', type: 'cancel' });
      await alice.dial(toBob);
      const signals = await ear.heard();
      const identity = {
        uid: 'alice',
        firstname: 'Alice',
        lastname: 'Archer',
        fullname: 'Alice Example',
        email: 'alice@example.com',
      };
      expect(signals.map(({ __typename, origin }) => ({ __typename, ...origin }))).toEqual(
        [
          { __typename: 'HubNotification', socketId, streamId: null },
          { __typename: 'PeerMessage', socketId, streamId: 'camera' },
          { __typename: 'PeerMessage', socketId: null, streamId: null },
          { __typename: 'CallLogged', socketId: null, streamId: null },
          { __typename: 'IncomingCall', socketId: null, streamId: null },
        ].map((origin) => ({ ident: 'alice@example.org', ...identity, ...origin })),
      );
    });

    test('`origin.socket_id` is whatever the client sent - here it is an open socket of the sender’s, or refused', async () => {
      const { url } = await startService({ engine });
      const [alice, bob] = await aliceAndBob(url);
      const { ready } = await bob.open();
      for (const socketId of [ready.socketId, 'whatever']) {
        const input = { target: { uid: 'bob' }, origin: { socketId } };
        expect(await alice.refused('message', input)).toMatchObject({ field: 'input.origin.socketId' });
      }
    });
  });

  describe('scope', () => {
    test('`target.socket_id` or `target.stream_id` → `socket`; else `target.hub_id` → `scope` input or `hub`; else `target.uid` → `user`', async () => {
      const { url } = await startService({ engine });
      const [alice] = await aliceAndBob(url);
      const scopeOf = async (target: object, scope?: string) =>
        (await alice.message({ target, ...(scope && { scope }) })).scope;
      const [hubId, uid] = ['team', 'bob'];
      expect(await scopeOf({ socketId: 's', hubId, uid })).toBe('SOCKET');
      expect(await scopeOf({ streamId: 's', hubId, uid })).toBe('SOCKET');
      expect(await scopeOf({ hubId, uid })).toBe('HUB');
      expect(await scopeOf({ hubId, uid }, 'ONLINE_MEMBERS')).toBe('ONLINE_MEMBERS');
      expect(await scopeOf({ uid })).toBe('USER');
    });

    test('known scopes: `socket`, `hub`, `online-members`, `user`', async () => {
      const { url } = await startService({ engine });
      const [alice] = await aliceAndBob(url);
      const { __type } = await alice.ask('{ __type(name: "Scope") { enumValues { name } } }');
      const names = __type.enumValues.map(({ name }: { name: string }) => name);
      expect(names).toEqual(['SOCKET', 'HUB', 'ONLINE_MEMBERS', 'USER']);
    });
  });

  describe('notify', () => {
    test('for each hub id in `recipients`: every active socket of every user who holds a permission on that hub, minus the socket ids in `[socket_id]`, gets the whole input as payload - here the permission is READ', async () => {
      const { url } = await startService({ engine });
      const hubs = { team: 'read', a: 'read', b: 'read' };
      const alice = await person(url, 'alice', { hubs });
      const own = await alice.open();
      const listeners = [
        await alice.open(),
        await (await person(url, 'bob', { hubs: { a: 'read' } })).open(),
        await (await person(url, 'bob', { hubs: { a: 'read' } })).open(),
        await (await person(url, 'carol', { hubs: { b: 'owner' } })).open(),
      ];
      const guest = await (await person(url, 'guest', { hubs: { a: 'guest', team: 'read' } })).open();
      const input = {
        recipients: ['a', 'b'],
        socketId: own.ready.socketId,
        type: 'told',
        payload: { x: [1] },
      };
      await alice.notify(input);
      const { socketId: _, ...whole } = input;
      for (const listener of listeners) expect(await listener.heard()).toMatchObject([whole]);
      expect(await own.heard()).toEqual([]);
      expect(await guest.heard()).toEqual([]);
    });

    test('answers with the input', async () => {
      const { url } = await startService({ engine });
      const [alice] = await aliceAndBob(url);
      const { ready } = await alice.open();
      const input = { recipients: ['team'], socketId: ready.socketId, type: 'told', payload: { x: [1] } };
      expect((await alice.notify(input)).input).toMatchObject(input);
    });
  });

  describe('message', () => {
    test('hub scope: like `notify` on the request’s hub, minus `origin.socket_id` - here on the target’s hub', async () => {
      const { url } = await startService({ engine });
      const [alice, bob] = await aliceAndBob(url);
      const [own, otherTab, ear] = [await alice.open(), await alice.open(), await bob.open()];
      const origin = { socketId: own.ready.socketId };
      const { signalId } = await alice.message({ target: { hubId: 'team' }, origin });
      expect(idsOf(await otherTab.heard())).toEqual([signalId]);
      expect(idsOf(await ear.heard())).toEqual([signalId]);
      expect(await own.heard()).toEqual([]);
      expect(await alice.refused('message', { target: { hubId: 'elsewhere' }, origin })).toMatchObject({
        code: 'FORBIDDEN',
      });
    });

    test('user scope: every active socket of `target.uid`', async () => {
      const { url } = await startService({ engine });
      const [alice, bob] = await aliceAndBob(url);
      const sockets = [await bob.open(), await bob.open()];
      const { signalId } = await alice.message({ target: { uid: 'bob' } });
      for (const socket of sockets) expect(idsOf(await socket.heard())).toEqual([signalId]);
    });

    test('socket scope: that one socket, and nothing is sent when it is the origin’s own - here that is refused', async () => {
      const { url } = await startService({ engine });
      const [alice, bob] = await aliceAndBob(url);
      const [own, one, other] = [await alice.open(), await bob.open(), await bob.open()];
      const { signalId } = await alice.message({ target: { socketId: one.ready.socketId } });
      expect(idsOf(await one.heard())).toEqual([signalId]);
      expect(await other.heard()).toEqual([]);
      const { socketId } = own.ready;
      expect(await alice.refused('message', { target: { socketId }, origin: { socketId } })).toMatchObject({
        code: 'BAD_USER_INPUT',
        field: 'input.target.socketId',
      });
      expect(await own.heard()).toEqual([]);
    });

    test('an empty target sends nothing - here it is refused', async () => {
      const { url } = await startService({ engine });
      const [alice, bob] = await aliceAndBob(url);
      const ear = await bob.open();
      for (const input of [{}, { target: null }, { target: {} }]) {
        expect(await alice.refused('message', input)).toMatchObject({
          code: 'BAD_USER_INPUT',
          field: 'input.target',
        });
      }
      expect(await ear.heard()).toEqual([]);
    });

    test('answers with the input', async () => {
      const { url } = await startService({ engine });
      const [alice] = await aliceAndBob(url);
      const input = { target: { uid: 'bob' }, type: 'offer', role: 'CALLER', duration: 3, payload: { x: 1 } };
      expect((await alice.message(input)).input).toMatchObject(input);
    });
  });

  describe('call log', () => {
    test('only when `role` is `caller` and `type` is exactly `cancel`, `leave` or `reject`', async () => {
      const { url } = await startService({ engine });
      const [alice] = await aliceAndBob(url);
      const writes = async (input: object) => {
        const before = (await historyOf(alice)).length;
        await alice.message({ target: { uid: 'bob' }, ...input });
        return (await historyOf(alice)).length - before;
      };
      for (const type of ['cancel', 'leave', 'reject']) {
        expect(await writes({ role: 'CALLER', type })).toBe(1);
        expect(await writes({ role: 'CALLEE', type })).toBe(0);
        expect(await writes({ type })).toBe(0);
      }
      for (const type of ['Cancel', 'cancelled', 'busy', 'constructor', '__proto__', null]) {
        expect(await writes({ role: 'CALLER', type })).toBe(0);
      }
      expect(await writes({ role: 'CALLER', type: 'leave', target: { hubId: 'team' } })).toBe(0);
    });

    test('one row in the chat history between caller and `target.uid` with `{message_type: "call", call_status: type, duration, role: "caller", caller_id}`', async () => {
      const { url } = await startService({ engine });
      const [alice, bob] = await aliceAndBob(url);
      await bob.open();
      await alice.message({ target: { uid: 'bob' }, role: 'CALLER', type: 'leave', duration: 42 });
      const row = { caller: 'alice', status: 'leave', reason: 'HANGUP', duration: 42 };
      expect(await historyOf(alice)).toEqual([{ ...row, peer: 'bob', direction: 'OUTGOING' }]);
      expect(await historyOf(bob)).toEqual([{ ...row, peer: 'alice', direction: 'INCOMING' }]);
    });

    test('both parties’ sockets are then pushed that row (`chat.post`), each with the other as `peer_id`', async () => {
      const { url } = await startService({ engine });
      const [alice, bob] = await aliceAndBob(url);
      const kinds = { variables: { kinds: ['CALL_LOGGED', 'PEER_MESSAGE'] } };
      const [alices, bobs] = [
        [await alice.open(kinds), await alice.open(kinds)],
        [await bob.open(kinds), await bob.open(kinds)],
      ];
      await alice.message({ target: { uid: 'bob' }, role: 'CALLER', type: 'reject', duration: 7 });
      const record = { caller: 'alice', status: 'reject', reason: 'DECLINED', duration: 7, hubId: 'team' };
      for (const socket of alices) {
        expect(await socket.heard()).toMatchObject([{ record: { ...record, peer: 'bob' } }]);
      }
      for (const socket of bobs) {
        expect(await socket.heard()).toMatchObject([
          { __typename: 'PeerMessage', type: 'reject' },
          { __typename: 'CallLogged', record: { ...record, peer: 'alice' } },
        ]);
      }
    });
  });

  describe('dial', () => {
    test('refuses when `target.uid` is the caller’s uid **or ident**', async () => {
      const { url } = await startService({ engine });
      const [alice] = await aliceAndBob(url);
      for (const uid of ['alice', 'alice@example.org']) {
        expect(await alice.refused('dial', { ...toBob, target: { uid } })).toMatchObject({
          message: 'Self calling is not allowed',
        });
      }
    });

    test('no active socket: `{offline: 1}` - here with a call that has ended already', async () => {
      const { url } = await startService({ engine });
      const [alice] = await aliceAndBob(url);
      expect(await alice.dial(toBob)).toMatchObject({
        offline: true,
        call: { state: 'ENDED', reason: 'UNREACHABLE', legs: 0 },
      });
    });

    test('otherwise, for each socket of the target one room invite `{user_id, type: room_type, room_id, role: "listener", device_id, socket_id}` (which also grants permission 3 on the room for 24 hours), then `{message: "INCOMING_CALL", hub_id: caller uid, name: caller’s firstname, nid: room_id, room_id, room_type}` to all of them', async () => {
      const clock = manualClock();
      const { url } = await startService({ engine, overrides: { clock } });
      const [alice, bob] = await aliceAndBob(url);
      const server = await person(url, 'server', { admin: true });
      const sockets = [
        await bob.open({ variables: { deviceId: 'phone' } }),
        await bob.open({ variables: { deviceId: 'tablet' } }),
        await bob.open(),
      ];
      await alice.dial(toBob);
      for (const socket of sockets) {
        expect(await socket.heard()).toMatchObject([
          {
            message: 'INCOMING_CALL',
            hub_id: 'alice',
            name: 'Alice',
            nid: 'room-1',
            roomId: 'room-1',
            roomType: 'video',
            role: 'LISTENER',
          },
        ]);
      }
      const { roomAccess } = await server.ask(
        '{ roomAccess(roomId: "room-1", uid: "bob") { privilege expiresAt } }',
      );
      const tomorrow = new Date(clock.now() + 24 * 60 * 60 * 1000).toISOString();
      expect(roomAccess).toEqual({ privilege: 3, expiresAt: tomorrow });
    });

    test('answers with the input plus `origin` and `target`', async () => {
      const { url } = await startService({ engine });
      const [alice] = await aliceAndBob(url);
      expect((await alice.dial({ ...toBob, deviceId: 'desk' })).input).toMatchObject({
        ...toBob,
        deviceId: 'desk',
        origin: { uid: 'alice', firstname: 'Alice', lastname: 'Archer', email: 'alice@example.com' },
      });
    });
  });

  describe('delivery', () => {
    test('at most once; nothing is kept - here signals are kept, and replayed to who comes back', async () => {
      const { url } = await startService({ engine });
      const [alice, bob] = await aliceAndBob(url);
      const before = await bob.open();
      const { signalId } = await alice.message({ target: { uid: 'bob' } });
      expect(idsOf(await before.heard())).toEqual([signalId]);
      await before.leave();
      const again = await bob.open({ variables: { after: before.ready.cursor, kinds: ['PEER_MESSAGE'] } });
      expect((await again.next()).id).toBe(signalId);
    });
  });

  describe('permission', () => {
    test('`scope: hub`, `src: read`: before the service runs, the caller’s privilege word on the request’s hub must hold the bit', async () => {
      const { url } = await startService({ engine });
      const levels = { none: 0, guest: 1, bare: 2, read: 3, write: 15, unread: 61 };
      const alice = await person(url, 'alice', { hubs: levels });
      const own = await alice.open();
      const inputs = {
        notify: { recipients: ['read'], socketId: own.ready.socketId },
        message: { target: { uid: 'bob' } },
        dial: toBob,
      };
      for (const mutation of ['notify', 'message', 'dial'] as const) {
        for (const hubId of ['none', 'guest', 'unread', 'unknown']) {
          expect(await alice.refused(mutation, inputs[mutation], hubId)).toMatchObject({
            code: 'FORBIDDEN',
            field: 'hubId',
          });
        }
        for (const hubId of ['bare', 'read', 'write']) {
          expect(await alice.in(hubId)[mutation](inputs[mutation])).toMatchObject({
            input: inputs[mutation],
          });
        }
      }
    });
  });

  describe('HTTP', () => {
    test('`POST /-/svc/<module>.<method>`, parameters in snake_case in a JSON body, the hub in `hub_id` - here one path, `/graphql`, and the hub in `hubId`', async () => {
      const { url } = await startService({ engine });
      const response = await fetch(`${url}/-/svc/signaling.dial`, { method: 'POST', body: '{}' });
      expect(response.status).toBe(404);
      const alice = await person(url, 'alice');
      const { status, data } = await post(url, alice.token, documents.dial, { hubId: 'team', input: toBob });
      expect({ status, data }).toMatchObject({ status: 200, data: { dial: { call: { hubId: 'team' } } } });
    });

    test('answer: `{"__ack__": "signaling.dial", "__status__": "...", "__expiry__": ..., "__timestamp__": ms, "data": {...}}` - here `{"data": {"dial": {...}}}`, and the signal itself carries `service` and `sentAt`', async () => {
      const { url } = await startService({ engine });
      const [alice, bob] = await aliceAndBob(url);
      const ear = await bob.open();
      const { data } = await post(url, alice.token, documents.dial, { hubId: 'team', input: toBob });
      expect(Object.keys(data)).toEqual(['dial']);
      const [ring] = await ear.heard();
      expect(ring).toMatchObject({ service: 'signaling.dial', id: data.dial.signalId });
      expect(Math.abs(Date.parse(ring.sentAt) - Date.now())).toBeLessThan(60_000);
    });

    test('an error answers with its HTTP status and `error` (text or code), `reason`, `error_code` and `status` beside those keys - here with `errors`, each with its message, its path and `extensions`', async () => {
      const { url } = await startService({ engine });
      const alice = await person(url, 'alice');
      const self = { hubId: 'team', input: { ...toBob, target: { uid: 'alice' } } };
      const { errors } = await post(url, alice.token, documents.dial, self);
      expect(errors).toMatchObject([
        {
          message: 'Self calling is not allowed',
          path: ['dial'],
          extensions: { code: 'BAD_USER_INPUT', retryable: false, field: 'input.target.uid' },
        },
      ]);
    });

    test('user errors are 400, no session 401, missing permission 403 - here `extensions.code` says which', async () => {
      const { url } = await startService({ engine });
      const alice = await person(url, 'alice');
      const self = { hubId: 'team', input: { ...toBob, target: { uid: 'alice' } } };
      const answers = [
        await post(url, alice.token, documents.dial, self),
        await post(url, undefined, documents.dial, self),
        await post(url, alice.token, documents.dial, { ...self, hubId: 'elsewhere' }),
      ];
      const codes = answers.map(({ errors }) => errors?.map(({ extensions }) => extensions['code']));
      expect(codes).toEqual([['BAD_USER_INPUT'], ['UNAUTHENTICATED'], ['FORBIDDEN']]);
    });
  });

  describe('clients', () => {
    const words = [
      'offer',
      'answer',
      'candidate',
      'pickup',
      'accept',
      'cancel',
      'reject',
      'leave',
      'busy',
      'linkup',
    ];

    test('message types seen in its web client: `offer`, `answer`, `candidate`, `pickup`, `accept`, `cancel`, `reject`, `leave`, `busy`, `linkup`', async () => {
      const { url } = await startService({ engine });
      const [alice, bob] = await aliceAndBob(url);
      const ear = await bob.open();
      for (const type of words) await alice.message({ target: { socketId: ear.ready.socketId }, type });
      expect((await ear.heard()).map(({ type }) => type)).toEqual(words);
    });

    /** Bob's phone and tablet, which Alice calls. */
    async function ringing(url: string) {
      const [alice, bob] = await aliceAndBob(url);
      const phone = await bob.open({ variables: { deviceId: 'phone', deviceLabel: 'Phone' } });
      const tablet = await bob.open({ variables: { deviceId: 'tablet' } });
      const { call, signalId } = await alice.dial(toBob);
      for (const socket of [phone, tablet]) expect(await socket.next()).toMatchObject({ id: signalId });
      return { alice, bob, phone, tablet, callId: call.id as string };
    }

    test.each([
      ['pickup', 'bob', { state: 'ACCEPTED', reason: null }],
      ['reject', 'bob', { state: 'ENDED', reason: 'DECLINED' }],
      ['cancel', 'alice', { state: 'ENDED', reason: 'CANCELLED' }],
    ])(
      '`pickup`, `cancel` and `reject` stop the ringing on the other devices - here %s by %s is what happens to the call, and all devices are told of it',
      async (type, by, after) => {
        const { url } = await startService({ engine });
        const { alice, bob, phone, tablet, callId } = await ringing(url);
        const [sender, origin] =
          by === 'bob' ? [bob, { socketId: phone.ready.socketId }] : [alice, undefined];

        const answer = await sender.message({ target: { uid: 'bob' }, origin, type, callId });

        expect(answer.call).toMatchObject({ id: callId, ...after });
        const logged = after.reason
          ? [{ __typename: 'CallLogged', record: { callId, reason: after.reason } }]
          : [];
        for (const socket of [phone, tablet]) {
          expect(await socket.heard()).toMatchObject([
            { __typename: 'PeerMessage', id: answer.signalId, type, callId },
            { __typename: 'CallUpdated', service: 'signaling.message', call: { id: callId, ...after } },
            ...logged,
          ]);
        }
      },
    );

    test('`reject` on one device after `pickup` on another - here it changes nothing, and nobody hears of it', async () => {
      const { url } = await startService({ engine });
      const { alice, bob, phone, tablet, callId } = await ringing(url);
      const say = (socket: PersonalListener, type: string) =>
        bob.message({ target: { uid: 'alice' }, origin: { socketId: socket.ready.socketId }, type, callId });
      const own = await alice.open({ variables: { kinds: ['PEER_MESSAGE', 'CALL_UPDATED'] } });
      expect(await own.heard()).toEqual([]);

      const { signalId } = await say(phone, 'pickup');
      const late = await say(tablet, 'reject');

      expect(late.call).toMatchObject({ id: callId, state: 'ACCEPTED', rev: 2 });
      expect(await own.heard()).toMatchObject([
        { id: signalId, type: 'pickup' },
        { change: 'ACCEPTED', call: { id: callId } },
      ]);
      await alice.message({ target: { uid: 'bob' }, type: 'leave', callId });
      expect(await historyOf(bob)).toMatchObject([{ peer: 'alice', status: 'leave', reason: 'HANGUP' }]);
    });
  });

  describe('known weaknesses', () => {
    test('nothing decides between two devices that both accept - here one has the call, and the other is told which', async () => {
      const { url } = await startService({ engine });
      const [alice, bob] = await aliceAndBob(url);
      const phone = await bob.open({ variables: { deviceId: 'phone', deviceLabel: 'Phone' } });
      const tablet = await bob.open({ variables: { deviceId: 'tablet', deviceLabel: 'Tablet' } });
      const { call } = await alice.dial(toBob);

      const answers = await Promise.all([
        bob.accept(call.id, phone.ready.socketId),
        bob.accept(call.id, tablet.ready.socketId),
      ]);

      const [winner, other] = answers[0].__typename === 'Accepted' ? [phone, tablet] : [tablet, phone];
      expect(answers.map(({ __typename }) => __typename).sort()).toEqual(['Accepted', 'AnsweredElsewhere']);
      const { deviceId, socketId } = winner.ready;
      const device = { deviceId, deviceLabel: deviceId === 'phone' ? 'Phone' : 'Tablet', socketId };
      expect(answers.find(({ __typename }) => __typename === 'AnsweredElsewhere')).toMatchObject({ device });
      await other.nextOf('IncomingCall');
      expect(await other.heard()).toMatchObject([{ __typename: 'CallUpdated', change: 'ACCEPTED', device }]);
    });

    test('the sender’s socket id can be forged - not here', async () => {
      const { url } = await startService({ engine });
      const [alice, bob] = await aliceAndBob(url);
      const ear = await bob.open();
      const { socketId } = ear.ready;
      const forged = [
        await alice.refused('notify', { recipients: ['team'], socketId }),
        await alice.refused('message', { target: { hubId: 'team' }, origin: { socketId } }),
      ];
      expect(forged.map(({ code }) => code)).toEqual(['BAD_USER_INPUT', 'BAD_USER_INPUT']);
      expect(await ear.heard()).toEqual([]);
    });

    test('the target is never checked against the hub - here it is', async () => {
      const { url } = await startService({ engine });
      const alice = await person(url, 'alice');
      const eve = await person(url, 'eve', { hubs: { elsewhere: 'owner' } });
      const ear = await eve.open();
      const { socketId } = ear.ready;
      const answers = [
        await alice.dial({ ...toBob, target: { uid: 'eve' } }),
        await alice.message({ target: { uid: 'eve' } }),
        await alice.message({ target: { socketId } }),
      ];
      expect(answers.map(({ offline }) => offline)).toEqual([true, true, true]);
      const elsewhere = { hubId: 'elsewhere' };
      expect(await alice.refused('message', { target: elsewhere })).toMatchObject({ code: 'FORBIDDEN' });
      expect(await ear.heard()).toEqual([]);
    });

    test('no ring timeout - here a call ends by itself', async () => {
      const clock = manualClock();
      const { url } = await startService({ engine, overrides: { clock } });
      const [alice, bob] = await aliceAndBob(url);
      await bob.open();
      const { call } = await alice.dial(toBob);
      clock.advance(60_000);
      await vi.waitFor(async () => {
        const ended = await alice.ask(`{ call(callId: "${call.id}") { state reason } }`);
        expect(ended.call).toEqual({ state: 'ENDED', reason: 'NO_ANSWER' });
      });
    });

    test('a signal sent while a device reconnects is lost in silence - not here', async () => {
      const { url } = await startService({ engine });
      const [alice, bob] = await aliceAndBob(url);
      const own = await alice.open();
      const before = await bob.open({ variables: { deviceId: 'phone' } });
      await before.leave();
      const sent = [
        await alice.message({ target: { uid: 'bob' } }),
        await alice.notify({ recipients: ['team'], socketId: own.ready.socketId }),
      ];
      const after = await bob.open({ variables: { deviceId: 'phone', after: before.ready.cursor } });
      expect(after.ready.recovered).toBe(true);
      expect(idsOf(await after.heard())).toEqual(sent.map(({ signalId }) => signalId));
    });

    test('the room permission outlives a cancelled call - here it ends with the call', async () => {
      const { url } = await startService({ engine });
      const [alice, bob] = await aliceAndBob(url);
      const server = await person(url, 'server', { admin: true });
      const privilege = async () =>
        (await server.ask('{ roomAccess(roomId: "room-1", uid: "bob") { privilege } }')).roomAccess.privilege;
      await bob.open();
      await alice.dial(toBob);
      expect(await privilege()).toBe(3);
      await alice.message({ target: { uid: 'bob' }, role: 'CALLER', type: 'cancel' });
      expect(await privilege()).toBe(0);
    });
  });
});

describe('delivery on Redis', () => {
  /** Every message that is published in one installation, by its channel. */
  async function eavesdrop(prefix: string): Promise<string[]> {
    const redis = new Redis(inject('redisUrl'));
    onTestFinished(() => redis.disconnect());
    const channels: string[] = [];
    await redis.psubscribe(`{${prefix}}:*`);
    redis.on('pmessage', (_, channel: string) => channels.push(channel));
    return channels;
  }

  test('one PUBLISH **per socket**, awaited one after the other - here one for each user or hub that is told', async () => {
    const prefix = randomPrefix();
    const { url } = await startService({ engine: 'redis', prefix });
    const [alice, bob] = await aliceAndBob(url);
    const own = await alice.open();
    const sockets = [];
    for (let i = 0; i < 5; i++) sockets.push(await bob.open());
    const published = await eavesdrop(prefix);
    const { channel } = createKeys(prefix);
    await alice.notify({ recipients: ['team'], socketId: own.ready.socketId });
    await alice.message({ target: { uid: 'bob' } });
    await alice.dial(toBob);
    for (const socket of sockets) {
      for (let i = 0; i < 3; i++) await socket.next();
    }
    expect(published).toEqual([channel('hub:team'), channel('user:bob'), channel('user:bob')]);
  });

  test('one Redis channel for the whole installation; every node receives every message for every socket and drops those that are not its own - here a node subscribes to what its sockets listen to', async () => {
    const prefix = randomPrefix();
    const [a, b] = [
      await startService({ engine: 'redis', prefix }),
      await startService({ engine: 'redis', prefix }),
    ];
    const redis = new Redis(inject('redisUrl'));
    onTestFinished(() => redis.disconnect());
    const alice = await person(a.url, 'alice', { hubs: { team: 'read', a: 'read' } });
    const bob = await person(b.url, 'bob', { hubs: { team: 'read', b: 'read' } });
    await Promise.all([alice.open(), bob.open()]);
    const { channel } = createKeys(prefix);
    const names = ['user:alice', 'hub:a', 'user:bob', 'hub:b', 'hub:team'] as const;
    const counts = await redis.pubsub('NUMSUB', ...names.map(channel));
    expect(counts).toEqual(names.flatMap((name) => [channel(name), name === 'hub:team' ? 2 : 1]));
    expect([a.stats().topics, b.stats().topics]).toEqual([3, 3]);
  });

  test('the call log, whose failure never fails the message', async () => {
    const prefix = randomPrefix();
    const { url } = await startService({ engine: 'redis', prefix });
    const [alice, bob] = await aliceAndBob(url);
    const ear = await bob.open();
    const redis = new Redis(inject('redisUrl'));
    onTestFinished(() => redis.disconnect());
    // What is stored under the history's name is no list: nothing can be added to it.
    await redis.set(createKeys(prefix).list('history:alice'), 'no list');
    const answer = await alice.message({ target: { uid: 'bob' }, role: 'CALLER', type: 'cancel' });
    expect(answer).toMatchObject({ scope: 'USER', offline: false });
    expect((await ear.next()).id).toBe(answer.signalId);
    expect(await historyOf(bob)).toEqual([]);
  });
});

describe('in memory', () => {
  test('the call log, whose failure never fails the message', async () => {
    const clock = manualClock();
    const bus = createMemoryBus();
    const memory = createMemoryStore(clock, bus.publish);
    const warnings: unknown[] = [];
    const log = {
      debug() {},
      info() {},
      error() {},
      warn: (...words: unknown[]) => void warnings.push(words),
    };
    const signaling = createSignaling({
      bus,
      clock,
      log,
      limits: defaultLimits,
      store: {
        ...memory,
        commit: async (change) => {
          if (change.rows?.length) throw new Error('the history is full');
          return memory.commit(change);
        },
      },
    });
    const alice = await signaling.caller(identityOf('alice'));
    const answer = await signaling.message(alice, 'team', {
      target: { uid: 'alice' },
      role: 'CALLER',
      type: 'cancel',
    });
    expect(answer).toMatchObject({ scope: 'USER', type: 'cancel' });
    expect(await memory.entries('user:alice', 0)).toHaveLength(1);
    expect(warnings).toHaveLength(1);
    await signaling.stop();
  });

  function identityOf(uid: string): Identity {
    const profile = { ident: null, firstname: null, lastname: null, fullname: null, email: null };
    const hubs = new Map([['team', 3]]);
    return {
      uid,
      ...profile,
      hubs,
      busy: 'waiting',
      admin: false,
      issuedAt: 0,
      expiresAt: Number.MAX_SAFE_INTEGER,
    };
  }
});

describe('permission bits', () => {
  test('permission bits: anonymous 1, read 2, download 4, write 8, admin 16, owner 32', () => {
    expect(permissions).toEqual({ ANONYMOUS: 1, READ: 2, DOWNLOAD: 4, WRITE: 8, ADMIN: 16, OWNER: 32 });
  });

  test('a privilege word holds all bits up to its level: guest 1, read 3, download 7, write 15, admin 31, owner 63', () => {
    expect(privilegeLevels).toEqual({ guest: 1, read: 3, download: 7, write: 15, admin: 31, owner: 63 });
    const names = Object.keys(permissions) as (keyof typeof permissions)[];
    expect(names.map(privilegeUpTo)).toEqual(Object.values(privilegeLevels));
    for (const [level, word] of Object.values(privilegeLevels).entries()) {
      expect(names.map((name) => holds(word, name))).toEqual(names.map((_, i) => i <= level));
    }
  });
});
