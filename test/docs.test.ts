import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import clientJson from '../client/package.json' with { type: 'json' };
import type { Call } from '../client/src/index.ts';
import { type Node, startNode } from '../src/server.ts';
import { post } from './support/api.ts';
import { type CodeBlock, codeBlocks } from './support/code-blocks.ts';
import { freePort } from './support/free-port.ts';
import { listen } from './support/listen.ts';
import { joined, member, onCall } from './support/sdk.ts';
import { configFor, secret, startService, tokenFor } from './support/service.ts';
import { openTerminal } from './support/terminal.ts';

const run = promisify(execFile);
const repository = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string): string => readFileSync(join(repository, file), 'utf8');

const quickstart = codeBlocks(read('docs/quickstart.md'));
const recipes = globSync('docs/recipes/*.md', { cwd: repository }).flatMap((page) => codeBlocks(read(page)));
const blocks = [...quickstart, ...recipes];
const files = blocks.filter(({ kind }) => kind === 'file');

/** The commands with this name. */
function shell(name: string): string {
  const found = blocks.find((block) => block.kind === 'shell' && block.name === name);
  if (!found) throw new Error(`No page has commands called ${name}.`);
  return found.code;
}

let workshop: string;
/** The folder of an application, with all files of the pages, and what it installed. */
let folder: string;
/** What the recipes speak to. */
let service: Node;

beforeAll(async () => {
  workshop = await mkdtemp(join(tmpdir(), 'docs-'));
  folder = join(workshop, 'video');
  const modules = join(folder, 'node_modules');
  await mkdir(join(modules, '.bin'), { recursive: true });
  const client = join(modules, 'call-signaling-client');
  // Copies, as an installation makes them: Vite serves no file that is outside of the application.
  for (const part of ['package.json', 'dist'])
    await cp(join(repository, 'client', part), join(client, part), { recursive: true });
  for (const name of ['graphql-ws', 'graphql', 'jose'])
    await cp(join(repository, 'node_modules', name), join(modules, name), { recursive: true });
  await symlink(join(repository, 'node_modules/vite/bin/vite.js'), join(modules, '.bin/vite'));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  for (const { name, code } of files) await writeFile(join(folder, name), code);

  service = await startNode(configFor({ engine: 'memory' }));
  Object.assign(process.env, {
    SIGNALING_URL: `${service.url}/graphql`,
    AUTH_SECRET: secret,
    LIVEKIT_API_KEY: 'the key',
    LIVEKIT_API_SECRET: 'the secret of LiveKit',
    JITSI_APP_ID: 'app',
    JITSI_APP_SECRET: 'the secret of Jitsi',
    JITSI_DOMAIN: 'meet.example.org',
  });
});

afterAll(async () => {
  await service?.stop();
  await rm(workshop, { recursive: true, force: true });
});

/** What a file of a page exports. It is run as it stands there. */
// biome-ignore lint/suspicious/noExplicitAny: the page's own, without types.
const load = (name: string): Promise<any> => import(pathToFileURL(join(folder, name)).href);

describe('the pages', () => {
  test('leave no code untested: every block of a program is a file or a command of these tests', () => {
    const programs = ['js', 'ts', 'tsx', 'html', 'sh'];
    const untested = blocks.filter(
      ({ kind, language }) => kind === 'unmarked' && programs.includes(language),
    );
    expect(untested).toEqual([]);
    const names = blocks.flatMap(({ kind, name }) => (kind === 'unmarked' ? [] : [name]));
    expect(names).toEqual([...new Set(names)]);
  });

  test('have types that hold under `strict`', async () => {
    const tsconfig = {
      compilerOptions: {
        strict: true,
        noEmit: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        target: 'es2023',
        lib: ['es2024', 'dom', 'dom.iterable'],
        types: [],
        module: 'esnext',
        moduleResolution: 'bundler',
        jsx: 'react-jsx',
      },
      include: ['*.ts', '*.tsx'],
    };
    await writeFile(join(folder, 'libraries.d.ts'), libraries);
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig));
    onTestFinished(() => rm(join(folder, 'tsconfig.json')));
    const tsc = join(repository, 'node_modules/typescript/bin/tsc');
    const { stdout } = await run(process.execPath, [tsc, '-p', folder]).catch((error) => error);
    expect(stdout).toBe('');
  });

  test('have service workers that a browser can read', async () => {
    for (const { name } of files.filter(({ name }) => name.startsWith('sw')))
      await run(process.execPath, ['--check', join(folder, name)]);
  });
});

