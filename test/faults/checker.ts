/*
 * Knows of every signal that was sent, for whom it was, whether it was acknowledged, and who got it: and so what was
 * lost, came twice, late, or to the wrong one. Times are milliseconds of `performance.now()`.
 */

/** In order of gravity. */
export interface Counts {
  /** Attempts to send, a repeated one counted once. */
  readonly sent: number;
  /** Of those, answered with success. */
  readonly acked: number;
  /** Answered with an error, or not at all, however often repeated. Nobody may rely on them. */
  readonly rejected: number;
  /** Answered with `offline: true`: the sender knows that nobody was reached. */
  readonly offline: number;
  /** Came to somebody whom they were not for. */
  readonly wrongRecipient: number;
  /** Acknowledged, not delivered, and the receiver was not told that something is missing. */
  readonly silentlyLost: number;
  /** Acknowledged, not delivered, but the receiver was told (`recovered: false`). */
  readonly told: number;
  /** Handed out twice to an application, or written twice to one connection. */
  readonly duplicates: number;
  /** Came after what its sender sent later; or with a cursor that does not ascend on its connection. */
  readonly outOfOrder: number;
}

/** Whom a signal is for: one user, or everyone in the hub but the sender. */
export type Audience = { readonly uid: string } | { readonly hub: true };

interface Sent {
  readonly id: number;
  readonly from: string;
  readonly audience: Audience;
  /** Who was there when it was sent. */
  readonly receivers: ReadonlySet<string>;
  readonly at: number;
  ackedAt: number | undefined;
  readonly missing: Set<string>;
}

interface Receiver {
  /** When it was last told that it may have missed something. */
  toldAt: number;
  /** Of each sender, the time of the latest signal that came. */
  readonly latest: Map<string, number>;
  lastFreshAt: number;
  worstGapMs: number;
}

