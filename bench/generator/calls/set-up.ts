import { nowUs } from '../../clock.ts';
import type { Meter } from '../meter.ts';
import type { CallDialect, Heard, Saying, Word } from './dialect.ts';
import type { Phone } from './phone.ts';

/** How many candidates each side has. */
export const candidates = 5;

/** What both sides together hear of one call: the ring; three changes and the log, both; and the negotiation. */
export const hearings = 1 + 3 * 2 + 2 + 2 * (1 + candidates);

export interface Pair {
  readonly caller: Phone;
  readonly callee: Phone;
}

/** What is timed. */
export interface Meters {
  /** From the time at which a dial was meant to leave, to the ring. */
  readonly ring: Meter;
  /** From the acceptance to the caller's knowing of it. */
  readonly told: Meter;
  /** From the time at which a dial was meant to leave, to the last candidate. */
  readonly talk: Meter;
}

type Side = keyof Pair;

/**
 * One call from the dial to both records of it, as two clients make it who answer at once:
 *
 * the caller dials · it rings · the callee says so, and when that is answered accepts · the caller is told, and sends the
 * offer with all candidates behind it · the offer comes, and the callee sends the answer and theirs · everything has come,
 * and the caller hangs up · both are told of the end, and of their record
 */
export class SetUp {
  private readonly pair: Pair;
  private readonly dialect: CallDialect;
  private readonly meters: Meters;
  private readonly roomId: string;
  /** `complaint`: what was not as it should be; undefined when the call is over and everything has come. */
  private readonly over: (complaint?: string) => void;
  private callId = '';
  private meantUs = 0;
  private acceptedUs = 0;
  private unanswered = 0;
  private heard = 0;
  /** What each side has heard of the other's negotiation. */
  private readonly negotiated: Record<Side, number> = { caller: 0, callee: 0 };

  constructor(
    pair: Pair,
    dialect: CallDialect,
    meters: Meters,
    roomId: string,
    over: (complaint?: string) => void,
  ) {
    this.pair = pair;
    this.dialect = dialect;
    this.meters = meters;
    this.roomId = roomId;
    this.over = over;
  }

  begin(meantUs: number): void {
    this.meantUs = meantUs;
    this.pair.caller.listener = (heard) => this.hear('caller', heard);
    this.pair.callee.listener = (heard) => this.hear('callee', heard);
    this.say('caller', 'dial');
  }

  /** How far it has come. */
  standing(): string {
    return `${this.heard} of ${hearings} signals came, ${this.unanswered} words wait for an answer`;
  }

  private say(side: Side, word: Word, then?: () => void): void {
    const [from, to] =
      side === 'caller' ? [this.pair.caller, this.pair.callee] : [this.pair.callee, this.pair.caller];
    const saying: Saying = { word, from, to, callId: this.callId, roomId: this.roomId };
    this.unanswered++;
    from.say(saying, (answer) => {
      this.unanswered--;
      if (this.dialect.isRefusal(answer)) this.over(`${word}: ${answer.slice(0, 400)}`);
      then?.();
      this.look();
    });
  }

  private hear(side: Side, heard: Heard): void {
    this.heard++;
    switch (heard.what) {
      case 'ring':
        this.rung(heard.callId);
        break;
      case 'accepted':
        if (side === 'caller') this.told(heard.socketId);
        break;
      case 'offer':
      case 'answer':
      case 'candidate':
        this.negotiate(side, heard.what);
        break;
      default:
    }
    this.look();
  }

  private rung(callId: string): void {
    this.callId = callId;
    this.meters.ring.deliver(this.meantUs);
    this.say('callee', 'ring', () => {
      this.acceptedUs = nowUs();
      this.say('callee', 'accept');
    });
  }

  private told(socketId: string): void {
    this.meters.told.deliver(this.acceptedUs);
    if (socketId !== this.pair.callee.socketId) this.over(`It was accepted by ${socketId}.`);
    this.describe('caller', 'offer');
  }

  /** A description and all candidates behind it, as when they are known already. */
  private describe(side: Side, word: 'offer' | 'answer'): void {
    this.say(side, word);
    for (let candidate = 0; candidate < candidates; candidate++) this.say(side, 'candidate');
  }

  private negotiate(side: Side, what: 'offer' | 'answer' | 'candidate'): void {
    const isFirst = this.negotiated[side]++ === 0;
    if (isFirst !== (what !== 'candidate')) this.over(`The ${side} got a candidate before its description.`);
    if (what === 'offer') this.describe('callee', 'answer');
    const { caller, callee } = this.negotiated;
    if (caller + callee < 2 * (1 + candidates)) return;
    this.meters.talk.deliver(this.meantUs);
    this.say('caller', 'hangUp', this.dialect.tellsLog ? () => this.say('caller', 'log') : undefined);
  }

  private look(): void {
    if (this.heard === hearings && this.unanswered === 0) this.over();
  }
}
