import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import { guardian } from './guardian.ts';
import { ensureProgram } from './program.ts';
import { answersStun } from './stun.ts';

/** A TURN server of the test's own, on a loopback port, that relays between loopback addresses. */
export interface Coturn {
  readonly port: number;
  /** For `ICE_TURN_URLS`. */
  readonly url: string;
  /** What it logged: each session with its user, what it asked for, and what it relayed. */
  output(): string;
  /** Ends it. May be called again. */
  stop(): Promise<void>;
}

export interface CoturnOptions {
  /** The secrets that it accepts credentials of, as in `ICE_TURN_SECRETS`. */
  readonly secrets: readonly string[];
  /** More lines for its configuration, for example `['user-quota=2']`. */
  readonly settings?: readonly string[];
}

/** The path of coturn's turnserver; installs it where that needs no question. May take a minute. */
export function ensureCoturn(): Promise<string> {
  return ensureProgram('turnserver', {
    package: 'coturn',
    elsewhere:
      'coturn, with turnserver on the PATH: `sudo apt-get install coturn`, `brew install coturn`, or https://github.com/coturn/coturn',
  });
}

/** Starts a TURN server and resolves when it answers. */
export async function startCoturn(options: CoturnOptions): Promise<Coturn> {
  const path = await ensureCoturn();
  // Somebody else may take a free port before it does.
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await launch(path, await freePort(), options);
    } catch (error) {
      if (attempt === 3) throw error;
    }
  }
}

async function launch(
  path: string,
  port: number,
  { secrets, settings = [] }: CoturnOptions,
): Promise<Coturn> {
  const folder = await mkdtemp(join(tmpdir(), 'coturn-'));
  const file = join(folder, 'turnserver.conf');
  await writeFile(file, [...settingsOf(port, folder, secrets), ...settings, ''].join('\n'));
  const child = spawn(path, ['-c', file], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await once(child, 'spawn');
  const guard = guardian(child.pid as number, folder);

  // It keeps nothing that an end in good order would save, and takes seconds for one.
  const stop = async () => {
    child.kill('SIGKILL');
    await exited;
    guard.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await untilAnswers(port, child);
  } catch (cause) {
    await stop();
    throw new Error(`turnserver did not start on port ${port}. ${output.slice(-2_000).trim()}`, { cause });
  }
  return { port, url: `turn:127.0.0.1:${port}?transport=udp`, output: () => output, stop };
}

/** In a file and not on the command line, of which newer versions take fewer words. */
function settingsOf(port: number, folder: string, secrets: readonly string[]): string[] {
  return [
    ...['log-file=stdout', 'simple-log', 'verbose', `pidfile=${folder}/pid`, `userdb=${folder}/db`],
    ...[`listening-port=${port}`, 'listening-ip=127.0.0.1', 'relay-ip=127.0.0.1'],
    ...['no-tls', 'no-dtls', 'no-cli', 'no-multicast-peers'],
    // Peers on loopback need a password for a command line that is not even there.
    ...['allow-loopback-peers', 'cli-password=unused'],
    ...['realm=example.org', 'use-auth-secret'],
    ...secrets.map((secret) => `static-auth-secret=${secret}`),
  ];
}

async function untilAnswers(port: number, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (Date.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('It exited.');
    if (await answersStun(port)) return;
    await delay(10);
  }
  throw new Error('It did not answer within 10 s.');
}