export class Checker {
  readonly #sent = new Map<number, Sent>();
  readonly #receivers = new Map<string, Receiver>();
  readonly #counts = {
    sent: 0,
    acked: 0,
    rejected: 0,
    offline: 0,
    wrongRecipient: 0,
    duplicates: 0,
    outOfOrder: 0,
  };
  #next = 0;
  #watch: ((receiver: string, sentAt: number) => void) | undefined;
  /** What went wrong first, to be looked into. */
  readonly examples: string[] = [];

  /** From now on, what is sent to this user is expected to come. */
  join(uid: string): void {
    const now = performance.now();
    this.#receivers.set(uid, {
      toldAt: Number.NEGATIVE_INFINITY,
      latest: new Map(),
      lastFreshAt: now,
      worstGapMs: 0,
    });
  }

  leave(uid: string): void {
    this.#receivers.delete(uid);
    for (const { missing } of this.#sent.values()) missing.delete(uid);
  }

  /** A signal is about to be sent; returns its id, which its payload carries. */
  send(from: string, audience: Audience): number {
    const id = ++this.#next;
    const all =
      'uid' in audience ? [audience.uid] : [...this.#receivers.keys()].filter((uid) => uid !== from);
    const receivers = new Set(all.filter((uid) => this.#receivers.has(uid)));
    this.#sent.set(id, {
      id,
      from,
      audience,
      receivers,
      at: performance.now(),
      ackedAt: undefined,
      missing: new Set(receivers),
    });
    this.#counts.sent++;
    return id;
  }

  acked(id: number): void {
    const sent = this.#sent.get(id);
    if (!sent || sent.ackedAt !== undefined) return;
    sent.ackedAt = performance.now();
    this.#counts.acked++;
  }

  /** It came to all whom it was for. */
  hasArrived(id: number): boolean {
    return this.#sent.get(id)?.missing.size === 0;
  }

  rejected(id: number): void {
    if (this.#sent.get(id)?.ackedAt === undefined) this.#counts.rejected++;
  }

  offline(_id: number): void {
    this.#counts.offline++;
  }

  /** An application was handed a signal. */
  arrived(uid: string, id: number): void {
    const sent = this.#sent.get(id);
    const receiver = this.#receivers.get(uid);
    if (!sent || !receiver) return;
    const { audience, from } = sent;
    if ('uid' in audience ? audience.uid !== uid : from === uid)
      return void this.#fault('wrongRecipient', `${uid} got ${id} of ${from}`);
    // Sent before it was counted in: nothing was promised.
    if (!sent.receivers.has(uid)) return;
    if (!sent.missing.delete(uid))
      return void this.#fault('duplicates', `${uid} got ${id} of ${sent.from} twice`);
    const latest = receiver.latest.get(sent.from) ?? Number.NEGATIVE_INFINITY;
    if (sent.ackedAt !== undefined && latest > sent.ackedAt)
      this.#fault('outOfOrder', `${uid} got ${id} of ${sent.from} after a later one`);
    receiver.latest.set(sent.from, Math.max(latest, sent.at));
    this.#fresh(uid, receiver, sent.at);
  }

  /** The wire said something that must not be. */
  wire(kind: 'duplicates' | 'outOfOrder', example: string): void {
    this.#fault(kind, example);
  }

  /** A receiver was told that it may have missed something. */
  told(uid: string): void {
    const receiver = this.#receivers.get(uid);
    if (receiver) receiver.toldAt = performance.now();
  }

  /** Calls back on everything that comes in time, with when it was sent. */
  watch(callback: ((receiver: string, sentAt: number) => void) | undefined): void {
    this.#watch = callback;
  }

  /** Gaps count from now on. */
  beginGap(): void {
    const now = performance.now();
    for (const receiver of this.#receivers.values())
      Object.assign(receiver, { lastFreshAt: now, worstGapMs: 0 });
  }

  /** The longest that any receiver was without a signal, in milliseconds, since `beginGap`. */
  gapMs(): number {
    const gaps = [...this.#receivers.values()].map(({ worstGapMs }) => worstGapMs);
    return Math.round(Math.max(0, ...gaps));
  }

  /** Deliveries that are due still: acknowledged, and the receiver knows of nothing missing. */
  missing(): number {
    return this.#unseen((sent, { toldAt }) => toldAt < sent.at);
  }

  counts(): Counts {
    const silent = this.missing();
    const { sent, acked, rejected, offline, wrongRecipient, duplicates, outOfOrder } = this.#counts;
    const told = this.#unseen((sent, { toldAt }) => toldAt >= sent.at);
    return {
      sent,
      acked,
      rejected,
      offline,
      wrongRecipient,
      silentlyLost: silent,
      told,
      duplicates,
      outOfOrder,
    };
  }

  /** What is lost, for whoever looks into it. */
  lost(most = 5): string[] {
    const now = performance.now();
    return [...this.#sent.values()]
      .filter(({ ackedAt, missing }) => ackedAt !== undefined && missing.size > 0)
      .slice(0, most)
      .map(
        ({ id, from, at, missing }) =>
          `${id} of ${from} to ${[...missing].slice(0, 3)} (${missing.size}), ${Math.round(now - at)} ms ago`,
      );
  }

  #unseen(fits: (sent: Sent, receiver: Receiver) => boolean): number {
    let count = 0;
    for (const sent of this.#sent.values()) {
      if (sent.ackedAt === undefined) continue;
      for (const uid of sent.missing) {
        const receiver = this.#receivers.get(uid);
        if (receiver && fits(sent, receiver)) count++;
      }
    }
    return count;
  }

  #fresh(uid: string, receiver: Receiver, sentAt: number): void {
    const now = performance.now();
    receiver.worstGapMs = Math.max(receiver.worstGapMs, now - receiver.lastFreshAt);
    receiver.lastFreshAt = now;
    this.#watch?.(uid, sentAt);
  }

  #fault(kind: 'wrongRecipient' | 'duplicates' | 'outOfOrder', example: string): void {
    this.#counts[kind]++;
    if (this.examples.length < 20) this.examples.push(`${kind}: ${example}`);
  }
}
