import { readFile } from 'node:fs/promises';

/** CPU time that processes have used, in microseconds. */
export interface CpuTime {
  readonly userUs: number;
  readonly systemUs: number;
}

/** /proc counts in these: Linux has told user space 100 a second on every machine that Node runs on. */
const tickUs = 10_000;

/** What the kernel has charged to all threads of these processes. */
export async function cpuOf(pids: readonly number[]): Promise<CpuTime> {
  const times = await Promise.all(pids.map(cpuOfOne));
  return {
    userUs: times.reduce((sum, { userUs }) => sum + userUs, 0),
    systemUs: times.reduce((sum, { systemUs }) => sum + systemUs, 0),
  };
}

async function cpuOfOne(pid: number): Promise<CpuTime> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name, which may contain spaces, ends with the last parenthesis; utime and stime are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { userUs: Number(fields[11]) * tickUs, systemUs: Number(fields[12]) * tickUs };
}

/** CPU time of some work, and how long it took. */
export interface Spent extends CpuTime {
  readonly seconds: number;
}

export async function spending<Value>(
  pids: readonly number[],
  work: () => Promise<Value>,
): Promise<{ readonly value: Value; readonly spent: Spent }> {
  const before = await cpuOf(pids);
  const began = performance.now();
  const value = await work();
  const after = await cpuOf(pids);
  return { value, spent: { ...minus(after, before), seconds: (performance.now() - began) / 1000 } };
}

/** The work without what the processes would have used anyway, idle for as long. */
export function aboveIdle(spent: Spent, idle: Spent): CpuTime {
  const share = spent.seconds / idle.seconds;
  return minus(spent, { userUs: idle.userUs * share, systemUs: idle.systemUs * share });
}

function minus(a: CpuTime, b: CpuTime): CpuTime {
  return { userUs: a.userUs - b.userUs, systemUs: a.systemUs - b.systemUs };
}
