import { describe, expect, test, vi } from 'vitest';
import { transports } from './support/listen.ts';
import { idsOf, person } from './support/person.ts';
import { engines, startService } from './support/service.ts';

describe.each(engines)('notify on %s', (engine) => {
  describe.each(transports)('over %s', (transport) => {
    test('every socket of everyone who belongs to a recipient hub receives the whole input, once', async () => {
      const { url } = await startService({ engine });
      const alice = await person(url, 'alice');
      const bob = await person(url, 'bob', { hubs: { team: 'read' } });
      const carol = await person(url, 'carol', { hubs: { elsewhere: 'owner' } });
      const guest = await person(url, 'guest', { hubs: { team: 'guest', lobby: 'read' } });
      const tab = await alice.open({ transport });
      const [phone, tablet, outside, visitor] = await Promise.all([
        bob.open({ transport, variables: { deviceId: 'phone' } }),
        bob.open({ transport, variables: { deviceId: 'tablet' } }),
        carol.open({ transport }),
        guest.open({ transport }),
      ]);

      const { signalId } = await alice.notify({
        recipients: ['team'],
        socketId: tab.ready.socketId,
        type: 'door.opened',
        payload: { door: 7, by: ['a', null] },
      });

      const [signal, ...others] = await phone.heard();
      expect(signal).toEqual({
        __typename: 'HubNotification',
        id: signalId,
        cursor: expect.stringMatching(/^[0-9a-f]+:\d+$/),
        service: 'signaling.notify',
        sentAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        hubId: 'team',
        origin: {
          uid: 'alice',
          ident: 'alice@example.org',
          firstname: 'Alice',
          lastname: null,
          fullname: 'Alice Example',
          email: null,
          socketId: tab.ready.socketId,
          streamId: null,
        },
        type: 'door.opened',
        payload: { door: 7, by: ['a', null] },
        recipients: ['team'],
      });
      expect(others).toEqual([]);
      expect(await tablet.heard()).toEqual([signal]);
      expect(await outside.heard()).toEqual([]);
      expect(await visitor.heard()).toEqual([]);
    });

    test('the named socket receives nothing; its owner’s other tabs and devices do', async () => {
      const { url } = await startService({ engine });
      const alice = await person(url, 'alice');
      const tab = await alice.open({ transport, variables: { deviceId: 'desk' } });
      const otherTab = await alice.open({ transport, variables: { deviceId: 'desk' } });
      const phone = await alice.open({ transport, variables: { deviceId: 'phone' } });
      const { signalId } = await alice.notify({ recipients: ['team'], socketId: tab.ready.socketId });
      expect(await tab.heard()).toEqual([]);
      expect(idsOf(await otherTab.heard())).toEqual([signalId]);
      expect(idsOf(await phone.heard())).toEqual([signalId]);
    });

    test('a socket in several recipient hubs is reached once, whichever of them it listens to', async () => {
      const { url } = await startService({ engine });
      const hubs = { team: 'read', a: 'read', b: 'read', c: 'read' };
      const alice = await person(url, 'alice', { hubs });
      const bob = await person(url, 'bob', { hubs });
      const tab = await alice.open({ transport });
      const sockets = await Promise.all([
        bob.open({ transport }),
        bob.open({ transport, variables: { hubIds: ['b', 'team'] } }),
        bob.open({ transport, variables: { hubIds: ['c', 'team'] } }),
        bob.open({ transport, variables: { hubIds: ['c', 'b', 'team'] } }),
      ]);
      const none = await bob.open({ transport, variables: { hubIds: ['team'] } });
      const { signalId } = await alice.notify({ recipients: ['a', 'b', 'c'], socketId: tab.ready.socketId });
      for (const socket of sockets) expect(idsOf(await socket.heard())).toEqual([signalId]);
      expect(await none.heard()).toEqual([]);
    });

    test('a replay reaches a socket in several recipient hubs once, too, and leaves out the named one’s device', async () => {
      const { url } = await startService({ engine });
      const hubs = { team: 'read', a: 'read', b: 'read' };
      const alice = await person(url, 'alice', { hubs });
      const bob = await person(url, 'bob', { hubs });
      const tab = await alice.open({ transport, variables: { deviceId: 'desk' } });
      const before = (await bob.open({ transport })).ready.cursor;
      const { signalId } = await alice.notify({ recipients: ['a', 'b'], socketId: tab.ready.socketId });
      const resumed = (after: string, hubIds?: string[]) =>
        bob.open({ transport, variables: { after, ...(hubIds && { hubIds }) } });
      expect(idsOf(await (await resumed(before)).heard())).toEqual([signalId]);
      expect(idsOf(await (await resumed(before, ['b'])).heard())).toEqual([signalId]);

      await tab.leave();
      const again = await alice.open({
        transport,
        variables: { deviceId: 'desk', after: tab.ready.cursor, hubIds: ['a', 'b'] },
      });
      expect(again.ready.recovered).toBe(true);
      expect(await again.heard()).toEqual([]);
    });
  });

  test('the answer is the input with the origin that was written, and the signal’s id', async () => {
    const { url } = await startService({ engine });
    const alice = await person(url, 'alice', { lastname: 'Archer', email: 'alice@example.com' });
    const { ready } = await alice.open();
    const input = {
      recipients: ['team'],
      socketId: ready.socketId,
      type: 'hello',
      payload: { origin: { uid: 'mallory' } },
      clientMutationId: 'first',
    };
    expect(await alice.notify(input)).toEqual({
      signalId: expect.stringMatching(/^sig_/),
      type: 'hello',
      clientMutationId: 'first',
      input: {
        ...input,
        origin: {
          uid: 'alice',
          ident: 'alice@example.org',
          firstname: 'Alice',
          lastname: 'Archer',
          fullname: 'Alice Example',
          email: 'alice@example.com',
          socketId: ready.socketId,
          streamId: null,
        },
      },
      hubs: [{ hubId: 'team', sockets: 1, nodes: 1 }],
    });
  });

  test('nobody can send as somebody else: neither with an origin in the input nor from another’s socket', async () => {
    const { url } = await startService({ engine });
    const [alice, bob] = await Promise.all([person(url, 'alice'), person(url, 'bob')]);
    const socket = await bob.open();
    const forged = { recipients: ['team'], socketId: socket.ready.socketId };
    expect(await alice.refused('notify', { ...forged, origin: { uid: 'bob' } })).toMatchObject({
      message: expect.stringContaining('"origin"'),
    });
    expect(await alice.refused('notify', forged)).toMatchObject({
      code: 'BAD_USER_INPUT',
      field: 'input.socketId',
    });
    expect(await alice.refused('notify', { ...forged, socketId: 'sock_invented' })).toMatchObject({
      code: 'BAD_USER_INPUT',
      field: 'input.socketId',
    });
    expect(await socket.heard()).toEqual([]);
  });

  test('one recipient hub that the caller may not read refuses the whole notification', async () => {
    const { url } = await startService({ engine });
    const alice = await person(url, 'alice', { hubs: { team: 'read', lobby: 'guest' } });
    const [own, other] = [await alice.open(), await alice.open()];
    const refusal = (recipients: string[]) =>
      alice.refused('notify', { recipients, socketId: own.ready.socketId });
    expect(await refusal(['team', 'secret'])).toMatchObject({
      code: 'FORBIDDEN',
      field: 'input.recipients[1]',
    });
    expect(await refusal(['lobby'])).toMatchObject({ code: 'FORBIDDEN', field: 'input.recipients[0]' });
    expect(await other.heard()).toEqual([]);
  });

  test('the hub in whose context it is sent need not be a recipient', async () => {
    const { url } = await startService({ engine });
    const alice = await person(url, 'alice', { hubs: { team: 'read', a: 'read' } });
    const bob = await person(url, 'bob', { hubs: { a: 'read' } });
    const [own, ear] = [await alice.open(), await bob.open()];
    await alice.notify({ recipients: ['a'], socketId: own.ready.socketId });
    expect(await ear.heard()).toMatchObject([{ hubId: 'team', recipients: ['a'] }]);
  });

  test('the answer counts the sockets that listen to each hub, the sender’s included', async () => {
    const { url } = await startService({ engine });
    const alice = await person(url, 'alice', { hubs: { team: 'read', a: 'read', empty: 'read' } });
    const bob = await person(url, 'bob', { hubs: { team: 'read', a: 'read' } });
    const own = await alice.open({ variables: { hubIds: ['team', 'a'] } });
    await bob.open();
    const narrow = await bob.open({ transport: 'ws', variables: { hubIds: ['team'] } });
    const counted = async () =>
      (await alice.notify({ recipients: ['team', 'a', 'empty', 'team'], socketId: own.ready.socketId })).hubs;
    expect(await counted()).toEqual([
      { hubId: 'team', sockets: 3, nodes: 1 },
      { hubId: 'a', sockets: 2, nodes: 1 },
      { hubId: 'empty', sockets: 0, nodes: 0 },
    ]);
    narrow.close();
    await vi.waitFor(async () =>
      expect((await counted())[0]).toEqual({ hubId: 'team', sockets: 2, nodes: 1 }),
    );
  });

  test('a hub that is named twice is told once, and named once in the signal', async () => {
    const { url } = await startService({ engine });
    const [alice, bob] = await Promise.all([person(url, 'alice'), person(url, 'bob')]);
    const [own, ear] = [await alice.open(), await bob.open()];
    const answer = await alice.notify({ recipients: ['team', 'team'], socketId: own.ready.socketId });
    expect(answer.input.recipients).toEqual(['team', 'team']);
    expect(answer.hubs).toHaveLength(1);
    expect(await ear.heard()).toMatchObject([{ id: answer.signalId, recipients: ['team'] }]);
  });

  test('a repetition with the same clientMutationId gets the first answer and tells nobody again', async () => {
    const { url } = await startService({ engine });
    const [alice, bob] = await Promise.all([person(url, 'alice'), person(url, 'bob')]);
    const [own, ear] = [await alice.open(), await bob.open()];
    const input = { recipients: ['team'], socketId: own.ready.socketId, clientMutationId: 'once' };
    const first = await alice.notify(input);
    expect(await alice.notify(input)).toEqual(first);
    expect(idsOf(await ear.heard())).toEqual([first.signalId]);
    expect(await alice.refused('notify', { ...input, type: 'other' })).toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
    });
  });
});
