/* The calls that were, as the service wrote them down. */

import { element, find, icon } from './elements.js';
import { nameOf } from './identity.js';
import { recordOutcome } from './words.js';

/** @import { CallRecord, Signaling } from 'call-signaling-client' */

const pageLength = 5;

const list = find('history');
const more = find('more', HTMLButtonElement);

/** @param {Signaling} signaling */
export function showHistory(signaling) {
  /** @type {string | undefined} */
  let after;

  async function load() {
    const { edges, pageInfo } = await signaling.callHistory({ first: pageLength, ...(after && { after }) });
    if (after === undefined) list.replaceChildren();
    for (const { node } of edges) if (!shows(node)) list.append(row(node, signaling));
    after = pageInfo.endCursor ?? after;
    more.hidden = !pageInfo.hasNextPage;
    find('history-empty').hidden = list.childElementCount > 0;
  }

  signaling.on('logged', (record) => {
    if (!shows(record)) list.prepend(row(record, signaling));
    find('history-empty').hidden = true;
  });
  // Connected, and not just recovered: what happened meanwhile is not known.
  signaling.on('calls', () => {
    after = undefined;
    return load();
  });
  more.onclick = () => load();
}

/** @param {CallRecord} record */
const shows = ({ id }) =>
  [...list.children].some((each) => /** @type {HTMLElement} */ (each).dataset['id'] === id);

/** @param {CallRecord} record @param {Signaling} signaling */
function row(record, signaling) {
  const way = record.direction === 'OUTGOING' ? 'out' : 'in';
  const ended = new Date(record.endedAt);
  const summary = element(
    'summary',
    {},
    element(
      'span',
      { class: 'way' },
      icon(way),
      element('span', { class: 'hidden' }, way === 'out' ? 'to' : 'from'),
    ),
    element('strong', {}, nameOf(record.peer)),
    element('span', { class: record.missed ? 'missed' : 'soft' }, recordOutcome(record)),
    element('time', { dateTime: record.endedAt, title: ended.toLocaleString() }, whenText(ended)),
  );
  const details = element('details', {}, summary);
  details.addEventListener('toggle', () => void trace(details, record, signaling), { once: true });
  const li = element('li', {}, details);
  li.dataset['id'] = record.id;
  return li;
}

/** @param {Date} date */
function whenText(date) {
  const time = date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  return date.toDateString() === new Date().toDateString() ? time : `${date.toLocaleDateString()} ${time}`;
}

const traceQuery = `query($callId: ID!) { callTrace(callId: $callId) {
  call { createdAt } steps { at text } legs { deviceLabel state steps { at text } }
} }`;

/**
 * @typedef {object} Trace
 * @property {{ createdAt: string }} call
 * @property {{ at: string, text: string }[]} steps
 * @property {{ deviceLabel: string | null, state: string, steps: { at: string, text: string }[] }[]} legs
 */

/**
 * Why did the phone not ring? Step by step, as the service tells.
 *
 * @param {HTMLElement} place
 * @param {CallRecord} record
 * @param {Signaling} signaling
 */
async function trace(place, { callId }, signaling) {
  const steps = element('ol', { class: 'trace' });
  place.append(steps);
  try {
    const { callTrace } = await signaling
      .request(traceQuery, { callId })
      .then((data) => /** @type {{ callTrace: Trace }} */ (data));
    const start = Date.parse(callTrace.call.createdAt);
    const legs = callTrace.legs.flatMap((leg, place) =>
      leg.steps.map((step) => ({
        ...step,
        where: leg.deviceLabel ?? `device ${place + 1}`,
      })),
    );
    const all = [...callTrace.steps.map((step) => ({ ...step, where: '' })), ...legs];
    all.sort((one, other) => one.at.localeCompare(other.at));
    steps.append(...all.map(({ at, text, where }) => stepRow((Date.parse(at) - start) / 1000, text, where)));
  } catch (error) {
    steps.append(element('li', {}, `There is no trace any more: ${/** @type {Error} */ (error).message}`));
  }
}

/** @param {number} seconds @param {string} text @param {string} where */
function stepRow(seconds, text, where) {
  return element(
    'li',
    { class: 'step' },
    element('span', { class: 'when' }, `+${seconds.toFixed(2)} s`),
    element('span', {}, text, ...(where ? [element('span', { class: 'soft' }, ` ${where}`)] : [])),
  );
}
