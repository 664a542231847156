import type { GraphQLResolveInfo, GraphQLScalarType, GraphQLScalarTypeConfig } from 'graphql';
import type { NotifyPayload as NotifyAnswer } from '../signaling/notify.ts';
import type { Context } from './context.ts';
export type Maybe<T> = T | null | undefined;
export type InputMaybe<T> = T | null;
export type RequireFields<T, K extends keyof T> = Omit<T, K> & { [P in K]-?: NonNullable<T[P]> };
/** All built-in and custom scalars, mapped to their actual values */
export type Scalars = {
  ID: { input: string; output: string; }
  String: { input: string; output: string; }
  Boolean: { input: boolean; output: boolean; }
  Int: { input: number; output: number; }
  Float: { input: number; output: number; }
  /** The point in time of an event: an ISO 8601 string in UTC with milliseconds. */
  DateTime: { input: Date; output: number; }
  /** Any JSON value. As input: at most 64 KiB, 32 levels deep, without the keys `__proto__`, `constructor` and `prototype`. */
  JSON: { input: unknown; output: unknown; }
};

/** What the answer to `accept` says. */
export type AcceptResult = Accepted | AnsweredElsewhere | CallEnded;

/** The call is yours. */
export type Accepted = {
  readonly __typename?: 'Accepted';
  /** The call. */
  readonly call: Call;
  /** The STUN and TURN servers for this call. Ask `iceServers` for new ones after `refreshAfter`. */
  readonly iceServers: ReadonlyArray<IceServer>;
  /** Your part in perfect negotiation (W3C WebRTC, 10.7): whether you are the one who gives way when both sides offer at once. */
  readonly polite: Scalars['Boolean']['output'];
};

/** You have answered on another device, or in another socket of this one. */
export type AnsweredElsewhere = {
  readonly __typename?: 'AnsweredElsewhere';
  /** The call. */
  readonly call: Call;
  /** Where. */
  readonly device: CallDevice;
};

/** One `dial` to one user, on all their devices. */
export type Call = {
  readonly __typename?: 'Call';
  /** When it was accepted. */
  readonly acceptedAt?: Maybe<Scalars['DateTime']['output']>;
  /** On how many of them it is known to ring, because they said so with `acknowledgeRing`. */
  readonly alerting: Scalars['Int']['output'];
  /** Who was dialled. */
  readonly callee: Scalars['ID']['output'];
  /** Who dialled. */
  readonly caller: Scalars['ID']['output'];
  /** When it was made. */
  readonly createdAt: Scalars['DateTime']['output'];
  /** When it ended. */
  readonly endedAt?: Maybe<Scalars['DateTime']['output']>;
  /** When the service ends it: at the end of the ringing, and once it was accepted 24 hours after it was made. */
  readonly expiresAt: Scalars['DateTime']['output'];
  /** The hub in whose context it was made. */
  readonly hubId: Scalars['ID']['output'];
  /** The call's id. */
  readonly id: Scalars['ID']['output'];
  /** On how many devices it was made to ring. */
  readonly legs: Scalars['Int']['output'];
  /** Why it ended. Null until then. */
  readonly reason?: Maybe<EndReason>;
  /** Grows with every change. Of two views of a call, the one with the greater `rev` is newer. */
  readonly rev: Scalars['Int']['output'];
  /** The room to meet in. */
  readonly roomId: Scalars['ID']['output'];
  /** What kind of room it is, in the application's own words. */
  readonly roomType: Scalars['String']['output'];
  /** Where the call stands. */
  readonly state: CallState;
};

/** What happened to a call. */
export type CallChange =
  /** The called user has answered, on `device`: every other device stops ringing. Or they dialled the caller at the same time. */
  | 'ACCEPTED'
  /** A device said that it rings. */
  | 'ALERTING'
  /** One device will not answer; the others ring on. */
  | 'DECLINED'
  /** It has ended; `call.reason` says why. Whatever rings stops. */
  | 'ENDED'
  /** The call goes on elsewhere on one side: with another socket of the device that is in it, or on the device that dialled the other side. */
  | 'MOVED';

/** A device of yours that is in a call. */
export type CallDevice = {
  readonly __typename?: 'CallDevice';
  /** The device. */
  readonly deviceId?: Maybe<Scalars['ID']['output']>;
  /** What the device calls itself. */
  readonly deviceLabel?: Maybe<Scalars['String']['output']>;
  /** The socket that it is in the call with, as far as that is known. */
  readonly socketId?: Maybe<Scalars['ID']['output']>;
};

/** Which way a call went, seen from one side. */
export type CallDirection =
  /** You were dialled. */
  | 'INCOMING'
  /** You dialled. */
  | 'OUTGOING';

/** The call ended before. */
export type CallEnded = {
  readonly __typename?: 'CallEnded';
  /** The call; `reason` says why. */
  readonly call: Call;
};

/** A page of call records. */
export type CallHistoryConnection = {
  readonly __typename?: 'CallHistoryConnection';
  /** The records with their cursors, newest first. */
  readonly edges: ReadonlyArray<CallHistoryEdge>;
  /** Where this page stands. */
  readonly pageInfo: PageInfo;
};

/** A record with its cursor. */
export type CallHistoryEdge = {
  readonly __typename?: 'CallHistoryEdge';
  /** Pass it as `after` to continue behind this record. */
  readonly cursor: Scalars['String']['output'];
  /** The record. */
  readonly node: CallRecord;
};

/** A call as it stands on one of your own devices. */
export type CallLeg = {
  readonly __typename?: 'CallLeg';
  /** The device; null when it named itself none, and then each of its sockets is a leg. */
  readonly deviceId?: Maybe<Scalars['ID']['output']>;
  /** What the device calls itself. */
  readonly deviceLabel?: Maybe<Scalars['String']['output']>;
  /** Since when. */
  readonly since: Scalars['DateTime']['output'];
  /** How the call stands here. */
  readonly state: LegState;
};

/** What happened to a call on one device. */
export type CallLegTrace = {
  readonly __typename?: 'CallLegTrace';
  /** The device; null for who dialled. */
  readonly deviceId?: Maybe<Scalars['ID']['output']>;
  /** What the device calls itself; null for who dialled. */
  readonly deviceLabel?: Maybe<Scalars['String']['output']>;
  /** How the call stands here. */
  readonly state: LegState;
  /** What happened here, oldest first. */
  readonly steps: ReadonlyArray<CallStep>;
};

/** A call of yours was written to your call history. */
export type CallLogged = Signal & {
  readonly __typename?: 'CallLogged';
  /** Where it stands in the log. */
  readonly cursor?: Maybe<Scalars['String']['output']>;
  /** The hub in whose context the call was made. */
  readonly hubId?: Maybe<Scalars['ID']['output']>;
  /** The signal's id. */
  readonly id: Scalars['ID']['output'];
  /** Who caused it. */
  readonly origin?: Maybe<Origin>;
  /** The record, as your side sees it. */
  readonly record: CallRecord;
  /** When it was written. */
  readonly sentAt: Scalars['DateTime']['output'];
  /** What ended the call: a mutation, for example `signaling.hangUp`, or `signaling.call` for the service itself. */
  readonly service: Scalars['String']['output'];
};

/** What the answer to `acknowledgeRing`, `decline` and `hangUp` says. */
export type CallPayload = {
  readonly __typename?: 'CallPayload';
  /** The call as it stands now. */
  readonly call: Call;
  /** False when there was nothing to change: it was said before, or it came too late. */
  readonly changed: Scalars['Boolean']['output'];
};

/** One side's record of a call. */
export type CallRecord = {
  readonly __typename?: 'CallRecord';
  /** When it was accepted. */
  readonly acceptedAt?: Maybe<Scalars['DateTime']['output']>;
  /** The call. Null when a `message` spoke of one that the service does not know. */
  readonly callId?: Maybe<Scalars['ID']['output']>;
  /** Who dialled. */
  readonly caller: Scalars['ID']['output'];
  /** Which way the call went, seen from your side. */
  readonly direction: CallDirection;
  /** From acceptance to end, in seconds; without a `callId`, what the client said. */
  readonly duration: Scalars['Int']['output'];
  /** When it ended. */
  readonly endedAt: Scalars['DateTime']['output'];
  /** The hub in whose context it was made. */
  readonly hubId: Scalars['ID']['output'];
  /** The record's id. */
  readonly id: Scalars['ID']['output'];
  /** It rang you, you answered nowhere, and the caller or the deadline ended it. */
  readonly missed: Scalars['Boolean']['output'];
  /** The other side. */
  readonly peer: Scalars['ID']['output'];
  /** Why it ended. */
  readonly reason: EndReason;
  /** When it was made. Null without a `callId`. */
  readonly startedAt?: Maybe<Scalars['DateTime']['output']>;
  /** The word that older clients use for `reason`: `cancel`, `reject`, `busy` or `leave`. Null where they have none. */
  readonly status?: Maybe<Scalars['String']['output']>;
};

/** A part in a call. */
export type CallRole =
  /** Who was dialled. */
  | 'CALLEE'
  /** Who dialled. */
  | 'CALLER'
  /** Who was invited into the room. */
  | 'LISTENER';

/** The states of a call. */
export type CallState =
  /** One device of the called user has it; both sides talk. */
  | 'ACCEPTED'
  /** It has ended, and nothing changes it any more. */
  | 'ENDED'
  /** It rings. */
  | 'RINGING';

/** One step of a call. */
export type CallStep = {
  readonly __typename?: 'CallStep';
  /** When. */
  readonly at: Scalars['DateTime']['output'];
  /** What, in a sentence. */
  readonly text: Scalars['String']['output'];
};

/** What happened to a call, step by step. */
export type CallTrace = {
  readonly __typename?: 'CallTrace';
  /** The call as it stands now. */
  readonly call: Call;
  /** The devices of the called user, each with its own steps. Who dialled sees them without their names. */
  readonly legs: ReadonlyArray<CallLegTrace>;
  /** What happened, oldest first. */
  readonly steps: ReadonlyArray<CallStep>;
};