describe('docs/quickstart.md', () => {
  const file = (name: string): CodeBlock | undefined => quickstart.find((block) => block.name === name);

  test("shows the client's example word by word, and that has at most 25 lines", () => {
    const { code = '' } = file('video-call.ts') ?? {};
    expect(code).toBe(read('client/examples/video-call.ts'));
    expect(code.trimEnd().split('\n').length).toBeLessThanOrEqual(25);
  });

  test('installs the package under the name that `npm pack` gives it', () => {
    expect(shell('install')).toContain(`npm install ./${clientJson.name}-${clientJson.version}.tgz jose\n`);
  });

  test('makes a token in the shell that the service accepts', async () => {
    await openTerminal(shell('secret'), { cwd: workshop }).closed;
    const env = {
      AUTH_SECRET: await readFile(join(folder, 'auth.secret'), 'utf8').then((text) => text.trim()),
    };
    const { url } = await startService({ engine: 'memory', env });
    const terminal = openTerminal(shell('token').replaceAll('http://localhost:4000', url), { cwd: folder });
    expect(await terminal.closed).toBe(0);
    expect(terminal.output()).toContain(
      '{"data":{"viewer":{"uid":"alice","firstname":"Alice","hubs":[{"hubId":"team","privilege":15}]}}}',
    );
  });

  test('is an application in which people call each other', async () => {
    const page = await startQuickstart();
    const origin = new URL(page).origin;

    // What a browser loads.
    expect(await text(page)).toContain('/main.ts');
    expect(await text(`${origin}/main.ts`)).toContain('/video-call.ts');
    const [, client = ''] =
      /from "(\S+call-signaling-client\S*)"/.exec(await text(`${origin}/video-call.ts`)) ?? [];
    expect(await text(origin + client)).toContain('negotiate');

    // What it may do: its origin is that of the service.
    expect(await fetch(`${origin}/token?me=mallory`)).toMatchObject({ status: 404 });
    const socket = new WebSocket(`${origin.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
      origin,
    });
    onTestFinished(() => socket.terminate());
    await once(socket, 'open');

    // What it does.
    const pages = openTerminal(
      `exec '${process.execPath}' '${join(repository, 'test/support/two-pages.ts')}' '${join(folder, 'video-call.ts')}' '${page}'`,
      { cwd: folder },
    );
    await pages.prints(/It is over: HANGUP/);
    expect(pages.output().split('\n')).toEqual(
      expect.arrayContaining([
        'Bob is away: UNREACHABLE.',
        'Bob is asked: Alice Archer calls.',
        'Both see each other.',
      ]),
    );
  }, 60_000);
});

describe('docs/recipes/backend.md', () => {
  test('tells everyone in a hub from the shell, once', async () => {
    const bob = await listen(service.url, await tokenFor('bob'));
    const env = { TOKEN: await tokenFor('backend', { hubs: { team: 'read' } }) };
    const command = shell('tell').replaceAll('http://localhost:4000', service.url);
    expect(await openTerminal(command, { cwd: folder, env }).closed).toBe(0);
    expect(await openTerminal(command, { cwd: folder, env }).closed).toBe(0);
    const { tellHub } = await load('tell.js');
    await tellHub('team', 'last', null);
    expect(await bob.next()).toMatchObject({
      __typename: 'PeerMessage',
      type: 'document-saved',
      payload: { id: 7 },
      origin: { uid: 'backend' },
    });
    expect(await bob.next()).toMatchObject({ type: 'last' });
    bob.close();
  });

  test('tells a hub and a user from Node, and says what was refused', async () => {
    const { tellHub, tellUser } = await load('tell.js');
    const bob = await joined(service.url, 'bob');
    const messages = bob.on('message');
    await tellHub('team', 'saved', { id: 1 }, 'key-1');
    await tellHub('team', 'saved', { id: 1 }, 'key-1');
    expect(await tellUser('team', 'bob', 'hello', null, 'key-2')).toMatchObject({ offline: false });
    expect(await tellUser('team', 'nobody', 'hello', null, 'key-3')).toMatchObject({ offline: true });
    expect(await messages.next()).toMatchObject({ type: 'saved', payload: { id: 1 } });
    expect(await messages.next()).toMatchObject({ type: 'hello' });
    const refusal = await tellHub('not an id', 'saved', null).catch((error: unknown) => error);
    expect(refusal).toMatchObject({
      code: expect.stringMatching(/BAD_USER_INPUT|UNAUTHENTICATED/),
      retryable: false,
    });
  });

  test('tells several hubs at once with `notify`, and everyone a single time', async () => {
    const bob = await joined(service.url, 'bob', { claims: { hubs: { team: 'read', board: 'read' } } });
    const notifications = bob.on('notification');
    const { notify, leave } = await load('notify.js');
    onTestFinished(leave);
    await notify(['team', 'board'], 'moved', { to: 2 }, 'key-4');
    await notify(['board'], 'last');
    expect(await notifications.next()).toMatchObject({ type: 'moved', recipients: ['team', 'board'] });
    expect(await notifications.next()).toMatchObject({ type: 'last' });
  });

  test('lets somebody into a hub and puts them out, while they are connected', async () => {
    const { letIn, putOut } = await load('members.js');
    const { tellHub } = await load('tell.js');
    const bob = await joined(service.url, 'bob');
    const messages = bob.on('message');
    await letIn('club', 'bob');
    await tellHub('club', 'inside', null);
    await putOut('club', 'bob');
    await tellHub('club', 'outside', null);
    await tellHub('team', 'last', null);
    expect(await messages.next()).toMatchObject({ type: 'inside' });
    expect(await messages.next()).toMatchObject({ type: 'last' });
  });
});

describe('docs/recipes/media-server.md', () => {
  const key = new TextEncoder().encode('the secret of LiveKit');

  test('lets into a room who made it, and who is called into it for as long as the call lives', async () => {
    const { makeRoom, enterRoom } = await load('rooms.js');
    const [alice, bob] = await Promise.all([joined(service.url, 'alice'), joined(service.url, 'bob')]);
    const roomId = makeRoom('alice');
    const may = async (uid: string): Promise<boolean> =>
      (await enterRoom({ uid, name: uid }, roomId)) !== undefined;
    expect([await may('alice'), await may('bob')]).toEqual([true, false]);

    const rings = bob.on('call');
    const call = await alice.signaling.dial('bob', { roomId, roomType: 'livekit' });
    expect((await rings.next()).roomId).toBe(roomId);
    expect([await may('bob'), await may('carol')]).toEqual([true, false]);
    const { payload } = await jwtVerify(await enterRoom({ uid: 'bob', name: 'Bob Baker' }, roomId), key, {
      issuer: 'the key',
      subject: 'bob',
      requiredClaims: ['exp', 'nbf'],
    });
    expect(payload).toMatchObject({ name: 'Bob Baker', video: { roomJoin: true, room: roomId } });

    await call.hangUp();
    expect([await may('alice'), await may('bob')]).toEqual([true, false]);
  });

  test('makes a token for a room of Jitsi', async () => {
    const { jitsiToken } = await load('jitsi.js');
    const token = await jitsiToken({ uid: 'bob', name: 'Bob Baker' }, 'room-1');
    const { payload } = await jwtVerify(token, new TextEncoder().encode('the secret of Jitsi'), {
      issuer: 'app',
      audience: 'app',
      subject: 'meet.example.org',
      requiredClaims: ['exp'],
    });
    expect(payload).toMatchObject({ room: 'room-1', context: { user: { id: 'bob', name: 'Bob Baker' } } });
  });
});

describe('docs/recipes/wake.md', () => {
  /** Pushes that were sent, and the phones that they wake. */
  async function withPhones({ areThere = true, mayCall = true } = {}) {
    const { dialAwake } = await load('dial-awake.ts');
    const { sayAwake } = await load('on-push.ts');
    const { wake } = await load('wake.js');
    const pushes: { to: string; from: string; name: string }[] = [];
    const rings: Call[] = [];

    async function push(to: string, body: { from: string; name: string }): Promise<boolean> {
      pushes.push({ to, ...body });
      if (!areThere) return false;
      const phone = member(service.url, to, { deviceId: 'phone' });
      phone.signaling.on('call', (call) => rings.push(call));
      await phone.signaling.ready();
      await sayAwake(phone.signaling, body);
      return true;
    }

    /** The route of the caller's server. */
    const serve = (uid: string, callId: string): Promise<boolean> =>
      wake({ uid, name: 'Alice Archer' }, callId, { mayCall: async () => mayCall, push });
    const { fetch } = globalThis;
    vi.stubGlobal('fetch', async (path: string, options: RequestInit) => {
      const [, callId] = /^\/calls\/(.+)\/wake$/.exec(path) ?? [];
      if (!callId) return fetch(path, options);
      return new Response(null, { status: (await serve(alice.uid, callId)) ? 204 : 403 });
    });
    onTestFinished(() => void vi.unstubAllGlobals());
    const alice = await joined(service.url, `alice-${randomUUID()}`);
    const dial = (uid: string, giveUp?: AbortSignal): Promise<Call> =>
      dialAwake(alice.signaling, uid, giveUp);
    return { alice, dial, serve, pushes, rings };
  }

  test('rings a phone that was asleep: push, awake, and a second dial', async () => {
    const { alice, dial, pushes, rings } = await withPhones();
    const bob = `bob-${randomUUID()}`;
    const call = await dial(bob);
    expect(pushes).toEqual([{ to: bob, from: alice.uid, name: 'Alice Archer' }]);
    expect(call.state).toBe('RINGING');
    await vi.waitFor(() => expect(rings).toHaveLength(1));
    expect(await rings[0]?.accept()).toBe(true);
    await onCall(call, 'accepted').next();
  });

  test('rings a phone that wakes up while the call rings on another device', async () => {
    const { dial, pushes, rings } = await withPhones();
    const bob = await joined(service.url, `bob-${randomUUID()}`, { deviceId: 'laptop' });
    const laptop = bob.on('call');
    const call = await dial(bob.uid);
    const { id } = await laptop.next();
    await vi.waitFor(() => expect(rings.map((ring) => ring.id)).toEqual([id]));
    expect([call.id, pushes.length]).toEqual([id, 1]);
  });

  test('ends when nobody wakes up, when nobody may, and when there is nothing to wake', async () => {
    const { dial, pushes } = await withPhones({ areThere: false });
    expect((await dial('carol')).reason).toBe('UNREACHABLE');
    expect(pushes).toHaveLength(1);

    const forbidden = await withPhones({ mayCall: false });
    expect((await forbidden.dial('carol')).reason).toBe('UNREACHABLE');
    expect(forbidden.pushes).toEqual([]);

    const given = new AbortController();
    given.abort();
    const { reason } = await (await withPhones()).dial(`bob-${randomUUID()}`, given.signal);
    expect(reason).toBe('UNREACHABLE');
  });

  test("wakes nobody for a call that is somebody else's, or was talked in", async () => {
    const { alice, serve, pushes } = await withPhones();
    const bob = await joined(service.url, `bob-${randomUUID()}`);
    const rings = bob.on('call');
    const call = await alice.signaling.dial(bob.uid);
    await expect(serve('mallory', call.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await serve(bob.uid, call.id)).toBe(false);
    await (await rings.next()).accept();
    expect(await serve(alice.uid, call.id)).toBe(false);
    expect(pushes).toEqual([]);
  });
});

describe('docs/recipes/secrets.md', () => {
  test('changes the key while both are published, and no private part ever is', async () => {
    const { makeKey, publicKeys, mintToken } = await load('keys.js');
    const [old, next, foreign] = await Promise.all([makeKey(), makeKey(), makeKey()]);
    const published = JSON.stringify(publicKeys([old, next]));
    expect(published).not.toContain(old.d);
    const keys = createServer((_request, response) => response.end(published)).listen(0, '127.0.0.1');
    onTestFinished(() => void keys.close());
    await once(keys, 'listening');
    const { port } = keys.address() as AddressInfo;
    const env = { AUTH_SECRET: '', AUTH_JWKS_URL: `http://127.0.0.1:${port}/.well-known/jwks.json` };
    const { url } = await startService({ engine: 'memory', env });
    const user = { uid: 'alice', firstname: 'Alice', hubs: { team: 'write' } };
    const viewer = async (...with_: unknown[]) =>
      (await post(url, await mintToken(user, with_), '{ viewer { uid firstname } }')).data;
    expect(await viewer(old, next)).toEqual({ viewer: { uid: 'alice', firstname: 'Alice' } });
    expect(await viewer(next, old)).toEqual({ viewer: { uid: 'alice', firstname: 'Alice' } });
    expect(await viewer(foreign)).toBeNull();
  });
});

describe('links', () => {
  const exclude = (path: string): boolean => basename(path) === 'node_modules';
  const pages = globSync('**/*.md', { cwd: repository, exclude });

  test.each(pages)('every relative link in %s leads to a file, and to a heading that it has', (page) => {
    const links = [...read(page).matchAll(/\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?[^)]*\)/g)];
    const broken = links.filter(([, path = '', heading]) => {
      const target = path === '' ? page : join(dirname(page), path);
      if (!existsSync(join(repository, target))) return true;
      return heading !== undefined && target.endsWith('.md') && !headingsOf(target).includes(heading);
    });
    expect(broken.map(([link]) => link)).toEqual([]);
  });

  /** The headings of a page, as GitHub names them in addresses. */
  function headingsOf(page: string): string[] {
    const prose = read(page).replaceAll(/^```.*?^```$/gms, '');
    return [...prose.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
        .replaceAll(' ', '-'),
    );
  }
});

