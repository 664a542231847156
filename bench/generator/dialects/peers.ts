import {
  type Dialect,
  headEnd,
  httpPost,
  type Member,
  type Outgoing,
  topicOf,
  topicsOf,
  upgrade,
  writtenSocketId,
} from './dialect.ts';

/** The bare loop and the seed's way: topics in the address, one message when the socket is ready. */
export const plain: Dialect = {
  framed: true,
  hello: (member, host) => upgrade(addressOf(member), host),
  steps: () => [{ sees: headEnd }, { sees: '"ready"' }, { sees: '"}' }],
  socketId: writtenSocketId,
  request: requestOf,
};

/** The bare loop, to which clients also speak on their sockets. */
export const plainSpeaking: Dialect = {
  ...plain,
  hello: (member, host) => upgrade(`${addressOf(member)}&speaks`, host),
};

function addressOf(member: Member): string {
  const topics = topicsOf(member).map((topic) => `topic=${encodeURIComponent(topic)}`);
  return `/?${topics.join('&')}`;
}

/** Engine.IO 4 over WebSocket, with Socket.IO's packets in it. */
export const socketio: Dialect = {
  framed: true,
  heartbeat: { length: 1, answer: '3' },
  hello: (_, host) => upgrade('/socket.io/?EIO=4&transport=websocket', host),
  steps: (member) => [
    { sees: headEnd },
    { sees: '"pingInterval"', says: `40${JSON.stringify({ topics: topicsOf(member) })}` },
    { sees: '42["ready"' },
    { sees: '"}' },
  ],
  socketId: writtenSocketId,
  request: requestOf,
};

function requestOf(signal: Outgoing, host: string): string {
  const publication = {
    topic: topicOf(signal),
    except: signal.senderSocketId,
    type: 'bench',
    payload: JSON.parse(signal.payload),
  };
  return httpPost('/publish', host, {}, JSON.stringify(publication));
}