/** A call of yours has changed. Each change reaches all sockets of both sides, with the whole new state. */
export type CallUpdated = Signal & {
  readonly __typename?: 'CallUpdated';
  /** The call as it stands since. Ignore one whose `rev` is not above the last that you have seen of the same call. */
  readonly call: Call;
  /** What happened. */
  readonly change: CallChange;
  /** Where it stands in the log. */
  readonly cursor?: Maybe<Scalars['String']['output']>;
  /** Your own device that is in the call; null while none is. The other side's devices are not shown. */
  readonly device?: Maybe<CallDevice>;
  /** When the service ends the call, as `call.expiresAt`. */
  readonly expiresAt: Scalars['DateTime']['output'];
  /** The hub in whose context the call was made. */
  readonly hubId?: Maybe<Scalars['ID']['output']>;
  /** The signal's id. */
  readonly id: Scalars['ID']['output'];
  /** The call on each of your own devices, if you were called; empty if you dialled. */
  readonly legs: ReadonlyArray<CallLeg>;
  /** Who changed it. With `ACCEPTED`, `origin.socketId` is the socket to send offers, answers and candidates to. */
  readonly origin?: Maybe<Origin>;
  /** How long it still rings, in milliseconds, counted when the service read the signal. 0 once it does not ring. */
  readonly remainingMs: Scalars['Int']['output'];
  /** When it changed. */
  readonly sentAt: Scalars['DateTime']['output'];
  /** The mutation that changed it, for example `signaling.accept`; `signaling.call` for the service itself. */
  readonly service: Scalars['String']['output'];
};

/** Why the service closes a socket. */
export type ClosingCode =
  /** An administrator closed it. */
  | 'DISCONNECTED'
  /** Another connection has taken this socket up with its `resumeToken`. Nothing is to be done here. */
  | 'REPLACED'
  /** The stream was open for five minutes. Come back at once with your cursor: so the service finds out who is gone. */
  | 'ROTATION'
  /** The node is stopping. Come back with your cursor; another node, or this one, will serve you. */
  | 'SHUTTING_DOWN'
  /** The connection took its bytes too slowly. Come back with your cursor. */
  | 'SLOW_CONSUMER'
  /** The token has ended. Come back with a new one. */
  | 'TOKEN_EXPIRED'
  /** You opened more sockets than allowed, and this was the oldest. */
  | 'TOO_MANY_SOCKETS';

/** Input of `dial`. */
export type DialInput = {
  /** An idempotency key of your choice: a repetition within five minutes returns the first answer and rings nobody. */
  readonly clientMutationId?: InputMaybe<Scalars['ID']['input']>;
  /** The device you call from: when it is gone for 10 seconds, the ringing ends. Without it: any of yours. */
  readonly deviceId?: InputMaybe<Scalars['ID']['input']>;
  /** The application's own data, shown to the called user before they answer. */
  readonly payload?: InputMaybe<Scalars['JSON']['input']>;
  /** How long to ring, in seconds: 10 to 120, normally 60. */
  readonly ringTimeoutSeconds?: InputMaybe<Scalars['Int']['input']>;
  /** The room to meet in: whatever the application wants it to be. */
  readonly roomId: Scalars['ID']['input'];
  /** What kind of room it is, in the application's own words: at most 128 characters. */
  readonly roomType: Scalars['String']['input'];
  /** Whom to call: `uid` is needed. */
  readonly target: TargetInput;
};

/** Answer of `dial`. */
export type DialPayload = {
  readonly __typename?: 'DialPayload';
  /** The call. */
  readonly call: Call;
  /** The key that was given. */
  readonly clientMutationId?: Maybe<Scalars['ID']['output']>;
  /** The STUN and TURN servers for this call; none when it has ended. A repetition gets new credentials. */
  readonly iceServers: ReadonlyArray<IceServer>;
  /** The input as it was accepted, with the origin that was written. */
  readonly input: Scalars['JSON']['output'];
  /** True when a call between you two was alive, and this is it: because you dialled each other at the same time, dialled twice, or are talking. Meet in its `roomId`. */
  readonly merged: Scalars['Boolean']['output'];
  /** True when nobody was rung: the target has no socket open, is unknown, or is not reachable for you. These three cannot be told apart. */
  readonly offline: Scalars['Boolean']['output'];
  /** Your part in perfect negotiation: whether you are the one who gives way when both sides offer at once. */
  readonly polite: Scalars['Boolean']['output'];
  /** The id of the `IncomingCall` that was sent, or would have been. */
  readonly signalId: Scalars['ID']['output'];
  /** The `roomType` that was given. */
  readonly type?: Maybe<Scalars['String']['output']>;
};

/** What the answer to `disconnectUser` says. */
export type DisconnectUserPayload = {
  readonly __typename?: 'DisconnectUserPayload';
  /** How many sockets were connected when the order was given. */
  readonly sockets: Scalars['Int']['output'];
  /** The user. */
  readonly uid: Scalars['ID']['output'];
};

/** Why a call ended. */
export type EndReason =
  /** The called user was in another call. */
  | 'BUSY'
  /** It rang, and the caller's device was gone. */
  | 'CALLER_LOST'
  /** The caller hung up before an answer. */
  | 'CANCELLED'
  /** It was accepted, and both sides were gone for two minutes, or one for thirty. */
  | 'CONNECTION_LOST'
  /** The called user refused. */
  | 'DECLINED'
  /** It was made 24 hours ago, and nobody had ended it. */
  | 'EXPIRED'
  /** Somebody hung up. */
  | 'HANGUP'
  /** Somebody hung up because sound or picture could not be had. */
  | 'MEDIA_FAILED'
  /** It rang until its deadline. */
  | 'NO_ANSWER'
  /** Nobody could be rung. */
  | 'UNREACHABLE';

/** What the answer to `grantHub` says. */
export type GrantHubPayload = {
  readonly __typename?: 'GrantHubPayload';
  /** When the grant ends by itself. */
  readonly expiresAt?: Maybe<Scalars['DateTime']['output']>;
  /** The hub. */
  readonly hubId: Scalars['ID']['output'];
  /** The word of permission bits that is stored now. */
  readonly privilege: Scalars['Int']['output'];
  /** The user. */
  readonly uid: Scalars['ID']['output'];
};

/** Why one hangs up. */
export type HangUpReason =
  /** Because the talk is over. */
  | 'HANGUP'
  /** Because sound or picture could not be had. */
  | 'MEDIA_FAILED';

/** How far a hub signal was addressed. */
export type HubDelivery = {
  readonly __typename?: 'HubDelivery';
  /** The hub. */
  readonly hubId: Scalars['ID']['output'];
  /** On how many nodes they were connected. */
  readonly nodes: Scalars['Int']['output'];
  /** How many sockets listened to the hub, the sender's own included. */
  readonly sockets: Scalars['Int']['output'];
};

/** What a user holds on a hub. */
export type HubMembership = {
  readonly __typename?: 'HubMembership';
  /** The hub. */
  readonly hubId: Scalars['ID']['output'];
  /** The word of permission bits, for example 3 for the level `read`. */
  readonly privilege: Scalars['Int']['output'];
};

/** Something happened in a hub you belong to. */
export type HubNotification = Signal & {
  readonly __typename?: 'HubNotification';
  /** Where it stands in the log. */
  readonly cursor?: Maybe<Scalars['String']['output']>;
  /** The hub in whose context it was sent. */
  readonly hubId?: Maybe<Scalars['ID']['output']>;
  /** The signal's id. */
  readonly id: Scalars['ID']['output'];
  /** Who sent it. */
  readonly origin?: Maybe<Origin>;
  /** The application's own data. */
  readonly payload?: Maybe<Scalars['JSON']['output']>;
  /** The hubs it was sent to. */
  readonly recipients: ReadonlyArray<Scalars['ID']['output']>;
  /** When it was accepted. */
  readonly sentAt: Scalars['DateTime']['output'];
  /** `signaling.notify`. */
  readonly service: Scalars['String']['output'];
  /** What happened, in the application's own words. */
  readonly type?: Maybe<Scalars['String']['output']>;
};

/**
 * A STUN or TURN server, as the `iceServers` of a browser's `RTCPeerConnection` take it. Its credentials are yours and for a
 * limited time: keep them out of logs, and ask for new ones instead of storing them.
 */
export type IceServer = {
  readonly __typename?: 'IceServer';
  /** Your password there. */
  readonly credential?: Maybe<Scalars['String']['output']>;
  /** When the credentials end. */
  readonly expiresAt?: Maybe<Scalars['DateTime']['output']>;
  /** When to ask `iceServers` again. What flows through a server by then goes on, but what connects later needs the new ones. Null when nothing expires. */
  readonly refreshAfter?: Maybe<Scalars['DateTime']['output']>;
  /** Its addresses: `stun:`, `stuns:`, `turn:` or `turns:`. */
  readonly urls: ReadonlyArray<Scalars['String']['output']>;
  /** Your name there. Null for STUN, which needs none. */
  readonly username?: Maybe<Scalars['String']['output']>;
};

/** Somebody calls you. */
export type IncomingCall = Signal & {
  readonly __typename?: 'IncomingCall';
  /** The call as it stood when it rang. */
  readonly call: Call;
  /** Where it stands in the log. */
  readonly cursor?: Maybe<Scalars['String']['output']>;
  /** When the ringing ends. */
  readonly expiresAt: Scalars['DateTime']['output'];
  /** The hub in whose context the call was made. */
  readonly hubId?: Maybe<Scalars['ID']['output']>;
  /** The caller's uid, under the name that older clients read. */
  readonly hub_id: Scalars['ID']['output'];
  /** The signal's id. */
  readonly id: Scalars['ID']['output'];
  /** Always `INCOMING_CALL`. */
  readonly message: Scalars['String']['output'];
  /** The caller's first name. */
  readonly name?: Maybe<Scalars['String']['output']>;
  /** The room's id, under the name that older clients read. */
  readonly nid: Scalars['ID']['output'];
  /** Who calls. */
  readonly origin?: Maybe<Origin>;
  /** The application's own data. */
  readonly payload?: Maybe<Scalars['JSON']['output']>;
  /** How long it still rings, in milliseconds, counted when the service read the signal: good on devices whose clock is wrong. 0 means the ring is over. */
  readonly remainingMs: Scalars['Int']['output'];
  /** Whether to ring: false when less than 3 seconds are left, and then show a missed call instead. */
  readonly ring: Scalars['Boolean']['output'];
  /** Your part in the room: always `LISTENER`. */
  readonly role?: Maybe<CallRole>;
  /** The room to meet in. */
  readonly roomId: Scalars['ID']['output'];
  /** What kind of room it is, in the application's own words. */
  readonly roomType: Scalars['String']['output'];
  /** When it was accepted. */
  readonly sentAt: Scalars['DateTime']['output'];
  /** `signaling.dial`. */
  readonly service: Scalars['String']['output'];
  /** You are in another call. */
  readonly waiting: Scalars['Boolean']['output'];
};

/** What the answer to `keepAlive` says. */
export type KeepAlivePayload = {
  readonly __typename?: 'KeepAlivePayload';
  /** When the next sign is due. Null: none is waited for. */
  readonly nextBy?: Maybe<Scalars['DateTime']['output']>;
  /** The socket that was spoken for. */
  readonly socketId: Scalars['ID']['output'];
};

