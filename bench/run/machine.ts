import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { mayGoFirst, nodeFlags, pinned } from './processes.ts';

/** What a figure depends on besides the code. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly kernel: string;
  readonly node: string;
  readonly nodeFlags: string;
  readonly redis: string;
  /** The peers' packages and their versions. */
  readonly peers: string;
  readonly pinned: boolean;
  /** Whether processes could be given precedence over those of others. */
  readonly ahead: boolean;
  readonly openFiles: number;
  /** Processes that wanted to run in the minute before. */
  readonly load: number;
  readonly commit: string;
  readonly date: string;
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    nodeFlags: nodeFlags.join(' '),
    redis: /v=(\S+)/.exec(output('redis-server', '--version'))?.[1] ?? 'unknown',
    peers: peerVersions(),
    pinned,
    ahead: mayGoFirst,
    openFiles: openFileLimit(),
    load: Number((loadavg()[0] ?? 0).toFixed(2)),
    commit: commit(),
    date: new Date().toISOString().slice(0, 16).replace('T', ' '),
  };
}

/** How many connections a process may have. */
export function openFileLimit(): number {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  return Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? 1024);
}

function peerVersions(): string {
  const text = readFileSync(new URL('../peers/package-lock.json', import.meta.url), 'utf8');
  const { packages } = JSON.parse(text) as {
    packages: Record<string, { version?: string; dependencies?: object }>;
  };
  const names = Object.keys(packages['']?.dependencies ?? {});
  return names.map((name) => `${name} ${packages[`node_modules/${name}`]?.version}`).join(', ');
}

function commit(): string {
  const id = output('git', 'rev-parse', '--short', 'HEAD').trim();
  const changed =
    output('git', 'status', '--porcelain', '--', 'src', 'schema', 'package-lock.json').trim() !== '';
  return changed ? `${id} with changes` : id;
}

function output(command: string, ...args: string[]): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return '';
  }
}
