import { setTimeout as delay } from 'node:timers/promises';
import { nowUs } from '../../clock.ts';
import type { CallFlow, CallLoad, CallPlan, Joined } from '../api.ts';
import type { DialectName } from '../dialects/dialect.ts';
import { Meter } from '../meter.ts';
import { keepTimes } from '../schedule.ts';
import { bare } from './bare.ts';
import type { CallDialect } from './dialect.ts';
import { oursSse, oursWs } from './ours.ts';
import { Phone } from './phone.ts';
import { type Pair, SetUp } from './set-up.ts';

const dialects: Partial<Record<DialectName, CallDialect>> = {
  'ours-ws': oursWs,
  'ours-sse': oursSse,
  plain: bare,
};

/** How many sockets may be opening at the same time. */
const inFlight = 32;

/** How long no call may come to its end before the rest is given up as lost, in milliseconds. */
const patienceMs = 10_000;

/** The people who call each other, two by two; those of a pair are on different nodes if there are several. */
export class Calls {
  private readonly plan: CallPlan;
  private readonly dialect: CallDialect;
  private readonly traffic = new Meter();
  private readonly meters = { ring: new Meter(), told: new Meter(), talk: new Meter() };
  /** Those who do not talk. */
  private readonly free: Pair[] = [];
  /** Times at which calls were meant to begin for which nobody was free. */
  private readonly due: number[] = [];
  /** Another call begins where one was over. */
  private goesOn = false;
  private rooms = 0;
  private readonly underway = new Set<SetUp>();
  private finished = 0;
  private failed = 0;
  private complaint = '';

  constructor(plan: CallPlan) {
    const dialect = dialects[plan.dialect];
    if (!dialect) throw new Error(`Nobody calls by ${plan.dialect}.`);
    this.plan = plan;
    this.dialect = dialect;
  }

  async join(): Promise<Joined> {
    const began = nowUs();
    let next = 0;
    const openInTurn = async () => {
      for (let pair = next++; pair < this.plan.pairs; pair = next++)
        this.free.push(await this.openPair(pair));
    };
    await Promise.all(Array.from({ length: inFlight / 2 }, openInTurn));
    return { opened: 2 * this.free.length, seconds: (nowUs() - began) / 1e6 };
  }

  private async openPair(index: number): Promise<Pair> {
    const pair = {
      caller: this.phone(index, 'caller', index),
      callee: this.phone(index, 'callee', index + 1),
    };
    await Promise.all([pair.caller.open, pair.callee.open]);
    return pair;
  }

  private phone(pair: number, side: 'caller' | 'callee', node: number): Phone {
    const { hostname, port } = new URL(this.plan.urls[node % this.plan.urls.length] ?? '');
    const member = {
      uid: `${side}-${pair}`,
      deviceId: `${side}-${pair}-phone`,
      hubId: `pair-${pair}`,
      operation: 0,
    };
    return new Phone({ host: hostname, port: Number(port) }, this.dialect, member, this.traffic);
  }

  /** Calls as asked, and waits for the last of them. */
  async run(load: CallLoad): Promise<CallFlow> {
    this.reset();
    const began = nowUs();
    const cpu = process.cpuUsage();
    const { late, inTime } = await this.begun(load);
    const seconds = (nowUs() - began) / 1e6;
    await this.while(() => this.underway.size > 0);
    for (const setUp of this.underway) this.complaint ||= setUp.standing();
    const { user, system } = process.cpuUsage(cpu);
    return {
      finished: this.finished,
      unfinished: this.underway.size + this.failed + this.due.length,
      complaint: this.complaint,
      late,
      perSecond: inTime / seconds,
      generatorLoad: (user + system) / (nowUs() - began),
      bytes: this.traffic.bytes,
      ring: this.meters.ring.latency(),
      told: this.meters.told.latency(),
      talk: this.meters.talk.latency(),
    };
  }

  private reset(): void {
    this.finished = 0;
    this.failed = 0;
    this.underway.clear();
    this.complaint = '';
    this.due.length = 0;
    for (const meter of [this.traffic, ...Object.values(this.meters)]) meter.reset();
  }

  /** Begins all calls; tells how many left late, and how many were over when the last began. */
  private async begun(load: CallLoad): Promise<{ late: number; inTime: number }> {
    if (load.loop === 'open') {
      const schedule = { writes: load.setUps, intervalUs: load.intervalUs, awake: false };
      const late = await keepTimes(schedule, (timeUs) => this.begin(timeUs));
      return { late, inTime: this.finished };
    }
    const end =
      load.loop === 'closed' ? delay(load.seconds * 1000) : this.while(() => this.finished < load.setUps);
    await this.keepCalling(load.atOnce, end);
    return { late: 0, inTime: this.finished };
  }

  /** Closed loop: so many pairs call all the time, each again as soon as their call is over. */
  private async keepCalling(atOnce: number, end: Promise<unknown>): Promise<void> {
    this.goesOn = true;
    for (let call = 0; call < atOnce; call++) this.begin(nowUs());
    await end;
    this.goesOn = false;
  }

  private begin(meantUs: number): void {
    const pair = this.free.shift();
    if (!pair) {
      this.due.push(meantUs);
      return;
    }
    const setUp: SetUp = new SetUp(pair, this.dialect, this.meters, `room-${++this.rooms}`, (complaint) => {
      // Whatever else comes of a call that was given up, or went wrong.
      if (this.underway.delete(setUp)) this.over(pair, complaint);
    });
    this.underway.add(setUp);
    setUp.begin(meantUs);
  }

  /** A pair whose call went wrong may still hear of it, and calls no more. */
  private over(pair: Pair, complaint: string | undefined): void {
    if (complaint === undefined) {
      this.finished++;
      this.free.push(pair);
    } else {
      this.failed++;
      this.complaint ||= complaint;
    }
    const meantUs = this.due.shift() ?? (this.goesOn ? nowUs() : undefined);
    if (meantUs !== undefined) this.begin(meantUs);
  }

  /** Waits as long as something holds, and calls come to their end. */
  private async while(holds: () => boolean): Promise<void> {
    let seen = -1;
    let since = nowUs();
    while (holds()) {
      if (this.finished !== seen) since = nowUs();
      else if (nowUs() - since > patienceMs * 1000) return;
      seen = this.finished;
      await delay(2);
    }
  }
}
