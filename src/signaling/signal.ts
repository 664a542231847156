import { createBudget } from './budget.ts';
import type { CallUpdate, CallView } from './call-view.ts';
import type { Identity } from './caller.ts';
import type { Clock } from './clock.ts';
import { type Cursor, formatCursor } from './cursor.ts';
import type { CallRecord } from './history.ts';
import type { Logged } from './ports.ts';
import { hubOf, type Topic } from './topic.ts';

/** The kinds that clients can choose between, under their names in the contract. */
export const signalKinds = {
  HUB_NOTIFICATION: 'HubNotification',
  PEER_MESSAGE: 'PeerMessage',
  INCOMING_CALL: 'IncomingCall',
  CALL_UPDATED: 'CallUpdated',
  CALL_LOGGED: 'CallLogged',
  PRESENCE_CHANGED: 'PresenceChanged',
} as const;

export type SignalKind = keyof typeof signalKinds;

/** Who sent a signal. Written by the service. */
export type Origin = Omit<Identity, 'hubs' | 'busy' | 'admin' | 'issuedAt' | 'expiresAt'> & {
  readonly socketId: string | null;
  readonly streamId: string | null;
};

/** One socket, as an entry names it: by its id, and by user and device for the socket that succeeds it. */
export interface Address {
  readonly socketId: string;
  readonly uid: string;
  readonly deviceId: string | null;
}

export type Scope = 'SOCKET' | 'HUB' | 'ONLINE_MEMBERS' | 'USER';
export type CallRole = 'CALLER' | 'CALLEE' | 'LISTENER';

export interface Target {
  readonly socketId: string | null;
  readonly streamId: string | null;
  readonly hubId: string | null;
  readonly uid: string | null;
}

export type ClosingCode =
  | 'TOKEN_EXPIRED'
  | 'REPLACED'
  | 'SLOW_CONSUMER'
  | 'TOO_MANY_SOCKETS'
  | 'DISCONNECTED'
  | 'ROTATION'
  | 'SHUTTING_DOWN';

/** What a signal says, by kind. The last four are for the node alone: they change sockets and reach no client. */
export type Content =
  | { kind: 'HubNotification'; type: string | null; payload: unknown; recipients: readonly string[] }
  | {
      kind: 'PeerMessage';
      target: Target;
      scope: Scope;
      type: string | null;
      role: CallRole | null;
      duration: number;
      callId: string | null;
      generation: number | null;
      payload: unknown;
    }
  | { kind: 'IncomingCall'; call: CallView; name: string | null; waiting: boolean; payload: unknown }
  | ({ kind: 'CallUpdated' } & CallUpdate)
  | { kind: 'CallLogged'; record: CallRecord }
  | { kind: 'HubGranted'; grantedHubId: string; until: number | null; ifMissing?: true }
  /** `claims`: with the grant, the claims of tokens issued until then. */
  | { kind: 'HubRevoked'; revokedHubId: string; claims: boolean }
  /**
   * `hubs`: all that may be read now; `claimed`: those that the token itself allows to read; `claims`: what it says of
   * each, which counts when a socket begins anew.
   */
  | {
      kind: 'SessionRefreshed';
      deviceId: string | null;
      expiresAt: number;
      hubs: readonly { readonly hubId: string; readonly until: number | null }[];
      claimed: readonly string[];
      claims: readonly (readonly [hubId: string, privilege: number])[];
      issuedAt: number;
    }
  /** Connections of the socket that are older than the generation end. */
  | { kind: 'SocketReplaced'; socketId: string; generation: number }
  | { kind: 'SocketsClosed'; code: ClosingCode; socketIds: readonly string[] };

/** What is appended to the log. */
export type Envelope = Content & {
  readonly id: string;
  readonly service: string;
  readonly hubId: string | null;
  readonly origin: Origin | null;
  /** The socket that does not receive it. */
  readonly except?: Address | undefined;
  /** The only socket that receives it. */
  readonly to?: Address | undefined;
  /** Hubs to which the same signal was appended before: who listens to one of them has it. */
  readonly before?: readonly string[];
};

/** A signal on its way to sockets. */
export interface Signal {
  /** Its place in the log; null for what only this node says. */
  readonly number: number | null;
  readonly topic: Topic | null;
  readonly envelope: Envelope | null;
  /** What the contract shows of it. Nothing in it depends on who looks. */
  readonly view: SignalView;
  /** The bytes that were made of it, by the edge's own keys. */
  readonly renders: Map<object, unknown>;
}

