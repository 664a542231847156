import type { Caller } from './caller.ts';
import type { SignalingNode } from './node.ts';
import { type CallPayload, payloadOf, say } from './verb.ts';

/** Says that a device rings. Throws as `say` does. */
export async function acknowledgeRing(
  node: SignalingNode,
  caller: Caller,
  request: { readonly callId: string; readonly socketId: string },
): Promise<CallPayload> {
  const said = await say(node, caller, {
    ...request,
    service: 'acknowledgeRing',
    verb: (by) => ({ verb: 'acknowledgeRing', by }),
  });
  return payloadOf(said);
}
