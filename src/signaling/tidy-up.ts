import { forgetEnded } from './access.ts';
import { entryForUser } from './entry.ts';
import type { SignalingNode } from './node.ts';
import type { Departure, Entry, SocketRecord } from './ports.ts';
import type { Registration } from './register.ts';
import type { Socket } from './socket.ts';

/** How long to wait before what the store did not take is tried again, in milliseconds. */
const retryMs = 1000;

/**
 * What an opening brings with it: access that has ended is forgotten, the socket's former connection and the oldest sockets
 * of a user who has too many are closed, and the device's sockets that nobody took up are over.
 */
export function tidyUp(node: SignalingNode, socket: Socket, { opened, former }: Registration): void {
  const { uid, record } = socket;
  const access = forgetEnded(uid, opened.user.access, node.clock.now());
  const byAge = opened.user.sockets
    .filter(({ connected }) => connected)
    .sort((a, b) => a.openedAt - b.openedAt);
  const surplus = byAge.slice(0, Math.max(0, byAge.length - node.limits.socketsPerUser));
  const replaced = former?.connected ? [socketReplaced(uid, record)] : [];
  const surplusIds = surplus.map(({ socketId }) => socketId);
  const closed = surplus.length > 0 ? [socketsClosed(uid, surplusIds, 'TOO_MANY_SOCKETS')] : [];
  const append = [...replaced, ...closed];
  const failed = (error: unknown): void =>
    node.log.warn({ error, uid }, 'what an opening leaves behind could not be removed');
  if (append.length > 0 || access.length > 0)
    node.store.commit({ access, append }).catch((error: unknown) => {
      failed(error);
      if (replaced.length > 0) replaceLater(node, socket, replaced);
    });
  const left = opened.user.sockets.filter(
    ({ connected, deviceId }) => !connected && deviceId !== null && deviceId === record.deviceId,
  );
  const departures = left.map((each) => over(uid, each, node.clock.now()));
  if (departures.length > 0 && !former) node.store.close(departures, new Map()).catch(failed);
}

/** Until a former connection has heard that it is replaced, it may be served too. The rest says nothing any more by then. */
function replaceLater(node: SignalingNode, socket: Socket, append: Entry[]): void {
  node.wheel.at(node.clock.now() + retryMs, () => {
    if (!socket.closed) node.store.commit({ append }).catch(() => replaceLater(node, socket, append));
  });
}

/** The end of a socket in grace: its device has another now. */
function over(uid: string, { socketId, deviceId, generation }: SocketRecord, at: number): Departure {
  return { uid, socketId, deviceId, generation, at, by: null, final: true };
}

/** An entry that ends the former connections of a socket that was taken up. */
function socketReplaced(uid: string, { socketId, generation }: SocketRecord): Entry {
  return entryForUser(uid, { kind: 'SocketReplaced', socketId, generation });
}

/** An entry that closes sockets of a user, wherever they are. */
export function socketsClosed(
  uid: string,
  socketIds: string[],
  code: 'TOO_MANY_SOCKETS' | 'DISCONNECTED',
): Entry {
  return entryForUser(uid, { kind: 'SocketsClosed', code, socketIds });
}
