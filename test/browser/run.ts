/*
 * `npm run test:browser`: finds or installs what the suites need, and runs them where there is no network but loopback.
 * Browsers then have one address to meet at, and nothing of a call leaves the machine. What follows the command goes to
 * Vitest: `npm run test:browser -- -t killed`.
 */

import { execFileSync } from 'node:child_process';
import { ensureCoturn } from '../support/coturn.ts';
import { ensureRedisServer } from '../support/redis-server.ts';
import { ensureChromium } from './chromium.ts';

const vitest = new URL('vitest.mjs', import.meta.resolve('vitest/package.json')).pathname;
const suites = [process.execPath, vitest, 'run', '--config', 'vitest.browser.config.ts'];
/** Its own loopback is down in a new namespace; `$0` and what follows is the command to become. */
const isolated = ['-c', 'ip link set lo up && exec "$0" "$@"'];

try {
  // Installing them needs the network, so all of it happens here.
  for (const ensure of [ensureRedisServer, ensureCoturn, ensureChromium]) await ensure();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
}

const [program, ...args] = [...namespace(), ...suites, ...process.argv.slice(2)] as [string, ...string[]];
// Instead of this process, and not below it: an interrupt or a kill meets the suites themselves.
process.execve?.(program, [program, ...args], process.env as Record<string, string>);

/** What runs a command in a network namespace of its own; nothing where that is not to be had. */
function namespace(): string[] {
  // Anybody may have one who is root in a namespace of users.
  const flags = process.getuid?.() === 0 ? ['--net'] : ['--net', '--map-root-user'];
  const prefix = ['/usr/bin/env', 'unshare', ...flags, 'sh', ...isolated];
  try {
    execFileSync(prefix[0] as string, [...prefix.slice(1), 'true'], { stdio: 'ignore' });
    return prefix;
  } catch {
    process.stderr.write('No network namespace to be had here: the browsers see the whole network.\n');
    return [];
  }
}