/** How a call stands on one device of the called user. */
export type LegState =
  /** The device said that it rings. */
  | 'ALERTING'
  /** It was refused here, as busy. */
  | 'BUSY'
  /** The call ended while it rang here. */
  | 'CANCELLED'
  /** It was refused here. */
  | 'DECLINED'
  /** It was accepted on another device. */
  | 'LOST'
  /** The ring was sent. */
  | 'SENT'
  /** It rang here until the deadline. */
  | 'TIMED_OUT'
  /** It was accepted here. */
  | 'WON';

/** The limits that are enforced. What exceeds them is refused with `BAD_USER_INPUT` or `PAYLOAD_TOO_LARGE`. */
export type Limits = {
  readonly __typename?: 'Limits';
  /** The largest HTTP body and WebSocket frame, in bytes. */
  readonly bodyBytes: Scalars['Int']['output'];
  /** The most aliases that an operation may have. */
  readonly documentAliases: Scalars['Int']['output'];
  /** How many fields deep an operation may be. */
  readonly documentDepth: Scalars['Int']['output'];
  /** The most tokens (names, values and punctuation) that a GraphQL document may have. */
  readonly documentTokens: Scalars['Int']['output'];
  /** The largest `JSON` value, in bytes of its text. */
  readonly jsonBytes: Scalars['Int']['output'];
  /** How deep a `JSON` value may be nested. */
  readonly jsonDepth: Scalars['Int']['output'];
  /** The most fields that one mutation may run. */
  readonly mutationFields: Scalars['Int']['output'];
  /** The most hubs that one `notify` may name. */
  readonly recipients: Scalars['Int']['output'];
  /** The most sockets that a user may have open; opening one more closes the oldest. One WebSocket carries no more than that. */
  readonly socketsPerUser: Scalars['Int']['output'];
  /** The most media streams that a socket may name as `origin.streamId`. */
  readonly streamsPerSocket: Scalars['Int']['output'];
};

/** Whether a member of a hub is there. */
export type MemberPresence = {
  readonly __typename?: 'MemberPresence';
  /** True while a socket of theirs is connected. */
  readonly connected: Scalars['Boolean']['output'];
  /** True from the user's first socket until 30 seconds after the last one's connection ended: signals still reach them, and calls still ring. */
  readonly online: Scalars['Boolean']['output'];
  /** The user. */
  readonly uid: Scalars['ID']['output'];
};

/** Input of `message`. */
export type MessageInput = {
  /** The call it belongs to; you must be a party of it. */
  readonly callId?: InputMaybe<Scalars['ID']['input']>;
  /** An idempotency key of your choice: a repetition within five minutes returns the first answer and sends nothing. */
  readonly clientMutationId?: InputMaybe<Scalars['ID']['input']>;
  /** How long the call lasted, in seconds: 0 to 86,400. Only counts for a call that the service does not know. */
  readonly duration?: InputMaybe<Scalars['Int']['input']>;
  /** Which negotiation of that call it belongs to: 0 or more. */
  readonly generation?: InputMaybe<Scalars['Int']['input']>;
  /** Where from. */
  readonly origin?: InputMaybe<OriginInput>;
  /** The application's own data: a description, a candidate, anything. */
  readonly payload?: InputMaybe<Scalars['JSON']['input']>;
  /** Your part in the call. A `CALLER` whose type is `cancel`, `leave` or `reject` writes the call history, unless a call is meant that the service knows. */
  readonly role?: InputMaybe<CallRole>;
  /** How to understand the target. It follows from the target; one that contradicts it is refused. */
  readonly scope?: InputMaybe<Scope>;
  /** To whom: at least one of its fields. */
  readonly target?: InputMaybe<TargetInput>;
  /**
   * What it is, in the application's own words: at most 128 characters. Where a call is meant, by `callId` or because exactly
   * one between you and the target is alive, `pickup` and `accept` answer it, `reject` and `busy` refuse it, `cancel` and
   * `leave` end it; a `candidate` with a `callId` waits for its `offer` or `answer`.
   */
  readonly type?: InputMaybe<Scalars['String']['input']>;
};

/** Answer of `message`. */
export type MessagePayload = {
  readonly __typename?: 'MessagePayload';
  /** The call that the message acted on, as it stands now; null when it meant none. */
  readonly call?: Maybe<Call>;
  /** The key that was given. */
  readonly clientMutationId?: Maybe<Scalars['ID']['output']>;
  /** It waits: a candidate that came before the description of its sender and `generation` follows right behind it. */
  readonly held: Scalars['Boolean']['output'];
  /** The input as it was accepted, with the origin that was written. */
  readonly input: Scalars['JSON']['output'];
  /** True when the target had no socket open, is unknown, or is not reachable for you: these three cannot be told apart. Always false for a hub. */
  readonly offline: Scalars['Boolean']['output'];
  /** How the target was understood. */
  readonly scope: Scope;
  /** The id of the signal that was sent. */
  readonly signalId: Scalars['ID']['output'];
  /** The `type` that was given. */
  readonly type?: Maybe<Scalars['String']['output']>;
};

/** What one can do. `notify`, `message` and `dial` may be repeated safely with the same `clientMutationId`; what is said of a call may be repeated as it is. */
export type Mutation = {
  readonly __typename?: 'Mutation';
  /** Answer a call. One socket of one device wins it, whoever else tries; all others are told where it was answered. */
  readonly accept: AcceptResult;
  /** Say that this device rings, so that the caller can be told. To be sent when it begins to. */
  readonly acknowledgeRing: CallPayload;
  /**
   * Get a ticket for one socket, for clients that can send no token: `GET /graphql?query=…&ticket=…` with a browser's
   * `EventSource`. It opens the socket within 30 seconds, and opens it again for as long as it is open or in grace.
   */
  readonly createStreamTicket: StreamTicket;
  /** Refuse a call, on one device or on all. Once it was accepted this changes nothing: then hang up. */
  readonly decline: CallPayload;
  /**
   * Call a user: every socket of theirs rings with an `IncomingCall`. Always answers with a call; when nobody could be
   * rung (offline, unknown, or not reachable through this hub) it has ended already and `offline` is true. When a call
   * between you two is alive, that is the answer (`merged`): you are in it, and nobody is rung twice.
   */
  readonly dial: DialPayload;
  /** Close every open socket of a user, on every node. Their tokens stay valid: revoke those where you issue them. */
  readonly disconnectUser: DisconnectUserPayload;
  /** Let a user belong to a hub, also on the sockets they have open: signals sent after the answer reach them. */
  readonly grantHub: GrantHubPayload;
  /** End a call: before it was answered or after. A device that did not get the call cannot end it. */
  readonly hangUp: CallPayload;
  /**
   * Say that the client of a socket of yours is there. A WebSocket is asked by pings; a stream of server-sent events goes one
   * way, and without this the service takes minutes to notice that its client has died. Each sign says when the next one comes at
   * the latest: without it, the socket's connection is broken off, with all that it carries. The sign may reach any node.
   */
  readonly keepAlive: KeepAlivePayload;
  /**
   * Send a message to one socket, to one user on all their devices, or to a hub. Offers, answers, candidates and
   * everything else that two ends agree on travel this way.
   */
  readonly message: MessagePayload;
  /**
   * Tell everyone who belongs to the given hubs that something happened. Every socket of every member receives one
   * `HubNotification`, however many of the hubs it belongs to; the socket named in `input.socketId` receives none.
   */
  readonly notify: NotifyPayload;
  /**
   * Go on under another token of yours: your open sockets on every node get its end and its hubs, without reconnecting. Sent over a
   * WebSocket, it is also the token of what you ask there from then on.
   */
  readonly refreshSession: RefreshSessionPayload;
  /** Take a hub away from a user: the stored grant, and the hub's claim in every token issued until now. Open sockets stop receiving it. */
  readonly revokeHub: RevokeHubPayload;
};


/** What one can do. `notify`, `message` and `dial` may be repeated safely with the same `clientMutationId`; what is said of a call may be repeated as it is. */
export type MutationAcceptArgs = {
  callId: Scalars['ID']['input'];
  socketId: Scalars['ID']['input'];
};


/** What one can do. `notify`, `message` and `dial` may be repeated safely with the same `clientMutationId`; what is said of a call may be repeated as it is. */
export type MutationAcknowledgeRingArgs = {
  callId: Scalars['ID']['input'];
  socketId: Scalars['ID']['input'];
};


/** What one can do. `notify`, `message` and `dial` may be repeated safely with the same `clientMutationId`; what is said of a call may be repeated as it is. */
export type MutationCreateStreamTicketArgs = {
  deviceId?: InputMaybe<Scalars['ID']['input']>;
};


/** What one can do. `notify`, `message` and `dial` may be repeated safely with the same `clientMutationId`; what is said of a call may be repeated as it is. */
export type MutationDeclineArgs = {
  busy?: InputMaybe<Scalars['Boolean']['input']>;
  callId: Scalars['ID']['input'];
  socketId?: InputMaybe<Scalars['ID']['input']>;
};


/** What one can do. `notify`, `message` and `dial` may be repeated safely with the same `clientMutationId`; what is said of a call may be repeated as it is. */
export type MutationDialArgs = {
  hubId: Scalars['ID']['input'];
  input: DialInput;
};


/** What one can do. `notify`, `message` and `dial` may be repeated safely with the same `clientMutationId`; what is said of a call may be repeated as it is. */
export type MutationDisconnectUserArgs = {
  deviceId?: InputMaybe<Scalars['ID']['input']>;
  uid: Scalars['ID']['input'];
};


/** What one can do. `notify`, `message` and `dial` may be repeated safely with the same `clientMutationId`; what is said of a call may be repeated as it is. */
export type MutationGrantHubArgs = {
  expiresAt?: InputMaybe<Scalars['DateTime']['input']>;
  hubId: Scalars['ID']['input'];
  privilege: Permission;
  uid: Scalars['ID']['input'];
};


/** What one can do. `notify`, `message` and `dial` may be repeated safely with the same `clientMutationId`; what is said of a call may be repeated as it is. */
export type MutationHangUpArgs = {
  callId: Scalars['ID']['input'];
  reason?: InputMaybe<HangUpReason>;
  socketId?: InputMaybe<Scalars['ID']['input']>;
};


/** What one can do. `notify`, `message` and `dial` may be repeated safely with the same `clientMutationId`; what is said of a call may be repeated as it is. */
export type MutationKeepAliveArgs = {
  nextWithinSeconds?: InputMaybe<Scalars['Int']['input']>;
  socketId: Scalars['ID']['input'];
};


/** What one can do. `notify`, `message` and `dial` may be repeated safely with the same `clientMutationId`; what is said of a call may be repeated as it is. */
export type MutationMessageArgs = {
  hubId: Scalars['ID']['input'];
  input: MessageInput;
};


