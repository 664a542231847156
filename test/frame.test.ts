import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { keptBytes } from '../src/graphql/bytes.ts';
import { chunkOf, joinBodies, joinChunks } from '../src/graphql/chunk.ts';
import { asciiJson, FrameSheet, joinFrames, pingFrame } from '../src/graphql/frame.ts';

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
  const lengths = [1, 125, 126, 65_535, 65_536, 100_000];
  const texts = lengths.map((length) => 'x'.repeat(length));
  const bytes = joinFrames(texts.map((text) => ({ id: undefined, text: Buffer.from(text) })));
  expect(await readBack(bytes, lengths.length)).toEqual(texts);
});

test.each(['1', '00000000-0000-4000-8000-000000000000', '"\\\u0000', 'é☎📞\u007f\ud800'])(
  'the id %j stands in its frames',
  async (id) => {
    const payloads = ['{"data":"☎"}', '{"data":2}'];
    const sheet = new FrameSheet(payloads.map((payload) => Buffer.from(payload)));
    sheet.addressed(asciiJson('another one'));
    // Once for an id of another length, and once over one of the same.
    for (let time = 0; time < 2; time++) {
      const messages = await readBack(sheet.addressed(asciiJson(id)), payloads.length);
      expect(messages.map((message) => JSON.parse(message) as unknown)).toEqual(
        payloads.map((payload) => ({ id, type: 'next', payload: JSON.parse(payload) as unknown })),
      );
    }
  },
);

test('frames that differ in their ids alone are the same bytes, with the id written over', () => {
  const sheet = new FrameSheet([Buffer.from('1'), Buffer.from('2')]);
  const addressed = (id: string) => sheet.addressed(asciiJson(id));
  const idsOf = (bytes: Buffer) =>
    [...bytes.toString('latin1').matchAll(/"id":"(.*?)"/g)].map(([, id]) => id);
  const first = addressed('a');
  expect(idsOf(first)).toEqual(['a', 'a']);
  expect(addressed('b')).toBe(first);
  expect(idsOf(first)).toEqual(['b', 'b']);
  expect(idsOf(addressed('long'))).toEqual(['long', 'long']);
  expect(idsOf(first)).toEqual(['b', 'b']);
});

test('chunks are joined in their order, with and without their framing', () => {
  const [one, two] = [chunkOf('one é\n\n'), chunkOf('two\n\n')];
  expect(joinChunks([one])).toBe(one.framed);
  expect(String(joinChunks([one, two]))).toBe('8\r\none é\n\n\r\n5\r\ntwo\n\n\r\n');
  expect(String(joinChunks([two, one]))).toBe('5\r\ntwo\n\n\r\n8\r\none é\n\n\r\n');
  expect(String(joinBodies([one, two]))).toBe('one é\n\ntwo\n\n');
});

test('a Ping stands behind the frames where it is wanted', () => {
  const sheet = new FrameSheet([Buffer.from('1'), Buffer.from('2')]);
  const frames = Buffer.from(sheet.addressed(asciiJson('a')));
  expect(sheet.addressed(asciiJson('a'), true)).toEqual(Buffer.concat([frames, pingFrame]));
  expect(sheet.addressed(asciiJson('a'))).toEqual(frames);
  expect(pingFrame).toEqual(Buffer.from('8900', 'hex'));
});

test.each([0, 100, 4095, 4096, 20_000])(
  'a text of %i letters is kept as its bytes, and a long one alone',
  (length) => {
    const text = 'é'.repeat(length);
    const bytes = keptBytes(text);
    expect(bytes.toString()).toBe(text);
    if (bytes.length >= 4096) expect(bytes.buffer.byteLength).toBe(bytes.length);
    expect(chunkOf(text).body.toString()).toBe(text);
  },
);
