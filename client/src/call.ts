import { Emitter } from './emitter.ts';
import { SignalingError } from './error.ts';
import { randomId } from './options.ts';
import type {
  AcceptResult,
  CallDevice,
  CallResult,
  CallState,
  CallUpdated,
  CallView,
  EndReason,
  GivenIceServer,
  IceServer,
  IncomingCall,
  MessageResult,
  PeerMessage,
} from './types.ts';

export interface DeclineOptions {
  /** Say that you are busy. */
  readonly busy?: boolean;
  /** On all of your devices. */
  readonly everywhere?: boolean;
}

/** Events of a call. Handlers of the first four are called also when they come late. */
export interface CallEvents {
  /** Outgoing: they answered. Incoming: you won it. */
  accepted: [];
  /** Another device of yours has it: stop ringing. */
  answeredElsewhere: [device: CallDevice | null];
  /** Null: nobody can tell why any more. */
  ended: [reason: EndReason | null];
  /** It is known to ring on so many devices of the called user. */
  ringing: [alerting: number];
  /** From the other side, in this call. Those that came before the first handler wait for it. */
  message: [message: PeerMessage];
  /** Anything of it has changed. */
  change: [];
}

/** One call of yours, on any of your devices. */
export interface Call {
  readonly id: string;
  readonly direction: 'incoming' | 'outgoing';
  readonly state: CallState;
  readonly reason: EndReason | null;
  /** This client has it: it dialled, or its answer won. */
  readonly here: boolean;
  /** The other side. */
  readonly peer: string;
  readonly peerName: string | null;
  readonly hubId: string;
  readonly roomId: string;
  readonly roomType: string;
  /** Grows with every change. */
  readonly rev: number;
  /** On how many devices it is known to ring. */
  readonly alerting: number;
  /** You dialled each other, or a second time: this is the call that there was. */
  readonly merged: boolean;
  /** Your part in perfect negotiation: whether you give way when both sides offer at once. */
  readonly polite: boolean;
  /** It rings while you are in another call. */
  readonly waiting: boolean;
  /** What the caller sent along. */
  readonly payload: unknown;
  /** How long it still rings, in milliseconds; 0 once it does not. */
  readonly remainingMs: number;
  readonly acceptedAt: string | null;
  /** For `new RTCPeerConnection({ iceServers })`; known once you dialled or accepted. */
  readonly iceServers: IceServer[];
  /** Your other device that answered: its label, or its id. */
  readonly answeredOn: string | null;
  /** Returns the way to take the handler off again. */
  on<Event extends keyof CallEvents>(
    event: Event,
    handler: (...args: CallEvents[Event]) => unknown,
  ): () => void;
  /** True: it is yours. Also takes over a call that this device had before the page was loaded anew. */
  accept(): Promise<boolean>;
  decline(options?: DeclineOptions): Promise<void>;
  hangUp(reason?: 'HANGUP' | 'MEDIA_FAILED'): Promise<void>;
  /** Writes to the other side; what is sent in one call arrives in its order. */
  send(type: string, payload?: unknown, options?: { readonly generation?: number }): Promise<MessageResult>;
  /** New credentials; `iceServers` are those from then on. */
  refreshIceServers(): Promise<IceServer[]>;
}

/** What a call needs of the signaling around it. */
export interface Around {
  readonly deviceId: string;
  /** Whether a socket is, or was, this client's. */
  isOwn(socketId: string): boolean;
  /** Whether this client dials this user: the call may turn up before the answer does. */
  isDialling(peer: string): boolean;
  accept(callId: string): Promise<AcceptResult>;
  decline(callId: string, options: DeclineOptions): Promise<CallResult>;
  hangUp(callId: string, reason: 'HANGUP' | 'MEDIA_FAILED'): Promise<CallResult>;
  say(call: CallView, peer: string, words: Words): Promise<MessageResult>;
  iceServers(callId: string): Promise<readonly GivenIceServer[]>;
  /** Something failed in the background. */
  fail(error: unknown): void;
  ended(call: LiveCall): void;
  /** Calls back whenever the socket is open again; returns the way to stop. */
  onLive(handler: () => void): () => void;
}

/** What is written to the other side. */
export interface Words {
  readonly type: string;
  readonly payload: unknown;
  readonly generation?: number | undefined;
  readonly clientMutationId?: string | undefined;
}

/** Messages that wait for somebody who wants them, at most. */
const mostWaiting = 256;

const negotiating: ReadonlySet<string | null> = new Set(['offer', 'answer', 'candidate']);

/** A call, and the hand that moves it. */
export class LiveCall implements Call {
  readonly direction: 'incoming' | 'outgoing';
  readonly peer: string;
  merged = false;
  waiting = false;
  payload: unknown = null;
  peerName: string | null = null;
  here = false;
  iceServers: IceServer[] = [];
  /** When they are to be asked for again; 0 for never. */
  refreshAt = 0;
  #view: CallView;
  #device: CallDevice | null = null;
  #ringsUntil: number;
  /** What was told of where it is. */
  #told: 'accepted' | 'elsewhere' | null = null;
  #hasEnded = false;
  /** `accept` is on its way: its answer brings what `accepted` promises. */
  #accepting = 0;
  #waitingMessages: PeerMessage[] = [];
  #waitingDescriptions: PeerMessage[] = [];
  #negotiate: ((message: PeerMessage) => void) | undefined;
  #hasReader = false;
  #sent: Promise<unknown> = Promise.resolve();
  readonly #around: Around;
  readonly #events: Emitter<CallEvents>;