/** What one can do. `notify`, `message` and `dial` may be repeated safely with the same `clientMutationId`; what is said of a call may be repeated as it is. */
export type MutationNotifyArgs = {
  hubId: Scalars['ID']['input'];
  input: NotifyInput;
};


/** What one can do. `notify`, `message` and `dial` may be repeated safely with the same `clientMutationId`; what is said of a call may be repeated as it is. */
export type MutationRefreshSessionArgs = {
  deviceId?: InputMaybe<Scalars['ID']['input']>;
  token: Scalars['String']['input'];
};


/** What one can do. `notify`, `message` and `dial` may be repeated safely with the same `clientMutationId`; what is said of a call may be repeated as it is. */
export type MutationRevokeHubArgs = {
  hubId: Scalars['ID']['input'];
  uid: Scalars['ID']['input'];
};

/** Input of `notify`. */
export type NotifyInput = {
  /** An idempotency key of your choice: a repetition within five minutes returns the first answer and sends nothing. */
  readonly clientMutationId?: InputMaybe<Scalars['ID']['input']>;
  /** The application's own data. */
  readonly payload?: InputMaybe<Scalars['JSON']['input']>;
  /** The hubs to tell: 1 to 100 of them, and you need READ on each. */
  readonly recipients: ReadonlyArray<Scalars['ID']['input']>;
  /** Your own socket, which receives nothing. */
  readonly socketId: Scalars['ID']['input'];
  /** What happened, in the application's own words: at most 128 characters. */
  readonly type?: InputMaybe<Scalars['String']['input']>;
};

/** Answer of `notify`. */
export type NotifyPayload = {
  readonly __typename?: 'NotifyPayload';
  /** The key that was given. */
  readonly clientMutationId?: Maybe<Scalars['ID']['output']>;
  /** How many sockets each hub had as the signal was accepted. Counted where it is asked for. */
  readonly hubs: ReadonlyArray<HubDelivery>;
  /** The input as it was accepted, with the origin that was written. */
  readonly input: Scalars['JSON']['output'];
  /** The id of the signal that was sent. */
  readonly signalId: Scalars['ID']['output'];
  /** The `type` that was given. */
  readonly type?: Maybe<Scalars['String']['output']>;
};

/** Who sent a signal. Everything but `streamId` is written by the service from the sender's token and socket; it cannot be forged. */
export type Origin = {
  readonly __typename?: 'Origin';
  /** The sender's e-mail address. */
  readonly email?: Maybe<Scalars['String']['output']>;
  /** The sender's first name. */
  readonly firstname?: Maybe<Scalars['String']['output']>;
  /** The sender's full name. */
  readonly fullname?: Maybe<Scalars['String']['output']>;
  /** The sender's login name. */
  readonly ident?: Maybe<Scalars['String']['output']>;
  /** The sender's last name. */
  readonly lastname?: Maybe<Scalars['String']['output']>;
  /** The socket it was sent from, when the sender named one: answer to it with `target: { socketId }`. */
  readonly socketId?: Maybe<Scalars['ID']['output']>;
  /** The media stream it was sent for, when the sender named one. */
  readonly streamId?: Maybe<Scalars['ID']['output']>;
  /** The sender's user id. */
  readonly uid: Scalars['ID']['output'];
};

/** Where a message comes from. Who you are is never taken from here. */
export type OriginInput = {
  /** Your own open socket: hub messages leave it out, and answers can be addressed to it. */
  readonly socketId?: InputMaybe<Scalars['ID']['input']>;
  /** A media stream of that socket. The first open socket that names a stream keeps it. */
  readonly streamId?: InputMaybe<Scalars['ID']['input']>;
};

/** Where a page stands in a list. */
export type PageInfo = {
  readonly __typename?: 'PageInfo';
  /** The last cursor of the page. */
  readonly endCursor?: Maybe<Scalars['String']['output']>;
  /** Whether more follows. */
  readonly hasNextPage: Scalars['Boolean']['output'];
  /** Whether something precedes. */
  readonly hasPreviousPage: Scalars['Boolean']['output'];
  /** The first cursor of the page. */
  readonly startCursor?: Maybe<Scalars['String']['output']>;
};

/** Somebody wrote to this socket, to you, or to a hub you belong to. */
export type PeerMessage = Signal & {
  readonly __typename?: 'PeerMessage';
  /** The call it belongs to. */
  readonly callId?: Maybe<Scalars['ID']['output']>;
  /** Where it stands in the log. */
  readonly cursor?: Maybe<Scalars['String']['output']>;
  /** How long the call lasted, in seconds, as the sender says. */
  readonly duration: Scalars['Int']['output'];
  /** Which negotiation of that call it belongs to. */
  readonly generation?: Maybe<Scalars['Int']['output']>;
  /** The hub in whose context it was sent. */
  readonly hubId?: Maybe<Scalars['ID']['output']>;
  /** The signal's id. */
  readonly id: Scalars['ID']['output'];
  /** Who sent it. */
  readonly origin?: Maybe<Origin>;
  /** The application's own data: a description, a candidate, anything. */
  readonly payload?: Maybe<Scalars['JSON']['output']>;
  /** The sender's part in the call. */
  readonly role?: Maybe<CallRole>;
  /** How the target was understood. */
  readonly scope: Scope;
  /** When it was accepted. */
  readonly sentAt: Scalars['DateTime']['output'];
  /** `signaling.message`. */
  readonly service: Scalars['String']['output'];
  /** To whom it was addressed. */
  readonly target: Target;
  /** What it is, in the application's own words, for example `offer`, `answer`, `candidate`. */
  readonly type?: Maybe<Scalars['String']['output']>;
};

/** What a user may do on a hub. A privilege is a word of these bits; each level holds all bits below it. */
export type Permission =
  /** Bit 16: may manage members. The level `admin` (31). */
  | 'ADMIN'
  /** Bit 1: may be present without a name. The level `guest` (1). */
  | 'ANONYMOUS'
  /** Bit 4: may fetch files. The level `download` (7). */
  | 'DOWNLOAD'
  /** Bit 32: owns the hub. The level `owner` (63). */
  | 'OWNER'
  /** Bit 2: belongs to the hub, receives its signals and may send to it. The level `read` (3). */
  | 'READ'
  /** Bit 8: may change content. The level `write` (15). */
  | 'WRITE';

/** Who came and who went in a hub. Not logged, so not part of a replay: after a resume, ask the query `presence`. */
export type PresenceChanged = Signal & {
  readonly __typename?: 'PresenceChanged';
  /** Null: not logged. */
  readonly cursor?: Maybe<Scalars['String']['output']>;
  /** The hub. */
  readonly hubId?: Maybe<Scalars['ID']['output']>;
  /** An id of its own. */
  readonly id: Scalars['ID']['output'];
  /** Null: the service itself speaks. */
  readonly origin?: Maybe<Origin>;
  /** When it was told. */
  readonly sentAt: Scalars['DateTime']['output'];
  /** `signaling.socket`. */
  readonly service: Scalars['String']['output'];
  /** Those for whom it changed, within a quarter of a second: each once, as it is now. */
  readonly users: ReadonlyArray<UserPresence>;
};

/** The questions one can ask. */
export type Query = {
  readonly __typename?: 'Query';
  /** The calls you are a party of that have not ended, oldest first. The same list is part of every `SocketReady`. */
  readonly activeCalls: ReadonlyArray<Call>;
  /** One call by its id. Calls stay readable for 24 hours after they ended. */
  readonly call: Call;
  /** Your calls that have ended, newest first: one record for each side, kept for 90 days or 1,000 records. */
  readonly callHistory: CallHistoryConnection;
  /** What happened to a call, on each device and when: why did the phone not ring? */
  readonly callTrace: CallTrace;
  /**
   * The STUN and TURN servers for a call of yours, with fresh credentials: to be asked again after `refreshAfter`. None when
   * the call has ended, or when the service was given none.
   */
  readonly iceServers: ReadonlyArray<IceServer>;
  /** Who of these users (at most 100) is there now. Somebody who does not belong to the hub is not. */
  readonly presence: ReadonlyArray<MemberPresence>;
  /** Which privilege a user has been given on a room by the calls they were invited to. */
  readonly roomAccess: RoomAccess;
  /** What this service is and which limits it keeps. */
  readonly service: Service;
  /** Who the token says you are. */
  readonly viewer: Viewer;
};


/** The questions one can ask. */
export type QueryCallArgs = {
  callId: Scalars['ID']['input'];
};


/** The questions one can ask. */
export type QueryCallHistoryArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  first?: InputMaybe<Scalars['Int']['input']>;
  peer?: InputMaybe<Scalars['ID']['input']>;
};


/** The questions one can ask. */
export type QueryCallTraceArgs = {
  callId: Scalars['ID']['input'];
};


/** The questions one can ask. */
export type QueryIceServersArgs = {
  callId: Scalars['ID']['input'];
};


/** The questions one can ask. */
export type QueryPresenceArgs = {
  hubId: Scalars['ID']['input'];
  uids: ReadonlyArray<Scalars['ID']['input']>;
};


/** The questions one can ask. */
export type QueryRoomAccessArgs = {
  roomId: Scalars['ID']['input'];
  uid: Scalars['ID']['input'];
};

/** Why a cursor could not be honoured. Whatever the reason: what lies between is unknown, and what follows is complete. */
export type RecoveryFailure =
  /** The log is another one: the cursor is of another installation, or the log's primary was replaced or emptied. */
  | 'EPOCH'
  /** More than 1,000 signals, or more than 1 MiB, lie after the cursor. */
  | 'TOO_MUCH'
  /** Signals after the cursor were already dropped from the log. */
  | 'TRIMMED'
  /** The cursor is older than 24 hours. */
  | 'WINDOW';

/** What the answer to `refreshSession` says. */
export type RefreshSessionPayload = {
  readonly __typename?: 'RefreshSessionPayload';
  /** When the sockets end now, unless refreshed again. */
  readonly expiresAt: Scalars['DateTime']['output'];
  /** You. */
  readonly uid: Scalars['ID']['output'];
};

/** What the answer to `revokeHub` says. */
export type RevokeHubPayload = {
  readonly __typename?: 'RevokeHubPayload';
  /** The hub. */
  readonly hubId: Scalars['ID']['output'];
  /** The user. */
  readonly uid: Scalars['ID']['output'];
  /** Claims in tokens issued until this moment are void for the hub. */
  readonly voidUntil: Scalars['DateTime']['output'];
};

