import { setTimeout as delay } from 'node:timers/promises';
import { interleave, isWanted, type Options, type Outcome } from '../run/bench.ts';
import { type Spent, spending } from '../run/cpu.ts';
import type { Sample } from '../run/figures.ts';
import { fits } from '../run/fits.ts';
import { kernelBytes, type Memory, memoryOf } from '../run/memory.ts';
import { progress } from '../run/progress.ts';
import { type Server, type Stage, startStage } from '../run/stage.ts';
import type { SubjectName } from '../subjects.ts';

/*
 * What a socket costs that is open and silent: memory beyond that of the empty server, and CPU for its signs of life.
 * All subjects are up at the same time, silent together.
 */

interface Size {
  readonly sockets: number;
  /** From the last opening until CPU is read. */
  readonly quietSeconds: number;
}

/** Opened and closed again before the empty server is looked at: its code is loaded then, its young generation touched. */
const warmUpSockets = 200;

/** The period of pings, in seconds: CPU is read over whole ones. */
const pingSeconds = 14;

const everyone: readonly SubjectName[] = [
  'bare',
  'ours-ws',
  'ours-sse',
  'socketio',
  'graphql-ws',
  'yoga-sse',
];

const close: readonly SubjectName[] = ['bare', 'ours-ws', 'ours-sse'];

export function idle(options: Options): Promise<Outcome> {
  const size = options.quick
    ? { sockets: 1000, quietSeconds: 2 }
    : { sockets: 10_000, quietSeconds: 2 + pingSeconds };
  const subjects = everyone.filter((subject) => isWanted(subject, options));
  if (!fits(size.sockets)) return Promise.resolve({ samples: [], failures: ['too few open files'] });
  const label = `${size.sockets} idle sockets`;
  return interleave(
    [
      {
        subject: 'all',
        label,
        measure: (repetition) => measure(dueIn(repetition, subjects), size, repetition),
      },
    ],
    options,
  );
}

/** Peers that are far off take part in the first two. */
function dueIn(repetition: number, subjects: readonly SubjectName[]): readonly SubjectName[] {
  return repetition <= 2 ? subjects : subjects.filter((subject) => close.includes(subject));
}

async function measure(subjects: readonly SubjectName[], size: Size, repetition: number): Promise<Sample[]> {
  const stages: Stage[] = [];
  try {
    const filled: Filled[] = [];
    for (const subject of subjects) {
      progress(`opening ${size.sockets} sockets: ${subject}`);
      const stage = await startStage(subject);
      stages.push(stage);
      filled.push(await fill(stage, size.sockets));
    }
    await delay(size.quietSeconds * 1000);
    const spent = await Promise.all(
      stages.map(({ pids }) => spending(pids, () => delay(pingSeconds * 1000))),
    );
    const samples = filled.map((each, i) => sampleOf(each, size.sockets, repetition, spent[i]?.spent));
    return await Promise.all(samples);
  } finally {
    await Promise.all(stages.map((stage) => stage.stop()));
  }
}

/** A server with its sockets open. */
interface Filled {
  readonly subject: SubjectName;
  readonly server: Server;
  /** When it was empty. */
  readonly before: Memory;
  /** What the kernel took for its connections. */
  readonly kernel: number;
}

async function fill(stage: Stage, sockets: number): Promise<Filled> {
  const [server] = stage.servers;
  if (!server) throw new Error('There is no server.');
  const plan = {
    ...{ dialect: stage.subject.dialect, urls: stage.urls },
    ...{ devicesPerUser: 1, operations: 1, inFlight: 64 },
  };
  const warmUp = await stage.generator();
  await warmUp.load.join({ ...plan, hubId: 'warm-up', sockets: warmUpSockets });
  await warmUp.stop();
  await delay(2000);
  const before = await memoryOf(server);
  const { load } = await stage.generator();
  const kernelBefore = await kernelBytes();
  await load.join({ ...plan, hubId: 'hub', sockets });
  const kernel = (await kernelBytes()) - kernelBefore;
  return { subject: stage.subject.name, server, before, kernel };
}

async function sampleOf(
  { subject, server, before, kernel }: Filled,
  sockets: number,
  repetition: number,
  spent: Spent | undefined,
): Promise<Sample> {
  const after = await memoryOf(server);
  const kilobytes = (bytes: number) => bytes / 1024 / sockets;
  const cpuUs = spent ? (spent.userUs + spent.systemUs) / spent.seconds : null;
  return {
    subject,
    repetition,
    scenario: { sockets },
    values: {
      heapKb: kilobytes(after.heap - before.heap),
      residentKb: kilobytes(after.resident - before.resident),
      // Both ends of each connection are on this machine.
      kernelKb: kilobytes(kernel) / 2,
      cpuUsPerSecond: cpuUs === null ? null : cpuUs / sockets,
    },
  };
}
