/* The calls of this tab: one that it is in, and those that ring. */

import { announce, button, element, find, showAvatar, tabLink } from './elements.js';
import { learnName, nameOf, people } from './identity.js';
import * as stage from './stage.js';
import { talk } from './talk.js';
import { clock, counted, outcome } from './words.js';

/** @import { Call, Signaling, SignalingError } from 'call-signaling-client' */
/** @import { Person } from './identity.js' */

/**
 * @param {Signaling} signaling
 * @param {Person} me
 * @returns {{ dial: (uid: string) => Promise<void> }}
 */
export function showCalls(signaling, me) {
  /** @type {Call | undefined} */
  let current;
  /** Somebody pressed "Call", and the answer is not there yet. */
  let isDialling = false;
  /** @type {Call | undefined} what the user is asked to go on with */
  let offered;

  signaling.on('call', (call) => ring(call));
  signaling.on('calls', (calls) => {
    const isOurs = (/** @type {Call} */ call) => call.state === 'ACCEPTED' || call.direction === 'outgoing';
    for (const call of calls) if (call !== current && isOurs(call)) offerToGoOn(call);
  });
  signaling.on('signal', (signal) => {
    if (signal.origin) learnName(signal.origin.uid, signal.origin.firstname);
    if (signal.__typename === 'IncomingCall' && !signal.ring)
      showOutcome(`You missed a call from ${nameOf(signal.call.caller)}.`, [callAgain(signal.call.caller)]);
    if (signal.__typename !== 'CallUpdated' || signal.call.id !== offered?.id || !signal.device) return;
    const { deviceId, deviceLabel } = signal.device;
    if (deviceId !== signaling.deviceId) offerToGoOn(offered, deviceLabel ?? 'another device');
  });

  /** @param {string} uid */
  async function dial(uid) {
    if (current || isDialling) return showOutcome('Hang up first: you are in a call.', []);
    hideOutcome();
    isDialling = true;
    let isGivenUp = false;
    stage.openStage(nameOf(uid), uid, 'Calling…');
    stage.showControl('hang-up', 'hang-up', 'Cancel', () => {
      isGivenUp = true;
      stage.showPhase('Giving up…', 'waiting');
    });
    try {
      const call = await signaling.dial(uid);
      isDialling = false;
      if (isGivenUp) await call.hangUp();
      take(call);
    } catch (error) {
      isDialling = false;
      stage.closeStage();
      showOutcome(refusalText(error), [callAgain(uid)]);
    }
  }

  /** This tab is in it from now on: it dialled, or it answered. @param {Call} call */
  function take(call) {
    // Two who dial each other get one call, by two ways.
    if (current === call) return;
    current = call;
    offered = undefined;
    let stopTalking = () => {};
    let hasTalked = false;
    stage.openStage(nameOf(call.peer), call.peer, call.state === 'RINGING' ? 'Calling…' : 'Connecting…');
    stage.showControl('hang-up', 'hang-up', call.state === 'RINGING' ? 'Cancel' : 'Hang up', () =>
      hangUp(call),
    );
    const leave = () => {
      if (current === call) current = undefined;
      stopTalking();
      stage.closeStage();
      showTitle();
    };
    call.on('ringing', (alerting) =>
      stage.showPhase(`Ringing on ${counted(alerting, 'device')}…`, 'waiting'),
    );
    call.on('accepted', () => {
      if (hasTalked) return;
      hasTalked = true;
      stage.showControl('hang-up', 'hang-up', 'Hang up', () => hangUp(call));
      stopTalking = talk(call, me);
      showTitle();
    });
    call.on('answeredElsewhere', () => {
      leave();
      showOutcome(`The call moved to ${call.answeredOn ?? 'another device'}.`, []);
    });
    call.on('ended', (reason) => {
      leave();
      showOutcome(
        outcome(call, reason),
        reason === 'UNREACHABLE' ? helpFor(call.peer) : [callAgain(call.peer)],
      );
    });
  }

  /** @param {Call} call */
  async function hangUp(call) {
    stage.showPhase(call.state === 'RINGING' ? 'Giving up…' : 'Hanging up…', 'waiting');
    await call.hangUp().catch((error) => stage.showPhase(refusalText(error), 'waiting'));
  }

  /** @param {Call} call */
  function ring(call) {
    hideOutcome();
    const name = nameOf(call.peer);
    const avatar = element('span', { class: 'avatar big', ariaHidden: 'true' });
    showAvatar(avatar, name, call.peer);
    const left = element('span', { class: 'soft' });
    const title = element('h2', { id: `ring-${call.id}` }, `${name} is calling`);
    const answer = button('call', 'call', current ? 'Hang up and answer' : 'Answer', () => answerIt());
    const card = element(
      'section',
      { class: 'ring', role: 'alertdialog' },
      avatar,
      element('div', { class: 'ring-words' }, title, left),
      element(
        'span',
        { class: 'actions' },
        button('stop', 'hang-up', 'Decline', () => decline()),
        answer,
      ),
    );
    card.setAttribute('aria-labelledby', title.id);
    const tick = () => {
      left.textContent = `${call.waiting ? 'while you talk, ' : ''}rings for ${clock(call.remainingMs / 1000)}`;
    };
    tick();
    const ticking = setInterval(tick, 1000);
    ringing.set(call.id, name);
    find('rings').append(card);
    announce(`${name} is calling`);
    showTitle();
    // Whoever is writing goes on writing.
    if (!(document.activeElement instanceof HTMLInputElement)) answer.focus();

    const stop = () => {
      clearInterval(ticking);
      card.remove();
      ringing.delete(call.id);
      showTitle();
    };
    let isTaken = false;

    async function answerIt() {
      for (const each of card.querySelectorAll('button')) each.disabled = true;
      try {
        if (current) await current.hangUp();
        isTaken = await call.accept();
      } catch (error) {
        showOutcome(refusalText(error), [callAgain(call.peer)]);
      }
      stop();
      if (isTaken) take(call);
    }
    async function decline() {
      for (const each of card.querySelectorAll('button')) each.disabled = true;
      await call
        .decline({ busy: current !== undefined })
        .catch((error) => showOutcome(refusalText(error), []));
      stop();
    }
    // Also when two dialled each other, and are in one call without anybody answering.
    call.on('accepted', () => {
      stop();
      if (current === undefined && !isTaken) take(call);
    });
    call.on('answeredElsewhere', (device) => {
      stop();
      showOutcome(`Answered on ${device?.deviceLabel ?? 'another device'}.`, []);
    });
    call.on('ended', (reason) => {
      stop();
      if (current !== call) showOutcome(outcome(call, reason), [callAgain(call.peer)]);
    });
  }

  /**
   * A call of this user that this page does not have: it was loaded anew, or another device has the call.
   *
   * @param {Call} call
   * @param {string} [elsewhere] the other device
   */
  function offerToGoOn(call, elsewhere) {
    offered = call;
    const peer = nameOf(call.peer);
    const rings = call.state === 'RINGING';
    const where = elsewhere ? ` on ${elsewhere}` : '';
    // Who dials the one they have a call with gets that call.
    const goOn =
      rings || elsewhere
        ? button('call', 'call', elsewhere ? 'Move it here' : 'Go on here', () => dial(call.peer))
        : button('call', 'call', 'Go on here', () => takeBack(call));
    const hangUpIt = button('stop', 'hang-up', 'Hang up', () => call.hangUp());
    showOutcome(
      rings ? `You are calling ${peer}${where}.` : `You are in a call with ${peer}${where}.`,
      elsewhere ? [goOn] : [hangUpIt, goOn],
    );
    call.on('ended', () => {
      if (offered !== call) return;
      offered = undefined;
      hideOutcome();
    });
  }

  /** @param {Call} call */
  async function takeBack(call) {
    hideOutcome();
    if (await call.accept()) take(call);
    else showOutcome(`The call is on ${call.answeredOn ?? 'another device'}.`, []);
  }

  /** @type {Map<string, string>} names of those who call, by the call's id */
  const ringing = new Map();
  const homeTitle = `${me.firstname} · Call signaling`;

  function showTitle() {
    const [caller] = ringing.values();
    document.title = caller
      ? `☎ ${caller} is calling`
      : current
        ? `${nameOf(current.peer)} · in a call`
        : homeTitle;
    find('icon', HTMLLinkElement).href = caller ? 'demo/icon-ringing.svg' : 'demo/icon.svg';
  }

  /** @param {string} uid */
  const callAgain = (uid) => button('call', 'call', `Call ${nameOf(uid)}`, () => dial(uid));

  /** @param {string} uid */
  function helpFor(uid) {
    const known = people.find((each) => each.uid === uid);
    return known ? [tabLink(uid, `Open a tab as ${known.firstname}`), callAgain(uid)] : [callAgain(uid)];
  }

  showTitle();
  return { dial };
}

/** @param {string} text @param {Node[]} actions */
function showOutcome(text, actions) {
  find('outcome').hidden = false;
  find('outcome-text').textContent = text;
  find('outcome-actions').replaceChildren(...actions);
  // Its button may be gone.
  if (document.activeElement === document.body) find('outcome-text').focus();
  announce(text);
}

function hideOutcome() {
  find('outcome').hidden = true;
}

/** @param {unknown} error */
function refusalText(error) {
  const { code, message } = /** @type {SignalingError} */ (error);
  if (code === 'TIMEOUT' || code === 'NETWORK') return 'The service could not be reached in time.';
  return message;
}
