import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'vite';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startService, tokenFor } from './support/service.ts';

const run = promisify(execFile);

/** What an application may write: two people call each other, and one hangs up. It prints what became of it. */
const application = `
import { connect, SignalingError } from 'call-signaling-client';

const { url, tokens, transport } = JSON.parse(globalThis.process.argv[2] ?? '{}');
const join = (uid) => connect({ url, getToken: () => tokens[uid], hubId: 'team', transport });
const [alice, bob] = [join('alice'), join('bob')];
await Promise.all([alice.ready(), bob.ready()]);
bob.on('call', (call) => call.accept());
const call = await alice.dial('bob');
await new Promise((resolve) => call.on('accepted', resolve));
const ended = new Promise((resolve) => call.on('ended', resolve));
await call.hangUp();
const refused = await alice.dial('alice').catch((error) => error instanceof SignalingError && error.code);
console.log(JSON.stringify([alice.transport, await ended, refused]));
alice.close();
bob.close();
`;

let workshop: string;
/** An application's folder, with the published package in it, and what that depends on. */
let folder: string;

beforeAll(async () => {
  workshop = await mkdtemp(join(tmpdir(), 'client-package-'));
  folder = join(workshop, 'application');
  const modules = join(folder, 'node_modules');
  await mkdir(modules, { recursive: true });
  // As for the registry: `prepare` builds it. In a copy, because others may be reading what is built here.
  const source = join(workshop, 'client');
  await cp('client', source, { recursive: true, filter: (path) => basename(path) !== 'dist' });
  await cp('tsconfig.json', join(workshop, 'tsconfig.json'));
  await symlink(resolve('node_modules'), join(workshop, 'node_modules'));
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', workshop], { cwd: source });
  const [{ filename }] = JSON.parse(stdout.slice(stdout.indexOf('[')));
  await run('tar', ['-xzf', join(workshop, filename), '-C', modules]);
  await rename(join(modules, 'package'), join(modules, 'call-signaling-client'));
  for (const name of ['graphql-ws', 'graphql'])
    await symlink(resolve('node_modules', name), join(modules, name));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await writeFile(join(folder, 'main.js'), application);
}, 60_000);

afterAll(() => rm(workshop, { recursive: true, force: true }));

/** Runs a file of the application's in Node as it is. */
async function runNode(file: string, transport: string): Promise<unknown> {
  const { url } = await startService({ engine: 'memory' });
  const tokens = { alice: await tokenFor('alice'), bob: await tokenFor('bob') };
  const { stdout } = await run(process.execPath, [file, JSON.stringify({ url, tokens, transport })], {
    cwd: folder,
    timeout: 15_000,
  });
  return JSON.parse(stdout);
}

test.each(['ws', 'sse'])('the published package works in plain Node, over %s', async (transport) => {
  expect(await runNode('main.js', transport)).toEqual([transport, 'HANGUP', 'BAD_USER_INPUT']);
});

test('it works in a page that Vite has built', async () => {
  await writeFile(join(folder, 'index.html'), '<script type="module" src="main.js"></script>');
  // Nothing can be imported from there.
  const outDir = await mkdtemp(join(tmpdir(), 'client-page-'));
  onTestFinished(() => rm(outDir, { recursive: true, force: true }));
  await build({
    root: folder,
    configFile: false,
    logLevel: 'error',
    build: { outDir, modulePreload: false, target: 'es2022' },
  });
  const [bundle = ''] = await readdir(join(outDir, 'assets'));
  await rename(join(outDir, 'assets', bundle), join(outDir, 'page.mjs'));
  expect(await runNode(join(outDir, 'page.mjs'), 'ws')).toEqual(['ws', 'HANGUP', 'BAD_USER_INPUT']);
});

test('its types hold in a strict page, which knows nothing of Node', async () => {
  const source = join(folder, 'src');
  await cp(join(folder, 'node_modules/call-signaling-client/examples'), source, { recursive: true });
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noEmit: true,
    target: 'es2022',
    lib: ['es2022', 'dom', 'dom.iterable'],
    types: [],
    module: 'esnext',
    moduleResolution: 'bundler',
    // The package's own declarations are looked at too.
    skipLibCheck: false,
  };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }));
  await run(process.execPath, [resolve('node_modules/typescript/bin/tsc'), '-p', folder]);
});

test('the video call of its examples is at most 25 lines', async () => {
  const text = await readFile('client/examples/video-call.ts', 'utf8');
  expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(25);
});

test('it depends on `graphql-ws` and nothing else', async () => {
  const { dependencies } = JSON.parse(await readFile('client/package.json', 'utf8'));
  expect(Object.keys(dependencies)).toEqual(['graphql-ws']);
});
