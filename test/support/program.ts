import { execFile } from 'node:child_process';
import { access, constants, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Where a program comes from. */
export interface Source {
  /** The name of its package in Debian and Ubuntu. */
  readonly package: string;
  /** What to do where it cannot be installed without a question; goes on after "The tests need ". */
  readonly elsewhere: string;
}

/** The path of a program; installs its package where that needs no question. Throws one line that tells how elsewhere. */
export async function ensureProgram(name: string, source: Source): Promise<string> {
  return (await onPath(name)) ?? (await install(name, source));
}

async function install(name: string, { package: packageName, elsewhere }: Source): Promise<string> {
  if (process.getuid?.() !== 0 || !(await onPath('apt-get'))) throw new Error(`The tests need ${elsewhere}`);
  process.stderr.write(`No ${name} found: installing the package ${packageName} with apt-get.\n`);
  await withoutDaemons(async () => {
    await aptGet(packageName, 'update');
    await aptGet(packageName, 'install', '-y', '--no-install-recommends', packageName);
  });
  const path = await onPath(name);
  if (!path) throw new Error(`apt-get installed ${packageName}, and ${name} is still not on the PATH.`);
  return path;
}

async function aptGet(packageName: string, ...args: string[]): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    // Another apt-get may be running, as it does on a machine that has just booted.
    await run('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=120', ...args], { env, maxBuffer: 2 ** 26 });
  } catch (cause) {
    throw new Error(`apt-get ${args[0]} failed; install ${packageName} by hand and run the tests again.`, {
      cause,
    });
  }
}

/** Packages ask this file before they start a service. We want the program, not a server on its usual port. */
async function withoutDaemons(work: () => Promise<void>): Promise<void> {
  const policy = '/usr/sbin/policy-rc.d';
  // One that is there already is the administrator's word, and stays.
  const ours = await succeeds(writeFile(policy, '#!/bin/sh\nexit 101\n', { flag: 'wx', mode: 0o755 }));
  try {
    await work();
  } finally {
    if (ours) await rm(policy);
  }
}

async function onPath(name: string): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name);
    if (await succeeds(access(path, constants.X_OK))) return path;
  }
  return undefined;
}

function succeeds(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}
