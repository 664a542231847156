/* Who is at this tab, and what their device is called. */

/**
 * @typedef {object} Person
 * @property {string} uid
 * @property {string} name their full name
 * @property {string} firstname
 * @property {string} token
 * @property {readonly string[]} hubs those that the token names
 */

/**
 * What the service wrote into the page.
 *
 * @type {{ users: { uid: string, token: string }[], graphiql: boolean }}
 */
const settings = JSON.parse(document.getElementById('settings')?.textContent ?? '{}');

/** Whether the page has a GraphiQL to point to. */
export const hasGraphiql = settings.graphiql;

/** Whom one can be without a token of one's own: in development mode only. */
export const people = settings.users.map(({ token }) => personOf(token));

/** @type {Map<string, string>} first names by uid, as far as the page has heard of them */
const names = new Map(people.map(({ uid, firstname }) => [uid, firstname]));

/** @param {string} uid */
export const nameOf = (uid) => names.get(uid) ?? uid;

/**
 * @param {string} uid
 * @param {string | null} name
 */
export function learnName(uid, name) {
  if (name) names.set(uid, name);
}

/**
 * Reads a token. Whether it is good is the service's to say.
 *
 * @param {string} token
 * @returns {Person}
 */
export function personOf(token) {
  const [, claims = ''] = token.split('.');
  const bytes = Uint8Array.from(atob(claims.replaceAll('-', '+').replaceAll('_', '/')), (each) =>
    each.charCodeAt(0),
  );
  const { sub, fullname, firstname, hubs } = JSON.parse(new TextDecoder().decode(bytes));
  if (typeof sub !== 'string') throw new Error('The token names nobody.');
  return {
    uid: sub,
    name: fullname ?? firstname ?? sub,
    firstname: firstname ?? fullname ?? sub,
    token,
    hubs: Object.keys(hubs ?? {}),
  };
}

const tokenKey = 'call-signaling.token';

/** Keeps a token until the tab is closed. @param {string} token */
export function keepToken(token) {
  sessionStorage.setItem(tokenKey, token);
}

export function forgetToken() {
  sessionStorage.removeItem(tokenKey);
}

/**
 * Whom the address or an earlier visit of this tab names.
 *
 * @returns {Person | undefined}
 */
export function chosen() {
  const uid = new URLSearchParams(location.search).get('as');
  if (uid !== null && people.length > 0) return people.find((each) => each.uid === uid);
  const token = people.length === 0 ? sessionStorage.getItem(tokenKey) : null;
  return token ? personOf(token) : undefined;
}

const words =
  'amber azure coral fern gold indigo ivory jade lilac mint olive pearl ruby sand slate teal'.split(' ');

/** A word for this tab, so that two of one browser can be told apart. A reload keeps it. */
function tabWord() {
  const key = 'call-signaling.tab';
  const word = sessionStorage.getItem(key) ?? words[Math.floor(Math.random() * words.length)] ?? 'first';
  sessionStorage.setItem(key, word);
  return word;
}

function browserName() {
  const known = /** @type {const} */ ([
    ['Edg/', 'Edge'],
    ['Firefox/', 'Firefox'],
    ['Chrome/', 'Chrome'],
    ['Safari/', 'Safari'],
  ]);
  return known.find(([mark]) => navigator.userAgent.includes(mark))?.[1] ?? 'Browser';
}

/** What the user's other devices call this one. */
export const deviceLabel = `${browserName()}, ${tabWord()} tab`;
