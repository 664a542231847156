import type { Identity } from './caller.ts';
import { checkId, checkInteger } from './check.ts';
import { badInput } from './errors.ts';
import type { SignalingNode } from './node.ts';
import { userTopic } from './topic.ts';

/** How long a client may leave between two signs of life, in seconds. */
const patience = { least: 5, most: 60 };

/** Unless the client says so; with a sign every 8 s one may be lost. A dead client is then missed within 20 s. */
const usualSeconds = 17;

/**
 * Takes a client's sign of life for one of its sockets, on whatever node that is. Throws BAD_USER_INPUT when it is no open
 * socket of the caller's, and UNAVAILABLE when that cannot be known because Redis is away.
 */
export async function keepAlive(
  node: SignalingNode,
  { uid }: Identity,
  request: { socketId: string; nextWithinSeconds?: number | null | undefined },
) {
  const socketId = checkId(request.socketId, 'socketId');
  const seconds = request.nextWithinSeconds ?? usualSeconds;
  if (seconds !== 0) checkInteger(seconds, 'nextWithinSeconds', patience);
  const topic = userTopic(uid);
  const sign = { socketId, nextWithinMs: seconds * 1000 };
  const isHere = node.signsOfLife.take(topic, sign);
  // What a node that is behind has may be the former connection of a socket that is elsewhere by now.
  if (!isHere || node.exchange.isBehind) {
    const known = await node.store.socket(uid, socketId);
    if (!known?.connected) throw badInput('socketId', 'This is not an open socket of yours.');
    await node.bus.announce(topic, JSON.stringify(sign));
  }
  return { socketId, nextBy: seconds === 0 ? null : node.clock.now() + sign.nextWithinMs };
}
