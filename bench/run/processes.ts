import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Where a process runs: servers and Redis on one core, load on the other, so that neither takes the other's time. */
export const cores = { servers: 0, load: 1 } as const;

/** Whether processes can be bound to cores here. */
export const pinned = availableParallelism() >= 2 && succeeds('taskset', ['--version']);

/** The same for each Node process: the young generation decides much of CPU and memory, and how often a generator pauses. */
export const nodeFlags = ['--max-semi-space-size=16', '--min-semi-space-size=16'];

const realTime = ['--reset-on-fork', '--rr', '1'];

/** Whether a process may go before others here: root may, and whoever has CAP_SYS_NICE. */
export const mayGoFirst = succeeds('chrt', [...realTime, 'true']);

const sessionFile = '/proc/self/autogroup';

/** The session's place among others before the bench, on the scale of `nice`. */
let placeBefore: string | undefined;

/**
 * Sets the bench, with all that it starts, before the other sessions of the machine, where the kernel groups by session (-15
 * on the scale of `nice`): watchers and editors would be in the way. Its session is that of the terminal: see `endAll`.
 */
export function goAhead(): void {
  if (!mayGoFirst) return;
  try {
    placeBefore ??= readFileSync(sessionFile, 'utf8').trim().split(' ').at(-1);
    writeFileSync(sessionFile, '-15');
  } catch {
    // This kernel does not group.
  }
}

const policies: Readonly<Record<Precedence, readonly string[]>> = {
  first: mayGoFirst ? ['chrt', ...realTime] : [],
  usual: [],
  last: ['chrt', '--idle', '0'],
};

const running = new Set<ChildProcess>();

export interface NodeProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  /** What it has written last, for when it fails. */
  lastWords(): string;
  stop(): Promise<void>;
}

/**
 * Among the processes of a core: `first` runs as soon as it wants to (SCHED_RR for its main thread, and it must sleep now and
 * then), `last` when nobody else does (SCHED_IDLE; beside one of the usual that never sleeps, three thousandths of the time).
 */
export type Precedence = 'first' | 'usual' | 'last';

export interface NodeOptions {
  readonly core: number;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly precedence?: Precedence;
}

/** Runs a file with this Node, with a channel for calls. It ends with us. */
export async function startNode(
  program: readonly string[],
  { core, flags = [], env = {}, precedence = 'usual' }: NodeOptions,
): Promise<NodeProcess> {
  const command = [process.execPath, ...flags, ...program];
  const whole = [...policies[precedence], ...pinTo(core), ...command];
  const child = spawn(whole[0] ?? '', whole.slice(1), {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // As everything in JavaScript is run where it costs something: graphql-js, for one, checks more without it.
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], NODE_ENV: 'production', ...env },
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  let words = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-2000);
  });
  await once(child, 'spawn');
  return { child, pid: child.pid ?? 0, lastWords: () => words, stop: () => end(child) };
}

/** Nothing that a server would tidy up outlives the bench, so it ends at once. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** Ends whatever still runs, and gives the session its place back. */
export function endAll(): void {
  for (const child of running) child.kill('SIGKILL');
  // What is run in this terminal next would still go before whatever it starts in sessions of their own.
  if (placeBefore !== undefined) writeFileSync(sessionFile, placeBefore);
}

/** Binds a process that runs already. */
export function pin(pid: number, core: number): void {
  if (pinned) execFileSync('taskset', ['-a', '-cp', String(core), String(pid)], { stdio: 'ignore' });
}

function pinTo(core: number): string[] {
  return pinned ? ['taskset', '-c', String(core)] : [];
}

function succeeds(command: string, args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
