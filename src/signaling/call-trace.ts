import type { Call, EndReason } from './call.ts';
import { type CallView, callView } from './call-view.ts';
import type { Caller } from './caller.ts';
import type { Leg, LegState } from './leg.ts';
import type { SignalingNode } from './node.ts';
import { callOf } from './party.ts';

/** One step, in a sentence. `at` in milliseconds. */
export interface CallStep {
  readonly at: number;
  readonly text: string;
}

/** What happened to a call, as one side may see it: only the called user sees the names of their devices. */
export interface CallTrace {
  readonly call: CallView;
  readonly steps: readonly CallStep[];
  readonly legs: readonly {
    readonly deviceId: string | null;
    readonly deviceLabel: string | null;
    readonly state: LegState;
    readonly steps: readonly CallStep[];
  }[];
}

/** Why did the phone not ring? Throws NOT_FOUND for a call of others. */
export async function callTrace(node: SignalingNode, caller: Caller, callId: string): Promise<CallTrace> {
  const call = await callOf(node.store, caller, callId, 'callId');
  const isCallee = caller.identity.uid === call.callee;
  return {
    call: callView(call),
    steps: stepsOf(call),
    legs: call.legs.map((leg) => ({
      deviceId: isCallee ? leg.deviceId : null,
      deviceLabel: isCallee ? leg.deviceLabel : null,
      state: leg.state,
      steps: leg.steps.map(({ state, at }, i) => ({ at, text: legText(leg, state, i) })),
    })),
  };
}

function stepsOf(call: Call): CallStep[] {
  const steps: CallStep[] = [{ at: call.createdAt, text: dialledText(call) }];
  const alerted = call.legs.flatMap((leg) => leg.steps.filter(({ state }) => state === 'ALERTING'));
  const first = alerted.sort((a, b) => a.at - b.at)[0];
  if (first) steps.push({ at: first.at, text: 'The first device said that it rings.' });
  if (call.acceptedAt !== null) steps.push({ at: call.acceptedAt, text: 'The called user answered.' });
  if (call.endedAt !== null && call.reason) steps.push({ at: call.endedAt, text: endText(call.reason) });
  return steps.sort((a, b) => a.at - b.at);
}

function dialledText({ legs, reason }: Call): string {
  if (reason === 'UNREACHABLE')
    return 'Dialled; the called user had no open socket, or cannot be reached through this hub: it rang nowhere.';
  if (reason === 'BUSY' && legs.length === 0)
    return 'Dialled; the called user was in another call and does not want to be rung then: it rang nowhere.';
  return `Dialled; the ring was sent to ${count(legs.filter(wasSent).length, 'device')} that had an open socket.`;
}

const wasSent = ({ steps }: Leg): boolean => steps[0]?.state === 'SENT';

const endTexts: Record<EndReason, string> = {
  CANCELLED: 'The caller hung up before an answer.',
  DECLINED: 'The called user refused.',
  BUSY: 'The called user was busy.',
  HANGUP: 'Somebody hung up.',
  MEDIA_FAILED: 'Somebody hung up, because sound or picture could not be had.',
  NO_ANSWER: 'The ringing was over before anybody answered.',
  UNREACHABLE: 'There was nobody to ring.',
  CALLER_LOST: 'The dialling device had no open socket any more, and the ringing was ended.',
  CONNECTION_LOST: 'Both sides had no open socket for two minutes, or one of them for thirty.',
  EXPIRED: 'It was made 24 hours before, and nobody had ended it.',
};

const endText = (reason: EndReason): string => endTexts[reason];

const legTexts: Record<LegState, string> = {
  SENT: 'The ring was sent to',
  ALERTING: 'The device said that it rings.',
  WON: 'It was answered here.',
  DECLINED: 'It was refused here.',
  BUSY: 'It was refused here, as busy.',
  LOST: 'It was answered on another device.',
  CANCELLED: 'It stopped ringing: the call had ended.',
  TIMED_OUT: 'It stopped ringing: the time was over.',
};

function legText(leg: Leg, state: LegState, place: number): string {
  if (state === 'SENT')
    return `${legTexts.SENT} ${count(leg.socketIds.length, 'open socket')} of this device.`;
  if (leg.steps[place - 1]?.state === 'WON') return 'The talk went on on another device.';
  return (
    cameText(leg, place) +
    legTexts[state] +
    (isSilent(leg, state) ? ' The device never said that it rang.' : '')
  );
}

/** How a device comes to have a part in the call to which the ring was not sent. */
function cameText({ deviceId, socketIds }: Leg, place: number): string {
  if (place > 0) return '';
  if (deviceId === null && socketIds.length === 0) return 'The device did not say which it is. ';
  return 'The device opened its socket after the dial. ';
}

/** A device that was sent the ring, and said nothing until it was over. */
function isSilent({ steps }: Leg, state: LegState): boolean {
  const isOver = state === 'TIMED_OUT' || state === 'CANCELLED' || state === 'LOST';
  return isOver && steps.every((each) => each.state !== 'ALERTING');
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
