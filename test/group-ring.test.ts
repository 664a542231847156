import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { engines, startService, tokenFor } from './support/service.ts';

const repository = fileURLToPath(new URL('..', import.meta.url));

/** A process of the repository's, in a folder; ended with the test. */
function start(file: string, { args = [], ...options }: { args?: string[]; cwd?: string; env?: object }) {
  const child = spawn(process.execPath, [join(repository, file), ...args], {
    cwd: options.cwd,
    env: { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'], ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const closed = once(child, 'close').then(([code]) => code as number | null);
  const written = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.includes('serves at')) written.resolve();
    });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await closed;
  });
  return { closed, serves: written.promise, output: () => output };
}

/** What the example prints, but for the room's name. */
const expected = [
  'Alice calls Bob and Carol into the room standup.',
  "Bob's phone rings: Alice calls into standup.",
  "Carol's phone rings: Alice calls into standup.",
  'Alice is told: the call with bob is ACCEPTED.',
  'Alice is told: the call with carol is ACCEPTED.',
  "The room's door: Bob may enter, Carol may enter.",
  'Alice is told: the call with bob is ENDED.',
  "The room's door: Bob may not enter, Carol may enter.",
  'Alice is told: the call with carol is ENDED.',
  "The room's door: Bob may not enter, Carol may not enter.",
];

const linesOf = (output: string): string[] =>
  output
    .trim()
    .replaceAll(/standup-\d+/g, 'standup')
    .split('\n');

describe('the example of a group ring', () => {
  test.each(engines)(
    'rings two people into one room, and shows what their server sees, on %s',
    async (engine) => {
      const { url } = await startService({ engine });
      const members = ['alice', 'bob', 'carol'].map(async (uid) => [`--${uid}`, await tokenFor(uid)]);
      const server = ['--server', await tokenFor('server', { hubs: {}, admin: true })];
      const tokens = [...(await Promise.all(members)), server].flat();
      const example = start('examples/group-ring.ts', { args: [url, ...tokens] });
      expect({ code: await example.closed, lines: linesOf(example.output()) }).toEqual({
        code: 0,
        lines: expected,
      });
    },
  );

  test('needs nothing but the address of a service in development mode', async () => {
    const cwd = await mkdtemp(join(tmpdir(), 'group-ring-'));
    onTestFinished(() => rm(cwd, { recursive: true }));
    const service = start('src/main.ts', { cwd, env: { PORT: '0', LOG_LEVEL: 'warn' } });
    await service.serves;
    const [, url = ''] = /serves at (\S+)\/graphql/.exec(service.output()) ?? [];
    const example = start('examples/group-ring.ts', { cwd, args: [url] });
    expect({ code: await example.closed, lines: linesOf(example.output()) }).toEqual({
      code: 0,
      lines: expected,
    });
  });

  test('says what is wrong, and fails, when the service refuses', async () => {
    const { url } = await startService({ engine: 'memory' });
    const tokens = ['alice', 'bob', 'carol', 'server'].flatMap((who) => [`--${who}`, 'no token']);
    const example = start('examples/group-ring.ts', { args: [url, ...tokens] });
    expect(await example.closed).toBe(1);
    expect(example.output()).toContain('UNAUTHENTICATED');
  });
});
