import { Api, type RequestOptions } from './api.ts';
import { type Around, type Call, type DeclineOptions, LiveCall } from './call.ts';
import { type CloseReason, Connection, type StateChange } from './connection.ts';
import * as documents from './documents.ts';
import { Emitter } from './emitter.ts';
import { SignalingError } from './error.ts';
import { type ConnectOptions, randomId, type Settings, settingsOf, type Transport } from './options.ts';
import { SignsOfLife } from './signs-of-life.ts';
import { within } from './timing.ts';
import { TokenSource } from './token.ts';
import type {
  AcceptResult,
  CallHistory,
  CallRecord,
  CallResult,
  CallRole,
  CallView,
  GivenIceServer,
  HubNotification,
  IncomingCall,
  MessageResult,
  NotifyResult,
  PeerMessage,
  RecoveryFailure,
  Signal,
  SocketReady,
} from './types.ts';

export interface SignalingEvents {
  state: [change: StateChange];
  /** Every signal, once and in order; before the events below. */
  signal: [signal: Signal];
  /** It rings. */
  call: [call: Call];
  message: [message: PeerMessage];
  notification: [notification: HubNotification];
  /** A new line in the call history. */
  logged: [record: CallRecord];
  /** A fresh start: these are your live calls; load your own state anew. With a reason: after a gap. */
  calls: [calls: Call[], reason: RecoveryFailure | null];
  /** A handler threw, or something in the background failed. Without a handler it goes to the console. */
  error: [error: unknown];
}

export interface SendOptions {
  /** The hub you act in; default: that of `connect`. */
  readonly hubId?: string;
  readonly timeoutMs?: number;
  /** Default: a new one. Use one of your own to repeat an intent after a `TIMEOUT`. */
  readonly clientMutationId?: string;
}

export interface MessageOptions extends SendOptions {
  readonly callId?: string;
  readonly generation?: number;
  readonly role?: CallRole;
  readonly duration?: number;
  /** A media stream of this socket, to which answers can be addressed. */
  readonly streamId?: string;
}

export interface DialOptions extends SendOptions {
  /** Default: a new one. */
  readonly roomId?: string;
  /** Default: `video`. */
  readonly roomType?: string;
  readonly ringTimeoutSeconds?: number;
  /** Shown to the called user before they answer. */
  readonly payload?: unknown;
}

export type Target =
  | { readonly uid: string }
  | { readonly socketId: string }
  | { readonly hubId: string }
  | { readonly streamId: string };

export interface Signaling {
  readonly state: StateChange['state'];
  /** Why it is closed; null until then. */
  readonly closed: CloseReason | null;
  /** In use, or being tried. */
  readonly transport: Transport;
  /** This socket's address; null until the first connection. */
  readonly socketId: string | null;
  readonly deviceId: string;
  /** Who the token says you are; null until there is one. */
  readonly uid: string | null;
  /** Of the last signal that was handed out. */
  readonly cursor: string | null;
  /** Your live calls by their id, those of your other devices too. */
  readonly calls: ReadonlyMap<string, Call>;
  /** Returns the way to take the handler off again. */
  on<Event extends keyof SignalingEvents>(
    event: Event,
    handler: (...args: SignalingEvents[Event]) => unknown,
  ): () => void;
  /** Resolves when it is live: `connected` or `recovered`. Rejects when it is closed. */
  ready(): Promise<void>;
  /** Drops the connection and comes back at once. */
  reconnect(): void;
  /** Leaves for good. */
  close(): void;
  dial(uid: string, options?: DialOptions): Promise<Call>;
  message(target: Target, type: string, payload?: unknown, options?: MessageOptions): Promise<MessageResult>;
  notify(
    recipients: readonly string[],
    type: string,
    payload?: unknown,
    options?: SendOptions,
  ): Promise<NotifyResult>;
  acknowledgeRing(callId: string): Promise<CallResult>;
  accept(callId: string): Promise<AcceptResult>;
  decline(callId: string, options?: DeclineOptions): Promise<CallResult>;
  hangUp(callId: string, reason?: 'HANGUP' | 'MEDIA_FAILED'): Promise<CallResult>;
  activeCalls(): Promise<CallView[]>;
  callHistory(options?: {
    readonly peer?: string;
    readonly first?: number;
    readonly after?: string;
  }): Promise<CallHistory>;
  /** Any other operation of the schema that may be repeated. */
  request<Data>(document: string, variables?: object): Promise<Data>;
}

