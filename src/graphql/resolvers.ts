import type { AcceptResult } from '../signaling/accept.ts';
import type { Caller } from '../signaling/caller.ts';
import { SignalingError } from '../signaling/errors.ts';
import type { Signaling } from '../signaling/signaling.ts';
import type { Context } from './context.ts';
import type { Resolvers } from './generated.ts';
import { DateTime, JSONValue } from './scalars.ts';

/** The table of contents of the contract: one line per root field, forwarding to the domain file of its name. */
export const resolvers: Resolvers = {
  DateTime,
  JSON: JSONValue,

  Query: {
    service: (_, __, { service }) => service,
    viewer: async (_, __, { signaling, caller }) => viewerOf(signaling, await caller()),
    activeCalls: async (_, __, { signaling, caller }) => signaling.activeCalls(await caller()),
    call: async (_, { callId }, { signaling, caller }) => signaling.call(await caller(), callId),
    callTrace: async (_, { callId }, { signaling, caller }) => signaling.callTrace(await caller(), callId),
    iceServers: async (_, { callId }, { signaling, caller }) => signaling.iceServers(await caller(), callId),
    presence: (_, { hubId, uids }, { signaling }) => signaling.presence(hubId, uids),
    callHistory: async (_, page, { signaling, caller }) => signaling.callHistory(await caller(), page),
    roomAccess: (_, room, { signaling }) => signaling.roomAccess(room),
  },

  Mutation: {
    notify: async (_, { hubId, input }, { signaling, caller }) =>
      signaling.notify(await caller(), hubId, input),
    message: async (_, { hubId, input }, { signaling, caller }) =>
      signaling.message(await caller(), hubId, input),
    dial: async (_, { hubId, input }, { signaling, caller }) => signaling.dial(await caller(), hubId, input),
    acknowledgeRing: async (_, verb, { signaling, caller }) =>
      signaling.acknowledgeRing(await caller(), verb),
    accept: async (_, verb, { signaling, caller }) => signaling.accept(await caller(), verb),
    decline: async (_, verb, { signaling, caller }) => signaling.decline(await caller(), verb),
    hangUp: async (_, verb, { signaling, caller }) => signaling.hangUp(await caller(), verb),
    createStreamTicket: (_, request, { signaling, identity }) =>
      signaling.createStreamTicket(identity(), request),
    keepAlive: (_, sign, { signaling, identity }) => signaling.keepAlive(identity(), sign),
    refreshSession: refreshUnderToken,
    grantHub: (_, grant, { signaling }) => signaling.grantHub(grant),
    revokeHub: (_, hub, { signaling }) => signaling.revokeHub(hub),
    disconnectUser: (_, user, { signaling }) => signaling.disconnectUser(user),
  },

  Subscription: {
    incomingSignal: { subscribe: openThroughDoor },
  },

  Signal: { __resolveType: (signal) => (signal as unknown as { kind: SignalTypename }).kind },
  AcceptResult: { __resolveType: (result) => (result as AcceptResult).kind },
};

type SignalTypename =
  | 'SocketReady'
  | 'SocketClosing'
  | 'HubNotification'
  | 'PeerMessage'
  | 'IncomingCall'
  | 'CallUpdated'
  | 'CallLogged'
  | 'PresenceChanged';

/**
 * Opens the socket through the transport's door, which carries its signals from then on; graphql-js only learns that
 * the operation has begun. See stream.ts.
 */
async function openThroughDoor(
  _: unknown,
  request: object,
  { signaling, identity, door }: Context,
): Promise<AsyncIterable<never>> {
  if (!door)
    throw new SignalingError(
      'BAD_USER_INPUT',
      'Subscribe with `Accept: text/event-stream`, or over a WebSocket.',
    );
  door.opened(await signaling.open(identity(), { ...request, ...door.resume }, door.sink));
  return nothing;
}

/** Never iterated: the doors write the signals. */
const nothing: AsyncIterable<never> = {
  [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true, value: undefined }) }),
};

async function refreshUnderToken(
  _: unknown,
  { token, ...request }: { token: string; deviceId?: string | null | undefined },
  { signaling, identity, authenticate, renew }: Context,
) {
  const refreshed = await signaling.refreshSession(identity(), await authenticate(token), request);
  renew(token);
  return refreshed;
}

function viewerOf(signaling: Signaling, caller: Caller) {
  const { hubs: _, issuedAt: __, admin: ___, ...profile } = caller.identity;
  const hubs = [...signaling.hubs(caller)].map(([hubId, { privilege }]) => ({ hubId, privilege }));
  return { ...profile, hubs };
}
