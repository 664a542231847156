/* What the page says of calls and signals, in sentences. */

import { nameOf } from './identity.js';

/** @import { Call, CallRecord, EndReason, Signal } from 'call-signaling-client' */

/** @param {number} seconds */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

/** @param {number} count @param {string} noun */
export const counted = (count, noun) => `${count} ${noun}${count === 1 ? '' : 's'}`;

/**
 * How a call of this tab ended.
 *
 * @param {Call} call
 * @param {EndReason | null} reason
 */
export function outcome(call, reason) {
  const peer = nameOf(call.peer);
  const lasted = call.acceptedAt
    ? ` after ${clock(Math.round((Date.now() - Date.parse(call.acceptedAt)) / 1000))}`
    : '';
  const incoming = call.direction === 'incoming';
  switch (reason) {
    case 'UNREACHABLE':
      return `${peer} is offline: there was nobody to ring.`;
    case 'BUSY':
      return incoming ? `You were busy when ${peer} called.` : `${peer} is busy.`;
    case 'DECLINED':
      return incoming ? `You declined ${peer}’s call.` : `${peer} declined.`;
    case 'NO_ANSWER':
      return incoming ? `You missed a call from ${peer}.` : `${peer} did not answer.`;
    case 'CANCELLED':
      return incoming
        ? `You missed a call from ${peer}, who gave up.`
        : `You gave up before ${peer} answered.`;
    case 'CALLER_LOST':
      return incoming
        ? `You missed a call from ${peer}, whose device is gone.`
        : 'The ringing ended: this device was gone.';
    case 'HANGUP':
      return `The call with ${peer} ended${lasted}.`;
    case 'MEDIA_FAILED':
      return `The call with ${peer} ended: no sound or picture got through.`;
    case 'CONNECTION_LOST':
      return `The call with ${peer} ended: ${peer} was gone for too long.`;
    case 'EXPIRED':
      return `The call with ${peer} ended after 24 hours.`;
    default:
      return `The call with ${peer} has ended.`;
  }
}

/** @type {Record<EndReason, [outgoing: string, incoming: string]>} */
const shortly = {
  HANGUP: ['talked', 'talked'],
  CANCELLED: ['you gave up', 'missed'],
  DECLINED: ['declined', 'you declined'],
  BUSY: ['busy', 'you were busy'],
  NO_ANSWER: ['no answer', 'missed'],
  UNREACHABLE: ['offline', 'not reached'],
  CALLER_LOST: ['this device was gone', 'missed'],
  MEDIA_FAILED: ['no sound or picture', 'no sound or picture'],
  CONNECTION_LOST: ['connection lost', 'connection lost'],
  EXPIRED: ['expired', 'expired'],
};

/** @param {CallRecord} record */
export function recordOutcome({ reason, direction, duration }) {
  const [outgoing, incoming] = shortly[reason] ?? ['ended', 'ended'];
  const words = direction === 'OUTGOING' ? outgoing : incoming;
  return duration > 0 ? `${words} ${clock(duration)}` : words;
}

/**
 * What a signal says.
 *
 * @param {Signal} signal
 * @returns {string}
 */
export function sentenceOf(signal) {
  switch (signal.__typename) {
    case 'IncomingCall':
      return signal.ring
        ? `${nameOf(signal.call.caller)} calls you. It rings for ${Math.round(signal.remainingMs / 1000)} s.`
        : `${nameOf(signal.call.caller)} called you, and it is too late to ring.`;
    case 'CallUpdated':
      return changeOf(signal);
    case 'CallLogged':
      return `Written to your history: ${recordOutcome(signal.record)}.`;
    case 'HubNotification':
      return signal.type === 'wave'
        ? `${nameOf(signal.origin?.uid ?? '')} waves to ${signal.recipients.join(', ')}.`
        : `Something happened in ${signal.recipients.join(', ')}.`;
    case 'PeerMessage':
      return messageOf(signal);
  }
}

/** @param {Extract<Signal, { __typename: 'CallUpdated' }>} signal */
function changeOf({ change, call, device }) {
  const where = device?.deviceLabel ? ` on ${device.deviceLabel}` : '';
  switch (change) {
    case 'ALERTING':
      return `It rings on ${counted(call.alerting, 'device')}.`;
    case 'ACCEPTED':
      return `${nameOf(call.callee)} answered${where}.`;
    case 'DECLINED':
      return 'One device will not answer; the others ring on.';
    case 'MOVED':
      return `The call goes on with another socket${where}.`;
    case 'ENDED':
      return `The call has ended: ${call.reason}.`;
  }
}

/** @param {Extract<Signal, { __typename: 'PeerMessage' }>} signal */
function messageOf({ type, payload, origin }) {
  const sender = nameOf(origin?.uid ?? '');
  const { candidates, camera, microphone, number } = /** @type {Record<string, any>} */ (payload ?? {});
  switch (type) {
    case 'offer':
      return `${sender} offers what to send: codecs, keys, streams.`;
    case 'answer':
      return `${sender} agrees, and says what comes back.`;
    case 'candidate':
      return `${counted(candidates?.length ?? 1, 'way')} to reach ${sender}’s browser.`;
    case 'media':
      return `${sender}’s camera is ${camera ? 'on' : 'off'}${microphone === null ? '' : `, the microphone ${microphone ? 'on' : 'muted'}`}.`;
    case 'meanwhile':
      return `Message ${number}, sent while you were cut off.`;
    default:
      return `${sender} writes to you.`;
  }
}
