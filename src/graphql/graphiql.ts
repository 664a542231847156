import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { renderGraphiQL } from '@graphql-yoga/render-graphiql';
import { type ExampleUser, exampleTabs } from './examples.ts';

/** Answers a request for the page. */
export type ServeGraphiql = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** The page as it is sent: compressed once, because it carries all of GraphiQL (9 MB), so that it needs no outside URL. */
interface Page {
  readonly plain: Buffer;
  readonly zipped: Buffer;
  readonly etag: string;
}

/** GraphiQL with example operations; with tokens in their headers for the users given. */
export function createGraphiql(users: readonly ExampleUser[]): ServeGraphiql {
  let page: Promise<Page> | undefined;

  return async (request, response) => {
    page ??= makePage(users);
    const { plain, zipped, etag } = await page;
    const headers = {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'private, no-cache',
      etag,
      vary: 'accept-encoding',
    };
    if (request.headers['if-none-match'] === etag) {
      response.writeHead(304, headers).end();
    } else if (String(request.headers['accept-encoding']).includes('gzip')) {
      response
        .writeHead(200, { ...headers, 'content-encoding': 'gzip', 'content-length': zipped.length })
        .end(zipped);
    } else {
      response.writeHead(200, { ...headers, 'content-length': plain.length }).end(plain);
    }
  };
}

async function makePage(users: readonly ExampleUser[]): Promise<Page> {
  const tabs = exampleTabs(users);
  const html = renderGraphiQL({
    title: 'Call signaling',
    endpoint: '/graphql',
    defaultTabs: tabs,
    // With server-sent events, a subscription carries the same headers as a mutation.
    subscriptionsProtocol: 'SSE',
    defaultEditorToolsVisibility: 'variables',
    schemaDescription: true,
    inputValueDeprecation: true,
  });
  const plain = Buffer.from(html);
  const etag = `"${createHash('sha256').update(plain).digest('base64url')}"`;
  return { plain, zipped: await promisify(gzip)(plain), etag };
}
