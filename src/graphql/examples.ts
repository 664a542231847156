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

/** What GraphiQL opens with: Bob listens, Alice listens, and Alice does each of the three things. */
export function exampleTabs([alice, bob = alice]: readonly ExampleUser[]): ExampleTab[] {
  return [
    tab(bob, listen('BobListens'), { deviceId: 'bobs-phone' }),
    tab(alice, dial, {
      hubId: 'team',
      input: { target: { uid: 'bob' }, roomId: 'room-1', roomType: 'video' },
    }),
    tab(alice, message, {
      hubId: 'team',
      input: { target: { uid: 'bob' }, type: 'offer', payload: { sdp: 'v=0 …' } },
    }),
    tab(alice, listen('AliceListens'), { deviceId: 'alices-laptop' }),
    tab(alice, notify, {
      hubId: 'team',
      input: {
        recipients: ['team'],
        socketId: 'the socketId of AliceListens',
        type: 'meeting',
        payload: { topic: 'Lunch?' },
      },
    }),
  ];
}

function tab(user: ExampleUser | undefined, query: string, variables: object): ExampleTab {
  const headers = { Authorization: user ? `Bearer ${user.token}` : 'Bearer <a token of yours>' };
  return {
    query: query.trim(),
    variables: JSON.stringify(variables, null, 2),
    headers: JSON.stringify(headers, null, 2),
  };
}

const listen = (name: string): string => `
# Opens a socket: the first signal is SocketReady, then come rings, messages and notifications.
# Leave it running, and run the other tabs.
subscription ${name}($deviceId: ID) {
  incomingSignal(deviceId: $deviceId) {
    __typename
    cursor
    sentAt
    origin { uid fullname socketId }
    ... on SocketReady { socketId hubIds recovered calls { id state caller } }
    ... on IncomingCall { name roomId roomType remainingMs call { id state } payload }
    ... on PeerMessage { scope type payload }
    ... on HubNotification { type payload }
    ... on CallLogged { record { peer direction reason duration } }
    ... on SocketClosing { code reconnect }
  }
}
`;

const dial = `
# Rings all of Bob's devices. Look at the tab BobListens.
mutation AliceDials($hubId: ID!, $input: DialInput!) {
  dial(hubId: $hubId, input: $input) {
    offline
    call { id state expiresAt legs }
  }
}
`;

const message = `
# Sends an offer to all of Bob's devices. To answer one socket, target its origin.socketId.
mutation AliceWrites($hubId: ID!, $input: MessageInput!) {
  message(hubId: $hubId, input: $input) {
    signalId
    scope
    offline
  }
}
`;

const notify = `
# Tells everyone in the hub, except the socket you name: copy yours from the tab AliceListens into the variables.
mutation AliceNotifies($hubId: ID!, $input: NotifyInput!) {
  notify(hubId: $hubId, input: $input) {
    signalId
    hubs { hubId sockets nodes }
  }
}
`;
