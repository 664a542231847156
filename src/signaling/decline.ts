import type { Caller } from './caller.ts';
import type { SignalingNode } from './node.ts';
import { type CallPayload, payloadOf, say } from './verb.ts';

/** Refuses a call on the device of a socket; without one, on all devices. Throws as `say` does. */
export async function decline(
  node: SignalingNode,
  caller: Caller,
  request: {
    readonly callId: string;
    readonly socketId?: string | null | undefined;
    readonly busy?: boolean | null | undefined;
  },
): Promise<CallPayload> {
  const said = await say(node, caller, {
    callId: request.callId,
    socketId: request.socketId,
    service: 'decline',
    verb: (by) => ({
      verb: 'decline',
      by,
      everywhere: by.socketId === null,
      busy: request.busy ?? false,
      sockets: caller.record.sockets,
    }),
  });
  return payloadOf(said);
}