/** Starts everything that the quickstart starts, by its own commands; resolves with the address of its page. */
async function startQuickstart(): Promise<string> {
  await openTerminal(shell('secret'), { cwd: workshop }).closed;
  const [servicePort, serverPort] = [String(await freePort()), String(await freePort())];
  for (const name of ['server.js', 'vite.config.js']) {
    const code = await readFile(join(folder, name), 'utf8');
    await writeFile(join(folder, name), code.replaceAll('4000', servicePort).replaceAll('3000', serverPort));
  }
  // The service runs from the repository, which stands elsewhere, and was installed.
  const serve = shell('service').replace('npm ci\n', '').replace('../video', folder);
  const env = { PORT: servicePort, HOST: '127.0.0.1' };
  const service = openTerminal(serve, { cwd: repository, env });
  openTerminal(shell('server'), { cwd: folder });
  const page = openTerminal(shell('page'), { cwd: folder, env: { npm_config_offline: 'true' } });
  await service.prints(/serves at/);
  const [, address = ''] = await page.prints(/Local:\s+(http\S+)/);
  await vi.waitFor(() => fetch(`http://localhost:${serverPort}`), 10_000);
  return address;
}

async function text(url: string): Promise<string> {
  const response = await fetch(url);
  expect([url, response.status]).toEqual([url, 200]);
  return response.text();
}