/** Signals that reach the sockets of a large audience together, in ascending number. */
export interface Batch {
  readonly signals: readonly Signal[];
  /** The bytes that were made of all of them, by the edge's own keys. */
  readonly renders: Map<object, unknown>;
}

/** The fields of the contract's type `kind`. */
export interface SignalView {
  readonly kind: string;
  readonly id: string;
  readonly cursor: string | null;
  readonly [field: string]: unknown;
}

/** Reads entries of the log as signals; a hub's entry that is met again soon is the same object, with its bytes. */
export type SignalReader = (entry: Logged) => Signal;

/** What a node keeps as objects, so that replays find their bytes: so many signals, and bytes of their bodies. */
const remembered = { count: 1000, bytes: 16 * 1024 * 1024 };

export function createSignalReader(clock: Clock): SignalReader {
  let { epoch, recent, budget } = createMemory('');

  return (entry) => {
    // Numbers are one log's own: after a loss, another entry may have one again.
    if (entry.epoch !== epoch) ({ epoch, recent, budget } = createMemory(entry.epoch));
    const known = recent.get(entry.number);
    if (known) return known;
    const signal = readEntry(entry, clock.now());
    if (!isRemembered(signal)) return signal;
    recent.set(entry.number, signal);
    budget.add(entry.number, entry.body.length);
    return signal;
  };
}

/** The signals of one epoch that are kept. */
function createMemory(epoch: string) {
  const recent = new Map<number, Signal>();
  return { epoch, recent, budget: createBudget<number>(remembered, (number) => recent.delete(number)) };
}

/**
 * Whether a signal is kept for replays: thousands read a hub again when they come back together. A user's few devices do
 * not pay for what lies about for seconds and is garbage then; and calls, which are told to users alone, must be read
 * anew, for so is counted how long they still ring.
 */
export function isRemembered({ number, topic }: Signal): boolean {
  return number !== null && topic !== null && hubOf(topic) !== undefined;
}

function readEntry(entry: Logged, now: number): Signal {
  const envelope = JSON.parse(entry.body) as Envelope;
  // Sockets are offered it in turns of their own, where nobody could make up for an error.
  if (!isEnvelope(envelope)) throw new Error('This is no signal.');
  const view: SignalView = {
    ...envelope,
    cursor: formatCursor(entry),
    sentAt: Math.floor(entry.number / 1000),
    ...(envelope.kind === 'IncomingCall' && incomingCallView(envelope, now)),
    ...(envelope.kind === 'CallUpdated' && callUpdatedView(envelope, now)),
  };
  return { number: entry.number, topic: entry.topic, envelope, view, renders: new Map() };
}

function isEnvelope({ kind, id, before = [] }: Partial<Envelope>): boolean {
  return typeof kind === 'string' && typeof id === 'string' && Array.isArray(before);
}

/** With less time left than this a device would stop ringing before anybody can answer, in milliseconds. */
const leastRingMs = 3000;

function incomingCallView({ call }: Content & { kind: 'IncomingCall' }, now: number): object {
  const remainingMs = Math.max(0, call.expiresAt - now);
  return {
    message: 'INCOMING_CALL',
    hub_id: call.caller,
    nid: call.roomId,
    roomId: call.roomId,
    roomType: call.roomType,
    role: 'LISTENER',
    expiresAt: call.expiresAt,
    remainingMs,
    ring: remainingMs >= leastRingMs,
  };
}

function callUpdatedView({ call }: Content & { kind: 'CallUpdated' }, now: number): object {
  const rings = call.state === 'RINGING';
  return { expiresAt: call.expiresAt, remainingMs: rings ? Math.max(0, call.expiresAt - now) : 0 };
}

/** The same signal with another cursor, for one socket. */
export function standingAt(signal: Signal, cursor: Cursor): Signal {
  return { ...signal, view: { ...signal.view, cursor: formatCursor(cursor) }, renders: new Map() };
}

/** A signal that only this node says, on one socket: not logged, not numbered. */
export function notice(
  kind: string,
  fields: { id: string; cursor: string | null; [field: string]: unknown },
): Signal {
  const view = { kind, service: 'signaling.socket', hubId: null, origin: null, ...fields };
  return { number: null, topic: null, envelope: null, view, renders: new Map() };
}
