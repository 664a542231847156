import type { Actor, Call, Verb } from './call.ts';
import { type Caller, openSockets } from './caller.ts';
import { badInput } from './errors.ts';
import { deviceKey } from './leg.ts';
import type { SignalingNode } from './node.ts';
import { type CallPayload, payloadOf, say } from './verb.ts';

export type HangUpReason = 'HANGUP' | 'MEDIA_FAILED';

/** Ends a call: the caller at any time, the called user before the answer, then the device that has it. Throws as `say` does. */
export async function hangUp(
  node: SignalingNode,
  caller: Caller,
  request: {
    readonly callId: string;
    readonly socketId?: string | null | undefined;
    readonly reason?: HangUpReason | null | undefined;
  },
): Promise<CallPayload> {
  const said = await say(node, caller, {
    callId: request.callId,
    socketId: request.socketId,
    service: 'hangUp',
    verb: (by, call) => {
      const { winner } = call;
      const isKnown = winner !== null && deviceKey(winner) !== '';
      if (call.state === 'ACCEPTED' && isKnown && by.uid === call.callee && by.socketId === null)
        throw badInput('socketId', 'Name your socket: only the device that answered may end the call.');
      return hangUpOf(call, by, request.reason ?? 'HANGUP', openSockets(caller));
    },
  });
  return payloadOf(said);
}

/** Who is called and hangs up while it rings refuses the call. */
export function hangUpOf(call: Call, by: Actor, reason: HangUpReason, open: ReadonlySet<string>): Verb {
  if (call.state === 'RINGING' && by.uid === call.callee)
    return { verb: 'decline', by, everywhere: by.socketId === null, busy: false };
  return { verb: 'hangUp', by, reason, open };
}
