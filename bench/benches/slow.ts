import { setTimeout as delay } from 'node:timers/promises';
import type { Schedule } from '../generator/api.ts';
import { interleave, type Options, type Outcome } from '../run/bench.ts';
import type { Sample } from '../run/figures.ts';
import { expectWhole, latencyValues } from '../run/latency.ts';
import { memoryOf, residentOf } from '../run/memory.ts';
import { startStage } from '../run/stage.ts';
import type { SubjectName } from '../subjects.ts';

/*
 * Some readers of a hub stop reading. The kernel holds some megabytes for each before the server notices; then its own
 * memory grows, unless it ends them. The others' latency should not change. What the server holds for them is what is alive
 * at the end, while they still do not read; the resident memory meanwhile stands beside it, most of which is garbage.
 */

interface Size {
  readonly sockets: number;
  readonly seconds: number;
}

/** 640 KB a second: after some seconds a reader that stalls is behind by more than the kernel holds for it. */
const rhythm = { payloadBytes: 16_384, signalsPerSecond: 40 };

/** In percent of the sockets. */
const shares = [0, 1, 10];

const subjects: readonly SubjectName[] = [
  'bare',
  'ours-ws',
  'ours-sse',
  'socketio',
  'graphql-ws',
  'yoga-sse',
];

export function slow(options: Options): Promise<Outcome> {
  const size = options.quick ? { sockets: 100, seconds: 10 } : { sockets: 200, seconds: 20 };
  const cells = subjects.flatMap((subject) =>
    shares.map((percent) => ({
      subject,
      label: `${percent} % stalled`,
      mostRepetitions: mostRepetitions(subject, percent),
      measure: (repetition: number) => measure(subject, size, percent, repetition),
    })),
  );
  return interleave(cells, options);
}

/** What is promised is how ours does with 10 % stalled, beside none. */
function mostRepetitions(subject: SubjectName, percent: number): number | undefined {
  if (subject !== 'ours-ws' && subject !== 'ours-sse') return 1;
  return percent === 1 ? 2 : undefined;
}

async function measure(
  subject: SubjectName,
  size: Size,
  percent: number,
  repetition: number,
): Promise<Sample[]> {
  const { sockets } = size;
  const stage = await startStage(subject);
  try {
    const [server] = stage.servers;
    if (!server) throw new Error('Nothing serves.');
    const { load } = await stage.generator();
    const plan = { dialect: stage.subject.dialect, urls: stage.urls, operations: 1, inFlight: 64 };
    await load.join({ ...plan, sockets, hubId: 'hub', devicesPerUser: 1 });
    await load.settle({ to: 'hub', reach: sockets - 1 });
    // Small ones: a connection that has taken large ones is given larger buffers by the kernel.
    await load.run({ ...scheduleFor(size, sockets - 1), payloadBytes: 400, intervalUs: 10_000 });
    const { resident: before, heap: held } = await memoryOf(server);
    const stalled = await load.stall(Math.round((sockets * percent) / 100));
    const watch = watchResident(server.pid);
    const flow = await load.run(scheduleFor(size, sockets - 1 - stalled));
    const most = await watch.stop();
    expectWhole(flow);
    const { heap: heldAfter } = await memoryOf(server);
    const ended = await load.resume(null);
    const values = {
      ...latencyValues(flow),
      grownMb: (most - before) / 2 ** 20,
      heldMb: (heldAfter - held) / 2 ** 20,
      ended: stalled > 0 ? ended / stalled : null,
    };
    return [{ subject, repetition, scenario: { sockets, percent }, values }];
  } finally {
    await stage.stop();
  }
}

function scheduleFor({ seconds }: Size, reach: number): Schedule {
  const { payloadBytes, signalsPerSecond } = rhythm;
  const intervalUs = 1e6 / signalsPerSecond;
  return {
    to: 'hub',
    reach,
    payloadBytes,
    burst: 1,
    intervalUs,
    writes: seconds * signalsPerSecond,
    awake: true,
  };
}

/** Looks at a process twice a second, and remembers the most that it held. */
function watchResident(pid: number): { stop(): Promise<number> } {
  let most = 0;
  let watching = true;
  const watched = (async () => {
    while (watching) {
      most = Math.max(most, await residentOf(pid));
      await delay(500);
    }
  })();
  return {
    async stop() {
      watching = false;
      await watched;
      return Math.max(most, await residentOf(pid));
    },
  };
}
