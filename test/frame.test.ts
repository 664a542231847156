import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { chunkOf, joinBodies, joinChunks } from '../src/graphql/chunk.ts';
import { joinFrames } from '../src/graphql/frame.ts';

/** What a real client reads when a server writes these bytes to its upgraded connection. */
async function readBack(bytes: Buffer, count: number): Promise<string[]> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
  server.on('connection', (_, request) => request.socket.write(bytes));
  await once(server, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  onTestFinished(() => {
    client.terminate();
    server.close();
  });
  const messages: string[] = [];
  return new Promise((resolve) =>
    client.on('message', (data) => {
      if (messages.push(String(data)) === count) resolve(messages);
    }),
  );
}

test('frames of every length class are read back by a WebSocket client, in one go', async () => {
  const start = Buffer.from('{"é":');
  const lengths = [
    1,
    125 - start.length,
    126 - start.length,
    65_535 - start.length,
    65_536 - start.length,
    100_000,
  ];
  const rests = lengths.map((length) => Buffer.alloc(length, 'x'));
  const bytes = joinFrames(rests.map((rest) => ({ start, rest })));
  expect(await readBack(bytes, lengths.length)).toEqual(rests.map((rest) => `${start}${rest}`));
});

test('chunks are joined once for all who get the same ones, and stay what they are', () => {
  const [one, two] = [chunkOf('one é\n\n'), chunkOf('two\n\n')];
  expect(joinChunks([one])).toBe(one.framed);
  expect(String(joinChunks([one, two]))).toBe('8\r\none é\n\n\r\n5\r\ntwo\n\n\r\n');
  expect(joinChunks([one, two])).toBe(joinChunks([one, two]));
  expect(String(joinChunks([two, one]))).toBe('5\r\ntwo\n\n\r\n8\r\none é\n\n\r\n');
  expect(String(joinBodies([one, two]))).toBe('one é\n\ntwo\n\n');
});
