import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import { guardian } from './guardian.ts';
import { ensureProgram } from './program.ts';

const run = promisify(execFile);

/** A redis-server of the test's own, on a loopback port. */
export interface RedisProcess {
  readonly port: number;
  readonly url: string;
  readonly pid: number;
  /** Ends it in good order, and its data with it. May be called again, and after `kill`. */
  stop(): Promise<void>;
  /** Ends it as a crash does. */
  kill(): Promise<void>;
  /** Freezes it: connections stay open and nothing answers. */
  pause(): void;
  resume(): void;
}

export interface RedisOptions {
  /** A fixed port, to bring a server back where one was. */
  port?: number;
  /** Appended to the command line, for example `['--replicaof', '127.0.0.1', '7000']`. */
  args?: readonly string[];
  /** Where it works and keeps its files: the caller's, who removes it. One of its own unless given. */
  folder?: string | undefined;
  /** Makes it a Sentinel, with these lines of configuration. */
  sentinel?: string;
}

/** The path of a redis-server of at least 7.0; installs one where that needs no question. */
export async function ensureRedisServer(): Promise<string> {
  const path = await ensureProgram('redis-server', {
    package: 'redis-server',
    elsewhere:
      'redis-server 7.0 or newer on the PATH: `sudo apt-get install redis-server`, `brew install redis`, or https://redis.io/docs/latest/get-started/',
  });
  const { stdout } = await run(path, ['--version']);
  const version = /v=(\d+)\S*/.exec(stdout);
  if (Number(version?.[1]) < 7) {
    throw new Error(`The tests need Redis 7.0 or newer; ${path} is ${version?.[0]}.`);
  }
  return path;
}

/** Starts a redis-server and resolves when it answers. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisProcess> {
  if (options.port !== undefined) return launch(options.port, options);
  // Somebody else may take a free port before Redis does.
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await launch(await freePort(), options);
    } catch (error) {
      if (attempt === 3) throw error;
    }
  }
}

async function launch(port: number, options: RedisOptions): Promise<RedisProcess> {
  const { folder, sentinel, args = [] } = options;
  const cwd = folder ?? (await mkdtemp(join(tmpdir(), 'redis-')));
  // A Sentinel keeps what it learns in its file.
  if (sentinel !== undefined) await writeFile(join(cwd, 'sentinel.conf'), sentinel);
  const mode = sentinel === undefined ? commandLine(port) : ['sentinel.conf', '--sentinel', ...place(port)];
  const child = spawn('redis-server', [...mode, ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let log = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    log = (log + chunk).slice(-2_000);
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await once(child, 'spawn');
  const pid = child.pid as number; // it has spawned
  const guard = guardian(pid, cwd);

  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    child.kill('SIGCONT'); // a frozen process takes no SIGTERM
    const impatience = setTimeout(() => child.kill('SIGKILL'), 5_000);
    await exited;
    clearTimeout(impatience);
    guard.kill('SIGKILL');
    if (folder === undefined) await rm(cwd, { recursive: true, force: true });
  };
  try {
    await untilAnswers(port, child);
  } catch (cause) {
    await end('SIGKILL');
    throw new Error(`redis-server did not start on port ${port}. ${log.trim()}`, { cause });
  }
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    pid,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
  };
}

function place(port: number): string[] {
  return ['--port', `${port}`, '--bind', '127.0.0.1', '--daemonize', 'no'];
}

function commandLine(port: number): string[] {
  return [
    ...place(port),
    ...['--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction'],
    // Tests pull replicas and connections apart: nothing waits for them, and DEBUG may help.
    ...['--repl-diskless-sync-delay', '0', '--shutdown-timeout', '0', '--enable-debug-command', 'local'],
  ];
}

async function untilAnswers(port: number, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (Date.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('It exited.');
    if (await answers(port, child.pid)) return;
    await delay(10);
  }
  throw new Error('It did not answer within 10 s.');
}

/** Whether the server on this port answers PING, and is the one that was meant. */
async function answers(port: number, pid: number | undefined): Promise<boolean> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8').setTimeout(1_000);
  socket.once('timeout', () => socket.destroy());
  // Not QUIT, which a Sentinel does not know.
  socket.end('PING\r\nINFO server\r\n');
  let reply = '';
  try {
    for await (const chunk of socket) reply += chunk;
  } catch {
    return false; // refused or broken off: not yet
  }
  return reply.startsWith('+PONG') && reply.includes(`\nprocess_id:${pid}\r`);
}
