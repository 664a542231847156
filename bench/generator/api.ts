import type { DialectName } from './dialects/dialect.ts';

/** What the bench asks of a generator process. */
export interface GeneratorApi {
  /** Opens sockets; resolves when each has said that it is ready. Once per generator. */
  join(plan: JoinPlan): Promise<Joined>;
  /** Sends until one signal has reached everyone: then all subscriptions stand, also where a peer cannot say so. */
  settle(plan: Settling): Promise<void>;
  /** Sends signals at their times, whatever comes back, and waits for the deliveries. */
  run(schedule: Schedule): Promise<Flow>;
  /** From now on reads each socket once in three seconds, a few at a time, so that others have the core when they want it. */
  sip(nothing: null): void;
  /** Stops reading on so many sockets, the last ones. */
  stall(sockets: number): number;
  /** Reads on, and tells how many of those sockets the server has ended. */
  resume(nothing: null): Promise<number>;
  /** Opens sockets of people who will call each other. Once per generator. */
  meet(plan: CallPlan): Promise<Joined>;
  /** Calls, and waits until all calls are over. */
  call(load: CallLoad): Promise<CallFlow>;
}

export interface JoinPlan {
  readonly dialect: DialectName;
  /** The nodes; sockets are spread over them in turn, and all signals are sent to the first. */
  readonly urls: readonly string[];
  readonly sockets: number;
  readonly hubId: string;
  /** Successive sockets that belong to one user. */
  readonly devicesPerUser: number;
  /** How many different documents the sockets subscribe with. */
  readonly operations: number;
  /** How many sockets may be opening at the same time. */
  readonly inFlight: number;
  /** Stops opening more after this, if given. */
  readonly forSeconds?: number;
}

export interface Joined {
  readonly opened: number;
  readonly seconds: number;
}

export interface Settling {
  readonly to: 'hub' | 'users';
  /** How many sockets one signal reaches. */
  readonly reach: number;
}

export interface Schedule extends Settling {
  /** The size of the payload as JSON text. */
  readonly payloadBytes: number;
  /** Signals that leave together: so many requests, pipelined in one write. */
  readonly burst: number;
  /**
   * Never sleep while it runs. A sleeping reader is woken by each packet, at the expense of the server on this machine;
   * one that is awake anyway costs it nothing. Only for a generator that has its core to itself.
   */
  readonly awake: boolean;
  /** From one write to the next. */
  readonly intervalUs: number;
  readonly writes: number;
}

/** What came of a schedule. */
export interface Flow {
  readonly signals: number;
  /** Signals that the server did not take, and what it said to the first of them. */
  readonly refused: number;
  readonly complaint: string;
  /** Writes that left more than 1 ms after their time. */
  readonly late: number;
  readonly writes: number;
  readonly expected: number;
  readonly delivered: number;
  readonly seconds: number;
  readonly bytes: number;
  /** How often the kernel handed bytes to the readers. */
  readonly reads: number;
  readonly latency: Latency;
}

/** From the time at which a signal was meant to be sent to its arrival at a socket. */
export interface Latency {
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly maxUs: number;
}

/** People who call each other, two by two, each with one device. */
export interface CallPlan {
  readonly dialect: DialectName;
  /** The nodes. Pairs take turns; of each, the callee is on the node after the caller's. */
  readonly urls: readonly string[];
  readonly pairs: number;
}

/** How calls begin: at fixed times, or each where one was over, for so long or so often. */
export type CallLoad =
  | { readonly loop: 'open'; readonly intervalUs: number; readonly setUps: number }
  | { readonly loop: 'closed'; readonly atOnce: number; readonly seconds: number }
  | { readonly loop: 'warm-up'; readonly atOnce: number; readonly setUps: number };

/** What came of calls. */
export interface CallFlow {
  readonly finished: number;
  /** Calls in which something was refused, out of order, or did not come. */
  readonly unfinished: number;
  readonly complaint: string;
  /** Dials that left more than 1 ms after their time. */
  readonly late: number;
  /** How many came to their end, per second, while others began. */
  readonly perSecond: number;
  /** The share of a core that the generator itself used. */
  readonly generatorLoad: number;
  readonly bytes: number;
  /** From the time at which a dial was meant to leave, to the ring. */
  readonly ring: Latency;
  /** From the acceptance to the caller's knowing of it. */
  readonly told: Latency;
  /** From the time at which a dial was meant to leave, to the last candidate. */
  readonly talk: Latency;
}
