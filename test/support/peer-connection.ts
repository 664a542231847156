import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

interface Description {
  readonly type: 'offer' | 'answer';
  readonly sdp: string;
}

interface Candidate {
  readonly candidate: string;
  readonly usernameFragment: string;
}

/** What stands in a description, for this model. */
interface Content {
  readonly fragment: string;
  /** Those of its side that it brings. */
  readonly tracks: readonly string[];
  /** The number of its media sections. Only an offer can have more than were agreed on. */
  readonly lines: number;
}

/**
 * The signaling side of an `RTCPeerConnection`, as JSEP (RFC 9429) describes it: states, the chain of operations, implicit
 * rollback, when negotiation is needed, ICE credentials and candidates. No media. What a browser would throw at, it
 * throws at.
 */
export class ModelPeerConnection extends EventTarget {
  signalingState: 'stable' | 'have-local-offer' | 'have-remote-offer' = 'stable';
  iceConnectionState = 'new';
  localDescription: Description | null = null;
  remoteDescription: Description | null = null;
  /** Candidates of the other side that were taken, by the credentials they belong to. */
  readonly added = new Map<string, string[]>();
  /** Tracks of the other side that were negotiated. */
  remoteTracks: readonly string[] = [];
  readonly #tracks: string[] = [];
  #negotiatedTracks: readonly string[] = [];
  /** What both sides have agreed on. */
  #stable: { local: Description | null; remote: Description | null } = { local: null, remote: null };
  #isNeeded = false;
  #restarts = false;
  #chain: Promise<unknown> = Promise.resolve();
  readonly #jitter: () => number;

  /** `jitter` gives the milliseconds that each step takes. */
  constructor(jitter: () => number) {
    super();
    this.#jitter = jitter;
  }

  addTrack(name: string): void {
    this.#tracks.push(name);
    this.#updateNeed();
  }

  restartIce(): void {
    this.#restarts = true;
    this.#updateNeed();
  }

  /** What the network does to it. */
  setIceConnectionState(state: string): void {
    this.iceConnectionState = state;
    this.dispatchEvent(new Event('iceconnectionstatechange'));
  }

  setLocalDescription(): Promise<void> {
    return this.#enqueue(async () => {
      await delay(this.#jitter());
      const type = this.signalingState === 'have-remote-offer' ? 'answer' : 'offer';
      const content = type === 'answer' ? this.#answer() : this.#offer();
      this.localDescription = { type, sdp: write(content) };
      if (type === 'offer') this.signalingState = 'have-local-offer';
      else this.#settle(content.tracks);
      this.#gather(content.fragment);
    });
  }

  setRemoteDescription({ type, sdp }: Description): Promise<void> {
    return this.#enqueue(async () => {
      await delay(this.#jitter());
      if (type === 'answer') {
        if (this.signalingState !== 'have-local-offer')
          throw new DOMException(`an answer in ${this.signalingState}`, 'InvalidStateError');
        this.remoteDescription = { type, sdp };
        this.#settle(this.#tracks.filter((track) => read(this.localDescription).tracks.includes(track)));
      } else {
        if (this.signalingState === 'have-local-offer') this.#rollBack();
        this.remoteDescription = { type, sdp };
        this.signalingState = 'have-remote-offer';
      }
      this.remoteTracks = read(this.remoteDescription).tracks;
    });
  }

  addIceCandidate({ candidate, usernameFragment }: Candidate): Promise<void> {
    return this.#enqueue(async () => {
      await delay(this.#jitter());
      if (!this.remoteDescription) throw new DOMException('no remote description', 'InvalidStateError');
      if (read(this.remoteDescription).fragment !== usernameFragment)
        throw new DOMException('not of this description', 'OperationError');
      this.added.set(usernameFragment, [...(this.added.get(usernameFragment) ?? []), candidate]);
    });
  }

  /** The credentials that both sides are to agree on. */
  get fragments(): { local: string; remote: string } {
    return { local: read(this.localDescription).fragment, remote: read(this.remoteDescription).fragment };
  }

  #enqueue(operation: () => Promise<void>): Promise<void> {
    const done = this.#chain.then(operation);
    this.#chain = done.catch(() => {});
    return done;
  }

  #offer(): Content {
    const present = read(this.#stable.local).fragment;
    const fragment = present === '' || this.#restarts ? randomUUID() : present;
    const lines = Math.max(read(this.#stable.local).lines, this.#tracks.length);
    return { fragment, tracks: [...this.#tracks], lines };
  }

  /** Its credentials are new when those of the offer are. */
  #answer(): Content {
    const before = read(this.#stable.remote).fragment;
    const isRestart = before !== read(this.remoteDescription).fragment;
    const fragment = isRestart ? randomUUID() : read(this.#stable.local).fragment;
    const { lines } = read(this.remoteDescription);
    return { fragment, tracks: this.#tracks.slice(0, lines), lines };
  }

  #rollBack(): void {
    this.localDescription = this.#stable.local;
    this.signalingState = 'stable';
  }

  #settle(tracks: readonly string[]): void {
    this.signalingState = 'stable';
    const isNew = read(this.localDescription).fragment !== read(this.#stable.local).fragment;
    if (isNew) this.#restarts = false;
    this.#stable = { local: this.localDescription, remote: this.remoteDescription };
    this.#negotiatedTracks = tracks;
    this.#isNeeded = false;
    this.#updateNeed();
  }

  #updateNeed(): void {
    const isNeeded = this.#restarts || this.#tracks.some((track) => !this.#negotiatedTracks.includes(track));
    if (this.signalingState !== 'stable' || !isNeeded || this.#isNeeded) return;
    this.#isNeeded = true;
    // After what is in progress; when something else came between, it is told later.
    void this.#chain.then(async () => {
      await delay(0);
      if (this.signalingState !== 'stable') this.#isNeeded = false;
      else if (this.#isNeeded) this.dispatchEvent(new Event('negotiationneeded'));
    });
  }

  /** Finds two candidates for new credentials. */
  #gather(fragment: string): void {
    if (fragment === read(this.#stable.local).fragment && this.signalingState !== 'stable') return;
    if (this.#gathered.has(fragment)) return;
    this.#gathered.add(fragment);
    for (const number of [1, 2])
      setTimeout(() => {
        const candidate = { candidate: `${fragment}/${number}`, usernameFragment: fragment };
        this.dispatchEvent(Object.assign(new Event('icecandidate'), { candidate }));
      }, this.#jitter() * number);
  }

  readonly #gathered = new Set<string>();
}

function write({ fragment, tracks, lines }: Content): string {
  return `v=0\r\na=ice-ufrag:${fragment}\r\na=tracks:${tracks.join(',')}\r\na=lines:${lines}\r\n`;
}

function read(description: Description | null): Content {
  const { sdp = '' } = description ?? {};
  return {
    fragment: /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1] ?? '',
    lines: Number(/^a=lines:(\d+)/m.exec(sdp)?.[1] ?? 0),
    tracks: (/^a=tracks:(\S+)/m.exec(sdp)?.[1] ?? '').split(',').filter(Boolean),
  };
}
