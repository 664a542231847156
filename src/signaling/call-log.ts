import type { EndReason } from './call.ts';
import type { Caller } from './caller.ts';
import { decideAndCommit } from './commit.ts';
import { entryFor } from './entry.ts';
import { type CallRecord, historyRows } from './history.ts';
import type { MessageInput } from './message.ts';
import type { SignalingNode } from './node.ts';
import { originOf } from './origin.ts';
import type { Entry, Row } from './ports.ts';
import { isReachable } from './target.ts';
import { userTopic } from './topic.ts';

/** The words by which a caller's client ends a call, and what they mean. */
const endings: ReadonlyMap<string, EndReason> = new Map([
  ['cancel', 'CANCELLED'],
  ['reject', 'DECLINED'],
  ['leave', 'HANGUP'],
]);

/** How long a repetition of the message finds its log written, in milliseconds. */
const keyTtlMs = 5 * 60 * 1000;

interface EndedCall {
  readonly uid: string;
  readonly status: string;
  readonly reason: EndReason;
}

/**
 * Writes one record for each side when a caller's message ends a call with a user that the service knows nothing of, and
 * tells both. Once for each
 * message, also when the message is repeated. Never throws: the message was sent, whatever becomes of its log.
 */
export async function logCall(
  node: SignalingNode,
  caller: Caller,
  hubId: string,
  input: MessageInput,
  signalId: string,
): Promise<void> {
  const ended = endedCall(input);
  if (!ended) return;
  const key = { id: `${signalId}/log`, fingerprint: signalId, ttlMs: keyTtlMs };
  try {
    await decideAndCommit(
      node.store,
      () => decide(node, caller, hubId, { ...input, ...ended, signalId }),
      key,
    );
  } catch (error) {
    node.log.warn({ error, signalId }, 'the call log of a message could not be written');
  }
}

function endedCall({ role, type, target }: MessageInput): EndedCall | undefined {
  const reason = type ? endings.get(type) : undefined;
  if (role !== 'CALLER' || !type || !reason || !target?.uid) return undefined;
  return { uid: target.uid, status: type, reason };
}

async function decide(
  node: SignalingNode,
  caller: Caller,
  hubId: string,
  ended: EndedCall & Pick<MessageInput, 'duration'> & { readonly signalId: string },
) {
  const uid = caller.identity.uid;
  const shared = {
    id: `rec_${ended.signalId}`,
    callId: null,
    caller: uid,
    missed: false,
    startedAt: null,
    acceptedAt: null,
    reason: ended.reason,
    status: ended.status,
    duration: ended.duration ?? 0,
    hubId,
    endedAt: node.clock.now(),
  };
  const callers: CallRecord = { ...shared, peer: ended.uid, direction: 'OUTGOING' };
  const missed = ended.reason === 'CANCELLED';
  const callees: CallRecord = { ...shared, peer: uid, direction: 'INCOMING', missed };
  const reachable = isReachable(node, caller, hubId, ended.uid, await node.store.user(ended.uid));
  // Who cannot be reached learns nothing of it; the caller's own record does not tell the difference.
  const sides: [string, CallRecord][] =
    reachable && ended.uid !== uid
      ? [
          [uid, callers],
          [ended.uid, callees],
        ]
      : [[uid, callers]];
  const rows: Row[] = sides.flatMap(([owner, record]) => historyRows(owner, record));
  const append: Entry[] = sides.map(([owner, record]) =>
    entryFor(userTopic(owner), {
      kind: 'CallLogged',
      id: `${ended.signalId}_log`,
      service: 'signaling.message',
      hubId,
      origin: originOf(caller.identity, null, null),
      record,
    }),
  );
  return { change: { rows, append }, result: null };
}
