/* What a call looks like, from the first ring to the end. It knows no signals. */

import { element, find, icon, showAvatar } from './elements.js';
import { clock } from './words.js';

const stage = find('stage');
const title = find('stage-title');
const phase = find('stage-phase');
const time = find('stage-time');
const route = find('stage-route');
const theirs = find('stage-theirs');
const notes = find('stage-notes');
const curtain = find('curtain');
const remote = find('remote', HTMLVideoElement);
const local = find('local', HTMLVideoElement);

/** @type {ReturnType<typeof setInterval> | undefined} */
let ticking;

/**
 * @param {string} name the other side
 * @param {string} uid
 * @param {string} text
 */
export function openStage(name, uid, text) {
  title.textContent = name;
  showAvatar(find('stage-avatar'), name, uid);
  for (const id of ['mute', 'camera', 'sound']) hideControl(id);
  stage.hidden = false;
  document.body.classList.add('in-call');
  showPhase(text, 'waiting');
  title.focus();
}

export function closeStage() {
  clearInterval(ticking);
  for (const each of [stage, time, route, theirs, local]) each.hidden = true;
  notes.replaceChildren();
  remote.srcObject = local.srcObject = null;
  curtain.hidden = false;
  document.body.classList.remove('in-call');
}

/**
 * @param {string} text
 * @param {'waiting' | 'talking'} look
 */
export function showPhase(text, look) {
  phase.textContent = text;
  stage.dataset['look'] = look;
}

/** @param {string} since when the call was accepted, by the service's clock */
export function showTime(since) {
  // Its clock may differ from ours; the call cannot have begun in the future.
  const start = Math.min(Date.parse(since), Date.now());
  const tick = () => {
    time.textContent = clock((Date.now() - start) / 1000);
  };
  clearInterval(ticking);
  ticking = setInterval(tick, 500);
  tick();
  time.hidden = false;
}

/** @param {string} text how the two browsers are connected */
export function showRoute(text) {
  route.textContent = text;
  route.hidden = text === '';
}

/** @param {string} text what the other side has switched off */
export function showTheirs(text) {
  theirs.textContent = text;
  theirs.hidden = text === '';
}

/** @param {string} text what the user should know, for as long as the call lasts */
export function addNote(text) {
  notes.append(element('p', {}, text));
}

/** @param {MediaStream} stream @param {boolean} isMirrored */
export function showLocal(stream, isMirrored) {
  local.srcObject = stream;
  local.classList.toggle('mirrored', isMirrored);
  local.hidden = false;
}

/** @param {MediaStream} stream */
export function showRemote(stream) {
  if (remote.srcObject === stream) return;
  remote.srcObject = stream;
  // Refused with sound where nobody has touched the page yet.
  remote.play().catch(() => {
    remote.muted = true;
    remote.play().catch(() => {});
  });
}

/** @param {boolean} isVisible whether the other side's picture is to be seen */
export function showPicture(isVisible) {
  curtain.hidden = isVisible;
  remote.classList.toggle('covered', !isVisible);
}

/** @param {boolean} isOn */
export function setSound(isOn) {
  remote.muted = !isOn;
}

export const isSoundOn = () => !remote.muted;

/**
 * @param {string} id of the button
 * @param {string} picture
 * @param {string} word
 * @param {() => unknown} act
 */
export function showControl(id, picture, word, act) {
  const control = find(id, HTMLButtonElement);
  control.replaceChildren(icon(picture), document.createTextNode(word));
  control.onclick = act;
  control.hidden = false;
}

/** @param {string} id */
export function hideControl(id) {
  find(id).hidden = true;
}
