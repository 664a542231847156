/*
 * What the service says, as PROTOCOL.md and its schema describe it. Names and meanings are those of the schema.
 */

export type SignalKind =
  | 'HUB_NOTIFICATION'
  | 'PEER_MESSAGE'
  | 'INCOMING_CALL'
  | 'CALL_UPDATED'
  | 'CALL_LOGGED';

export type CallState = 'RINGING' | 'ACCEPTED' | 'ENDED';

export type EndReason =
  | 'CANCELLED'
  | 'DECLINED'
  | 'BUSY'
  | 'HANGUP'
  | 'MEDIA_FAILED'
  | 'NO_ANSWER'
  | 'UNREACHABLE'
  | 'CALLER_LOST'
  | 'CONNECTION_LOST'
  | 'EXPIRED';

export type CallChange = 'ALERTING' | 'ACCEPTED' | 'DECLINED' | 'MOVED' | 'ENDED';

export type LegState = 'SENT' | 'ALERTING' | 'WON' | 'DECLINED' | 'BUSY' | 'LOST' | 'CANCELLED' | 'TIMED_OUT';

export type CallRole = 'CALLER' | 'CALLEE' | 'LISTENER';

export type Scope = 'SOCKET' | 'HUB' | 'ONLINE_MEMBERS' | 'USER';

/** Why what lies between two connections is unknown. */
export type RecoveryFailure = 'EPOCH' | 'TRIMMED' | 'WINDOW' | 'TOO_MUCH';

export type ClosingCode =
  | 'TOKEN_EXPIRED'
  | 'REPLACED'
  | 'SLOW_CONSUMER'
  | 'TOO_MANY_SOCKETS'
  | 'DISCONNECTED'
  | 'ROTATION'
  | 'SHUTTING_DOWN';

/** Who sent a signal, as the service knows it from the sender's token and socket. */
export interface Origin {
  readonly uid: string;
  readonly ident: string | null;
  readonly firstname: string | null;
  readonly lastname: string | null;
  readonly fullname: string | null;
  readonly email: string | null;
  readonly socketId: string | null;
  readonly streamId: string | null;
}

/** A call as both sides may see it. */
export interface CallView {
  readonly id: string;
  readonly state: CallState;
  readonly reason: EndReason | null;
  /** Of two views of a call, the one with the greater `rev` is newer. */
  readonly rev: number;
  readonly hubId: string;
  readonly roomId: string;
  readonly roomType: string;
  readonly caller: string;
  readonly callee: string;
  readonly legs: number;
  readonly alerting: number;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly acceptedAt: string | null;
  readonly endedAt: string | null;
}

/** A device of the user's own that is in a call. */
export interface CallDevice {
  readonly deviceId: string | null;
  readonly deviceLabel: string | null;
  readonly socketId: string | null;
}

/** A call on one of the user's own devices. */
export interface CallLeg {
  readonly deviceId: string | null;
  readonly deviceLabel: string | null;
  readonly state: LegState;
  readonly since: string;
}

/** One side's record of a call that has ended. */
export interface CallRecord {
  readonly id: string;
  readonly callId: string | null;
  readonly peer: string;
  readonly caller: string;
  readonly direction: 'OUTGOING' | 'INCOMING';
  readonly reason: EndReason;
  readonly missed: boolean;
  readonly status: string | null;
  readonly startedAt: string | null;
  readonly acceptedAt: string | null;
  readonly duration: number;
  readonly hubId: string;
  readonly endedAt: string;
}

interface SignalBase {
  readonly id: string;
  readonly cursor: string | null;
  readonly service: string;
  readonly sentAt: string;
  readonly hubId: string | null;
  readonly origin: Origin | null;
}

export interface SocketReady extends SignalBase {
  readonly __typename: 'SocketReady';
  readonly socketId: string;
  readonly deviceId: string | null;
  /** A secret; see the service's protocol. */
  readonly resumeToken: string;
  readonly recovered: boolean;
  readonly reason: RecoveryFailure | null;
  readonly calls: readonly CallView[];
  readonly hubIds: readonly string[];
  readonly heartbeatMs: number;
  readonly expiresAt: string;
}

export interface SocketClosing extends SignalBase {
  readonly __typename: 'SocketClosing';
  readonly code: ClosingCode;
  readonly reconnect: boolean;
  readonly retryAfterMs: number | null;
}

export interface HubNotification extends SignalBase {
  readonly __typename: 'HubNotification';
  readonly type: string | null;
  readonly payload: unknown;
  readonly recipients: readonly string[];
}

export interface PeerMessage extends SignalBase {
  readonly __typename: 'PeerMessage';
  readonly target: {
    readonly socketId: string | null;
    readonly streamId: string | null;
    readonly hubId: string | null;
    readonly uid: string | null;
  };
  readonly scope: Scope;
  readonly type: string | null;
  readonly role: CallRole | null;
  readonly duration: number;
  readonly callId: string | null;
  readonly generation: number | null;
  readonly payload: unknown;
}

export interface IncomingCall extends SignalBase {
  readonly __typename: 'IncomingCall';
  readonly name: string | null;
  readonly call: CallView;
  readonly ring: boolean;
  readonly waiting: boolean;
  readonly expiresAt: string;
  readonly remainingMs: number;
  readonly payload: unknown;
}

export interface CallUpdated extends SignalBase {
  readonly __typename: 'CallUpdated';
  readonly call: CallView;
  readonly change: CallChange;
  readonly device: CallDevice | null;
  readonly legs: readonly CallLeg[];
  readonly expiresAt: string;
  readonly remainingMs: number;
}

export interface CallLogged extends SignalBase {
  readonly __typename: 'CallLogged';
  readonly record: CallRecord;
}

/** What an application receives: everything but what the service says about the socket itself. */
export type Signal = HubNotification | PeerMessage | IncomingCall | CallUpdated | CallLogged;

/** One server of `new RTCPeerConnection({ iceServers })`. */
export interface IceServer {
  urls: string[];
  username?: string;
  credential?: string;
}

/** An ICE server as the service gives it. */
export interface GivenIceServer {
  readonly urls: readonly string[];
  readonly username: string | null;
  readonly credential: string | null;
  readonly refreshAfter: string | null;
}

export interface CallResult {
  readonly call: CallView;
  /** False when there was nothing to change. */
  readonly changed: boolean;
}

export type AcceptResult =
  | {
      readonly __typename: 'Accepted';
      readonly call: CallView;
      readonly polite: boolean;
      readonly iceServers: readonly GivenIceServer[];
    }
  | { readonly __typename: 'AnsweredElsewhere'; readonly call: CallView; readonly device: CallDevice }
  | { readonly __typename: 'CallEnded'; readonly call: CallView };

export interface MessageResult {
  readonly signalId: string;
  readonly scope: Scope;
  /** The target had no socket open, is unknown, or cannot be reached. */
  readonly offline: boolean;
  readonly call: CallView | null;
  /** A candidate that waits for its description. */
  readonly held: boolean;
}

export interface NotifyResult {
  readonly signalId: string;
  readonly hubs: readonly { readonly hubId: string; readonly sockets: number; readonly nodes: number }[];
}

export interface CallHistory {
  readonly edges: readonly { readonly cursor: string; readonly node: CallRecord }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}
