import { readdir, readFile } from 'node:fs/promises';

/** CPU time that processes have used, in microseconds. */
export interface CpuTime {
  readonly userUs: number;
  readonly systemUs: number;
}

/** What the kernel has charged to all threads of these processes. */
export async function cpuOf(pids: readonly number[]): Promise<CpuTime> {
  const times = await Promise.all(pids.map(cpuOfOne));
  return {
    userUs: times.reduce((sum, { userUs }) => sum + userUs, 0),
    systemUs: times.reduce((sum, { systemUs }) => sum + systemUs, 0),
  };
}

/** `stat` tells user and system time apart, in steps of 10 ms; `schedstat` knows their sum to the nanosecond. */
async function cpuOfOne(pid: number): Promise<CpuTime> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name, which may contain spaces, ends with the last parenthesis; utime and stime are fields 14 and 15.
  const [user = 0, system = 0] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number);
  const sumUs = await exactUs(pid);
  const share = user / Math.max(1, user + system);
  return { userUs: sumUs * share, systemUs: sumUs * (1 - share) };
}

async function exactUs(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`);
  const ran = threads.map(async (thread) => {
    // A thread may end while we look.
    const text = await readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').catch(() => '0');
    return Number(text.split(' ')[0]) / 1000;
  });
  return (await Promise.all(ran)).reduce((sum, us) => sum + us, 0);
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