/** Begins to connect, and stays connected until it is closed. */
export function connect(options: ConnectOptions): Signaling {
  return new OpenSignaling(settingsOf(options));
}

/** How many of its own former sockets a client remembers. */
const mostSockets = 100;

class OpenSignaling implements Signaling {
  readonly #settings: Settings;
  readonly #connection: Connection;
  readonly #api: Api;
  readonly #events: Emitter<SignalingEvents>;
  readonly #calls = new Map<string, LiveCall>();
  readonly #sockets = new Set<string>();
  readonly #token: TokenSource;
  /** Whom this client dials at the moment. */
  readonly #dialling: string[] = [];
  readonly #around: Around;
  readonly #signs: SignsOfLife;
  /** How many streams were open so far. */
  #opened = 0;
  #isFailing = false;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#events = new Emitter((error) => this.#fail(error));
    this.#token = new TokenSource(settings.getToken);
    this.#api = new Api(settings, this.#token);
    this.#around = {
      deviceId: settings.deviceId,
      isOwn: (socketId) => this.#sockets.has(socketId),
      isDialling: (peer) => this.#dialling.includes(peer),
      accept: (callId) => this.accept(callId),
      decline: (callId, options) => this.decline(callId, options),
      hangUp: (callId, reason) => this.hangUp(callId, reason),
      // To the user and not to the socket: one that died in silence still counts as open for a while.
      say: ({ id, hubId }, uid, { type, payload, ...rest }) =>
        this.message({ uid }, type, payload, { hubId, callId: id, ...rest } as MessageOptions),
      iceServers: async (callId) =>
        (await this.request<{ iceServers: GivenIceServer[] }>(documents.freshIceServers, { callId }))
          .iceServers,
      fail: (error) => this.#fail(error),
      ended: (call) => {
        this.#calls.delete(call.id);
        this.#signs.look();
      },
      onLive: (handler) => this.on('state', () => this.#connection.isLive && handler()),
    };
    this.#signs = new SignsOfLife({
      subject: () =>
        this.#connection.isLive && this.transport === 'sse' && this.#calls.size > 0 ? this.socketId : null,
      isLive: () => this.#connection.isLive,
      say: (socketId, isLast) => this.#keepAlive(socketId, isLast),
    });
    this.#connection = new Connection(settings, this.#token, {
      state: (change) => {
        this.#signs.look();
        this.#events.emit('state', change);
      },
      ready: (ready, change) => this.#ready(ready, change),
      signal: (signal) => this.#take(signal),
    });
    // Whoever called `connect` puts their handlers on first.
    queueMicrotask(() => void this.#connection.run().catch((error) => this.#fail(error)));
  }

  get state(): StateChange['state'] {
    return this.#connection.state;
  }
  get closed(): CloseReason | null {
    return this.#connection.closed;
  }
  get transport(): Transport {
    return this.#connection.transport;
  }
  get uid(): string | null {
    return this.#token.uid;
  }
  get socketId(): string | null {
    return this.#connection.socketId;
  }
  get deviceId(): string {
    return this.#settings.deviceId;
  }
  get cursor(): string | null {
    return this.#connection.cursor;
  }
  get calls(): ReadonlyMap<string, Call> {
    return this.#calls;
  }

  on<Event extends keyof SignalingEvents>(
    event: Event,
    handler: (...args: SignalingEvents[Event]) => unknown,
  ): () => void {
    return this.#events.on(event, handler);
  }

  ready(): Promise<void> {
    return this.#connection.open();
  }

  reconnect(): void {
    this.#connection.reconnect();
  }

  close(): void {
    this.#connection.close();
  }

  async dial(uid: string, options: DialOptions = {}): Promise<Call> {
    const { hubId, timeoutMs, clientMutationId = randomId(), ...rest } = options;
    const input = {
      roomId: rest.roomId ?? randomId(),
      roomType: rest.roomType ?? 'video',
      ringTimeoutSeconds: rest.ringTimeoutSeconds,
      payload: rest.payload,
      target: { uid },
      deviceId: this.deviceId,
      clientMutationId,
    };
    this.#dialling.push(uid);
    try {
      const { dial } = await this.#withSocket<{ dial: DialAnswer }>(
        documents.dial,
        () => ({ hubId: hubId ?? this.#settings.hubId, input }),
        { timeoutMs },
      );
      const call = this.#call(dial.call);
      call.dialled(dial.call, dial.merged, dial.iceServers);
      // What is told of it now reaches handlers that are put on when this has returned.
      return call;
    } finally {
      this.#dialling.splice(this.#dialling.indexOf(uid), 1);
      for (const call of [...this.#calls.values()]) if (call.peer === uid) call.settle();
    }
  }

  async message(
    target: Target,
    type: string,
    payload?: unknown,
    options: MessageOptions = {},
  ): Promise<MessageResult> {
    const { hubId, timeoutMs, clientMutationId = randomId(), streamId, ...rest } = options;
    const { message } = await this.#withSocket<{ message: MessageResult }>(
      documents.message,
      (socketId) => ({
        hubId: hubId ?? this.#settings.hubId,
        input: { ...rest, target, type, payload, clientMutationId, origin: { socketId, streamId } },
      }),
      { timeoutMs },
    );
    return message;
  }

  async notify(
    recipients: readonly string[],
    type: string,
    payload?: unknown,
    options: SendOptions = {},
  ): Promise<NotifyResult> {
    const { hubId, timeoutMs, clientMutationId = randomId() } = options;
    const { notify } = await this.#withSocket<{ notify: NotifyResult }>(
      documents.notify,
      (socketId) => ({
        hubId: hubId ?? this.#settings.hubId,
        input: { recipients, type, payload, clientMutationId, socketId },
      }),
      { timeoutMs },
    );
    return notify;
  }

  async acknowledgeRing(callId: string): Promise<CallResult> {
    const said = await this.#say<{ acknowledgeRing: CallResult }>(documents.acknowledgeRing, { callId });
    return said.acknowledgeRing;
  }

  async accept(callId: string): Promise<AcceptResult> {
    return (await this.#say<{ accept: AcceptResult }>(documents.accept, { callId })).accept;
  }

  async decline(callId: string, { busy, everywhere }: DeclineOptions = {}): Promise<CallResult> {
    const variables = { callId, busy, ...(everywhere && { socketId: undefined }) };
    return (await this.#say<{ decline: CallResult }>(documents.decline, variables, true)).decline;
  }

  async hangUp(callId: string, reason: 'HANGUP' | 'MEDIA_FAILED' = 'HANGUP'): Promise<CallResult> {
    // Who dialled may end it from anywhere, also while the socket is away.
    const isOurs = this.#calls.get(callId)?.direction === 'outgoing';
    const variables = { callId, reason, ...(isOurs && { socketId: undefined }) };
    return (await this.#say<{ hangUp: CallResult }>(documents.hangUp, variables, true)).hangUp;
  }

  async activeCalls(): Promise<CallView[]> {
    return (await this.request<{ activeCalls: CallView[] }>(documents.activeCalls)).activeCalls;
  }

  async callHistory(options: { peer?: string; first?: number; after?: string } = {}): Promise<CallHistory> {
    return (await this.request<{ callHistory: CallHistory }>(documents.callHistory, options)).callHistory;
  }

  request<Data>(document: string, variables: object = {}): Promise<Data> {
    if (this.closed) return Promise.reject(new SignalingError('CLOSED', 'The signaling is closed.'));
    return this.#api.request<Data>(document, variables);
  }

  /** What is said of a call, with the socket it is said from unless that is set. */
  #say<Data>(document: string, variables: object, isLastWord = false): Promise<Data> {
    return this.#withSocket<Data>(document, (socketId) => ({ socketId, ...variables }), { isLastWord });
  }

  /**
   * Sends what names this client's own socket. When that is gone by the time it arrives, which is a refusal, it is sent
   * again with the next one.
   */
  async #withSocket<Data>(
    document: string,
    variables: (socketId: string) => object,
    { timeoutMs = this.#settings.timeoutMs, isLastWord = false }: RequestOptions,
  ): Promise<Data> {
    const deadline = Date.now() + timeoutMs;
    let gone: string | undefined;
    for (;;) {
      const socketId = await this.#socket(gone, deadline);
      try {
        const options = { timeoutMs: deadline - Date.now(), isLastWord };
        return await this.#api.request<Data>(document, variables(socketId), options);
      } catch (error) {
        if (!isGone(error)) throw error;
        const isFirst = gone === undefined;
        gone = socketId;
        // The service knows it first when a connection has died in silence.
        if (isFirst && this.#connection.isLive && this.socketId === socketId) this.#connection.reconnect();
      }
    }
  }

  async #socket(otherThan: string | undefined, deadline: number): Promise<string> {
    if (this.closed) throw new SignalingError('CLOSED', 'The signaling is closed.');
    if (this.socketId === null || this.socketId === otherThan) {
      const late = () =>
        new SignalingError('TIMEOUT', 'There was no connection in time.', { retryable: true });
      await within(deadline - Date.now(), this.#connection.open(otherThan), late);
    }
    return this.socketId ?? '';
  }

  #ready(ready: SocketReady, change: StateChange): void {
    this.#opened++;
    this.#remember(ready.socketId);
    const before = [...this.#calls.values()];
    const live = new Set(ready.calls.map(({ id }) => id));
    for (const view of ready.calls) this.#call(view).apply(view);
    for (const call of before) {
      if (call.here && call.direction === 'incoming' && call.state === 'ACCEPTED') this.#goOnWith(call);
      if (!ready.recovered && !live.has(call.id)) void this.#findOut(call);
    }
    this.#signs.look(true);
    this.#events.emit('state', change);
    if (!ready.recovered) this.#events.emit('calls', [...this.#calls.values()], ready.reason);
  }

  /** Tries once: a sign that is lost is followed by another. Never rejects. */
  async #keepAlive(socketId: string, isLast: boolean): Promise<void> {
    const opened = this.#opened;
    try {
      const variables = { socketId, ...(isLast && { seconds: 0 }) };
      await this.#api.request(documents.keepAlive, variables, { signal: AbortSignal.abort() });
    } catch (error) {
      // The stream that it was given for has ended, and that did not arrive here.
      if (isGone(error) && this.#connection.isLive && this.#opened === opened) this.#connection.reconnect();
    }
  }

  #remember(socketId: string): void {
    this.#sockets.add(socketId);
    if (this.#sockets.size > mostSockets)
      for (const oldest of this.#sockets) return void this.#sockets.delete(oldest);
  }

  /** Lets the other side know the new address. Nothing depends on it, so nobody is told when it fails. */
  #goOnWith(call: LiveCall): void {
    this.accept(call.id).catch(() => {});
  }

  /** A call that is over, as nobody could tell us. */
  async #findOut(call: LiveCall): Promise<void> {
    try {
      call.apply((await this.request<{ call: CallView }>(documents.oneCall, { callId: call.id })).call);
    } catch {
      call.lose();
    }
  }

  #take(signal: Signal): void {
    this.#events.emit('signal', signal);
    switch (signal.__typename) {
      case 'HubNotification':
        this.#events.emit('notification', signal);
        break;
      case 'PeerMessage':
        if (signal.callId === null) this.#events.emit('message', signal);
        else this.#calls.get(signal.callId)?.receive(signal);
        break;
      case 'IncomingCall':
        this.#ring(signal);
        break;
      case 'CallUpdated':
        if (signal.call.state !== 'ENDED' || this.#calls.has(signal.call.id))
          this.#call(signal.call).updated(signal);
        break;
      case 'CallLogged':
        this.#events.emit('logged', signal.record);
        break;
    }
  }

  #ring(signal: IncomingCall): void {
    const call = this.#call(signal.call);
    call.rang(signal);
    if (!signal.ring || call.state !== 'RINGING') return;
    const isTaken = this.#events.emit('call', call);
    if (isTaken && this.#settings.acknowledgeRings) this.acknowledgeRing(call.id).catch(() => {});
  }

  #call(view: CallView): LiveCall {
    const known = this.#calls.get(view.id);
    if (known) return known;
    const call = new LiveCall(this.#around, view, view.callee === this.uid);
    this.#calls.set(view.id, call);
    this.#signs.look();
    return call;
  }

  #fail(error: unknown): void {
    // A handler of errors that throws must not be told of it.
    const isHandled = !this.#isFailing && this.#failWith(error);
    if (!isHandled) console.error(error);
  }

  #failWith(error: unknown): boolean {
    this.#isFailing = true;
    try {
      return this.#events.emit('error', error);
    } finally {
      this.#isFailing = false;
    }
  }
}

/** The socket that the request was sent from is not open. */
function isGone(error: unknown): boolean {
  const fields: readonly (string | null)[] = ['socketId', 'input.socketId', 'input.origin.socketId'];
  return error instanceof SignalingError && error.code === 'BAD_USER_INPUT' && fields.includes(error.field);
}

interface DialAnswer {
  readonly call: CallView;
  readonly merged: boolean;
  readonly iceServers: readonly GivenIceServer[];
}