/** As much of other people's libraries as the pages use. */
const libraries = `
declare module 'react' {
  type Cleanup = void | (() => void);
  export function useEffect(effect: () => Cleanup, dependencies?: readonly unknown[]): void;
  export function useCallback<Callback extends (...args: never[]) => unknown>(callback: Callback, dependencies: readonly unknown[]): Callback;
  export function useRef<Value>(value: Value): { current: Value };
  export function useState<Value>(value: Value | (() => Value)): [Value, (next: Value | ((present: Value) => Value)) => void];
  export function useSyncExternalStore<Value>(subscribe: (changed: () => void) => () => void, snapshot: () => Value, onServer?: () => Value): Value;
  export interface FormEvent<Target> { readonly currentTarget: Target; preventDefault(): void }
}
declare module 'react/jsx-runtime' {
  export namespace JSX {
    interface Element {}
    interface IntrinsicElements {
      section: { children?: unknown };
      p: { role?: string; children?: unknown };
      form: { onSubmit?: (event: import('react').FormEvent<HTMLFormElement>) => void; children?: unknown };
      input: { name?: string; 'aria-label'?: string; required?: boolean };
      button: { type?: 'submit' | 'button'; onClick?: () => void; children?: unknown };
      video: { ref?: (element: HTMLVideoElement | null) => void; autoPlay?: boolean; playsInline?: boolean; muted?: boolean };
    }
  }
}
declare module 'livekit-client' {
  export class Room {
    readonly localParticipant: { enableCameraAndMicrophone(): Promise<void> };
    connect(url: string, token: string): Promise<void>;
    disconnect(): Promise<void>;
  }
}
`;
