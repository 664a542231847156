import { accept } from './accept.ts';
import { hubsOf } from './access.ts';
import { acknowledgeRing } from './acknowledge-ring.ts';
import { liveCalls } from './call-document.ts';
import { callTrace } from './call-trace.ts';
import { callView } from './call-view.ts';
import { readCalleeAhead } from './callee.ts';
import { type Caller, type Identity, loadCaller } from './caller.ts';
import { startDeadlines } from './deadlines.ts';
import { decline } from './decline.ts';
import { dial } from './dial.ts';
import { createDrain } from './drain.ts';
import { hangUp } from './hang-up.ts';
import { callHistory } from './history.ts';
import { iceServers } from './ice-servers.ts';
import { keepAlive } from './keep-alive.ts';
import { disconnectUser, grantHub, revokeHub, roomAccess } from './membership.ts';
import { message } from './message.ts';
import { createNode, type NodeParts } from './node.ts';
import { notify } from './notify.ts';
import { openSocket } from './open.ts';
import { callOf, guardCall } from './party.ts';
import { presenceIn } from './presence-in.ts';
import { refreshSession } from './refresh-session.ts';
import { createStreamTicket, redeemTicket } from './ticket.ts';
import { createTurnstile } from './turnstile.ts';

/** What the edge can ask for: the table of contents of the domain. */
export type Signaling = ReturnType<typeof createSignaling>;

/** What can be counted of the sockets of one node. */
export interface SocketStats {
  readonly sockets: number;
  readonly topics: number;
}

/** How many sockets begin to open in one turn of the event loop: each costs up to a millisecond, and signals wait for none. */
const openingsPerTurn = 4;

type OpenRequest = Parameters<typeof openSocket> extends [unknown, ...infer Rest] ? Rest : never;

export function createSignaling(parts: NodeParts) {
  const node = createNode(parts);
  const stopDeadlines = startDeadlines(node);
  const turnstile = createTurnstile(openingsPerTurn);
  const drain = createDrain(node.exchange, node.clock, node.wheel);

  return {
    limits: node.limits,
    caller: (identity: Identity) => loadCaller(node.store, node.clock, identity),
    notify: notify.bind(null, node),
    message: message.bind(null, node),
    dial: dial.bind(null, node),
    readCalleeAhead: readCalleeAhead.bind(null, node.store),
    acknowledgeRing: acknowledgeRing.bind(null, node),
    accept: accept.bind(null, node),
    decline: decline.bind(null, node),
    hangUp: hangUp.bind(null, node),
    open: async (...request: OpenRequest) => {
      drain.refuse();
      await turnstile.pass();
      return openSocket(node, ...request);
    },
    drop: node.exchange.drop,
    close: node.exchange.close,
    guardCall: guardCall.bind(null, node.store),
    call: async (caller: Caller, callId: string) =>
      callView(await callOf(node.store, caller, callId, 'callId')),
    activeCalls: (caller: Caller) => liveCalls(caller.record.live, node.clock.now()).map(callView),
    callTrace: callTrace.bind(null, node),
    iceServers: iceServers.bind(null, node),
    callHistory: callHistory.bind(null, node.store),
    presence: presenceIn.bind(null, node),
    hubs: ({ identity, record }: Caller) => hubsOf(identity, record.access, node.clock.now()),
    createStreamTicket: createStreamTicket.bind(null, node),
    redeemTicket: redeemTicket.bind(null, node),
    keepAlive: keepAlive.bind(null, node),
    refreshSession: refreshSession.bind(null, node),
    grantHub: grantHub.bind(null, node),
    revokeHub: revokeHub.bind(null, node),
    disconnectUser: disconnectUser.bind(null, node),
    roomAccess: roomAccess.bind(null, node),
    ready: () => node.store.ready(),
    drain: drain.begin,
    draining: () => drain.begun,
    stats: (): SocketStats => ({ sockets: node.exchange.sockets.size, topics: node.exchange.topics() }),
    async stop(): Promise<void> {
      stopDeadlines();
      await node.exchange.stop();
      node.presence.stop();
      node.wheel.stop();
    },
  };
}
