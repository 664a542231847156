import type { SocketRecord } from './ports.ts';

/*
 * A leg is the call on one device of the called user; on one socket of theirs, where it named no device. Times are
 * milliseconds.
 */

export type LegState = 'SENT' | 'ALERTING' | 'WON' | 'DECLINED' | 'BUSY' | 'LOST' | 'CANCELLED' | 'TIMED_OUT';

/** A device that takes part in a call. */
export interface CallDevice {
  /** Null when its sockets named none. */
  readonly deviceId: string | null;
  readonly deviceLabel: string | null;
  /** Null when it spoke without one. */
  readonly socketId: string | null;
}

/** The call on one device of the called user; without a `deviceId`, on one socket. */
export interface Leg {
  readonly deviceId: string | null;
  readonly deviceLabel: string | null;
  readonly state: LegState;
  /** The sockets that the ring was sent to. */
  readonly socketIds: readonly string[];
  /** Every state it was in, and since when. */
  readonly steps: readonly { readonly state: LegState; readonly at: number }[];
}

/** A device that nobody can name. */
export const noDevice: CallDevice = { deviceId: null, deviceLabel: null, socketId: null };

/** What tells devices apart: their id, and the socket of one without. Empty when neither is known. */
export function deviceKey(device: Pick<CallDevice, 'deviceId' | 'socketId'>): string {
  return device.deviceId ?? device.socketId ?? '';
}

/** What a call remembers at most: of so many devices, so many states of each. */
const mostLegs = 64;
const mostSteps = 16;

/** A leg for each device that is rung. */
export function legsOf(sockets: readonly SocketRecord[], now: number): Leg[] {
  const byDevice = Map.groupBy(sockets, deviceKey);
  return [...byDevice.values()].map((group) => ({
    deviceId: group[0]?.deviceId ?? null,
    deviceLabel: group[0]?.deviceLabel ?? null,
    state: 'SENT',
    socketIds: group.map((socket) => socket.socketId),
    steps: [{ state: 'SENT', at: now }],
  }));
}

/** The leg of a device, if the call knows it. */
export function legOf(legs: readonly Leg[], device: CallDevice): Leg | undefined {
  return legs.find((leg) => legKey(leg) === deviceKey(device));
}

const legKey = (leg: Leg): string => leg.deviceId ?? leg.socketIds[0] ?? '';

const isOpen = ({ state }: Leg): boolean => state === 'SENT' || state === 'ALERTING';

/**
 * Whether the call may still be answered if this device does not: on one whose leg is open, or that opened its socket
 * while it rang. Where the user's sockets are known, a device without any answers nothing.
 */
export function mayAnswerBeside(
  legs: readonly Leg[],
  device: CallDevice,
  sockets: readonly Pick<CallDevice, 'deviceId' | 'socketId'>[] | undefined,
): boolean {
  const own = deviceKey(device);
  if (!sockets) return legs.some((leg) => isOpen(leg) && legKey(leg) !== own);
  const others = sockets.map(deviceKey).filter((key) => key !== own);
  return others.some((key) => legs.find((leg) => legKey(leg) === key && !isOpen(leg)) === undefined);
}

/** A device that refused once has nothing to add. */
export function mayDecline(legs: readonly Leg[], device: CallDevice): boolean {
  const leg = legOf(legs, device);
  return !leg || isOpen(leg);
}

/** The legs with that of a device in another state; a device that came late gets one. */
export function withLeg(legs: readonly Leg[], device: CallDevice, state: LegState, now: number): Leg[] {
  const known = legOf(legs, device);
  if (known) return legs.map((leg) => (leg === known ? moved(leg, state, now) : leg));
  // Nobody has so many devices; who answers counts all the same.
  if (legs.length >= mostLegs && state !== 'WON') return [...legs];
  const { deviceId, deviceLabel, socketId } = device;
  const late: Leg = {
    deviceId,
    deviceLabel,
    state,
    socketIds: socketId === null ? [] : [socketId],
    steps: [{ state, at: now }],
  };
  return [...legs, late];
}

/** The legs with the open ones in another state. */
export function closeLegs(legs: readonly Leg[], state: LegState, now: number): Leg[] {
  return legs.map((leg) => (isOpen(leg) ? moved(leg, state, now) : leg));
}

export function moved(leg: Leg, state: LegState, now: number): Leg {
  return { ...leg, state, steps: [...leg.steps, { state, at: now }].slice(-mostSteps) };
}
