import { describe, expect, test } from 'vitest';
import { as } from './support/api.ts';
import { listen, transports } from './support/listen.ts';
import { engines, startService, tokenFor } from './support/service.ts';

describe.each(engines)('on %s', (engine) => {
  describe.each(transports)('over %s', (transport) => {
    test('dial rings', async () => {
      const { url } = await startService({ engine });
      const [alice, bob] = await Promise.all([tokenFor('alice'), tokenFor('bob')]);
      const listener = await listen(url, bob, { transport });
      expect(listener.ready).toMatchObject({ __typename: 'SocketReady', hubIds: ['team'] });
      const dialled = await as(url, alice).dial({ target: { uid: 'bob' }, roomId: 'r', roomType: 'video' });
      expect(dialled).toMatchObject({ offline: false, call: { legs: 1 } });
      expect(await listener.next()).toMatchObject({ __typename: 'IncomingCall', id: dialled.signalId });
      const own = await listen(url, alice, { transport });
      const told = await as(url, alice).notify({
        recipients: ['team'],
        socketId: own.ready.socketId,
        payload: { a: 1 },
      });
      expect(told.hubs).toEqual([{ hubId: 'team', sockets: 2, nodes: 1 }]);
      expect(await listener.next()).toMatchObject({ __typename: 'HubNotification', payload: { a: 1 } });
      await as(url, alice).message({ target: { socketId: listener.ready.socketId }, type: 'offer' });
      expect(await listener.next()).toMatchObject({ __typename: 'PeerMessage', scope: 'SOCKET' });
    });
  });
});
