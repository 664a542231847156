import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { progress } from './progress.ts';

const folder = new URL('../peers/', import.meta.url);

/** Installs the peers' packages, from their lock file, on first use and when it has changed. */
export async function ensurePeers(): Promise<void> {
  const [installed, locked] = await Promise.all([
    modified('node_modules/.package-lock.json'),
    modified('package-lock.json'),
  ]);
  if (installed >= locked) return;
  progress('installing the peers (npm ci in bench/peers), once');
  const npm = spawn('npm', ['ci', '--no-fund', '--no-audit'], { cwd: folder, stdio: ['ignore', 2, 2] });
  const [code] = await once(npm, 'exit');
  if (code !== 0) throw new Error('The peers could not be installed: npm ci failed in bench/peers.');
}

async function modified(file: string): Promise<number> {
  return stat(new URL(file, folder)).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}
