/** Somebody in whose name the examples are run. */
export interface ExampleUser {
  readonly uid: string;
  readonly token: string;
}

export interface ExampleTab {
  readonly query: string;
  readonly variables: string;
  readonly headers: string;
}

/** What GraphiQL opens with: Bob listens, Alice rings, he answers, she writes and hangs up; she listens, and tells her team. */
export function exampleTabs([alice, bob = alice]: readonly ExampleUser[]): ExampleTab[] {
  return [
    tab(bob, bobListens, { deviceId: 'bobs-phone' }),
    tab(alice, aliceDials, {
      hubId: 'team',
      input: { target: { uid: 'bob' }, roomId: 'room-1', roomType: 'video' },
    }),
    tab(bob, bobAnswers, { callId: 'id_of_the_call', socketId: 'socketId_of_BobListens' }),
    tab(alice, aliceWrites, {
      hubId: 'team',
      input: { target: { uid: 'bob' }, type: 'offer', payload: { sdp: 'v=0 …' } },
    }),
    tab(alice, aliceHangsUp, { callId: 'id_of_the_call' }),
    tab(alice, aliceListens, { deviceId: 'alices-laptop' }),
    tab(alice, aliceNotifies, {
      hubId: 'team',
      input: {
        // One word to a double click.
        socketId: 'socketId_of_AliceListens',
        recipients: ['team'],
        type: 'meeting',
        payload: { topic: 'Lunch?' },
      },
    }),
  ];
}

/** The headers that a user's operations are sent with, as GraphiQL's editor has them. */
export function headersOf(user: ExampleUser | undefined): string {
  const token = user?.token ?? '<a token of yours>';
  return JSON.stringify({ Authorization: `Bearer ${token}` }, null, 2);
}

function tab(user: ExampleUser | undefined, query: string, variables: object): ExampleTab {
  return { query: query.trim(), variables: JSON.stringify(variables, null, 2), headers: headersOf(user) };
}

/** The whole of what a socket can receive. */
const signals = `
    __typename
    cursor
    origin { fullname socketId }
    ... on SocketReady {
      socketId hubIds calls { id state }
    }
    ... on IncomingCall {
      name roomId roomType remainingMs
      call { id state }
    }
    ... on CallUpdated {
      change call { id state reason }
      device { deviceId }
    }
    ... on PeerMessage { type scope payload }
    ... on HubNotification { type payload }
    ... on CallLogged {
      record { peer reason missed duration }
    }
    ... on SocketClosing { code reconnect }
`;

const bobListens = `
# 1. Press play: Bob's phone listens. It goes on
# while you run the other tabs. Come back to see
# what came.
subscription BobListens($deviceId: ID) {
  incomingSignal(deviceId: $deviceId) {${signals}  }
}
`;

const aliceDials = `
# 2. All of Bob's devices ring: see BobListens.
mutation AliceDials(
  $hubId: ID!
  $input: DialInput!
) {
  dial(hubId: $hubId, input: $input) {
    offline
    call { id state expiresAt legs }
  }
}
`;

const bobAnswers = `
# 3. Put the ids into the variables: both are in
# BobListens. He answers within a minute, or the
# ringing is over.
mutation BobAnswers(
  $callId: ID!
  $socketId: ID!
) {
  accept(callId: $callId, socketId: $socketId) {
    __typename
    ... on Accepted { polite call { state } }
    ... on AnsweredElsewhere {
      device { deviceLabel }
    }
    ... on CallEnded { call { reason } }
  }
}
`;

const aliceWrites = `
# 4. An offer for all of Bob's devices. Add an
# "origin": { "socketId": … } of AliceListens, and
# Bob can answer to just that socket.
mutation AliceWrites(
  $hubId: ID!
  $input: MessageInput!
) {
  message(hubId: $hubId, input: $input) {
    signalId
    scope
    offline
  }
}
`;

const aliceHangsUp = `
# 5. Put the call's id into the variables. Then
# both have a record in their call history.
mutation AliceHangsUp($callId: ID!) {
  hangUp(callId: $callId) {
    changed
    call { state reason }
  }
}
`;

const aliceListens = `
# 6. Press play: Alice's laptop listens too. Copy
# its socketId for the next tab.
subscription AliceListens($deviceId: ID) {
  incomingSignal(deviceId: $deviceId) {${signals}  }
}
`;

const aliceNotifies = `
# 7. Put the socketId into the variables. All of
# the team is told, but not that socket: see
# BobListens.
mutation AliceNotifies(
  $hubId: ID!
  $input: NotifyInput!
) {
  notify(hubId: $hubId, input: $input) {
    signalId
    hubs { hubId sockets nodes }
  }
}
`;
