/* The log: what comes, what goes, and what becomes of the connection, in its order. */

import { element, find, icon } from './elements.js';
import { nameOf } from './identity.js';
import { showJson } from './json.js';
import { counted, sentenceOf } from './words.js';

/** @import { Signal } from 'call-signaling-client' */
/** @import { Answer, Sent } from './network.js' */

const mostEntries = 400;

const box = find('log');
const entries = find('entries');

/** What was received, to be judged. */
const seen = { ids: new Set(), count: 0, epoch: '', number: 0, isOrdered: true, isUnique: true };

/** The least time between a signal's sending and its arrival, by two clocks that may differ. */
let leastAge = Number.POSITIVE_INFINITY;

/**
 * @param {Signal} signal
 * @param {string} uid of who looks
 */
export function logSignal(signal, uid) {
  judge(signal);
  const isOwn = signal.__typename === 'PeerMessage' && signal.type !== null;
  const kind = isOwn ? `${signal.__typename} ${signal.type}` : signal.__typename;
  const late = lateness(signal);
  addEntry({
    kind,
    look: signal.__typename,
    way: 'in',
    who: senderOf(signal, uid),
    sentence: sentenceOf(signal),
    json: () => signal,
    details: [
      ...(late > 1 ? [element('span', { class: 'late' }, `sent ${late.toFixed(1)} s earlier`)] : []),
      ...(signal.cursor ? [cursorOf(signal.cursor)] : []),
    ],
  });
}

/** @param {Signal} signal @param {string} uid */
function senderOf({ origin }, uid) {
  if (!origin) return 'from the service';
  return origin.uid === uid ? 'from you' : `from ${nameOf(origin.uid)}`;
}

/** @param {string} cursor */
function cursorOf(cursor) {
  return element('span', { class: 'cursor' }, element('span', { class: 'hidden' }, 'cursor '), cursor);
}

/** @param {Sent} sent */
export function logSent({ field, variables, answer }) {
  /** @type {{ variables: object, answer?: object | null, failure?: string }} */
  const shown = { variables };
  const { li, say } = addEntry({
    kind: typeOf(variables) ? `${field} ${typeOf(variables)}` : field,
    look: 'sent',
    way: 'out',
    who: recipientOf(variables),
    sentence: '…',
    json: () => shown,
  });
  answer.then((got) => {
    shown.answer = got.data;
    if (got.failure) shown.failure = got.failure;
    li.classList.toggle('failed', got.failure !== null);
    say(resultOf(field, got));
  });
}

/** @param {string} text @param {string} [look] what became of the connection */
export function logNote(text, look = '') {
  add(element('li', { class: `note ${look}` }, now(), element('span', {}, text)));
}

/** @param {Signal} signal */
function judge({ id, cursor }) {
  const [epoch = '', digits = ''] = cursor?.split(':') ?? [];
  const number = Number(digits);
  if (cursor && epoch === seen.epoch && number <= seen.number) seen.isOrdered = false;
  if (cursor) Object.assign(seen, { epoch, number });
  if (seen.ids.has(id)) seen.isUnique = false;
  seen.ids.add(id);
  seen.count++;
  const order = seen.isOrdered ? 'in order' : 'NOT in order';
  find('tally').textContent =
    `${seen.count} received, ${order}, ${seen.isUnique ? 'none twice' : 'SOME TWICE'}`;
}

/** @param {Signal} signal @returns {number} in seconds */
function lateness({ sentAt }) {
  const age = Date.now() - Date.parse(sentAt);
  leastAge = Math.min(leastAge, age);
  return (age - leastAge) / 1000;
}

/** @param {Record<string, any>} variables @returns {string | undefined} */
const typeOf = ({ input }) => input?.type;

/** @param {Record<string, any>} variables */
function recipientOf({ input, callId, peer }) {
  const target = input?.target?.uid ?? input?.recipients?.join(', ') ?? peer;
  if (target) return `to ${nameOf(target)}`;
  return callId ? 'on the call' : '';
}

/** @param {string} field @param {Answer} answer */
function resultOf(field, { ms, data, failure }) {
  if (failure) return `Refused or lost: ${failure}`;
  const result = /** @type {any} */ (data)?.[field];
  const call = result?.call ?? result;
  const facts = [
    result?.__typename,
    result?.__typename === 'Accepted' ? '' : [call?.state, call?.reason].filter(Boolean).join(' '),
    result?.offline ? 'offline' : '',
    result?.hubs ? counted(result.hubs[0]?.sockets ?? 0, 'socket') : '',
    result?.held ? 'held until its description is there' : '',
    result?.edges ? counted(result.edges.length, 'record') : '',
  ].filter(Boolean);
  return `Answered in ${Math.round(ms)} ms${facts.length > 0 ? `: ${facts.join(', ')}` : ''}.`;
}

/**
 * @typedef {object} Entry
 * @property {string} kind
 * @property {string} look
 * @property {'in' | 'out'} way
 * @property {string} who
 * @property {string} sentence
 * @property {() => unknown} json
 * @property {Node[]} [details]
 */

/** @param {Entry} entry */
function addEntry({ kind, look, way, who, sentence, json, details: more = [] }) {
  const words = element('span', { class: 'sentence' }, sentence);
  const summary = element(
    'summary',
    {},
    element(
      'span',
      { class: 'way' },
      icon(way),
      element('span', { class: 'hidden' }, way === 'in' ? 'received' : 'sent'),
    ),
    element('span', { class: 'kind' }, kind),
    element('span', { class: 'who' }, who),
    now(),
    words,
    ...more,
  );
  const details = element('details', {}, summary);
  // Made when somebody looks: candidates come by the dozen.
  details.addEventListener('toggle', () => {
    details.querySelector('.json')?.remove();
    if (details.open) details.append(showJson(json()));
  });
  const li = element('li', { class: `entry ${way} kind-${look}` }, details);
  add(li);
  return {
    li,
    /** @param {string} text */
    say(text) {
      words.textContent = text;
    },
  };
}

/** Adds to the end, and keeps it in sight unless somebody reads further up. @param {HTMLElement} li */
function add(li) {
  const follows = box.scrollHeight - box.scrollTop - box.clientHeight < 60;
  find('log-empty').hidden = true;
  entries.append(li);
  if (entries.childElementCount > mostEntries) entries.firstElementChild?.remove();
  if (follows) box.scrollTop = box.scrollHeight;
}

function now() {
  const date = new Date();
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map((each) =>
    String(each).padStart(2, '0'),
  );
  const milliseconds = `.${String(date.getMilliseconds()).padStart(3, '0')}`;
  return element(
    'time',
    { dateTime: date.toISOString() },
    clock.join(':'),
    element('span', { class: 'milliseconds' }, milliseconds),
  );
}

find('show-sent', HTMLInputElement).addEventListener('change', ({ target }) => {
  entries.classList.toggle('received-only', !(/** @type {HTMLInputElement} */ (target).checked));
});

find('clear').addEventListener('click', () => {
  entries.replaceChildren();
  find('log-empty').hidden = false;
});
