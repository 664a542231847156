import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Asset, makeAsset, sendAsset } from './asset.ts';
import { type ExampleUser, exampleTabs, headersOf } from './examples.ts';

/** Answers a request for the page. */
export type ServeGraphiql = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** GraphiQL with example operations; with tokens in their headers for the users given. It is 9 MB: it needs no outside URL. */
export function createGraphiql(users: readonly ExampleUser[]): ServeGraphiql {
  let page: Promise<Asset> | undefined;
  return async (request, response) => {
    page ??= render(users).then((html) => makeAsset('text/html', html));
    sendAsset(await page, request, response);
  };
}

const starter = new URL('graphiql.browser.js', import.meta.url);

async function render(users: readonly ExampleUser[]): Promise<string> {
  // Loaded with the first visit: a node without visitors is 50 MB smaller.
  const graphiql = await import('@graphql-yoga/render-graphiql/graphiql');
  const { js, css, favicon, editorWorkerService, jsonWorker, graphqlWorker } = graphiql;
  const title = 'Call signaling';
  const settings = {
    title,
    // A POST makes browsers forget what they keep of its address, which would be this page.
    endpoint: '/graphql?graphiql',
    examples: exampleTabs(users),
    defaultHeaders: headersOf(users[0]),
    tokens: Object.fromEntries(users.map(({ uid, token }) => [uid, token])),
  };
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${title}</title>
<link rel="icon" href="${favicon}">
<style>${css}
/* Otherwise a tab jumps away from under the first click on it. */
.graphiql-tab { transform: none !important; }
</style>
</head>
<body class="no-focus-outline">
<noscript>GraphiQL needs JavaScript.</noscript>
<div id="root"></div>
<script type="application/json" id="settings">${inScript(settings)}</script>
<script>
const workers = ${inScript({ editorWorkerService, json: jsonWorker, graphql: graphqlWorker })};
self.MonacoEnvironment = {
  globalAPI: false,
  getWorkerUrl: (_, label) => URL.createObjectURL(new Blob([workers[label]], { type: 'application/javascript' })),
};
${js}
</script>
<script type="module">
${await readFile(starter, 'utf8')}
</script>
</body>
</html>
`;
}

/** JSON that cannot end the script element it stands in. */
function inScript(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}
