import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

/** A page, or a part of one, as it is sent: compressed once. */
export interface Asset {
  readonly type: string;
  readonly plain: Buffer;
  readonly zipped: Buffer;
  readonly etag: string;
}

export async function makeAsset(type: string, content: string | Buffer): Promise<Asset> {
  const plain = Buffer.from(content);
  const etag = `"${createHash('sha256').update(plain).digest('base64url')}"`;
  return { type: `${type}; charset=utf-8`, plain, zipped: await promisify(gzip)(plain), etag };
}

/** Sends it, unless the browser has it. Browsers ask each time: a page may carry tokens, and belongs to its service's version. */
export function sendAsset(
  { type, plain, zipped, etag }: Asset,
  request: IncomingMessage,
  response: ServerResponse,
  others: Record<string, string> = {},
): void {
  const headers = {
    ...others,
    'content-type': type,
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
}