  constructor(around: Around, view: CallView, isIncoming: boolean) {
    this.#around = around;
    this.#view = view;
    this.#events = new Emitter(around.fail);
    this.direction = isIncoming ? 'incoming' : 'outgoing';
    this.peer = isIncoming ? view.caller : view.callee;
    // Both by the service's clock. Who was called is told exactly.
    this.#ringsUntil = Date.now() + Date.parse(view.expiresAt) - Date.parse(view.createdAt);
  }

  get id(): string {
    return this.#view.id;
  }
  get state(): CallState {
    return this.#view.state;
  }
  get reason(): EndReason | null {
    return this.#view.reason;
  }
  get hubId(): string {
    return this.#view.hubId;
  }
  get roomId(): string {
    return this.#view.roomId;
  }
  get roomType(): string {
    return this.#view.roomType;
  }
  get rev(): number {
    return this.#view.rev;
  }
  get alerting(): number {
    return this.#view.alerting;
  }
  get polite(): boolean {
    return this.direction === 'incoming';
  }
  get acceptedAt(): string | null {
    return this.#view.acceptedAt;
  }
  get remainingMs(): number {
    return this.state === 'RINGING' ? Math.max(0, this.#ringsUntil - Date.now()) : 0;
  }
  get answeredOn(): string | null {
    if (this.#told !== 'elsewhere') return null;
    return this.#device?.deviceLabel ?? this.#device?.deviceId ?? null;
  }

  on<Event extends keyof CallEvents>(
    event: Event,
    handler: (...args: CallEvents[Event]) => unknown,
  ): () => void {
    const off = this.#events.on(event, handler);
    const late = this.#late(event);
    let isOff = false;
    if (late)
      queueMicrotask(() => {
        if (!isOff) this.#events.call(handler as (...args: readonly unknown[]) => unknown, ...late);
      });
    if (event === 'message') {
      this.#hasReader = true;
      queueMicrotask(() => this.#flush());
    }
    return () => {
      isOff = true;
      off();
    };
  }

  async accept(): Promise<boolean> {
    this.#accepting++;
    try {
      const result = await this.#around.accept(this.id);
      if (result.__typename === 'Accepted') {
        this.here = true;
        this.#device = null;
        this.takeIceServers(result.iceServers);
      } else if (result.__typename === 'AnsweredElsewhere') this.#device = result.device;
      this.#take(result.call);
      return result.__typename === 'Accepted';
    } finally {
      this.#accepting--;
      this.#tell();
    }
  }

  async decline(options: DeclineOptions = {}): Promise<void> {
    const { call } = await this.#around.decline(this.id, options);
    this.apply(call);
  }

  async hangUp(reason: 'HANGUP' | 'MEDIA_FAILED' = 'HANGUP'): Promise<void> {
    if (this.state === 'ENDED') return;
    const { call } = await this.#around.hangUp(this.id, reason);
    this.apply(call);
  }

  send(
    type: string,
    payload?: unknown,
    options: { readonly generation?: number } = {},
  ): Promise<MessageResult> {
    return this.#inTurn(() => this.#say({ type, payload, generation: options.generation }));
  }

  /** As `send`, for as long as the call lasts: what a negotiation says must arrive, however late. */
  async deliver(type: string, payload: unknown, generation: number): Promise<void> {
    const words = { type, payload, generation, clientMutationId: randomId() };
    await this.#inTurn(async () => {
      while (this.state !== 'ENDED') {
        try {
          return await this.#say(words);
        } catch (error) {
          if (!(error instanceof SignalingError) || !error.retryable) throw error;
        }
      }
      return undefined;
    });
  }

  onLive(handler: () => void): () => void {
    return this.#around.onLive(handler);
  }

  fail(error: unknown): void {
    this.#around.fail(error);
  }

  async refreshIceServers(): Promise<IceServer[]> {
    this.takeIceServers(await this.#around.iceServers(this.id));
    return this.iceServers;
  }

  /** A newer view of it; an older one is ignored. */
  apply(view: CallView): void {
    if (this.#take(view)) this.#tell();
  }

  rang(signal: IncomingCall): void {
    this.payload = signal.payload;
    this.waiting = signal.waiting;
    this.peerName = signal.origin?.fullname ?? signal.name ?? signal.origin?.ident ?? null;
    this.#ringsUntil = Date.now() + signal.remainingMs;
    this.apply(signal.call);
  }

  updated({ call, device, origin }: CallUpdated): void {
    if (call.rev < this.rev) return;
    this.#take(call);
    if (this.direction === 'outgoing' && origin?.uid === this.peer) this.peerName ??= origin.fullname;
    if (device) this.#locate(device);
    this.#tell();
  }

  /** The answer to `dial`: it is this client's. */
  dialled(view: CallView, merged: boolean, iceServers: readonly GivenIceServer[]): void {
    this.here = true;
    this.merged = merged;
    this.takeIceServers(iceServers);
    this.#take(view);
  }

  /** It has ended, and nobody can tell why. */
  lose(): void {
    this.#take({ ...this.#view, rev: this.rev + 1, state: 'ENDED', endedAt: new Date().toISOString() });
    this.#tell();
  }

  takeIceServers(given: readonly GivenIceServer[]): void {
    // A browser would read `null` as a name.
    this.iceServers = given.map(({ urls, username, credential }) => ({
      urls: [...urls],
      ...(username !== null && { username }),
      ...(credential !== null && { credential }),
    }));
    const times = given.flatMap(({ refreshAfter }) => (refreshAfter ? [Date.parse(refreshAfter)] : []));
    this.refreshAt = times.length > 0 ? Math.min(...times) : 0;
  }

  /** A message of the other side. What is meant for another device is dropped. */
  receive(message: PeerMessage): void {
    const isForeign = this.#told === 'elsewhere' || (this.direction === 'outgoing' && !this.#mayBeOurs());
    if (isForeign || message.origin?.uid !== this.peer) return;
    if (this.#waitingMessages.length < mostWaiting) this.#waitingMessages.push(message);
    if (negotiating.has(message.type) && this.#waitingDescriptions.length < mostWaiting)
      this.#waitingDescriptions.push(message);
    this.#flush();
  }

  /** Nothing is on its way any more. */
  settle(): void {
    this.#tell();
  }

  /** Hands the negotiation to somebody, with what came so far; returns the way to take it back. */
  negotiateBy(handler: (message: PeerMessage) => void): () => void {
    this.#negotiate = handler;
    this.#flush();
    return () => {
      if (this.#negotiate === handler) this.#negotiate = undefined;
    };
  }

  #flush(): void {
    if (!this.here && this.state !== 'RINGING') return;
    if (this.#negotiate && this.here)
      for (const message of this.#waitingDescriptions.splice(0)) this.#negotiate(message);
    if (this.#hasReader)
      for (const message of this.#waitingMessages.splice(0)) this.#events.emit('message', message);
  }

  /** One after the other, so that it arrives in this order. */
  #inTurn<Result>(send: () => Promise<Result>): Promise<Result> {
    const sent = this.#sent.then(send);
    this.#sent = sent.catch(() => {});
    return sent;
  }

  async #say(words: Words): Promise<MessageResult> {
    if (this.state === 'ENDED') throw new SignalingError('CLOSED', 'The call has ended.');
    return this.#around.say(this.#view, this.peer, words);
  }

  #mayBeOurs(): boolean {
    return this.here || this.#around.isDialling(this.peer);
  }

  #take(view: CallView): boolean {
    if (view.rev <= this.rev) return false;
    const rangOn = this.alerting;
    this.#view = view;
    if (view.alerting > rangOn && view.state === 'RINGING') this.#events.emit('ringing', view.alerting);
    return true;
  }

  /** Where it is, as the service says to this user. */
  #locate(device: CallDevice): void {
    this.#device = device;
    if (this.direction === 'outgoing') {
      if (this.here && device.deviceId !== this.#around.deviceId) this.here = false;
    } else if (device.socketId !== null) {
      this.here = this.#around.isOwn(device.socketId);
    } else if (device.deviceId !== this.#around.deviceId) {
      this.here = false;
    }
  }

  /** Tells what has become of it; not while an answer is on its way that will bring the rest. */
  #tell(): void {
    if (this.#accepting > 0 || this.#around.isDialling(this.peer)) return;
    if (this.state === 'ENDED') this.#end();
    else if (this.state === 'ACCEPTED') {
      const isElsewhere = this.#device !== null && (this.direction === 'incoming' || this.#told !== null);
      const told = this.here ? 'accepted' : isElsewhere ? 'elsewhere' : this.#told;
      if (told !== this.#told) {
        this.#told = told;
        if (told === 'accepted') this.#events.emit('accepted');
        else this.#events.emit('answeredElsewhere', this.#device);
      }
      if (told === 'elsewhere') this.#drop();
      else this.#flush();
    }
    this.#events.emit('change');
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#around.ended(this);
    this.#events.emit('ended', this.reason);
    this.#drop();
  }

  #drop(): void {
    this.#waitingMessages = [];
    this.#waitingDescriptions = [];
  }

  /** What a handler that comes late has missed. */
  #late(event: keyof CallEvents): readonly unknown[] | undefined {
    if (event === 'ended' && this.#hasEnded) return [this.reason];
    if (this.#hasEnded) return undefined;
    if (event === 'ringing' && this.alerting > 0 && this.state === 'RINGING') return [this.alerting];
    if (event === 'accepted' && this.#told === 'accepted') return [];
    if (event === 'answeredElsewhere' && this.#told === 'elsewhere') return [this.#device];
    return undefined;
  }
}
