import { isConnected, liveCalls, otherSide } from './call-document.ts';
import type { SignalingNode } from './node.ts';
import type { SocketRecord, UserRecord } from './ports.ts';

/**
 * Whether a user talks to somebody who is there: a call whose other side is gone makes nobody busy. `except`: the call
 * that is about to end.
 */
export async function isBusy(
  node: SignalingNode,
  uid: string,
  record: UserRecord,
  except: string | undefined,
): Promise<boolean> {
  const live = liveCalls(record.live, node.clock.now());
  const talks = live.filter(({ id, state }) => state === 'ACCEPTED' && id !== except);
  const others = await Promise.all(
    talks.map(async (call) => {
      const other = otherSide(call, uid);
      return isConnected(call, other, (await node.store.user(other)).sockets);
    }),
  );
  return others.includes(true);
}

/** What a user wants when they are busy, as the token of their newest socket says. */
export function rejectsWhenBusy(sockets: readonly SocketRecord[]): boolean {
  const newest = [...sockets].sort((a, b) => b.openedAt - a.openedAt)[0];
  return newest?.rejectsWhenBusy ?? false;
}