/** What a user may do in a room. */
export type RoomAccess = {
  readonly __typename?: 'RoomAccess';
  /** When it ends by itself. */
  readonly expiresAt?: Maybe<Scalars['DateTime']['output']>;
  /** The word of permission bits; 0 for none. */
  readonly privilege: Scalars['Int']['output'];
  /** The room. */
  readonly roomId: Scalars['ID']['output'];
  /** The user. */
  readonly uid: Scalars['ID']['output'];
};

/** How a target is understood. */
export type Scope =
  /** Everyone who belongs to the hub. */
  | 'HUB'
  /** The same as `HUB`, under its other name. */
  | 'ONLINE_MEMBERS'
  /** One socket. */
  | 'SOCKET'
  /** One user, on every open socket. */
  | 'USER';

/** What the service is, for clients that adapt to it. */
export type Service = {
  readonly __typename?: 'Service';
  /** Where signals are kept: `memory` (this process only) or `redis` (shared by all nodes). */
  readonly engine: Scalars['String']['output'];
  /** How often a sign of life is sent on an idle connection, in milliseconds. */
  readonly heartbeatMs: Scalars['Int']['output'];
  /** The sizes and numbers that are enforced. */
  readonly limits: Limits;
  /** The name of the service. */
  readonly name: Scalars['String']['output'];
  /** The version that is running. */
  readonly version: Scalars['String']['output'];
};

/** One event delivered to sockets. Within a socket, cursors only grow. */
export type Signal = {
  /** Where the signal stands in the log. Pass the last one seen as `after` to go on from there. Null on signals that are not logged. */
  readonly cursor?: Maybe<Scalars['String']['output']>;
  /** The hub in whose context it was sent. */
  readonly hubId?: Maybe<Scalars['ID']['output']>;
  /** The signal's id: the `signalId` that the sender got in answer. The same on every socket. */
  readonly id: Scalars['ID']['output'];
  /** Who sent it, written by the service. Null on signals of the service itself. */
  readonly origin?: Maybe<Origin>;
  /** When it was accepted, by the clock of the service. */
  readonly sentAt: Scalars['DateTime']['output'];
  /** What caused it: `signaling.notify`, `signaling.message`, `signaling.dial`, the mutations that act on calls, `signaling.call` for their deadlines, or `signaling.socket` for the service itself. */
  readonly service: Scalars['String']['output'];
};

/** The kinds of signals that can be chosen by `incomingSignal(kinds:)`. */
export type SignalKind =
  /** `CallLogged`, a new record in your call history. */
  | 'CALL_LOGGED'
  /** `CallUpdated`, when a call of yours has changed. */
  | 'CALL_UPDATED'
  /** `HubNotification`, from `notify`. */
  | 'HUB_NOTIFICATION'
  /** `IncomingCall`, from `dial`. */
  | 'INCOMING_CALL'
  /** `PeerMessage`, from `message`. */
  | 'PEER_MESSAGE'
  /** `PresenceChanged`, when somebody comes or goes in a hub of yours. Only delivered when it is asked for. */
  | 'PRESENCE_CHANGED';

/** The last signal of a socket that the service closes. */
export type SocketClosing = Signal & {
  readonly __typename?: 'SocketClosing';
  /** Why the socket is closed. */
  readonly code: ClosingCode;
  /** Null: not logged. */
  readonly cursor?: Maybe<Scalars['String']['output']>;
  /** Null: the socket is of no single hub. */
  readonly hubId?: Maybe<Scalars['ID']['output']>;
  /** An id of its own. */
  readonly id: Scalars['ID']['output'];
  /** Null: the service itself speaks. */
  readonly origin?: Maybe<Origin>;
  /** Whether to open a new one (with `after`), or to stay away. */
  readonly reconnect: Scalars['Boolean']['output'];
  /** How long to wait before that, in milliseconds. */
  readonly retryAfterMs?: Maybe<Scalars['Int']['output']>;
  /** When it was said. */
  readonly sentAt: Scalars['DateTime']['output'];
  /** `signaling.socket`. */
  readonly service: Scalars['String']['output'];
};

/**
 * Always the first signal of a socket. From here on nothing is missed. It comes again on a living stream, with
 * `recovered: false`, when the service cannot prove that the socket has everything: then `calls` is the truth, as at first.
 */
export type SocketReady = Signal & {
  readonly __typename?: 'SocketReady';
  /** Your calls that have not ended. */
  readonly calls: ReadonlyArray<Call>;
  /** Where the socket stands: your own `after` when recovered, else the present end of the log. */
  readonly cursor?: Maybe<Scalars['String']['output']>;
  /** The device the socket belongs to. */
  readonly deviceId?: Maybe<Scalars['ID']['output']>;
  /** When the token ends, and the socket with it. */
  readonly expiresAt: Scalars['DateTime']['output'];
  /** How often a sign of life comes on an idle connection, in milliseconds. Nothing for twice as long means the connection is dead. */
  readonly heartbeatMs: Scalars['Int']['output'];
  /** Null: the socket is of no single hub. */
  readonly hubId?: Maybe<Scalars['ID']['output']>;
  /** The hubs whose signals this socket receives. */
  readonly hubIds: ReadonlyArray<Scalars['ID']['output']>;
  /** An id of its own. */
  readonly id: Scalars['ID']['output'];
  /** Null: the service itself speaks. */
  readonly origin?: Maybe<Origin>;
  /** Why `after` could not be honoured. Null when it was, and when none was given. */
  readonly reason?: Maybe<RecoveryFailure>;
  /** True when everything after your `after` follows now. False when something may have been missed: then `calls` is the truth. */
  readonly recovered: Scalars['Boolean']['output'];
  /** A secret: pass it as `resumeToken` to be this socket again after its connection has ended. Each `SocketReady` brings a new one; the one before is good until the new one is used. */
  readonly resumeToken: Scalars['String']['output'];
  /** True when this is the socket that your `resumeToken` was of: it has its `socketId`. */
  readonly resumed: Scalars['Boolean']['output'];
  /** When the socket was opened. */
  readonly sentAt: Scalars['DateTime']['output'];
  /** `signaling.socket`. */
  readonly service: Scalars['String']['output'];
  /** This socket's id. Name it in `notify(input.socketId)` and `message(input.origin.socketId)`. */
  readonly socketId: Scalars['ID']['output'];
};

/** What opens one socket without a token. */
export type StreamTicket = {
  readonly __typename?: 'StreamTicket';
  /** When it is too late to open the socket for the first time. */
  readonly expiresAt: Scalars['DateTime']['output'];
  /** To be sent as `ticket` in the address. Keep it to yourself, like a token. */
  readonly ticket: Scalars['String']['output'];
};

/** The live stream. */
export type Subscription = {
  readonly __typename?: 'Subscription';
  /**
   * Opens a socket: everything that concerns you, in one ordered stream. The first signal is always a `SocketReady`; what
   * is sent after it arrives is never missed.
   */
  readonly incomingSignal: Signal;
};


/** The live stream. */
export type SubscriptionIncomingSignalArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  deviceId?: InputMaybe<Scalars['ID']['input']>;
  deviceLabel?: InputMaybe<Scalars['String']['input']>;
  hubIds?: InputMaybe<ReadonlyArray<Scalars['ID']['input']>>;
  kinds?: InputMaybe<ReadonlyArray<SignalKind>>;
  resumeToken?: InputMaybe<Scalars['String']['input']>;
};

/** To whom a message was addressed. */
export type Target = {
  readonly __typename?: 'Target';
  /** Everyone who belongs to this hub. */
  readonly hubId?: Maybe<Scalars['ID']['output']>;
  /** One socket. */
  readonly socketId?: Maybe<Scalars['ID']['output']>;
  /** The socket that owns this media stream. */
  readonly streamId?: Maybe<Scalars['ID']['output']>;
  /** A user, on every open socket. */
  readonly uid?: Maybe<Scalars['ID']['output']>;
};

/** To whom a message goes. With several given, the narrowest counts: socket or stream, then hub, then user. */
export type TargetInput = {
  /** Everyone who belongs to this hub. */
  readonly hubId?: InputMaybe<Scalars['ID']['input']>;
  /** One open socket. */
  readonly socketId?: InputMaybe<Scalars['ID']['input']>;
  /** The socket that owns this media stream. */
  readonly streamId?: InputMaybe<Scalars['ID']['input']>;
  /** This user, on every open socket. */
  readonly uid?: InputMaybe<Scalars['ID']['input']>;
};

/** Whether a user is there. */
export type UserPresence = {
  readonly __typename?: 'UserPresence';
  /** True from the user's first socket until 30 seconds after the last one's connection ended. */
  readonly online: Scalars['Boolean']['output'];
  /** The user. */
  readonly uid: Scalars['ID']['output'];
};

/** Who you are, as your token says. */
export type Viewer = {
  readonly __typename?: 'Viewer';
  /** Your e-mail address. */
  readonly email?: Maybe<Scalars['String']['output']>;
  /** When your token ends. */
  readonly expiresAt: Scalars['DateTime']['output'];
  /** Your first name. */
  readonly firstname?: Maybe<Scalars['String']['output']>;
  /** Your full name. */
  readonly fullname?: Maybe<Scalars['String']['output']>;
  /** The hubs you belong to, by your token or by a grant. */
  readonly hubs: ReadonlyArray<HubMembership>;
  /** Your login name. */
  readonly ident?: Maybe<Scalars['String']['output']>;
  /** Your last name. */
  readonly lastname?: Maybe<Scalars['String']['output']>;
  /** Your user id. */
  readonly uid: Scalars['ID']['output'];
};



export type ResolverTypeWrapper<T> = Promise<T> | T;


export type ResolverWithResolve<TResult, TParent, TContext, TArgs> = {
  resolve: ResolverFn<TResult, TParent, TContext, TArgs>;
};
export type Resolver<TResult, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> = ResolverFn<TResult, TParent, TContext, TArgs> | ResolverWithResolve<TResult, TParent, TContext, TArgs>;

export type ResolverFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => Promise<TResult> | TResult;

export type SubscriptionSubscribeFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => AsyncIterable<TResult> | Promise<AsyncIterable<TResult>>;

export type SubscriptionResolveFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => TResult | Promise<TResult>;

export interface SubscriptionSubscriberObject<TResult, TKey extends string, TParent, TContext, TArgs> {
  subscribe: SubscriptionSubscribeFn<{ [key in TKey]: TResult }, TParent, TContext, TArgs>;
  resolve?: SubscriptionResolveFn<TResult, { [key in TKey]: TResult }, TContext, TArgs>;
}

export interface SubscriptionResolverObject<TResult, TParent, TContext, TArgs> {
  subscribe: SubscriptionSubscribeFn<any, TParent, TContext, TArgs>;
  resolve: SubscriptionResolveFn<TResult, any, TContext, TArgs>;
}

