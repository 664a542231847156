/* The connection: how it is, and a button that cuts it. */

import { find } from './elements.js';
import { logNote } from './log.js';
import { cut, directFetch } from './network.js';

/** @import { Signaling, StateChange } from 'call-signaling-client' */
/** @import { Person } from './identity.js' */

const cutMs = 5000;

/** How many messages the page sends to itself while it is cut off. */
const meanwhileCount = 3;

const closings = {
  LEFT: 'You left.',
  DISCONNECTED: 'An administrator closed this connection.',
  TOO_MANY_SOCKETS: 'You opened too many other tabs, and this one was the oldest.',
  REPLACED: 'Another page goes on with this connection.',
  UNAUTHENTICATED: 'The token is not accepted.',
  REFUSED: 'The service refuses what was asked for.',
};

/**
 * @param {Signaling} signaling
 * @param {Person} me
 * @param {string} hubId
 */
export function showConnection(signaling, me, hubId) {
  signaling.on('state', (change) => {
    show(change, signaling);
    find('socket-id').textContent = signaling.socketId ?? '–';
  });
  signaling.on('signal', () => {
    find('cursor').textContent = signaling.cursor ?? '–';
  });
  find('reconnect').onclick = () =>
    signaling.state === 'closed' ? location.reload() : signaling.reconnect();
  const button = find('cut', HTMLButtonElement);
  button.onclick = async () => {
    button.disabled = true;
    await prove(signaling, me, hubId);
    button.disabled = false;
  };
}

/** @param {StateChange} change @param {Signaling} signaling */
function show(change, signaling) {
  const over = signaling.transport === 'ws' ? 'WebSocket' : 'server-sent events';
  const text = stateText(change, over);
  find('state').textContent = text;
  find('light').className = `light ${change.state}`;
  find('cursor').textContent = signaling.cursor ?? '–';
  find('cut', HTMLButtonElement).hidden = change.state === 'closed';
  find('reconnect').textContent = change.state === 'closed' ? 'Connect again' : 'Reconnect';
  logNote('code' in change ? `${text} (${change.code})` : text, change.state);
}

/** @param {StateChange} change @param {string} over */
function stateText(change, over) {
  switch (change.state) {
    case 'connecting':
      if (change.code === 'TOKEN') return 'The token is not accepted; trying again';
      return `Not connected yet; trying again in ${(change.retryInMs / 1000).toFixed(1)} s`;
    case 'connected':
      return change.reason ? `Connected again, after a gap: ${change.reason}` : `Connected over ${over}`;
    case 'reconnecting':
      return `Connection lost; trying again in ${(change.retryInMs / 1000).toFixed(1)} s`;
    case 'recovered':
      return `Back over ${over}, nothing missed`;
    case 'closed':
      return `Closed. ${closings[change.reason]}${change.error ? ` ${change.error.message}` : ''}`;
  }
}

/**
 * Cuts the connection, has messages sent to this user meanwhile, and tells what came of them.
 *
 * @param {Signaling} signaling
 * @param {Person} me
 * @param {string} hubId
 */
async function prove(signaling, me, hubId) {
  const proof = find('proof');
  proof.hidden = false;
  proof.className = 'proof';
  const start = performance.now();
  const run = crypto.randomUUID();
  /** @type {number[]} */
  const arrived = [];
  const off = signaling.on('message', ({ type, payload }) => {
    const { run: theirs, number } = /** @type {{ run?: string, number?: number }} */ (payload ?? {});
    if (type === 'meanwhile' && theirs === run && number !== undefined) arrived.push(number);
  });
  logNote(`Cut for ${cutMs / 1000} s`, 'reconnecting');
  const over = cut(cutMs);
  const sent = sendMeanwhile(me, hubId, run);
  const countdown = setInterval(() => {
    const left = Math.ceil((cutMs - (performance.now() - start)) / 1000);
    proof.textContent = left > 0 ? waiting(left) : 'The cable is back.';
  }, 250);
  proof.textContent = waiting(cutMs / 1000);
  await over;
  clearInterval(countdown);
  const count = await sent;
  await signaling.ready().catch(() => {});
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  // They follow right behind the recovery.
  const deadline = Date.now() + 3000;
  while (arrived.length < count && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 50));
  off();
  const isWhole =
    count === meanwhileCount && arrived.join() === Array.from({ length: count }, (_, i) => i + 1).join();
  proof.className = isWhole ? 'proof good' : 'proof bad';
  proof.textContent = isWhole
    ? `Back after ${seconds} s. All ${count} messages sent meanwhile arrived: in order, each once.`
    : `Back after ${seconds} s. Of ${count} messages sent meanwhile, these arrived: ${arrived.join(', ') || 'none'}.`;
}

/** @param {number} left */
const waiting = (left) =>
  `Cut off, for ${left} s more. Meanwhile ${meanwhileCount} messages are sent to you. A call goes on talking.`;

/**
 * Writes to this tab's own user, past the cut.
 *
 * @param {Person} me
 * @param {string} hubId
 * @param {string} run
 * @returns {Promise<number>} how many were accepted
 */
async function sendMeanwhile({ uid, token }, hubId, run) {
  const query =
    'mutation($hubId: ID!, $input: MessageInput!) { message(hubId: $hubId, input: $input) { signalId } }';
  let accepted = 0;
  for (let number = 1; number <= meanwhileCount; number++) {
    await new Promise((resolve) => setTimeout(resolve, cutMs / (meanwhileCount + 2)));
    const input = { target: { uid }, type: 'meanwhile', payload: { run, number } };
    try {
      const response = await directFetch('graphql', {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ query, variables: { hubId, input } }),
      });
      if ((await response.json()).data) accepted++;
    } catch {
      // The network is away for real; the result tells.
    }
  }
  return accepted;
}
