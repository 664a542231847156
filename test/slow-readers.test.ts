import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { createSlowReaders } from '../src/graphql/slow-readers.ts';
import { largeAudience } from '../src/signaling/backlog.ts';
import { as } from './support/api.ts';
import { type ManualClock, manualClock } from './support/clock.ts';
import { listen, type Transport, transports } from './support/listen.ts';
import { otherEnd, rawSse, rawWs, signedInWs, until } from './support/raw.ts';
import { startService, tokenFor } from './support/service.ts';

const KiB = 1024;

function pass(clock: ManualClock, seconds: number): void {
  for (let second = 0; second < seconds; second++) clock.advance(1000);
}

describe('the bounds', () => {
  function behind(unsent: number) {
    const clock = manualClock();
    const readers = createSlowReaders(clock);
    const reader = {
      pushed: unsent,
      unsent,
      wasCut: false,
      cut() {
        reader.wasCut = true;
      },
    };
    readers.watch(reader);
    return { clock, readers, reader };
  }

  test('more than 256 KiB unsent, and nothing taken for 2 s', () => {
    const { clock, readers, reader } = behind(256 * KiB + 1);
    pass(clock, 2);
    expect(reader.wasCut).toBe(false);
    reader.unsent--;
    reader.pushed += 1;
    reader.unsent += 1;
    pass(clock, 2);
    reader.pushed += KiB;
    reader.unsent += KiB;
    expect(reader.wasCut).toBe(false);
    pass(clock, 1);
    expect(reader.wasCut).toBe(true);
    expect(readers.count).toBe(1);
  });

  test('256 KiB unsent may wait, but no byte for more than 10 s', () => {
    const { clock, reader } = behind(256 * KiB);
    pass(clock, 10);
    expect(reader.wasCut).toBe(false);
    pass(clock, 1);
    expect(reader.wasCut).toBe(true);
  });

  test('a connection that always has something unsent, but never for long, stays', () => {
    const { clock, readers, reader } = behind(100);
    for (let second = 0; second < 60; second++) {
      reader.pushed += 100;
      pass(clock, 1);
    }
    expect(reader.wasCut).toBe(false);
    reader.unsent = 0;
    pass(clock, 60);
    expect([reader.wasCut, readers.count]).toEqual([false, 0]);
  });

  test('a process that slept for a minute blames nobody', () => {
    const { clock, reader } = behind(512 * KiB);
    clock.advance(60_000);
    expect(reader.wasCut).toBe(false);
  });

  test('all are looked after by one timer', () => {
    const clock = manualClock();
    const readers = createSlowReaders(clock);
    expect(clock.tasks).toBe(1);
    readers.stop();
    expect(clock.tasks).toBe(0);
  });
});

const document = `subscription ($after: String) {
  incomingSignal(after: $after) { __typename cursor ... on SocketReady { recovered } ... on PeerMessage { payload } }
}`;

/** As long as the ids that other clients give to their operations: frames differ in nothing else. */
const operationId = '00000000-0000-4000-8000-000000000000';

/** A client that stops reading: what it had read until it was cut off, as text. */
async function stalledReader(transport: Transport, url: string, token: string) {
  if (transport === 'sse') {
    const raw = rawSse(url, token, { query: document });
    await raw.contains('SocketReady');
    raw.socket.pause();
    return {
      port: raw.socket.localPort,
      resume: () => raw.socket.resume(),
      closed: raw.closed,
      text: () => raw.text,
      ids: new Set([operationId]),
    };
  }
  const raw = await signedInWs(url, token);
  let text = '';
  const ids = new Set<string>();
  raw.ws.on('message', (data) => {
    text += String(data);
    ids.add((JSON.parse(String(data)) as { id: string }).id);
  });
  raw.subscribe(operationId, document);
  await raw.nextOf('next');
  raw.ws.pause();
  const { _socket } = raw.ws as unknown as { _socket: Socket };
  return {
    port: _socket.localPort,
    resume: () => raw.ws.resume(),
    closed: raw.closed,
    text: () => text,
    ids,
  };
}

