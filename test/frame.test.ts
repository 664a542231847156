import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { chunkOf, joinBodies, joinChunks } from '../src/graphql/chunk.ts';
import { joinFrames, keepFrames } from '../src/graphql/frame.ts';

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

test('frames that differ in their ids alone share one buffer, until it is kept', () => {
  const [one, two] = [Buffer.from('{"payload":1}}'), Buffer.from('{"payload":2}}')];
  const frames = (id: string, ...rests: Buffer[]) =>
    rests.map((rest) => ({ start: Buffer.from(`{"id":"${id}",`), rest }));
  const textOf = (bytes: Buffer) => bytes.toString('latin1').replaceAll(/\x81./g, ' ');
  const first = joinFrames(frames('a', one, two));
  expect(textOf(first)).toBe(' {"id":"a",{"payload":1}} {"id":"a",{"payload":2}}');
  expect(joinFrames(frames('b', one, two))).toBe(first);
  expect(textOf(first)).toBe(' {"id":"b",{"payload":1}} {"id":"b",{"payload":2}}');
  keepFrames();
  expect(textOf(joinFrames(frames('c', one, two)))).toBe(
    ' {"id":"c",{"payload":1}} {"id":"c",{"payload":2}}',
  );
  expect(textOf(joinFrames(frames('long', one, two)))).toBe(
    ' {"id":"long",{"payload":1}} {"id":"long",{"payload":2}}',
  );
  expect(textOf(joinFrames(frames('d', one)))).toBe(' {"id":"d",{"payload":1}}');
  expect(textOf(first)).toBe(' {"id":"b",{"payload":1}} {"id":"b",{"payload":2}}');
});

test('chunks are joined once for all who get the same ones, and stay what they are', () => {
  const [one, two] = [chunkOf('one é\n\n'), chunkOf('two\n\n')];
  expect(joinChunks([one])).toBe(one.framed);
  expect(String(joinChunks([one, two]))).toBe('8\r\none é\n\n\r\n5\r\ntwo\n\n\r\n');
  expect(joinChunks([one, two])).toBe(joinChunks([one, two]));
  expect(String(joinChunks([two, one]))).toBe('5\r\ntwo\n\n\r\n8\r\none é\n\n\r\n');
  expect(String(joinBodies([one, two]))).toBe('one é\n\ntwo\n\n');
});