export type SubscriptionObject<TResult, TKey extends string, TParent, TContext, TArgs> =
  | SubscriptionSubscriberObject<TResult, TKey, TParent, TContext, TArgs>
  | SubscriptionResolverObject<TResult, TParent, TContext, TArgs>;

export type SubscriptionResolver<TResult, TKey extends string, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> =
  | ((...args: any[]) => SubscriptionObject<TResult, TKey, TParent, TContext, TArgs>)
  | SubscriptionObject<TResult, TKey, TParent, TContext, TArgs>;

export type TypeResolveFn<TTypes, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>> = (
  parent: TParent,
  context: TContext,
  info: GraphQLResolveInfo
) => Maybe<TTypes> | Promise<Maybe<TTypes>>;

export type IsTypeOfResolverFn<T = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>> = (obj: T, context: TContext, info: GraphQLResolveInfo) => boolean | Promise<boolean>;

export type NextResolverFn<T> = () => Promise<T>;

export type DirectiveResolverFn<TResult = Record<PropertyKey, never>, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> = (
  next: NextResolverFn<TResult>,
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => TResult | Promise<TResult>;



/** Mapping of union types */
export type ResolversUnionTypes<_RefType extends Record<string, unknown>> = {
  AcceptResult:
    | ( Accepted )
    | ( AnsweredElsewhere )
    | ( CallEnded )
  ;
};

/** Mapping of interface types */
export type ResolversInterfaceTypes<_RefType extends Record<string, unknown>> = {
  Signal:
    | ( CallLogged )
    | ( CallUpdated )
    | ( HubNotification )
    | ( IncomingCall )
    | ( PeerMessage )
    | ( PresenceChanged )
    | ( SocketClosing )
    | ( SocketReady )
  ;
};

/** Mapping between all available schema types and the resolvers types */
export type ResolversTypes = {
  AcceptResult: ResolverTypeWrapper<ResolversUnionTypes<ResolversTypes>['AcceptResult']>;
  Accepted: ResolverTypeWrapper<Accepted>;
  AnsweredElsewhere: ResolverTypeWrapper<AnsweredElsewhere>;
  Boolean: ResolverTypeWrapper<Scalars['Boolean']['output']>;
  Call: ResolverTypeWrapper<Call>;
  CallChange: CallChange;
  CallDevice: ResolverTypeWrapper<CallDevice>;
  CallDirection: CallDirection;
  CallEnded: ResolverTypeWrapper<CallEnded>;
  CallHistoryConnection: ResolverTypeWrapper<CallHistoryConnection>;
  CallHistoryEdge: ResolverTypeWrapper<CallHistoryEdge>;
  CallLeg: ResolverTypeWrapper<CallLeg>;
  CallLegTrace: ResolverTypeWrapper<CallLegTrace>;
  CallLogged: ResolverTypeWrapper<CallLogged>;
  CallPayload: ResolverTypeWrapper<CallPayload>;
  CallRecord: ResolverTypeWrapper<CallRecord>;
  CallRole: CallRole;
  CallState: CallState;
  CallStep: ResolverTypeWrapper<CallStep>;
  CallTrace: ResolverTypeWrapper<CallTrace>;
  CallUpdated: ResolverTypeWrapper<CallUpdated>;
  ClosingCode: ClosingCode;
  DateTime: ResolverTypeWrapper<Scalars['DateTime']['output']>;
  DialInput: DialInput;
  DialPayload: ResolverTypeWrapper<DialPayload>;
  DisconnectUserPayload: ResolverTypeWrapper<DisconnectUserPayload>;
  EndReason: EndReason;
  GrantHubPayload: ResolverTypeWrapper<GrantHubPayload>;
  HangUpReason: HangUpReason;
  HubDelivery: ResolverTypeWrapper<HubDelivery>;
  HubMembership: ResolverTypeWrapper<HubMembership>;
  HubNotification: ResolverTypeWrapper<HubNotification>;
  ID: ResolverTypeWrapper<Scalars['ID']['output']>;
  IceServer: ResolverTypeWrapper<IceServer>;
  IncomingCall: ResolverTypeWrapper<IncomingCall>;
  Int: ResolverTypeWrapper<Scalars['Int']['output']>;
  JSON: ResolverTypeWrapper<Scalars['JSON']['output']>;
  KeepAlivePayload: ResolverTypeWrapper<KeepAlivePayload>;
  LegState: LegState;
  Limits: ResolverTypeWrapper<Limits>;
  MemberPresence: ResolverTypeWrapper<MemberPresence>;
  MessageInput: MessageInput;
  MessagePayload: ResolverTypeWrapper<MessagePayload>;
  Mutation: ResolverTypeWrapper<Record<PropertyKey, never>>;
  NotifyInput: NotifyInput;
  NotifyPayload: ResolverTypeWrapper<NotifyAnswer>;
  Origin: ResolverTypeWrapper<Origin>;
  OriginInput: OriginInput;
  PageInfo: ResolverTypeWrapper<PageInfo>;
  PeerMessage: ResolverTypeWrapper<PeerMessage>;
  Permission: Permission;
  PresenceChanged: ResolverTypeWrapper<PresenceChanged>;
  Query: ResolverTypeWrapper<Record<PropertyKey, never>>;
  RecoveryFailure: RecoveryFailure;
  RefreshSessionPayload: ResolverTypeWrapper<RefreshSessionPayload>;
  RevokeHubPayload: ResolverTypeWrapper<RevokeHubPayload>;
  RoomAccess: ResolverTypeWrapper<RoomAccess>;
  Scope: Scope;
  Service: ResolverTypeWrapper<Service>;
  Signal: ResolverTypeWrapper<ResolversInterfaceTypes<ResolversTypes>['Signal']>;
  SignalKind: SignalKind;
  SocketClosing: ResolverTypeWrapper<SocketClosing>;
  SocketReady: ResolverTypeWrapper<SocketReady>;
  StreamTicket: ResolverTypeWrapper<StreamTicket>;
  String: ResolverTypeWrapper<Scalars['String']['output']>;
  Subscription: ResolverTypeWrapper<Record<PropertyKey, never>>;
  Target: ResolverTypeWrapper<Target>;
  TargetInput: TargetInput;
  UserPresence: ResolverTypeWrapper<UserPresence>;
  Viewer: ResolverTypeWrapper<Viewer>;
};

/** Mapping between all available schema types and the resolvers parents */
export type ResolversParentTypes = {
  AcceptResult: ResolversUnionTypes<ResolversParentTypes>['AcceptResult'];
  Accepted: Accepted;
  AnsweredElsewhere: AnsweredElsewhere;
  Boolean: Scalars['Boolean']['output'];
  Call: Call;
  CallDevice: CallDevice;
  CallEnded: CallEnded;
  CallHistoryConnection: CallHistoryConnection;
  CallHistoryEdge: CallHistoryEdge;
  CallLeg: CallLeg;
  CallLegTrace: CallLegTrace;
  CallLogged: CallLogged;
  CallPayload: CallPayload;
  CallRecord: CallRecord;
  CallStep: CallStep;
  CallTrace: CallTrace;
  CallUpdated: CallUpdated;
  DateTime: Scalars['DateTime']['output'];
  DialInput: DialInput;
  DialPayload: DialPayload;
  DisconnectUserPayload: DisconnectUserPayload;
  GrantHubPayload: GrantHubPayload;
  HubDelivery: HubDelivery;
  HubMembership: HubMembership;
  HubNotification: HubNotification;
  ID: Scalars['ID']['output'];
  IceServer: IceServer;
  IncomingCall: IncomingCall;
  Int: Scalars['Int']['output'];
  JSON: Scalars['JSON']['output'];
  KeepAlivePayload: KeepAlivePayload;
  Limits: Limits;
  MemberPresence: MemberPresence;
  MessageInput: MessageInput;
  MessagePayload: MessagePayload;
  Mutation: Record<PropertyKey, never>;
  NotifyInput: NotifyInput;
  NotifyPayload: NotifyAnswer;
  Origin: Origin;
  OriginInput: OriginInput;
  PageInfo: PageInfo;
  PeerMessage: PeerMessage;
  PresenceChanged: PresenceChanged;
  Query: Record<PropertyKey, never>;
  RefreshSessionPayload: RefreshSessionPayload;
  RevokeHubPayload: RevokeHubPayload;
  RoomAccess: RoomAccess;
  Service: Service;
  Signal: ResolversInterfaceTypes<ResolversParentTypes>['Signal'];
  SocketClosing: SocketClosing;
  SocketReady: SocketReady;
  StreamTicket: StreamTicket;
  String: Scalars['String']['output'];
  Subscription: Record<PropertyKey, never>;
  Target: Target;
  TargetInput: TargetInput;
  UserPresence: UserPresence;
  Viewer: Viewer;
};

export type AdminOnlyDirectiveArgs = { };

export type AdminOnlyDirectiveResolver<Result, Parent, ContextType = Context, Args = AdminOnlyDirectiveArgs> = DirectiveResolverFn<Result, Parent, ContextType, Args>;

export type CallScopeDirectiveArgs = { };

export type CallScopeDirectiveResolver<Result, Parent, ContextType = Context, Args = CallScopeDirectiveArgs> = DirectiveResolverFn<Result, Parent, ContextType, Args>;

export type HubScopeDirectiveArgs = {
  requires?: Permission;
};

export type HubScopeDirectiveResolver<Result, Parent, ContextType = Context, Args = HubScopeDirectiveArgs> = DirectiveResolverFn<Result, Parent, ContextType, Args>;

export type PublicDirectiveArgs = { };

export type PublicDirectiveResolver<Result, Parent, ContextType = Context, Args = PublicDirectiveArgs> = DirectiveResolverFn<Result, Parent, ContextType, Args>;

export type SignedInDirectiveArgs = { };

export type SignedInDirectiveResolver<Result, Parent, ContextType = Context, Args = SignedInDirectiveArgs> = DirectiveResolverFn<Result, Parent, ContextType, Args>;

export type AcceptResultResolvers<ContextType = Context, ParentType extends ResolversParentTypes['AcceptResult'] = ResolversParentTypes['AcceptResult']> = {
  __resolveType: TypeResolveFn<'Accepted' | 'AnsweredElsewhere' | 'CallEnded', ParentType, ContextType>;
};

export type AcceptedResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Accepted'] = ResolversParentTypes['Accepted']> = {
  call?: Resolver<ResolversTypes['Call'], ParentType, ContextType>;
  iceServers?: Resolver<ReadonlyArray<ResolversTypes['IceServer']>, ParentType, ContextType>;
  polite?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export type AnsweredElsewhereResolvers<ContextType = Context, ParentType extends ResolversParentTypes['AnsweredElsewhere'] = ResolversParentTypes['AnsweredElsewhere']> = {
  call?: Resolver<ResolversTypes['Call'], ParentType, ContextType>;
  device?: Resolver<ResolversTypes['CallDevice'], ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export type CallResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Call'] = ResolversParentTypes['Call']> = {
  acceptedAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  alerting?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  callee?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  caller?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  createdAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  endedAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  expiresAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  hubId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  legs?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  reason?: Resolver<Maybe<ResolversTypes['EndReason']>, ParentType, ContextType>;
  rev?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  roomId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  roomType?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  state?: Resolver<ResolversTypes['CallState'], ParentType, ContextType>;
};

export type CallDeviceResolvers<ContextType = Context, ParentType extends ResolversParentTypes['CallDevice'] = ResolversParentTypes['CallDevice']> = {
  deviceId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  deviceLabel?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  socketId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
};

export type CallEndedResolvers<ContextType = Context, ParentType extends ResolversParentTypes['CallEnded'] = ResolversParentTypes['CallEnded']> = {
  call?: Resolver<ResolversTypes['Call'], ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export type CallHistoryConnectionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['CallHistoryConnection'] = ResolversParentTypes['CallHistoryConnection']> = {
  edges?: Resolver<ReadonlyArray<ResolversTypes['CallHistoryEdge']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
};

export type CallHistoryEdgeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['CallHistoryEdge'] = ResolversParentTypes['CallHistoryEdge']> = {
  cursor?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  node?: Resolver<ResolversTypes['CallRecord'], ParentType, ContextType>;
};

export type CallLegResolvers<ContextType = Context, ParentType extends ResolversParentTypes['CallLeg'] = ResolversParentTypes['CallLeg']> = {
  deviceId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  deviceLabel?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  since?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  state?: Resolver<ResolversTypes['LegState'], ParentType, ContextType>;
};

export type CallLegTraceResolvers<ContextType = Context, ParentType extends ResolversParentTypes['CallLegTrace'] = ResolversParentTypes['CallLegTrace']> = {
  deviceId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  deviceLabel?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  state?: Resolver<ResolversTypes['LegState'], ParentType, ContextType>;
  steps?: Resolver<ReadonlyArray<ResolversTypes['CallStep']>, ParentType, ContextType>;
};

export type CallLoggedResolvers<ContextType = Context, ParentType extends ResolversParentTypes['CallLogged'] = ResolversParentTypes['CallLogged']> = {
  cursor?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  hubId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  origin?: Resolver<Maybe<ResolversTypes['Origin']>, ParentType, ContextType>;
  record?: Resolver<ResolversTypes['CallRecord'], ParentType, ContextType>;
  sentAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  service?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export type CallPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['CallPayload'] = ResolversParentTypes['CallPayload']> = {
  call?: Resolver<ResolversTypes['Call'], ParentType, ContextType>;
  changed?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
};

export type CallRecordResolvers<ContextType = Context, ParentType extends ResolversParentTypes['CallRecord'] = ResolversParentTypes['CallRecord']> = {
  acceptedAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  callId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  caller?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  direction?: Resolver<ResolversTypes['CallDirection'], ParentType, ContextType>;
  duration?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  endedAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  hubId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  missed?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  peer?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  reason?: Resolver<ResolversTypes['EndReason'], ParentType, ContextType>;
  startedAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  status?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
};

export type CallStepResolvers<ContextType = Context, ParentType extends ResolversParentTypes['CallStep'] = ResolversParentTypes['CallStep']> = {
  at?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  text?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type CallTraceResolvers<ContextType = Context, ParentType extends ResolversParentTypes['CallTrace'] = ResolversParentTypes['CallTrace']> = {
  call?: Resolver<ResolversTypes['Call'], ParentType, ContextType>;
  legs?: Resolver<ReadonlyArray<ResolversTypes['CallLegTrace']>, ParentType, ContextType>;
  steps?: Resolver<ReadonlyArray<ResolversTypes['CallStep']>, ParentType, ContextType>;
};

export type CallUpdatedResolvers<ContextType = Context, ParentType extends ResolversParentTypes['CallUpdated'] = ResolversParentTypes['CallUpdated']> = {
  call?: Resolver<ResolversTypes['Call'], ParentType, ContextType>;
  change?: Resolver<ResolversTypes['CallChange'], ParentType, ContextType>;
  cursor?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  device?: Resolver<Maybe<ResolversTypes['CallDevice']>, ParentType, ContextType>;
  expiresAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  hubId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  legs?: Resolver<ReadonlyArray<ResolversTypes['CallLeg']>, ParentType, ContextType>;
  origin?: Resolver<Maybe<ResolversTypes['Origin']>, ParentType, ContextType>;
  remainingMs?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  sentAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  service?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export interface DateTimeScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['DateTime'], any> {
  name: 'DateTime';
}

export type DialPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['DialPayload'] = ResolversParentTypes['DialPayload']> = {
  call?: Resolver<ResolversTypes['Call'], ParentType, ContextType>;
  clientMutationId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  iceServers?: Resolver<ReadonlyArray<ResolversTypes['IceServer']>, ParentType, ContextType>;
  input?: Resolver<ResolversTypes['JSON'], ParentType, ContextType>;
  merged?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  offline?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  polite?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  signalId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  type?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
};

export type DisconnectUserPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['DisconnectUserPayload'] = ResolversParentTypes['DisconnectUserPayload']> = {
  sockets?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  uid?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
};

export type GrantHubPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['GrantHubPayload'] = ResolversParentTypes['GrantHubPayload']> = {
  expiresAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  hubId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  privilege?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  uid?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
};

export type HubDeliveryResolvers<ContextType = Context, ParentType extends ResolversParentTypes['HubDelivery'] = ResolversParentTypes['HubDelivery']> = {
  hubId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  nodes?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  sockets?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type HubMembershipResolvers<ContextType = Context, ParentType extends ResolversParentTypes['HubMembership'] = ResolversParentTypes['HubMembership']> = {
  hubId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  privilege?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type HubNotificationResolvers<ContextType = Context, ParentType extends ResolversParentTypes['HubNotification'] = ResolversParentTypes['HubNotification']> = {
  cursor?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  hubId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  origin?: Resolver<Maybe<ResolversTypes['Origin']>, ParentType, ContextType>;
  payload?: Resolver<Maybe<ResolversTypes['JSON']>, ParentType, ContextType>;
  recipients?: Resolver<ReadonlyArray<ResolversTypes['ID']>, ParentType, ContextType>;
  sentAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  service?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  type?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export type IceServerResolvers<ContextType = Context, ParentType extends ResolversParentTypes['IceServer'] = ResolversParentTypes['IceServer']> = {
  credential?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  expiresAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  refreshAfter?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  urls?: Resolver<ReadonlyArray<ResolversTypes['String']>, ParentType, ContextType>;
  username?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
};

export type IncomingCallResolvers<ContextType = Context, ParentType extends ResolversParentTypes['IncomingCall'] = ResolversParentTypes['IncomingCall']> = {
  call?: Resolver<ResolversTypes['Call'], ParentType, ContextType>;
  cursor?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  expiresAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  hubId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  hub_id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  message?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  name?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  nid?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  origin?: Resolver<Maybe<ResolversTypes['Origin']>, ParentType, ContextType>;
  payload?: Resolver<Maybe<ResolversTypes['JSON']>, ParentType, ContextType>;
  remainingMs?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  ring?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  role?: Resolver<Maybe<ResolversTypes['CallRole']>, ParentType, ContextType>;
  roomId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  roomType?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  sentAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  service?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  waiting?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export interface JsonScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['JSON'], any> {
  name: 'JSON';
}

export type KeepAlivePayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['KeepAlivePayload'] = ResolversParentTypes['KeepAlivePayload']> = {
  nextBy?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  socketId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
};

export type LimitsResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Limits'] = ResolversParentTypes['Limits']> = {
  bodyBytes?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  documentAliases?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  documentDepth?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  documentTokens?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  jsonBytes?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  jsonDepth?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  mutationFields?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  recipients?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  socketsPerUser?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  streamsPerSocket?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type MemberPresenceResolvers<ContextType = Context, ParentType extends ResolversParentTypes['MemberPresence'] = ResolversParentTypes['MemberPresence']> = {
  connected?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  online?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  uid?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
};

export type MessagePayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['MessagePayload'] = ResolversParentTypes['MessagePayload']> = {
  call?: Resolver<Maybe<ResolversTypes['Call']>, ParentType, ContextType>;
  clientMutationId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  held?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  input?: Resolver<ResolversTypes['JSON'], ParentType, ContextType>;
  offline?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  scope?: Resolver<ResolversTypes['Scope'], ParentType, ContextType>;
  signalId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  type?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
};

export type MutationResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Mutation'] = ResolversParentTypes['Mutation']> = {
  accept: Resolver<ResolversTypes['AcceptResult'], ParentType, ContextType, RequireFields<MutationAcceptArgs, 'callId' | 'socketId'>>;
  acknowledgeRing: Resolver<ResolversTypes['CallPayload'], ParentType, ContextType, RequireFields<MutationAcknowledgeRingArgs, 'callId' | 'socketId'>>;
  createStreamTicket: Resolver<ResolversTypes['StreamTicket'], ParentType, ContextType, Partial<MutationCreateStreamTicketArgs>>;
  decline: Resolver<ResolversTypes['CallPayload'], ParentType, ContextType, RequireFields<MutationDeclineArgs, 'busy' | 'callId'>>;
  dial: Resolver<ResolversTypes['DialPayload'], ParentType, ContextType, RequireFields<MutationDialArgs, 'hubId' | 'input'>>;
  disconnectUser: Resolver<ResolversTypes['DisconnectUserPayload'], ParentType, ContextType, RequireFields<MutationDisconnectUserArgs, 'uid'>>;
  grantHub: Resolver<ResolversTypes['GrantHubPayload'], ParentType, ContextType, RequireFields<MutationGrantHubArgs, 'hubId' | 'privilege' | 'uid'>>;
  hangUp: Resolver<ResolversTypes['CallPayload'], ParentType, ContextType, RequireFields<MutationHangUpArgs, 'callId' | 'reason'>>;
  keepAlive: Resolver<ResolversTypes['KeepAlivePayload'], ParentType, ContextType, RequireFields<MutationKeepAliveArgs, 'nextWithinSeconds' | 'socketId'>>;
  message: Resolver<ResolversTypes['MessagePayload'], ParentType, ContextType, RequireFields<MutationMessageArgs, 'hubId' | 'input'>>;
  notify: Resolver<ResolversTypes['NotifyPayload'], ParentType, ContextType, RequireFields<MutationNotifyArgs, 'hubId' | 'input'>>;
  refreshSession: Resolver<ResolversTypes['RefreshSessionPayload'], ParentType, ContextType, RequireFields<MutationRefreshSessionArgs, 'token'>>;
  revokeHub: Resolver<ResolversTypes['RevokeHubPayload'], ParentType, ContextType, RequireFields<MutationRevokeHubArgs, 'hubId' | 'uid'>>;
};

export type NotifyPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['NotifyPayload'] = ResolversParentTypes['NotifyPayload']> = {
  clientMutationId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  hubs?: Resolver<ReadonlyArray<ResolversTypes['HubDelivery']>, ParentType, ContextType>;
  input?: Resolver<ResolversTypes['JSON'], ParentType, ContextType>;
  signalId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  type?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
};

export type OriginResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Origin'] = ResolversParentTypes['Origin']> = {
  email?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  firstname?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  fullname?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  ident?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  lastname?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  socketId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  streamId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  uid?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
};

export type PageInfoResolvers<ContextType = Context, ParentType extends ResolversParentTypes['PageInfo'] = ResolversParentTypes['PageInfo']> = {
  endCursor?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  hasNextPage?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  hasPreviousPage?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  startCursor?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
};

export type PeerMessageResolvers<ContextType = Context, ParentType extends ResolversParentTypes['PeerMessage'] = ResolversParentTypes['PeerMessage']> = {
  callId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  cursor?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  duration?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  generation?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  hubId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  origin?: Resolver<Maybe<ResolversTypes['Origin']>, ParentType, ContextType>;
  payload?: Resolver<Maybe<ResolversTypes['JSON']>, ParentType, ContextType>;
  role?: Resolver<Maybe<ResolversTypes['CallRole']>, ParentType, ContextType>;
  scope?: Resolver<ResolversTypes['Scope'], ParentType, ContextType>;
  sentAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  service?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  target?: Resolver<ResolversTypes['Target'], ParentType, ContextType>;
  type?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export type PresenceChangedResolvers<ContextType = Context, ParentType extends ResolversParentTypes['PresenceChanged'] = ResolversParentTypes['PresenceChanged']> = {
  cursor?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  hubId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  origin?: Resolver<Maybe<ResolversTypes['Origin']>, ParentType, ContextType>;
  sentAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  service?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  users?: Resolver<ReadonlyArray<ResolversTypes['UserPresence']>, ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export type QueryResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Query'] = ResolversParentTypes['Query']> = {
  activeCalls: Resolver<ReadonlyArray<ResolversTypes['Call']>, ParentType, ContextType>;
  call: Resolver<ResolversTypes['Call'], ParentType, ContextType, RequireFields<QueryCallArgs, 'callId'>>;
  callHistory: Resolver<ResolversTypes['CallHistoryConnection'], ParentType, ContextType, RequireFields<QueryCallHistoryArgs, 'first'>>;
  callTrace: Resolver<ResolversTypes['CallTrace'], ParentType, ContextType, RequireFields<QueryCallTraceArgs, 'callId'>>;
  iceServers: Resolver<ReadonlyArray<ResolversTypes['IceServer']>, ParentType, ContextType, RequireFields<QueryIceServersArgs, 'callId'>>;
  presence: Resolver<ReadonlyArray<ResolversTypes['MemberPresence']>, ParentType, ContextType, RequireFields<QueryPresenceArgs, 'hubId' | 'uids'>>;
  roomAccess: Resolver<ResolversTypes['RoomAccess'], ParentType, ContextType, RequireFields<QueryRoomAccessArgs, 'roomId' | 'uid'>>;
  service: Resolver<ResolversTypes['Service'], ParentType, ContextType>;
  viewer: Resolver<ResolversTypes['Viewer'], ParentType, ContextType>;
};

export type RefreshSessionPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['RefreshSessionPayload'] = ResolversParentTypes['RefreshSessionPayload']> = {
  expiresAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  uid?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
};

export type RevokeHubPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['RevokeHubPayload'] = ResolversParentTypes['RevokeHubPayload']> = {
  hubId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  uid?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  voidUntil?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
};

export type RoomAccessResolvers<ContextType = Context, ParentType extends ResolversParentTypes['RoomAccess'] = ResolversParentTypes['RoomAccess']> = {
  expiresAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  privilege?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  roomId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  uid?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
};

export type ServiceResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Service'] = ResolversParentTypes['Service']> = {
  engine?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  heartbeatMs?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  limits?: Resolver<ResolversTypes['Limits'], ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  version?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type SignalResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Signal'] = ResolversParentTypes['Signal']> = {
  __resolveType: TypeResolveFn<'CallLogged' | 'CallUpdated' | 'HubNotification' | 'IncomingCall' | 'PeerMessage' | 'PresenceChanged' | 'SocketClosing' | 'SocketReady', ParentType, ContextType>;
};

export type SocketClosingResolvers<ContextType = Context, ParentType extends ResolversParentTypes['SocketClosing'] = ResolversParentTypes['SocketClosing']> = {
  code?: Resolver<ResolversTypes['ClosingCode'], ParentType, ContextType>;
  cursor?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  hubId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  origin?: Resolver<Maybe<ResolversTypes['Origin']>, ParentType, ContextType>;
  reconnect?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  retryAfterMs?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  sentAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  service?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export type SocketReadyResolvers<ContextType = Context, ParentType extends ResolversParentTypes['SocketReady'] = ResolversParentTypes['SocketReady']> = {
  calls?: Resolver<ReadonlyArray<ResolversTypes['Call']>, ParentType, ContextType>;
  cursor?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  deviceId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  expiresAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  heartbeatMs?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  hubId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  hubIds?: Resolver<ReadonlyArray<ResolversTypes['ID']>, ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  origin?: Resolver<Maybe<ResolversTypes['Origin']>, ParentType, ContextType>;
  reason?: Resolver<Maybe<ResolversTypes['RecoveryFailure']>, ParentType, ContextType>;
  recovered?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  resumeToken?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  resumed?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  sentAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  service?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  socketId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export type StreamTicketResolvers<ContextType = Context, ParentType extends ResolversParentTypes['StreamTicket'] = ResolversParentTypes['StreamTicket']> = {
  expiresAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  ticket?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type SubscriptionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Subscription'] = ResolversParentTypes['Subscription']> = {
  incomingSignal: SubscriptionResolver<ResolversTypes['Signal'], "incomingSignal", ParentType, ContextType, Partial<SubscriptionIncomingSignalArgs>>;
};

export type TargetResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Target'] = ResolversParentTypes['Target']> = {
  hubId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  socketId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  streamId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  uid?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
};

export type UserPresenceResolvers<ContextType = Context, ParentType extends ResolversParentTypes['UserPresence'] = ResolversParentTypes['UserPresence']> = {
  online?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  uid?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
};

export type ViewerResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Viewer'] = ResolversParentTypes['Viewer']> = {
  email?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  expiresAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  firstname?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  fullname?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  hubs?: Resolver<ReadonlyArray<ResolversTypes['HubMembership']>, ParentType, ContextType>;
  ident?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  lastname?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  uid?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
};

export type Resolvers<ContextType = Context> = {
  AcceptResult?: AcceptResultResolvers<ContextType>;
  Accepted?: AcceptedResolvers<ContextType>;
  AnsweredElsewhere?: AnsweredElsewhereResolvers<ContextType>;
  Call?: CallResolvers<ContextType>;
  CallDevice?: CallDeviceResolvers<ContextType>;
  CallEnded?: CallEndedResolvers<ContextType>;
  CallHistoryConnection?: CallHistoryConnectionResolvers<ContextType>;
  CallHistoryEdge?: CallHistoryEdgeResolvers<ContextType>;
  CallLeg?: CallLegResolvers<ContextType>;
  CallLegTrace?: CallLegTraceResolvers<ContextType>;
  CallLogged?: CallLoggedResolvers<ContextType>;
  CallPayload?: CallPayloadResolvers<ContextType>;
  CallRecord?: CallRecordResolvers<ContextType>;
  CallStep?: CallStepResolvers<ContextType>;
  CallTrace?: CallTraceResolvers<ContextType>;
  CallUpdated?: CallUpdatedResolvers<ContextType>;
  DateTime?: GraphQLScalarType;
  DialPayload?: DialPayloadResolvers<ContextType>;
  DisconnectUserPayload?: DisconnectUserPayloadResolvers<ContextType>;
  GrantHubPayload?: GrantHubPayloadResolvers<ContextType>;
  HubDelivery?: HubDeliveryResolvers<ContextType>;
  HubMembership?: HubMembershipResolvers<ContextType>;
  HubNotification?: HubNotificationResolvers<ContextType>;
  IceServer?: IceServerResolvers<ContextType>;
  IncomingCall?: IncomingCallResolvers<ContextType>;
  JSON?: GraphQLScalarType;
  KeepAlivePayload?: KeepAlivePayloadResolvers<ContextType>;
  Limits?: LimitsResolvers<ContextType>;
  MemberPresence?: MemberPresenceResolvers<ContextType>;
  MessagePayload?: MessagePayloadResolvers<ContextType>;
  Mutation?: MutationResolvers<ContextType>;
  NotifyPayload?: NotifyPayloadResolvers<ContextType>;
  Origin?: OriginResolvers<ContextType>;
  PageInfo?: PageInfoResolvers<ContextType>;
  PeerMessage?: PeerMessageResolvers<ContextType>;
  PresenceChanged?: PresenceChangedResolvers<ContextType>;
  Query?: QueryResolvers<ContextType>;
  RefreshSessionPayload?: RefreshSessionPayloadResolvers<ContextType>;
  RevokeHubPayload?: RevokeHubPayloadResolvers<ContextType>;
  RoomAccess?: RoomAccessResolvers<ContextType>;
  Service?: ServiceResolvers<ContextType>;
  Signal?: SignalResolvers<ContextType>;
  SocketClosing?: SocketClosingResolvers<ContextType>;
  SocketReady?: SocketReadyResolvers<ContextType>;
  StreamTicket?: StreamTicketResolvers<ContextType>;
  Subscription?: SubscriptionResolvers<ContextType>;
  Target?: TargetResolvers<ContextType>;
  UserPresence?: UserPresenceResolvers<ContextType>;
  Viewer?: ViewerResolvers<ContextType>;
};

export type DirectiveResolvers<ContextType = Context> = {
  adminOnly?: AdminOnlyDirectiveResolver<any, any, ContextType>;
  callScope?: CallScopeDirectiveResolver<any, any, ContextType>;
  hubScope?: HubScopeDirectiveResolver<any, any, ContextType>;
  public?: PublicDirectiveResolver<any, any, ContextType>;
  signedIn?: SignedInDirectiveResolver<any, any, ContextType>;
};
