import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname } from 'node:path';
import { type Asset, makeAsset, sendAsset } from './asset.ts';
import type { ExampleUser } from './examples.ts';
import { pathOf } from './request.ts';

/** Answers a request for the page or one of its files; false when there is no such file. */
export type ServeDemo = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;

export interface DemoSettings {
  /** Whom one can be without a token of one's own. */
  readonly users: readonly ExampleUser[];
  /** Whether there is a GraphiQL to point to. */
  readonly graphiql: boolean;
}

/** The page as it is sent: its files by their paths, and what its browser is told to forbid. */
interface Site {
  readonly files: ReadonlyMap<string, Asset>;
  readonly headers: Record<string, string>;
}

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
};

/** What is served, by where: the page, the client as applications get it, and what that imports. */
const folders: readonly { readonly path: string; readonly folder: URL; readonly file: RegExp }[] = [
  { path: 'demo/', folder: new URL('../../demo/', import.meta.url), file: /\.(?:css|js|svg)$/ },
  { path: 'demo/client/', folder: new URL('../../client/dist/', import.meta.url), file: /\.js$/ },
  {
    path: 'demo/graphql-ws/',
    folder: new URL('.', import.meta.resolve('graphql-ws/client')),
    file: /^(?:client|common-.*)\.js$/,
  },
];

/** The bare names in those files; where a browser finds them, seen from the page. */
const importMap = JSON.stringify({
  imports: {
    'call-signaling-client': './demo/client/index.js',
    'graphql-ws': './demo/graphql-ws/client.js',
  },
});

/** The page on which one person calls themselves. Its files are read with the first visit. */
export function createDemo(settings: DemoSettings): ServeDemo {
  let site: Promise<Site> | undefined;

  return async (request, response) => {
    try {
      site ??= readSite(settings);
      const { files, headers } = await site;
      const file = files.get(pathOf(request));
      if (file) sendAsset(file, request, response, headers);
      return file !== undefined;
    } catch (error) {
      site = undefined;
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      response.writeHead(503, { 'content-type': 'text/plain' }).end(notBuilt);
      return true;
    }
  };
}

/** An installation without its scripts, or without its development dependencies, leaves the client unbuilt. */
const notBuilt =
  'This page needs the client, which has not been built: run "npm ci" with its scripts and with development dependencies.\n';

async function readSite(settings: DemoSettings): Promise<Site> {
  const files = new Map((await Promise.all(folders.map(readFolder))).flat());
  // A browser that is told of all of them at once need not discover them one by one.
  const modules = [...files.keys()].filter((path) => path.endsWith('.js') && !path.endsWith('.worker.js'));
  const html = await readFile(new URL('../../demo/index.html', import.meta.url), 'utf8');
  const head = [
    `<script type="importmap">${importMap}</script>`,
    ...modules.map((path) => `<link rel="modulepreload" href="${path.slice(1)}">`),
    `<script type="application/json" id="settings">${inScript(settings)}</script>`,
  ];
  files.set(
    '/',
    await makeAsset(
      'text/html',
      html.replace('<!-- head -->', () => head.join('\n')),
    ),
  );
  return { files, headers };
}

async function readFolder({ path, folder, file }: (typeof folders)[number]): Promise<[string, Asset][]> {
  const names = await readdir(folder);
  return Promise.all(
    names
      .filter((name) => file.test(name))
      .map(async (name) => [
        `/${path}${name}`,
        await makeAsset(types[extname(name)] ?? '', await readFile(new URL(name, folder))),
      ]),
  );
}

const sha256 = createHash('sha256').update(importMap).digest('base64');

/** Nothing runs, loads or connects that is not ours; nothing frames the page, which has a camera. */
const headers = {
  'content-security-policy': [
    "default-src 'none'",
    `script-src 'self' 'sha256-${sha256}'`,
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** JSON that cannot end the script element it stands in. */
function inScript(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}
