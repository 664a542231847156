import { isKnownToBelong } from './access.ts';
import { checkId } from './check.ts';
import { badInput } from './errors.ts';
import type { SignalingNode } from './node.ts';

/** Whether a member of a hub is there. */
export interface MemberPresence {
  readonly uid: string;
  /** A socket of theirs is connected or in grace. */
  readonly online: boolean;
  readonly connected: boolean;
}

/** The most users that may be asked for at once. */
const mostUsers = 100;

/** Who of these users is there, in a hub that the caller may read. Throws BAD_USER_INPUT for more than 100 of them. */
export async function presenceIn(
  node: SignalingNode,
  hubId: string,
  uids: readonly string[],
): Promise<MemberPresence[]> {
  if (uids.length > mostUsers) throw badInput('uids', `Name at most ${mostUsers} users.`);
  const asked = uids.map((uid, i) => checkId(uid, `uids[${i}]`));
  return Promise.all(asked.map((uid) => presenceOf(node, hubId, uid)));
}

/** One who does not belong to the hub looks like one who is not there, in answer and in time. */
async function presenceOf(node: SignalingNode, hubId: string, uid: string): Promise<MemberPresence> {
  const { access, sockets } = await node.store.user(uid);
  const belongs = isKnownToBelong(access, hubId, node.clock.now());
  return {
    uid,
    online: belongs && sockets.length > 0,
    connected: belongs && sockets.some(({ connected }) => connected),
  };
}
