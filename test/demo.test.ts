import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, validate } from 'graphql';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readConfig } from '../src/config.ts';
import { createSchema } from '../src/graphql/schema.ts';
import type { Node } from '../src/server.ts';
import { data } from './support/api.ts';
import { rawRequest } from './support/raw.ts';
import { secret, startService } from './support/service.ts';

const folder = new URL('../demo/', import.meta.url);

/** A node in development mode; its `.dev/` is in a folder of its own. */
async function startDevelopment(env: NodeJS.ProcessEnv = {}): Promise<Node> {
  const before = process.cwd();
  process.chdir(await emptyFolder());
  try {
    return await startService({ engine: 'memory', env: { AUTH_SECRET: '', ...env } });
  } finally {
    process.chdir(before);
  }
}

async function emptyFolder(): Promise<string> {
  const empty = await mkdtemp(join(tmpdir(), 'demo-'));
  onTestFinished(() => rm(empty, { recursive: true }));
  return empty;
}

/** What the service wrote into a page. */
function settingsOf(html: string) {
  const [, json = ''] = /<script type="application\/json" id="settings">(.*?)<\/script>/.exec(html) ?? [];
  return JSON.parse(json) as { users: { uid: string; token: string }[]; graphiql: boolean };
}

function importMapOf(html: string) {
  const [, json = ''] = /<script type="importmap">(.*?)<\/script>/.exec(html) ?? [];
  return { json, imports: (JSON.parse(json) as { imports: Record<string, string> }).imports };
}

