import { type Call, LiveCall } from './call.ts';
import { randomId } from './options.ts';
import { after, onWake } from './timing.ts';
import type { PeerMessage } from './types.ts';

/** What is needed of an `RTCPeerConnection`: a browser's, or one of a library for Node. */
export interface PeerConnection {
  readonly signalingState: string;
  readonly iceConnectionState: string;
  readonly localDescription: Description | null;
  readonly remoteDescription: Description | null;
  setLocalDescription(): Promise<void>;
  // biome-ignore lint/suspicious/noExplicitAny: each library has a type of its own for what is a plain object.
  setRemoteDescription(description: any): Promise<void>;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  addIceCandidate(candidate: any): Promise<void>;
  restartIce(): void;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  addEventListener(type: string, listener: (event: any) => void): void;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  removeEventListener(type: string, listener: (event: any) => void): void;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  getConfiguration?(): any;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  setConfiguration?(configuration: any): void;
}

interface Description {
  readonly type: string;
  readonly sdp: string;
}

/** What we add to what is sent: which negotiation it comes from, and for which one it is, as far as that is known. */
interface Ends {
  readonly session?: string;
  readonly for?: string | null;
}

interface Candidate {
  readonly candidate?: string;
  readonly usernameFragment?: string | null;
}

export interface NegotiateOptions {
  /** How long candidates are gathered into one message, in milliseconds. Default: 50. */
  readonly batchMs?: number;
  /** How long ICE may be disconnected before it is restarted, in milliseconds. Default: 5,000. */
  readonly disconnectedMs?: number;
  /** Default: the `error` event of the signaling. */
  readonly onError?: (error: unknown) => void;
}

/** How long who gives way leaves the other side to begin, so that two offers seldom meet, in milliseconds. */
const courtesyMs = 500;

/** As long after the network has come back, a connection that is disconnected is restarted at once, in milliseconds. */
const alertMs = 10_000;

/** When new credentials could not be had, in milliseconds. */
const refreshAgainMs = 30_000;

/**
 * Perfect negotiation (W3C WebRTC, section 10.7) around a connection, from the call's acceptance to its end. Returns the
 * way to stop earlier; the connection stays the application's to close.
 */
export function negotiate(call: Call, pc: PeerConnection, options: NegotiateOptions = {}): () => void {
  if (!(call instanceof LiveCall)) throw new TypeError('negotiate takes a call of `connect`.');
  const negotiation = new Negotiation(call, pc, options);
  return () => negotiation.stop();
}

class Negotiation {
  readonly #call: LiveCall;
  readonly #pc: PeerConnection;
  readonly #batchMs: number;
  readonly #disconnectedMs: number;
  readonly #onError: (error: unknown) => void;
  /** Everything to be undone. */
  readonly #undo: (() => void)[] = [];
  #isRunning = false;
  #isStopped = false;
  #isNeeded = false;
  #makingOffer = false;
  /** Settles with the offer that is being made. */
  #offering: Promise<void> = Promise.resolve();
  #ignoreOffer = false;
  /** What came is dealt with one by one. */
  #work: Promise<void> = Promise.resolve();
  /** Of each set of ICE credentials, the negotiation that brought it: an ICE restart begins a new one. */
  readonly #generations = new Map<string, number>();
  /** Tells this negotiation from another one of the same device, which had the call before the page was loaded anew. */
  readonly #session = randomId().slice(0, 16);
  /** That of the other side; null until it is known. */
  #peer: string | null = null;
  readonly #formerPeers = new Set<string | null>();
  #generation = -1;
  /** Of the description that the other side sent last; -1 before the first. */
  #remoteGeneration = -1;
  #early: { readonly generation: number; readonly candidate: Candidate }[] = [];
  #batch: Candidate[] = [];
  #callOffBatch = (): void => {};
  #callOffRestart = (): void => {};
  #alertUntil = 0;

  constructor(call: LiveCall, pc: PeerConnection, options: NegotiateOptions) {
    this.#call = call;
    this.#pc = pc;
    this.#batchMs = options.batchMs ?? 50;
    this.#disconnectedMs = options.disconnectedMs ?? 5_000;
    this.#onError = options.onError ?? ((error) => call.fail(error));
    this.#listen('negotiationneeded', () => this.#needed());
    this.#listen('icecandidate', ({ candidate }: { candidate: Candidate | null }) =>
      this.#gathered(candidate),
    );
    this.#listen('iceconnectionstatechange', () => this.#watchIce());
    this.#undo.push(
      call.on('accepted', () => this.#start()),
      call.on('ended', () => this.stop()),
      call.on('answeredElsewhere', () => this.stop()),
    );
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#callOffBatch();
    this.#callOffRestart();
    for (const undo of this.#undo.splice(0)) undo();
  }

