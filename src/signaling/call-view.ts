import type { Call, CallChange } from './call.ts';
import type { CallDevice, LegState } from './leg.ts';

/** What both sides may know of a call: nothing of the other side's devices. */
export type CallView = Omit<
  Call,
  'legs' | 'callerDevice' | 'callerWatched' | 'callerNamed' | 'winner' | 'byWord' | 'ringId'
> & { readonly legs: number; readonly alerting: number };

export function callView(call: Call): CallView {
  const { legs, callerDevice, callerWatched, callerNamed, winner, byWord, ringId, ...shared } = call;
  const alerted = legs.filter((leg) => leg.steps.some(({ state }) => state === 'ALERTING'));
  return { ...shared, legs: legs.length, alerting: alerted.length };
}

/** A leg as its own user may see it. */
export interface LegView {
  readonly deviceId: string | null;
  readonly deviceLabel: string | null;
  readonly state: LegState;
  readonly since: number;
}

/** What one side is told when a call has changed. */
export interface CallUpdate {
  readonly call: CallView;
  readonly change: CallChange;
  readonly device: CallDevice | null;
  readonly legs: readonly LegView[];
}

export function callUpdate(call: Call, change: CallChange, uid: string): CallUpdate {
  const isCaller = uid === call.caller;
  return {
    call: callView(call),
    change,
    device: isCaller ? call.callerDevice : call.winner,
    legs: isCaller ? [] : call.legs.map(legView),
  };
}

function legView({ deviceId, deviceLabel, state, steps }: Call['legs'][number]): LegView {
  return { deviceId, deviceLabel, state, since: steps.at(-1)?.at ?? 0 };
}
