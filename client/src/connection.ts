import { incomingSignal } from './documents.ts';
import { SignalingError } from './error.ts';
import type { Settings, Transport } from './options.ts';
import { Position } from './position.ts';
import { openSse } from './sse.ts';
import type { Arrival, Ending, Stream } from './stream.ts';
import { after, backOff, type Deferred, deferred, onWake, pause } from './timing.ts';
import type { TokenSource } from './token.ts';
import type { RecoveryFailure, Signal, SocketClosing, SocketReady } from './types.ts';
import { openWs } from './ws.ts';

export type CloseReason =
  /** You called `close`. */
  | 'LEFT'
  /** An administrator closed the socket. */
  | 'DISCONNECTED'
  /** The user opened too many others. */
  | 'TOO_MANY_SOCKETS'
  /** Another page or process goes on with this one's socket. */
  | 'REPLACED'
  /** Even new tokens are not accepted. */
  | 'UNAUTHENTICATED'
  /** The service refuses what was asked for, for example a hub that may not be read. */
  | 'REFUSED';

export type StateChange =
  /** An attempt to connect failed, and none has succeeded yet. */
  | { readonly state: 'connecting'; readonly code: string; readonly retryInMs: number }
  /** A fresh start. With a reason: after a gap, in which anything may have happened. */
  | { readonly state: 'connected'; readonly reason: RecoveryFailure | null }
  /** The connection is lost, or an attempt to come back has failed. */
  | { readonly state: 'reconnecting'; readonly code: string; readonly retryInMs: number }
  /** Back, and nothing was missed: all of it follows. */
  | { readonly state: 'recovered' }
  | { readonly state: 'closed'; readonly reason: CloseReason; readonly error: SignalingError | null };

export interface ConnectionEvents {
  /** Every other change of the state. */
  state(change: StateChange): void;
  /** The socket is open. */
  ready(ready: SocketReady, change: StateChange): void;
  /** A signal that was not handed out before. */
  signal(signal: Signal): void;
}

/** How one attempt went. */
interface Attempt {
  readonly ending: Ending;
  /** What the service said last. */
  readonly closing: SocketClosing | undefined;
  readonly token: string | undefined;
  /** How long the socket was open, in milliseconds; 0 when it never was. */
  readonly openMs: number;
}

/** After so many attempts in a row a transport is held to be blocked, and the other one is tried. */
const attemptsPerTransport = 2;

/** So many new tokens in a row are not accepted: it is not the token's age. */
const mostRejections = 5;

/** A connection that lasted so long was a good one: the next attempt is a first one. */
const steadyMs = 5_000;

/** Keeps one socket open whatever happens, and hands out each signal once and in order. */
export class Connection {
  readonly #settings: Settings;
  readonly #token: TokenSource;
  readonly #events: ConnectionEvents;
  readonly #position = new Position();
  readonly #stopWaking: () => void;
  #state: StateChange['state'] = 'connecting';
  #transport: Transport;
  #wsWorks = false;
  #stream: Stream | undefined;
  /** Ends the present attempt. */
  #drop: ((ending: Ending) => void) | undefined;
  /** Ends the present pause. */
  #hurry = new AbortController();
  #socketId: string | null = null;
  /** What makes the next connection the same socket. */
  #resumeToken: string | null = null;
  #waiting: Deferred<void>[] = [];
  #closed: CloseReason | null = null;
  #failures = 0;
  #rejections = 0;

  constructor(settings: Settings, token: TokenSource, events: ConnectionEvents) {
    this.#settings = settings;
    this.#token = token;
    this.#events = events;
    this.#transport = settings.transport === 'sse' ? 'sse' : 'ws';
    this.#stopWaking = onWake(() => this.wake());
  }