test('a client that asks for answers and reads none does not make them pile up; it gets the last one when it reads again', async () => {
  const { url } = await startService({ engine: 'memory' });
  const { ws } = await rawWs(url);
  const { _socket } = ws as unknown as { _socket: Socket };
  const connection = otherEnd(_socket.localPort);
  ws.pause();
  let asked = 0;
  const ask = async (count: number) => {
    for (let i = 0; i < count; i++) ws.ping(`${asked++}:`.padEnd(125, 'x'));
    const sent = connection.bytesRead + _socket.writableLength;
    await until(
      'the questions to arrive',
      () => _socket.writableLength === 0 && connection.bytesRead >= sent,
    );
  };
  while (connection.writableLength < connection.writableHighWaterMark && asked < 200_000) await ask(1000);
  const { writableLength } = connection;
  expect(writableLength).toBeGreaterThan(0);
  await ask(5000);
  expect(connection.writableLength).toBeLessThanOrEqual(writableLength);
  let answer = '';
  ws.on('pong', (data) => {
    answer = String(data);
  });
  ws.resume();
  await until('the last answer', () => answer.startsWith(`${asked - 1}:`));
});

describe.each(transports)('over %s', (transport) => {
  /** Carol stalls with so much unsent beyond what a connection holds. Bob listens, in a hub of as many others. */
  async function stall(more: number, others = 0) {
    const clock = manualClock();
    const node = await startService({ engine: 'memory', overrides: { clock } });
    const carol = await tokenFor('carol');
    const reader = await stalledReader(transport, node.url, carol);
    const bob = await listen(node.url, await tokenFor('bob'), { transport, query: document });
    for (let i = 0; i < others; i++)
      await listen(node.url, await tokenFor(`other${i}`), { transport, query: document });
    const send = as(node.url, await tokenFor('alice'));
    const connection = otherEnd(reader.port);
    let sent = 0;
    const sendOne = async (size: number) => {
      await send.message({ target: { hubId: 'team' }, payload: `${sent++}:${'x'.repeat(size)}` });
    };
    // In a large hub several of them leave together.
    const sendSome = () =>
      others === 0 ? sendOne(60 * KiB) : Promise.all([1, 2, 3].map(() => sendOne(20 * KiB)));
    while (connection.writableLength < connection.writableHighWaterMark && sent < 1000) await sendSome();
    for (let i = 0; i < more; i++) await sendSome();
    return { clock, node, carol, reader, bob, connection, sent: () => sent };
  }

  test('who takes nothing for 2 s is cut off, comes back with the cursor and gets everything; others do not notice', async () => {
    const { clock, node, carol, reader, bob, connection, sent } = await stall(5);
    // What waits is kept once for all, and not in the connection.
    expect(connection.writableLength).toBeLessThan(256 * KiB);
    pass(clock, 2);
    expect(node.stats().sockets).toBe(2);
    pass(clock, 1);
    expect(node.stats()).toMatchObject({ sockets: 1, slowReaders: 1 });
    for (let i = 0; i < sent(); i++) expect((await bob.next()).payload).toMatch(`${i}:`);

    reader.resume();
    await reader.closed;
    const whole = [...reader.text().matchAll(/"cursor":"([^"]+)"[^{}]*"payload":"(\d+):x{61440}"/g)];
    const [, after, last = '-1'] = whole.at(-1) ?? [];
    const again = await listen(node.url, carol, { transport, query: document, variables: { after } });
    expect(again.ready).toMatchObject({ recovered: true });
    for (let i = Number(last) + 1; i < sent(); i++) expect((await again.next()).payload).toMatch(`${i}:`);
    expect(whole.length + sent() - Number(last) - 1).toBe(sent());
  });

  test('who has little unsent is cut off when that is older than 10 s', async () => {
    const { clock, node } = await stall(0);
    pass(clock, 10);
    expect(node.stats().sockets).toBe(2);
    pass(clock, 1);
    expect(node.stats()).toMatchObject({ sockets: 1, slowReaders: 1 });
  });

  test.each([
    { hub: 'a small hub', others: 0 },
    // Its signals are written past the stream, from one buffer for all.
    { hub: 'a large hub', others: largeAudience },
  ])('who reads again in time gets everything of $hub, in order', async ({ others }) => {
    const { clock, node, reader, bob, sent } = await stall(5, others);
    const order: number[] = [];
    while (order.length < sent()) order.push(Number((await bob.next()).payload.split(':')[0]));
    // Those that are sent together may be logged in any order.
    const inOrder = others === 0 ? order : order.toSorted((a, b) => a - b);
    expect(inOrder).toEqual(Array.from({ length: sent() }, (_, i) => i));
    pass(clock, 2);
    reader.resume();
    const read = () =>
      [...reader.text().matchAll(/"payload":"(\d+):x+"/g)].map(([, number]) => Number(number));
    await until('everything', () => read().length === sent());
    expect(read()).toEqual(order);
    // What waited for it was not written over with what others got meanwhile.
    expect([...reader.ids]).toEqual([operationId]);
    pass(clock, 5);
    expect(node.stats()).toMatchObject({ sockets: 2 + others, slowReaders: 0 });
  });
});