  // biome-ignore lint/suspicious/noExplicitAny: the events of a connection, each with a type of its own.
  #listen(type: string, listener: (event: any) => void): void {
    this.#pc.addEventListener(type, listener);
    this.#undo.push(() => this.#pc.removeEventListener(type, listener));
  }

  #start(): void {
    if (this.#isRunning || this.#isStopped) return;
    this.#isRunning = true;
    const returned = (): void => {
      this.#alertUntil = Date.now() + alertMs;
      this.#watchIce();
    };
    this.#undo.push(
      this.#call.negotiateBy((message) => this.#receive(message)),
      this.#call.onLive(returned),
      onWake(returned),
    );
    this.#refreshCredentials();
    if (this.#isNeeded) this.#offer();
  }

  #needed(): void {
    this.#isNeeded = true;
    if (this.#isRunning) this.#offer();
  }

  /** Who gives way lets the other side begin; when nothing came, begins. */
  #offer(): void {
    if (!this.#call.polite || this.#remoteGeneration >= 0) this.#beginOffer();
    else this.#undo.push(after(courtesyMs, () => this.#beginOffer()));
  }

  #beginOffer(): void {
    // What is in progress leaves `stable`, and when it is back there, what is still needed is needed again.
    if (this.#isStopped || !this.#isNeeded || this.#pc.signalingState !== 'stable') return;
    this.#offering = this.#makeOffer();
  }

  async #makeOffer(): Promise<void> {
    try {
      this.#isNeeded = false;
      this.#makingOffer = true;
      await this.#pc.setLocalDescription();
      this.#describe();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#makingOffer = false;
    }
  }

  /** Sends the local description, whatever it has become. */
  #describe(): void {
    const { localDescription } = this.#pc;
    if (!localDescription || this.#isStopped) return;
    const { type, sdp } = localDescription;
    const fragment = fragmentsOf(sdp)[0] ?? '';
    const known = this.#generations.get(fragment);
    if (type === 'answer') this.#generation = this.#remoteGeneration;
    else this.#generation = known ?? Math.max(this.#generation, this.#remoteGeneration) + 1;
    for (const each of fragmentsOf(sdp)) this.#generations.set(each, this.#generation);
    this.#send(type, { type, sdp }, this.#generation);
  }

  #gathered(candidate: Candidate | null): void {
    if (!candidate) return;
    this.#batch.push(candidate);
    if (this.#batch.length > 1) return;
    this.#callOffBatch = after(this.#batchMs, () => this.#sendCandidates());
  }

  #sendCandidates(): void {
    // They go with the description that they were gathered for.
    const byGeneration = new Map<number, Candidate[]>();
    for (const candidate of this.#batch.splice(0)) {
      const generation = this.#generations.get(candidate.usernameFragment ?? '') ?? this.#generation;
      byGeneration.set(generation, [...(byGeneration.get(generation) ?? []), candidate]);
    }
    for (const [generation, candidates] of byGeneration) this.#send('candidate', { candidates }, generation);
  }

  #send(type: string, payload: object, generation: number): void {
    const ends: Ends = { session: this.#session, for: this.#peer };
    this.#call
      .deliver(type, { ...payload, ...ends }, Math.max(0, generation))
      .catch((error) => this.#fail(error));
  }

  #receive(message: PeerMessage): void {
    this.#work = this.#work.then(() => this.#handle(message)).catch((error) => this.#fail(error));
  }

  async #handle({ type, payload, generation }: PeerMessage): Promise<void> {
    const { session = this.#peer, for: meant = null } = (payload ?? {}) as Ends;
    const isForUs = meant === null || meant === this.#session;
    if (this.#isStopped || !isForUs || this.#formerPeers.has(session)) return;
    const isOther = this.#peer !== null && session !== this.#peer;
    const present = generation ?? Math.max(0, this.#remoteGeneration);
    if (type === 'candidate') {
      if (!isOther) await this.#addCandidates(candidatesOf(payload), present);
    } else if (isDescription(payload) && (!isOther || payload.type === 'offer')) {
      if (isOther) await this.#beginAnew();
      this.#peer = session;
      await this.#apply(payload, present, isOther);
    }
  }

  /** The other side's page was loaded anew: it knows nothing of what was agreed on. */
  async #beginAnew(): Promise<void> {
    // One of ours that is on its way is for the former page, and must say so.
    await this.#offering;
    this.#formerPeers.add(this.#peer);
    this.#remoteGeneration = -1;
    this.#early = [];
  }

  /** `isFirst`: the other side's first one of a new page, which does not know ours. */
  async #apply({ type, sdp }: Description, generation: number, isFirst: boolean): Promise<void> {
    const isOffer = type === 'offer';
    // An old one, or the answer to an offer that was taken back.
    if (generation < this.#remoteGeneration) return;
    if (!isOffer && (this.#pc.signalingState !== 'have-local-offer' || generation !== this.#generation))
      return;
    const collides = isOffer && (this.#makingOffer || this.#pc.signalingState !== 'stable');
    this.#ignoreOffer = collides && !this.#call.polite && !isFirst;
    if (this.#ignoreOffer) return;
    // Takes back our own offer, if there is one; what it was for is needed again afterwards.
    await this.#pc.setRemoteDescription({ type, sdp });
    this.#remoteGeneration = generation;
    if (isOffer) {
      await this.#pc.setLocalDescription();
      this.#describe();
    }
    const early = this.#early.splice(0);
    this.#early = early.filter((each) => each.generation > generation);
    const due = early.filter((each) => each.generation === generation).map(({ candidate }) => candidate);
    await this.#addCandidates(due, generation);
  }

  async #addCandidates(candidates: readonly Candidate[], generation: number): Promise<void> {
    if (generation < this.#remoteGeneration) return;
    if (generation > this.#remoteGeneration || !this.#pc.remoteDescription) {
      this.#early.push(...candidates.map((candidate) => ({ generation, candidate })));
      return;
    }
    const expected = fragmentsOf(this.#pc.remoteDescription.sdp);
    for (const candidate of candidates) {
      // Those of an offer that was taken back, or ignored.
      if (candidate.usernameFragment && !expected.includes(candidate.usernameFragment)) continue;
      try {
        await this.#pc.addIceCandidate(candidate);
      } catch (error) {
        if (!this.#ignoreOffer) this.#fail(error);
      }
    }
  }

  /** Restarts ICE when the connection has failed, or stays away too long. */
  #watchIce(): void {
    const { iceConnectionState } = this.#pc;
    this.#callOffRestart();
    if (!this.#isRunning || this.#isStopped) return;
    const isFailed = iceConnectionState === 'failed';
    if (!isFailed && iceConnectionState !== 'disconnected') return;
    const patience = isFailed || Date.now() < this.#alertUntil ? 0 : this.#disconnectedMs;
    // Either side may; that both do is harmless, and seldom.
    const courtesy = this.#call.polite ? 2 * courtesyMs : 0;
    this.#callOffRestart = after(patience + courtesy, () => this.#pc.restartIce());
  }

  /** Keeps the credentials for TURN good, for whatever connects later. */
  #refreshCredentials(ms = this.#call.refreshAt - Date.now()): void {
    if (this.#call.refreshAt === 0 || !this.#pc.setConfiguration) return;
    this.#undo.push(after(Math.max(ms, 1_000), () => void this.#refreshNow()));
  }

  async #refreshNow(): Promise<void> {
    try {
      const iceServers = await this.#call.refreshIceServers();
      if (this.#isStopped) return;
      this.#pc.setConfiguration?.({ ...this.#pc.getConfiguration?.(), iceServers });
      this.#refreshCredentials();
    } catch {
      if (!this.#isStopped) this.#refreshCredentials(refreshAgainMs);
    }
  }

  #fail(error: unknown): void {
    if (!this.#isStopped) this.#onError(error);
  }
}

/** The ICE user name fragments of a description. */
function fragmentsOf(sdp: string): string[] {
  return Array.from(sdp.matchAll(/^a=ice-ufrag:(\S+)/gm), ([, fragment]) => fragment ?? '');
}

function isDescription(payload: unknown): payload is Description {
  const { type, sdp } = (payload ?? {}) as Partial<Description>;
  return (type === 'offer' || type === 'answer') && typeof sdp === 'string';
}

/** Ours come in batches; those of others may come alone. */
function candidatesOf(payload: unknown): readonly Candidate[] {
  const { candidates } = (payload ?? {}) as { candidates?: readonly Candidate[] };
  return candidates ?? (payload ? [payload as Candidate] : []);
}
