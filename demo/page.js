/* Begins here: who you are, and everything that then shows what happens. */

import './network.js';
import { connect } from 'call-signaling-client';
import { showCalls } from './calls.js';
import { showConnection } from './connection.js';
import { element, find, icon, showAvatar } from './elements.js';
import { showHistory } from './history.js';
import { chosen, deviceLabel, forgetToken, hasGraphiql, keepToken, people, personOf } from './identity.js';
import { logSent, logSignal } from './log.js';
import { onSent } from './network.js';
import { showPeople } from './people.js';

/** @import { Person } from './identity.js' */

find('graphiql').hidden = !hasGraphiql;

const me = chosen();
if (me) enter(me);
else welcome();

/** Asks who you are. */
function welcome() {
  find('welcome').hidden = false;
  const wanted = new URLSearchParams(location.search).get('as');
  if (people.length > 0) {
    find('lead').textContent =
      'Be Alice in this tab and Bob in another. One rings, the other answers, and every signal that makes it happen is written down beside the call.';
    find('choices').replaceChildren(...people.map(choice));
    if (wanted !== null) complain(`Nobody here is called “${wanted}”.`);
    return;
  }
  find('lead').textContent =
    'Come in with a token of yours, open a second tab with somebody else’s, and call. Every signal that makes it happen is written down beside the call.';
  const form = find('token-form', HTMLFormElement);
  form.hidden = false;
  form.onsubmit = (event) => {
    event.preventDefault();
    const token = find('token', HTMLTextAreaElement).value.trim();
    try {
      personOf(token);
      keepToken(token);
      location.assign('./');
    } catch {
      complain(
        'That is not a token: a JWT has three parts with dots between them, and says in "sub" whose it is.',
      );
    }
  };
}

/** @param {Person} person */
function choice({ uid, name, firstname }) {
  const avatar = element('span', { class: 'avatar big', ariaHidden: 'true' });
  showAvatar(avatar, name, uid);
  const words = element(
    'span',
    {},
    element('strong', {}, `I am ${firstname}`),
    element('span', { class: 'soft' }, name),
  );
  return element(
    'li',
    {},
    element('a', { class: 'choice', href: `./?as=${encodeURIComponent(uid)}` }, avatar, words, icon('go')),
  );
}

/** @param {string} text */
function complain(text) {
  find('wrong').textContent = text;
  find('wrong').hidden = false;
}

/** @param {Person} me */
function enter(me) {
  const hubId = me.hubs[0] ?? 'team';
  find('app').hidden = find('me').hidden = false;
  find('me-name').textContent = me.name;
  find('me-device').textContent = deviceLabel;
  showAvatar(find('me-avatar'), me.name, me.uid);
  find('greeting').textContent = `You are ${me.firstname}.`;
  const other = people.find(({ uid }) => uid !== me.uid);
  find('hint').textContent = other
    ? `Call ${other.firstname}. Nobody there yet? Open a tab as ${other.firstname} too, and be both.`
    : 'Call somebody who is here, by their uid.';

  const transport = new URLSearchParams(location.search).get('transport');
  const signaling = connect({
    url: 'graphql',
    getToken: () => me.token,
    hubId,
    deviceLabel,
    ...((transport === 'ws' || transport === 'sse') && { transport }),
  });
  find('change').onclick = forgetToken;
  onSent(logSent);
  signaling.on('signal', (signal) => logSignal(signal, me.uid));
  showConnection(signaling, me, hubId);
  const { dial } = showCalls(signaling, me);
  showPeople(me, dial);
  showHistory(signaling);
  find('wave').textContent = `Wave to ${hubId}`;
  find('wave').onclick = () => signaling.notify([hubId], 'wave', { from: deviceLabel });
  signaling.on('state', (change) => {
    if (change.state === 'closed' && people.length === 0) forgetToken();
  });
}
