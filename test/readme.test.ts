import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CloseCode } from 'graphql-ws';
import { describe, expect, onTestFinished, test } from 'vitest';
import { meaningsOf } from '../docs/call-states.ts';
import packageJson from '../package.json' with { type: 'json' };
import { readConfig } from '../src/config.ts';
import { createSchema } from '../src/graphql/schema.ts';
import { closeCodes } from '../src/graphql/ws-door.ts';
import type { EndReason } from '../src/signaling/call.ts';
import { errorCodes } from '../src/signaling/errors.ts';
import { callRecords } from '../src/signaling/history.ts';
import { retentionOf } from '../src/signaling/topic.ts';
import { ringing } from './support/ringing-call.ts';

const repository = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string): string => readFileSync(join(repository, file), 'utf8');

const readme = read('README.md');
const protocol = read('PROTOCOL.md');
const commands = [...readme.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, command]) => command ?? '');

describe('the README', () => {
  test('begins with the one command that is needed', () => {
    expect(readme.split('\n').slice(0, 15)).toContain('npm ci && npm start');
    expect(commands).toContain('npm ci && npm start\n');
    expect(commands).toContain('npm ci && npm test\n');
  });

  test('rings in the second terminal when its third one dials, word by word', async () => {
    const { folder, url } = await npmStart();
    const terminal = (command: string) =>
      shell(command.replaceAll('http://localhost:4000', url), { cwd: folder });
    const bob = terminal(commandWith('curl', 'incomingSignal'));
    await bob.prints('"SocketReady"');
    const alice = terminal(commandWith('curl', 'dial('));
    await alice.prints('"offline":false');
    await bob.prints('"IncomingCall"');
    expect(bob.output()).toMatch(/^data: .*"name":"Alice"/m);
  });

  test('lists every variable of the configuration, and no other', () => {
    const [, known = ''] = /z\.object\(\{\n(.*?)^\}\);/ms.exec(read('src/config.ts')) ?? [];
    const names = [...known.matchAll(/^ {2}([A-Z][A-Z_]+):/gm)].map(([, name]) => name);
    expect(names).toContain('REDIS_URL');
    expect(Object.keys(table(readme, 'variable')).sort()).toEqual(names.sort());
  });

  test('tells the defaults that apply without any variable', () => {
    const { port, host, logLevel, limits } = readConfig({});
    const served = readConfig({ AUTH_SECRET: 'a secret of at least thirty-two bytes' });
    const printed = table(readme, 'variable');
    const limitNames = Object.keys(printed).filter((name) => name.startsWith('LIMIT_'));
    expect(limitNames.map((name) => Number(printed[name]?.[0]))).toEqual(Object.values(limits));
    expect(printed).toMatchObject({
      PORT: [String(port), expect.anything()],
      HOST: [served.host, expect.stringContaining(host)],
      LOG_LEVEL: [logLevel, expect.anything()],
    });
  });
});

describe('PROTOCOL.md', () => {
  const values = (name: string): string[] => {
    const type = createSchema().getType(name);
    return type && 'getValues' in type ? type.getValues().map((value) => value.name) : [];
  };

  test('lists every error code with whether it is retryable, and no other', () => {
    const listed = Object.entries(table(protocol, 'code')).map(([code, [retryable]]) => [code, retryable]);
    const known = Object.entries(errorCodes).map(([code, { retryable }]) => [code, retryable ? 'yes' : 'no']);
    expect(listed.sort()).toEqual(known.sort());
  });

  test('lists every reason for a lost cursor, and no other', () => {
    expect(Object.keys(table(protocol, '`reason`')).sort()).toEqual(values('RecoveryFailure').sort());
  });

  test('lists every code of SocketClosing with its close code on a WebSocket, and no other', () => {
    const listed = table(protocol, '`SocketClosing.code`');
    expect(Object.keys(listed).sort()).toEqual(values('ClosingCode').sort());
    for (const [code, [, webSocket = '']] of Object.entries(listed)) {
      const number = closeCodes[code as keyof typeof closeCodes];
      expect([code, /\d{4}/.exec(webSocket)?.[0]]).toEqual([code, number?.toString()]);
    }
  });

  test('lists every close code that the service sends', () => {
    const ours = Object.values(closeCodes);
    const library = [
      CloseCode.BadRequest,
      CloseCode.Unauthorized,
      CloseCode.Forbidden,
      CloseCode.SubprotocolNotAcceptable,
      CloseCode.ConnectionInitialisationTimeout,
      CloseCode.SubscriberAlreadyExists,
      CloseCode.TooManyInitialisationRequests,
      CloseCode.InternalServerError,
    ];
    const listed = Object.keys(table(protocol, 'close code')).map(Number);
    expect(listed.sort()).toEqual([...new Set([...ours, ...library, 1009])].sort());
  });

  test('lists every reason for the end of a call, whether it was missed, and the word that history has for it', () => {
    const listed = Object.entries(table(protocol, 'reason')).map(([reason, [missed, status]]) => [
      reason,
      missed,
      status,
    ]);
    const known = [...meaningsOf('EndReason').keys()].map((reason) => {
      const call = { ...ringing, state: 'ENDED', reason: reason as EndReason, endedAt: 1000 } as const;
      const callees = callRecords(call).find(({ owner }) => owner === call.callee)?.record;
      return [reason, callees?.missed ? 'yes' : 'no', callees?.status ?? ''];
    });
    expect(listed.sort()).toEqual(known.sort());
  });

  test('tells how long signals are kept', () => {
    const minutes = (topic: Parameters<typeof retentionOf>[0]) => retentionOf(topic).idleMs / 60_000;
    expect(protocol).toContain(`${minutes('user:a')} minutes`);
    expect(protocol).toContain(`${minutes('hub:a')} minutes`);
  });
});

