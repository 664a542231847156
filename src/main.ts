import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { type Config, ConfigError, readConfig } from './config.ts';
import { type Node, startNode } from './server.ts';

// What a full collection looks at is, in a node with many sockets, nearly all alive. V8 would do that each time the heap has
// grown by a tenth or a third; so it may double, and calls wait for it a fourth as often.
setFlagsFromString('--heap-growing-percent=100');
// Some time after a collection V8 makes another one only to give memory back, and moves what is left together for that, which
// took 68 ms in a node with 6,000 sockets.
setFlagsFromString('--memory-reducer-gc-count=0');
// On a single core V8's helping threads only take turns with the one they help: a dial cost a tenth more with them.
if (availableParallelism() === 1) setFlagsFromString('--no-parallel-scavenge');

try {
  const config = readConfig();
  const node = await startNode(config);
  process.stdout.write(greeting(config, node));
  process.once('SIGINT', () => exitAfter(node.stop()));
  process.once('SIGTERM', () => {
    process.once('SIGTERM', () => exitAfter(node.stop()));
    exitAfter(node.drain());
  });
} catch (error) {
  process.stderr.write(
    `${error instanceof ConfigError || isExpected(error) ? error.message : (error as Error).stack}\n`,
  );
  process.exit(1);
}

/** A port that is taken, or a Redis that is away, needs no stack trace. */
function isExpected(error: unknown): error is Error {
  return error instanceof Error && ('code' in error || error.name === 'SignalingError');
}

function exitAfter(ended: Promise<void>): void {
  ended.then(
    () => process.exit(0),
    () => process.exit(1),
  );
}

function greeting({ redis, development, demo, graphiql }: Config, { url, users }: Node): string {
  const engine = redis ? 'Redis: one node of many' : 'memory: everything is lost when this process ends';
  const lines = [`Call signaling serves at ${url}/graphql`, `Engine    ${engine}`];
  if (demo) lines.push(`Page      ${pageUrl(url)}   (in a browser: call yourself)`);
  if (graphiql) lines.push(`GraphiQL  ${url}/graphql   (in a browser)`);
  if (development) {
    lines.push(
      'Mode      development: on this machine only, with a secret of its own (AUTH_SECRET or AUTH_JWKS_URL ends it)',
      'Users     alice and bob, both in the hub "team"; their tokens are in .dev/alice.token and .dev/bob.token',
    );
    if (demo) lines.push(...users.map(({ uid }) => `          ${pageUrl(url)}?as=${uid}`));
  }
  return `${lines.join('\n')}\n`;
}

/** Browsers give a camera to pages of localhost, and else only over https: under 0.0.0.0 they do not. */
function pageUrl(url: string): string {
  const page = new URL(url);
  if (/^(?:127\.0\.0\.1|0\.0\.0\.0|\[::1?\])$/.test(page.hostname)) page.hostname = 'localhost';
  return page.href;
}
