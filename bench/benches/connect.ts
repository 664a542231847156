import { setTimeout as delay } from 'node:timers/promises';
import type { Schedule } from '../generator/api.ts';
import { interleave, type Options, type Outcome } from '../run/bench.ts';
import { aboveIdle, spending } from '../run/cpu.ts';
import type { Sample } from '../run/figures.ts';
import { mostSockets } from '../run/fits.ts';
import { expectWhole, latencyValues } from '../run/latency.ts';
import { startStage } from '../run/stage.ts';
import type { SubjectName } from '../subjects.ts';

/*
 * How many sockets a node opens per second, and what those feel who are connected already: a hub of its own receives
 * signals at a fixed rate, first alone, then while others stream in as fast as they are let.
 */

interface Size {
  /** The sockets that are there already. */
  readonly settled: number;
  readonly seconds: number;
  /** No more are opened than this: a process has only so many files. */
  readonly most: number;
}

const signalsPerSecond = 20;

const subjects: readonly SubjectName[] = [
  'bare',
  'ours-ws',
  'ours-sse',
  'socketio',
  'graphql-ws',
  'yoga-sse',
];

export function connect(options: Options): Promise<Outcome> {
  const size = options.quick
    ? { settled: 100, seconds: 2, most: 1000 }
    : { settled: 500, seconds: 5, most: Math.min(15_000, mostSockets() - 1000) };
  const cells = subjects.map((subject) => ({
    subject,
    label: `opening for ${size.seconds} s`,
    mostRepetitions: 2,
    measure: (repetition: number) => measure(subject, size, repetition),
  }));
  return interleave(cells, options);
}

async function measure(subject: SubjectName, size: Size, repetition: number): Promise<Sample[]> {
  const { settled, seconds, most } = size;
  const stage = await startStage(subject);
  try {
    const { dialect } = stage.subject;
    const plan = { dialect, urls: stage.urls, devicesPerUser: 1, operations: 1, inFlight: 64 };
    const [there, coming] = [await stage.generator('first'), await stage.generator('last')];
    await there.load.join({ ...plan, hubId: 'settled', sockets: settled });
    await there.load.settle({ to: 'hub', reach: settled - 1 });
    const warmUp = await stage.generator('last');
    await warmUp.load.join({ ...plan, hubId: 'warm-up', sockets: 500 });
    await warmUp.stop();
    await delay(1000);
    const schedule = scheduleFor(size);
    const alone = await spending(stage.pids, () => there.load.run(schedule));
    const crowded = await spending(stage.pids, () =>
      Promise.all([
        there.load.run(schedule),
        coming.load.join({ ...plan, hubId: 'coming', sockets: most, forSeconds: seconds }),
      ]),
    );
    const [flow, joined] = crowded.value;
    for (const each of [alone.value, flow]) expectWhole(each);
    const { userUs, systemUs } = aboveIdle(crowded.spent, alone.spent);
    const values = {
      openedPerSecond: joined.opened / joined.seconds,
      cpuUsPerSocket: (userUs + systemUs) / joined.opened,
      ...latencyValues(flow),
    };
    return [
      {
        subject,
        repetition,
        scenario: { settled, meanwhile: 'nothing' },
        values: latencyValues(alone.value),
      },
      { subject, repetition, scenario: { settled, meanwhile: 'opening' }, values },
    ];
  } finally {
    await stage.stop();
  }
}

function scheduleFor({ settled, seconds }: Size): Schedule {
  const writes = seconds * signalsPerSecond;
  const intervalUs = 1e6 / signalsPerSecond;
  return { to: 'hub', reach: settled - 1, payloadBytes: 400, burst: 1, intervalUs, writes, awake: false };
}