test.each(['README.md', 'PROTOCOL.md', 'CONTRIBUTING.md'])(
  'every relative link in %s leads somewhere',
  (file) => {
    const links = [...read(file).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, path]) => path ?? '');
    expect(links.filter((path) => !existsSync(join(repository, dirname(file), path)))).toEqual([]);
  },
);

/** The rows of the table with this first heading: the cells after the first, by the first. Backticks are left out. */
function table(page: string, heading: string): Record<string, string[]> {
  const lines = page.split('\n');
  const head = lines.findIndex((line) => line.startsWith(`| ${heading} |`));
  const rows = lines.slice(head + 2);
  const length = rows.findIndex((line) => !line.startsWith('|'));
  const cells = rows.slice(0, length).map((line) => line.replaceAll('`', '').split('|').slice(1, -1));
  return Object.fromEntries(
    cells.map(([first = '', ...others]) => [first.trim(), others.map((cell) => cell.trim())]),
  );
}

/** The README's command that contains all of these words. */
function commandWith(...words: string[]): string {
  const found = commands.find((command) => words.every((word) => command.includes(word)));
  if (!found) throw new Error(`The README has no command with ${words.join(' and ')}.`);
  return found;
}

/** Does what `npm start` does, in an empty folder (for a `.dev` of its own) and on a free port. */
async function npmStart(): Promise<{ folder: string; url: string }> {
  const [program, main, ...others] = packageJson.scripts.start.split(' ');
  expect([program, main, ...others]).toEqual(['node', 'src/main.ts']);
  const folder = await mkdtemp(join(tmpdir(), 'readme-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const env = { PATH: process.env['PATH'], PORT: '0' };
  const service = shell(`exec '${process.execPath}' '${join(repository, 'src/main.ts')}'`, {
    cwd: folder,
    env,
  });
  await service.prints('Users ');
  const [, url = ''] = /serves at (\S+)\/graphql/.exec(service.output()) ?? [];
  return { folder, url };
}

/** A command in a terminal of its own, which is closed when the test ends. */
function shell(command: string, options: { cwd: string; env?: NodeJS.ProcessEnv }) {
  const child = spawn('sh', ['-c', command], {
    ...options,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let wake = (): void => {};
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      wake();
    });
  }
  const ended = once(child, 'close').then(() => wake());
  onTestFinished(() => close(child, ended));

  return {
    output: () => output,
    /** Resolves when the text was printed; fails when the command ends without, or after 10 s. */
    prints: (text: string) =>
      new Promise<void>((resolve, reject) => {
        const fail = () => reject(new Error(`${command}\ndid not print ${text}, but:\n${output}`));
        const deadline = setTimeout(fail, 10_000);
        const settle = (act: () => void) => {
          clearTimeout(deadline);
          act();
        };
        wake = () => {
          if (output.includes(text)) settle(resolve);
          else if (child.exitCode !== null) settle(fail);
        };
        wake();
      }),
  };
}

/** Ends the command, and whatever it started. */
async function close(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
  await ended;
}
