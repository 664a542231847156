/* Whom one can call. */

import { button, element, find, showAvatar, tabLink } from './elements.js';
import { people } from './identity.js';

/** @import { Person } from './identity.js' */

/**
 * @param {Person} me
 * @param {(uid: string) => void} dial
 */
export function showPeople(me, dial) {
  const others = people.filter(({ uid }) => uid !== me.uid);
  find('people').replaceChildren(
    ...others.map((person) =>
      row(person, person.uid, [
        tabLink(person.uid, `Open a tab as ${person.firstname}`),
        button('call', 'call', `Call ${person.firstname}`, () => dial(person.uid)),
      ]),
    ),
    ...(people.length > 0
      ? [row(me, 'you, on another device', [tabLink(me.uid, `Open another tab as ${me.firstname}`)])]
      : []),
  );
  const form = find('uid-form', HTMLFormElement);
  form.onsubmit = (event) => {
    event.preventDefault();
    const input = find('uid', HTMLInputElement);
    dial(input.value.trim());
  };
}

/** @param {Person} person @param {string} words @param {Node[]} actions */
function row({ uid, name }, words, actions) {
  const avatar = element('span', { class: 'avatar', ariaHidden: 'true' });
  showAvatar(avatar, name, uid);
  return element(
    'li',
    {},
    avatar,
    element(
      'span',
      { class: 'person' },
      element('strong', {}, name),
      element('span', { class: 'soft' }, words),
    ),
    element('span', { class: 'actions' }, ...actions),
  );
}
