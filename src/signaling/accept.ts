import { type Call, hasWon } from './call.ts';
import { type CallView, callView } from './call-view.ts';
import { type Caller, openSockets, openSocketsNow } from './caller.ts';
import { badInput } from './errors.ts';
import { type IceServer, mintIceServers } from './ice-servers.ts';
import { type CallDevice, noDevice } from './leg.ts';
import type { SignalingNode } from './node.ts';
import { type Said, say } from './verb.ts';

/** What comes of an answer; each outcome is named as its type in the contract. */
export type AcceptResult =
  | {
      readonly kind: 'Accepted';
      readonly call: CallView;
      readonly polite: boolean;
      readonly iceServers: readonly IceServer[];
    }
  | { readonly kind: 'AnsweredElsewhere'; readonly call: CallView; readonly device: CallDevice }
  | { readonly kind: 'CallEnded'; readonly call: CallView };

/** Answers a call: exactly one socket of one device wins it. Throws as `say` does. */
export async function accept(
  node: SignalingNode,
  caller: Caller,
  request: { readonly callId: string; readonly socketId: string },
): Promise<AcceptResult> {
  const said = await say(node, caller, {
    ...request,
    service: 'accept',
    verb: async (by, call) => {
      if (by.uid === call.caller && call.state === 'RINGING')
        throw badInput('callId', 'You dialled this call: only the called user can answer it.');
      const isAnswered = call.state === 'ACCEPTED';
      const open = isAnswered ? await openSocketsNow(node.store, caller) : openSockets(caller);
      return { verb: 'accept', by, open };
    },
  });
  return resultOf(node, caller, said);
}

function resultOf(node: SignalingNode, caller: Caller, { call, by }: Said): AcceptResult {
  if (call.state === 'ENDED') return { kind: 'CallEnded', call: callView(call) };
  const polite = isPolite(call, by.uid);
  // Who dialled has the call, whoever answers it.
  if (!polite || hasWon(call, by)) {
    const servers = mintIceServers(node, caller, call);
    return { kind: 'Accepted', call: callView(call), polite, iceServers: servers };
  }
  return { kind: 'AnsweredElsewhere', call: callView(call), device: call.winner ?? noDevice };
}

/** Who was called gives way in perfect negotiation (W3C WebRTC, section 10.7). */
export function isPolite(call: Pick<Call, 'callee'>, uid: string): boolean {
  return uid === call.callee;
}
