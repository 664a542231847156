import { setTimeout as delay } from 'node:timers/promises';
import type { CallFlow, CallLoad } from '../generator/api.ts';
import { interleave, type Options, type Outcome } from '../run/bench.ts';
import { aboveIdle, spending } from '../run/cpu.ts';
import type { Sample } from '../run/figures.ts';
import { latencyOrNothing } from '../run/latency.ts';
import { progress } from '../run/progress.ts';
import { type Generator, type Stage, startStage } from '../run/stage.ts';
import { redisValues, type Watched, watching } from '../run/watch.ts';
import type { SubjectName } from '../subjects.ts';

/*
 * Whole calls, from the dial to both records of it: ring, acknowledgement, acceptance, offer, answer, ten candidates, end.
 * First as many as the nodes take, so many pairs always in a call; then at the rate that takes one of our nodes 30 % of a
 * core, the same for everyone, for the latencies. The bare loop relays as many messages to as many sockets.
 */

interface Size {
  readonly pairs: number;
  /** In the closed loop. */
  readonly atOnce: number;
  /** Calls for each node, until the compilers have seen enough. */
  readonly warmUp: number;
  readonly seconds: number;
}

const targetLoad = 0.3;

/** The bounds of calls per second in the open loop. */
const rates = { least: 5, most: 500 };

/** A generator that used more of its core than this was the bottleneck. */
const mostGeneratorLoad = 0.9;

/** Ours comes first: it sets the rate. */
const subjects: readonly SubjectName[] = ['ours-ws', 'ours-sse', 'bare'];

export function calls(options: Options): Promise<Outcome> {
  const size = options.quick
    ? { pairs: 40, atOnce: 16, warmUp: 100, seconds: 3 }
    : { pairs: 50, atOnce: 32, warmUp: 400, seconds: 10 };
  let rate: number | undefined;
  const cells = [1, 2].flatMap((nodes) =>
    subjects.map((subject) => ({
      subject,
      label: `calls on ${nodes === 1 ? 'one node' : 'two nodes'}`,
      mostRepetitions: 2,
      async measure(repetition: number) {
        const stage = await startStage(subject, { nodes });
        try {
          const measured = await measure(stage, size, rate);
          rate ??= measured.rate;
          const about = { subject, repetition };
          return [
            { ...about, scenario: { nodes, loop: 'closed' }, values: closedValues(measured) },
            { ...about, scenario: { nodes, loop: 'open' }, values: openValues(measured) },
          ];
        } finally {
          await stage.stop();
        }
      },
    })),
  );
  return interleave(cells, options);
}

interface Measured {
  readonly idle: Watched<unknown>;
  readonly closed: Watched<CallFlow>;
  readonly open: Watched<CallFlow>;
  /** Calls per second in the open loop. */
  readonly rate: number;
  readonly dials: number;
}

async function measure(
  stage: Stage,
  { pairs, atOnce, warmUp, seconds }: Size,
  given: number | undefined,
): Promise<Measured> {
  const { load } = await stage.generator();
  await load.meet({ dialect: stage.subject.dialect, urls: stage.urls, pairs });
  await load.call({ loop: 'warm-up', atOnce, setUps: warmUp * stage.urls.length });
  const idle = await watching(stage, () => delay(seconds * 1000));
  const closed = await watching(stage, () => load.call({ loop: 'closed', atOnce, seconds }));
  const rate = given ?? (await findRate(stage, load, cpuUsOf(closed, idle), seconds));
  const dials = Math.round(rate * seconds);
  const open = await watching(stage, () => load.call(openLoop(rate, seconds)));
  return { idle, closed, open, rate, dials };
}

function openLoop(rate: number, seconds: number): CallLoad {
  return { loop: 'open', intervalUs: 1e6 / rate, setUps: Math.round(rate * seconds) };
}

/** The rate that makes the load wanted. A call costs more where fewer come at once, so one rate is tried first. */
async function findRate(
  stage: Stage,
  load: Generator['load'],
  cpuUs: number,
  seconds: number,
): Promise<number> {
  const trial = boundedRate((targetLoad * 1e6) / cpuUs);
  const { spent } = await spending(stage.pids, () => load.call(openLoop(trial, seconds)));
  const loadThen = (spent.userUs + spent.systemUs) / 1e6 / spent.seconds;
  const rate = boundedRate((trial * targetLoad) / loadThen);
  progress(`${rate} calls a second take our one node ${targetLoad * 100} % of a core`);
  return rate;
}

function boundedRate(rate: number): number {
  return Math.min(Math.max(Math.round(rate), rates.least), rates.most);
}

/** CPU of all nodes for each call. */
function cpuUsOf({ value, spent }: Watched<CallFlow>, idle: Watched<unknown>): number {
  const { userUs, systemUs } = aboveIdle(spent, idle.spent);
  return (userUs + systemUs) / value.finished;
}

function closedValues({ closed, idle }: Measured): Sample['values'] {
  const { perSecond, generatorLoad } = closed.value;
  return {
    // With nodes and Redis on one core.
    perSecond: generatorLoad > mostGeneratorLoad ? null : perSecond,
    // With a core for the nodes alone.
    perCore: 1e6 / cpuUsOf(closed, idle),
    ...costs(closed, idle),
  };
}

function openValues({ open, idle, rate, dials }: Measured): Sample['values'] {
  const { spent, value } = open;
  return {
    rate,
    load: (spent.userUs + spent.systemUs) / 1e6 / spent.seconds,
    ...costs(open, idle),
    ...latencyOrNothing(value.late, dials, {
      ...{ ringP50Us: value.ring.p50Us, ringP99Us: value.ring.p99Us },
      ...{ toldP50Us: value.told.p50Us, toldP99Us: value.told.p99Us },
      ...{ talkP50Us: value.talk.p50Us, talkP99Us: value.talk.p99Us },
    }),
  };
}

function costs(busy: Watched<CallFlow>, idle: Watched<unknown>): Sample['values'] {
  const { finished, unfinished, complaint, generatorLoad } = busy.value;
  if (finished === 0) throw new Error(`No call came to its end: ${complaint}`);
  if (unfinished > 0) progress(`  ${unfinished} of ${finished + unfinished} calls went wrong: ${complaint}`);
  return {
    cpuUs: cpuUsOf(busy, idle),
    ...redisValues(busy, idle, finished),
    unfinished,
    generatorLoad,
  };
}
