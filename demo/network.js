/*
 * Stands between the client and the network: it tells what the client sends, and can cut the cable. Your application has
 * nothing like it. Import it before the client connects.
 */

/**
 * One operation that was sent.
 *
 * @typedef {object} Sent
 * @property {string} field for example `dial`
 * @property {Record<string, unknown>} variables
 * @property {Promise<Answer>} answer
 */

/**
 * @typedef {object} Answer
 * @property {number} ms how long it took
 * @property {Record<string, unknown> | null} data
 * @property {string | null} failure why there is no data
 */

let cable = new AbortController();
let isCut = false;

/** @type {Set<WebSocket>} */
const sockets = new Set();

/** @type {(sent: Sent) => void} */
let tell = () => {};

/** The network itself, past the cut. */
export const directFetch = globalThis.fetch.bind(globalThis);

/** @param {(sent: Sent) => void} handler */
export function onSent(handler) {
  tell = handler;
}

/**
 * Cuts every connection of the client, and lets none through for a while. The service is told nothing: it goes on writing
 * to connections that nobody reads, as it does when a phone drives into a tunnel.
 *
 * @param {number} ms
 */
export async function cut(ms) {
  isCut = true;
  cable.abort(new TypeError('The connection is cut.'));
  const dead = [...sockets];
  for (const socket of dead) {
    const { onclose } = socket;
    socket.onmessage = socket.onclose = socket.onerror = null;
    onclose?.call(socket, new CloseEvent('close', { code: 1006 }));
  }
  await new Promise((resolve) => setTimeout(resolve, ms));
  isCut = false;
  cable = new AbortController();
  for (const socket of dead) socket.close();
  // What a browser says when its network is back.
  globalThis.dispatchEvent(new Event('online'));
}

/** A connection that does not come about. */
class NoSocket {
  /** @type {((event: CloseEvent) => void) | null} */
  onclose = null;
  readyState = WebSocket.CONNECTING;

  constructor() {
    setTimeout(() => this.onclose?.(new CloseEvent('close', { code: 1006 })), 50);
  }

  send() {}
  close() {}
}

globalThis.WebSocket = new Proxy(WebSocket, {
  construct(RealWebSocket, parameters) {
    if (isCut) return new NoSocket();
    const [url, protocols] = /** @type {[string, string]} */ (parameters);
    const socket = new RealWebSocket(url, protocols);
    sockets.add(socket);
    socket.addEventListener('close', () => sockets.delete(socket));
    return socket;
  },
});

globalThis.fetch = async (address, options = {}) => {
  const sent = sentBy(options);
  const answer = fetchThroughCable(address, options);
  if (sent) tell({ ...sent, answer: answerOf(answer) });
  return answer;
};

/**
 * @param {RequestInfo | URL} address
 * @param {RequestInit} options
 */
async function fetchThroughCable(address, options) {
  if (isCut) throw new TypeError('The connection is cut.');
  const signal = AbortSignal.any([cable.signal, ...(options.signal ? [options.signal] : [])]);
  return directFetch(address, { ...options, signal });
}

/**
 * The operation in a request; undefined where there is none, and for the subscription, of which the log tells otherwise.
 *
 * @param {RequestInit} options
 */
function sentBy({ body }) {
  if (typeof body !== 'string') return undefined;
  const { query, variables = {} } = JSON.parse(body);
  const field = /\{\s*(\w+)/.exec(query)?.[1];
  return field && field !== 'incomingSignal' ? { field, variables } : undefined;
}

/**
 * @param {Promise<Response>} coming
 * @returns {Promise<Answer>}
 */
async function answerOf(coming) {
  const start = performance.now();
  try {
    const { data = null, errors = [] } = await (await coming).clone().json();
    const failure = errors[0] ? `${errors[0].extensions?.code}: ${errors[0].message}` : null;
    return { ms: performance.now() - start, data, failure };
  } catch (error) {
    const failure = isCut ? 'the connection is cut' : String(error);
    return { ms: performance.now() - start, data: null, failure };
  }
}
