import { hubsOf } from './access.ts';
import { type CallView, callDocumentId, callView, isParty, readCall } from './call.ts';
import { type Caller, type Identity, loadCaller } from './caller.ts';
import { startDeadlines } from './deadlines.ts';
import { dial } from './dial.ts';
import { SignalingError } from './errors.ts';
import { callHistory } from './history.ts';
import { disconnectUser, grantHub, revokeHub, roomAccess } from './membership.ts';
import { message } from './message.ts';
import { createNode, type NodeParts } from './node.ts';
import { notify } from './notify.ts';
import { liveCalls, openSocket } from './open.ts';

/** What the edge can ask for: the table of contents of the domain. */
export type Signaling = ReturnType<typeof createSignaling>;

/** What operators can count on one node. */
export interface NodeStats {
  readonly sockets: number;
  readonly topics: number;
}

export function createSignaling(parts: NodeParts) {
  const node = createNode(parts);
  const stopDeadlines = startDeadlines(node);

  return {
    limits: node.limits,
    caller: (identity: Identity) => loadCaller(node.store, node.clock, identity),
    notify: notify.bind(null, node),
    message: message.bind(null, node),
    dial: dial.bind(null, node),
    open: openSocket.bind(null, node),
    drop: node.exchange.drop,
    close: node.exchange.close,
    call: (caller: Caller, callId: string) => findCall(callId, caller, node.store.document),
    activeCalls: (caller: Caller) => liveCalls(caller.record.live, node.clock.now()),
    callHistory: callHistory.bind(null, node.store),
    hubs: ({ identity, record }: Caller) => hubsOf(identity, record.access, node.clock.now()),
    grantHub: grantHub.bind(null, node),
    revokeHub: revokeHub.bind(null, node),
    disconnectUser: disconnectUser.bind(null, node),
    roomAccess: roomAccess.bind(null, node),
    ready: () => node.store.ready(),
    stats: (): NodeStats => ({ sockets: node.exchange.sockets.size, topics: node.exchange.topics() }),
    async stop(): Promise<void> {
      stopDeadlines();
      await node.exchange.stop();
      node.wheel.stop();
    },
  };
}

/** A call that the caller is a party of; one of others looks like one that does not exist. */
async function findCall(
  callId: string,
  caller: Caller,
  read: (id: string) => Promise<{ body: string } | undefined>,
): Promise<CallView> {
  const document = await read(callDocumentId(callId));
  const call = document && readCall(document);
  if (call && isParty(call, caller.identity.uid)) return callView(call);
  throw new SignalingError('NOT_FOUND', 'You are no party of a call with this id.', { field: 'callId' });
}