describe('the page', () => {
  test('is what a browser gets in development mode, and knows two users by tokens that are good', async () => {
    const { url } = await startDevelopment();
    const page = await fetch(url);
    const html = await page.text();
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const { users, graphiql } = settingsOf(html);
    expect(graphiql).toBe(true);
    expect(users.map(({ uid }) => uid)).toEqual(['alice', 'bob']);
    for (const { uid, token } of users)
      expect(await data(url, token, '{ viewer { uid } }')).toEqual({ viewer: { uid } });
  });

  test('allows nothing inline but its map of names, nothing from elsewhere, and no frame around it', async () => {
    const { url } = await startDevelopment();
    const page = await fetch(url);
    const html = await page.text();
    const hash = createHash('sha256').update(importMapOf(html).json).digest('base64');
    expect(page.headers.get('content-security-policy')?.split('; ')).toEqual([
      "default-src 'none'",
      `script-src 'self' 'sha256-${hash}'`,
      "style-src 'self'",
      "img-src 'self'",
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ]);
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
    expect(page.headers.get('referrer-policy')).toBe('no-referrer');
    expect(page.headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect(html).not.toMatch(/<style|\sstyle=|\son[a-z]+=/i);
    const scripts = [...html.matchAll(/<script([^>]*)>/g)].map(([, attributes]) => attributes?.trim());
    expect(scripts).toEqual([
      'type="importmap"',
      'type="application/json" id="settings"',
      'type="module" src="demo/page.js"',
    ]);
  });

  test('finds everything that it loads, and loads nothing that is not its own', async () => {
    const { url } = await startDevelopment();
    const html = await (await fetch(url)).text();
    const { imports } = importMapOf(html);
    const preloaded = [...html.matchAll(/rel="modulepreload" href="([^"]+)"/g)].map(([, href = '']) => href);
    const loaded = [...html.matchAll(/(?:href|src)="([^"#]+)"/g)].map(([, href = '']) => href);
    const waiting = loaded
      .filter((href) => !['./', 'graphql'].includes(href))
      .map((href) => new URL(href, url));
    const types: Record<string, string> = { css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml' };
    const seen = new Map<string, string>();

    for (let next = waiting.pop(); next; next = waiting.pop()) {
      const address = next;
      if (seen.has(address.pathname)) continue;
      const response = await fetch(address);
      const text = await response.text();
      seen.set(address.pathname, text);
      const type = types[/\w+$/.exec(address.pathname)?.[0] ?? ''];
      expect([address.href, response.status, response.headers.get('content-type')]).toEqual([
        address.href,
        200,
        `${type}; charset=utf-8`,
      ]);
      const code = text.replaceAll(/\/\*.*?\*\//gs, '');
      for (const [, name = ''] of code.matchAll(
        /^(?:import|export|\}).*?from\s+'([^']+)'|^import '([^']+)'/gm,
      ))
        waiting.push(new URL(imports[name] ?? name, imports[name] ? url : address));
      for (const [, name = ''] of code.matchAll(/new URL\('([^']+)', import\.meta\.url\)/g))
        waiting.push(new URL(name, address));
      expect([address.pathname, code.match(/https?:\/\/(?!www\.w3\.org\/2000\/svg)[^\s'"`]+/)?.[0]]).toEqual([
        address.pathname,
        undefined,
      ]);
    }
    const modules = [...seen.keys()].filter((path) => path.endsWith('.js') && !path.endsWith('.worker.js'));
    expect(modules).toContain('/demo/client/index.js');
    expect(modules.sort()).toEqual(preloaded.map((href) => `/${href}`).sort());
  });

  test('comes compressed, and again only when it has changed', async () => {
    const { url } = await startDevelopment();
    for (const path of ['/', '/demo/page.js', '/demo/style.css']) {
      const first = await fetch(`${url}${path}`);
      const text = await first.text();
      expect(first.headers.get('content-encoding')).toBe('gzip');
      expect(first.headers.get('cache-control')).toBe('private, no-cache');
      const plain = await fetch(`${url}${path}`, { headers: { 'accept-encoding': 'identity' } });
      expect([plain.headers.get('content-encoding'), await plain.text()]).toEqual([null, text]);
      const headers = { 'if-none-match': first.headers.get('etag') ?? '' };
      const again = await fetch(`${url}${path}`, { headers });
      expect([again.status, await again.text()]).toEqual([304, '']);
      const head = await fetch(`${url}${path}`, { method: 'HEAD' });
      expect([head.status, await head.text()]).toEqual([200, '']);
    }
  });

  test('is not shown to pages of other origins, not even to those that may call', async () => {
    const { url } = await startDevelopment();
    for (const path of ['/', '/demo/page.js']) {
      const response = await fetch(`${url}${path}`, { headers: { origin: 'http://localhost:5173' } });
      await response.body?.cancel();
      expect(response.headers.get('access-control-allow-origin')).toBeNull();
      expect(response.headers.get('cross-origin-resource-policy')).toBe('same-origin');
    }
    const foreign = await fetch(url, { headers: { origin: 'https://evil.example' } });
    expect([foreign.status, await foreign.text()]).toEqual([403, expect.not.stringContaining('eyJ')]);
    const renamed = rawRequest(url, 'GET / HTTP/1.1', { host: 'evil.example' });
    await renamed.contains(' 403 ');
  });

  test('has no other files than its own', async () => {
    const { url } = await startDevelopment();
    await (await fetch(url)).body?.cancel();
    for (const path of [
      '/demo/',
      '/demo/index.html',
      '/demo/tsconfig.json',
      '/demo/client/index.d.ts',
      '/demo/graphql-ws/server.js',
      '/demo/../package.json',
      '/demo/%2e%2e/package.json',
      '/demo/..%2fpackage.json',
      '/demo/__proto__',
    ]) {
      const raw = rawRequest(url, `GET ${path} HTTP/1.1`, { connection: 'close' });
      expect([path, await raw.contains(/HTTP\/1\.1 (\d+)/)]).toEqual([
        path,
        expect.stringContaining(' 404 '),
      ]);
    }
    expect((await fetch(`${url}/demo/page.js`, { method: 'POST' })).status).toBe(404);
  });
});

describe('where it is', () => {
  test('in development mode unless it is switched off, and else only where it is asked for', () => {
    const key = { AUTH_SECRET: secret };
    const demoOf = (env: NodeJS.ProcessEnv) => readConfig(env).demo;
    expect([demoOf({}), demoOf({ DEMO: 'off' }), demoOf(key), demoOf({ ...key, DEMO: 'on' })]).toEqual([
      true,
      false,
      false,
      true,
    ]);
    expect(() => readConfig({ DEMO: 'yes' })).toThrow('DEMO');
  });

  test('nowhere in production, and with it none of its files', async () => {
    const { url } = await startService({ engine: 'memory' });
    for (const path of ['/', '/demo/page.js', '/demo/client/index.js'])
      expect([path, (await fetch(`${url}${path}`)).status]).toEqual([path, 404]);
  });

  test('with DEMO=on in production it knows nobody, and asks for a token', async () => {
    const { url } = await startService({ engine: 'memory', env: { DEMO: 'on' } });
    const html = await (await fetch(url)).text();
    expect(settingsOf(html)).toEqual({ users: [], graphiql: false });
    expect(html).not.toMatch(/eyJ[\w-]+\.eyJ/);
    expect(html).toContain('<textarea id="token"');
  });

  test('with DEMO=off the address leads to GraphiQL, as it did', async () => {
    const { url } = await startDevelopment({ DEMO: 'off' });
    const page = await fetch(url, { redirect: 'manual' });
    expect([page.status, page.headers.get('location')]).toEqual([302, '/graphql']);
  });

  test('development mode prints its address, and one for each user', async () => {
    const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
    const child = spawn(process.execPath, [main], { cwd: await emptyFolder(), env: { PORT: '0' } });
    onTestFinished(() => void child.kill('SIGKILL'));
    let output = '';
    for await (const text of child.stdout.setEncoding('utf8')) {
      output += text;
      if (output.includes('?as=bob\n')) break;
    }
    const [, url = ''] = /serves at (\S+)\/graphql/.exec(output) ?? [];
    const paths = ['/', '/?as=alice', '/?as=bob'];
    const { port } = new URL(url);
    expect(output.match(/http:\/\/localhost:\S+/g)).toEqual(
      paths.map((path) => `http://localhost:${port}${path}`),
    );
    for (const path of paths) expect((await fetch(`${url}${path}`)).status).toBe(200);
  });
});

test('what it asks the service itself fits the contract', async () => {
  const schema = createSchema();
  const scripts = (await readdir(folder)).filter((name) => name.endsWith('.js'));
  const texts = await Promise.all(scripts.map((name) => readFile(new URL(name, folder), 'utf8')));
  const documents = texts.flatMap((text) =>
    [...text.matchAll(/(['`])((?:query|mutation)\(.*?)\1/gs)].map(([, , document = '']) => document),
  );
  expect(documents.length).toBeGreaterThanOrEqual(2);
  for (const document of documents) expect(validate(schema, parse(document))).toEqual([]);
});
