/* What every part of the page needs of the document. */

/**
 * The element with this id, which index.html has.
 *
 * @template {HTMLElement} [Kind=HTMLElement]
 * @param {string} id
 * @param {new () => Kind} [kind]
 * @returns {Kind}
 */
export function find(id, kind = /** @type {new () => Kind} */ (HTMLElement)) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`index.html has no ${kind.name} with the id ${id}`);
  return found;
}

/**
 * A new element with properties (`class`, and those of the element) and content.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Partial<HTMLElementTagNameMap[Tag]> & { class?: string }} [properties]
 * @param {...(Node | string)} content
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, { class: className = '', ...properties } = {}, ...content) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  Object.assign(made, properties);
  made.append(...content);
  return made;
}

const svg = 'http://www.w3.org/2000/svg';

/**
 * A picture for those who see it, next to words that say the same.
 *
 * @param {string} name of a symbol in index.html
 */
export function icon(name) {
  const made = document.createElementNS(svg, 'svg');
  made.setAttribute('class', 'icon');
  made.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(svg, 'use');
  use.setAttribute('href', `#icon-${name}`);
  made.append(use);
  return made;
}

/**
 * A button with an icon and a word.
 *
 * @param {string} kind its classes
 * @param {string} picture
 * @param {string} word
 * @param {() => unknown} act
 */
export function button(kind, picture, word, act) {
  return element('button', { type: 'button', class: `button ${kind}`, onclick: act }, icon(picture), word);
}

/**
 * A link that opens another tab as somebody. A tab of its own kin would inherit this one's device.
 *
 * @param {string} uid
 * @param {string} words
 */
export function tabLink(uid, words) {
  return element(
    'a',
    { class: 'button quiet', href: `./?as=${encodeURIComponent(uid)}`, target: '_blank', rel: 'noopener' },
    icon('tab'),
    words,
  );
}

const toneCount = 6;

/**
 * The number of somebody's colour, which stays the same.
 *
 * @param {string} uid
 */
export function toneOf(uid) {
  return [...uid].reduce((total, letter) => total + (letter.codePointAt(0) ?? 0), 0) % toneCount;
}

/**
 * The first letter of a name on a colour of its own.
 *
 * @param {HTMLElement} place an element of the class `avatar`
 * @param {string} name
 * @param {string} uid
 */
export function showAvatar(place, name, uid) {
  place.textContent = [...name][0]?.toUpperCase() ?? '?';
  for (let tone = 0; tone < toneCount; tone++) place.classList.toggle(`tone-${tone}`, tone === toneOf(uid));
}

/** @param {string} text read out at once, whatever is being read */
export function announce(text) {
  find('announce').textContent = text;
}