  get state(): StateChange['state'] {
    return this.#state;
  }
  get closed(): CloseReason | null {
    return this.#closed;
  }
  get transport(): Transport {
    return this.#transport;
  }
  /** Of the last socket that was open. */
  get socketId(): string | null {
    return this.#socketId;
  }
  get cursor(): string | null {
    return this.#position.cursor;
  }
  get isLive(): boolean {
    return this.#state === 'connected' || this.#state === 'recovered';
  }

  /** Connects, and again whenever the connection is lost; resolves when it is closed. */
  async run(): Promise<void> {
    while (!this.#closed) {
      const retryInMs = await this.#judge(await this.#attempt());
      if (this.#closed) return;
      this.#hurry = new AbortController();
      await pause(retryInMs, this.#hurry.signal);
    }
  }

  /** The network or the user has come back. */
  wake(): void {
    this.#hurry.abort();
    this.#stream?.probe();
  }

  /** Drops the connection and comes back at once. */
  reconnect(): void {
    this.#failures = 0;
    if (this.#drop) this.#drop({ kind: 'lost', code: 'DROPPED' });
    else this.#hurry.abort();
  }

  close(reason: CloseReason = 'LEFT', error: SignalingError | null = null): void {
    if (this.#closed) return;
    this.#closed = reason;
    this.#stopWaking();
    this.#hurry.abort();
    this.#drop?.({ kind: 'completed' });
    this.#enter({ state: 'closed', reason, error });
    for (const { reject } of this.#waiting.splice(0)) reject(error ?? closedError(reason));
  }

  /** Resolves when the socket is open, and is another one than that. */
  async open(otherThan?: string): Promise<void> {
    while (!this.isLive || this.#socketId === otherThan) {
      if (this.#closed) throw closedError(this.#closed);
      const next = deferred<void>();
      this.#waiting.push(next);
      await next.promise;
    }
  }

  /** Lasts as long as the connection does. */
  async #attempt(): Promise<Attempt> {
    const { heartbeatMs = 14_000, pongMs } = this.#settings;
    let token: string | undefined;
    let closing: SocketClosing | undefined;
    let openedAt = 0;
    let over = false;
    const ended = deferred<Ending>();
    const drop = (ending: Ending): void => {
      over = true;
      ended.resolve(ending);
    };
    this.#drop = drop;
    const callOff = after(this.#patience(), () => drop({ kind: 'lost', code: 'TIMEOUT' }));

    const arrived = (arrival: Arrival): void => {
      if (over) return;
      if (arrival.__typename === 'SocketReady') {
        callOff();
        openedAt = Date.now();
        this.#stream?.setHeartbeat(this.#settings.heartbeatMs ?? arrival.heartbeatMs);
        this.#ready(arrival);
      } else if (arrival.__typename === 'SocketClosing') closing = arrival;
      else if (this.#position.take(arrival)) this.#events.signal(arrival);
    };

    try {
      token = await Promise.race([this.#token.get(), ended.promise.then(() => '')]);
      if (!over) {
        const open = this.#transport === 'ws' ? openWs : openSse;
        const request = { ...this.#request(), token, heartbeatMs, pongMs };
        this.#stream = open(request, { next: arrived, end: drop });
      }
    } catch {
      drop({ kind: 'lost', code: token === undefined ? 'NO_TOKEN' : 'NETWORK' });
    }
    const ending = await ended.promise;
    callOff();
    this.#stream?.close();
    this.#stream = undefined;
    this.#drop = undefined;
    return { ending, closing, token, openMs: openedAt === 0 ? 0 : Math.max(1, Date.now() - openedAt) };
  }

  /** How long an attempt may take. Some networks swallow WebSockets in silence: nobody waits long to find that out. */
  #patience(): number {
    const { connectTimeoutMs, transport } = this.#settings;
    const isTrial = transport === 'auto' && this.#transport === 'ws' && !this.#wsWorks;
    return isTrial ? connectTimeoutMs / 2 : connectTimeoutMs;
  }

  #request() {
    const { url, deviceId, deviceLabel, kinds, hubIds } = this.#settings;
    const variables = {
      deviceId,
      deviceLabel,
      kinds,
      hubIds,
      after: this.#position.cursor,
      resumeToken: this.#resumeToken,
    };
    return { url, query: incomingSignal, variables };
  }

  #ready(ready: SocketReady): void {
    this.#socketId = ready.socketId;
    this.#resumeToken = ready.resumeToken;
    this.#position.begin(ready);
    this.#rejections = 0;
    if (this.#transport === 'ws') this.#wsWorks = true;
    this.#state = ready.recovered ? 'recovered' : 'connected';
    this.#events.ready(
      ready,
      ready.recovered ? { state: 'recovered' } : { state: 'connected', reason: ready.reason },
    );
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  /** What to do after an attempt; returns how long to wait before the next. */
  async #judge({ ending, closing, token, openMs }: Attempt): Promise<number> {
    if (this.#closed) return 0;
    if (openMs > steadyMs) this.#failures = 0;
    if (ending.kind === 'token' || closing?.code === 'TOKEN_EXPIRED') return this.#rejected(token);
    if (closing ? !closing.reconnect : ending.kind === 'completed') {
      this.close(
        closing?.code === 'TOO_MANY_SOCKETS' || closing?.code === 'REPLACED' ? closing.code : 'DISCONNECTED',
      );
      return 0;
    }
    if (ending.kind === 'refused') return this.#refused(ending.error);
    const code = closing?.code ?? (ending.kind === 'lost' ? ending.code : 'COMPLETED');
    if (code === 'DROPPED') return this.#retry(code, 0);
    this.#chooseTransport(code, openMs > 0);
    const wait = backOff(this.#failures, this.#settings.retry);
    this.#failures++;
    return this.#retry(code, closing ? (closing.retryAfterMs ?? 0) + wait : wait);
  }

  #retry(code: string, retryInMs: number): number {
    const state = this.#socketId === null ? 'connecting' : 'reconnecting';
    this.#enter({ state, code, retryInMs: Math.round(retryInMs) });
    return retryInMs;
  }

  /** Comes back with a new token: at once, unless that was tried. */
  async #rejected(token: string | undefined): Promise<number> {
    if (token !== undefined) await this.#token.reject(token);
    const wait = this.#rejections === 0 ? 0 : backOff(this.#rejections, this.#settings.retry);
    this.#rejections++;
    if (this.#rejections <= mostRejections) return this.#retry('TOKEN', wait);
    this.close('UNAUTHENTICATED', new SignalingError('UNAUTHENTICATED', 'No token was accepted.'));
    return 0;
  }

  #refused(error: SignalingError): number {
    const { code, field, retryable, retryAfterMs } = error;
    if (field === 'after') {
      this.#position.forget();
      return this.#retry(code, 0);
    }
    if (retryable || code === 'INTERNAL_SERVER_ERROR') {
      const wait = backOff(this.#failures, this.#settings.retry);
      this.#failures++;
      return this.#retry(code, (retryAfterMs ?? 0) + wait);
    }
    this.close('REFUSED', error);
    return 0;
  }

  /** Where WebSockets are blocked, another way is tried; once they have worked, they are tried first. */
  #chooseTransport(code: string, wasOpen: boolean): void {
    if (this.#settings.transport !== 'auto' || code === 'NO_TOKEN') return;
    if (wasOpen) {
      if (this.#wsWorks) this.#transport = 'ws';
    } else if (this.#failures % attemptsPerTransport === attemptsPerTransport - 1) {
      this.#transport = this.#transport === 'ws' ? 'sse' : 'ws';
    }
  }

  #enter(change: StateChange): void {
    this.#state = change.state;
    this.#events.state(change);
  }
}

function closedError(reason: CloseReason): SignalingError {
  return new SignalingError('CLOSED', `The signaling is closed: ${reason}.`);
}
