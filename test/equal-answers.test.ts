import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { manualClock } from './support/clock.ts';
import { channels, operations, run } from './support/operations.ts';
import { person } from './support/person.ts';
import { until } from './support/raw.ts';
import { startRedis } from './support/redis-server.ts';
import { type EngineName, engines, startService } from './support/service.ts';

/*
 * Nobody can probe. Freda has a phone that is connected, and no hub in common with Alice. Oscar belongs to Alice's hub,
 * and no device of his is connected. Nobody is called Xenia.
 */

/** Whom Alice asks for, and how she names them; all names are of one length. */
interface Somebody {
  readonly uid: string;
  readonly socketId: string;
  readonly streamId: string;
}

async function setUp(engine: EngineName, redisUrl?: string) {
  const overrides = { clock: manualClock() };
  const { url } = await startService({ engine, overrides, ...(redisUrl && { redisUrl }) });
  const alice = await person(url, 'alice', { hubs: { team: 'write' } });
  const freda = await person(url, 'freda', { hubs: { else: 'write' } });
  const oscar = await person(url, 'oscar', { hubs: { team: 'write' } });
  const backend = await person(url, 'backend', { hubs: {}, admin: true });

  const phone = await freda.open();
  const closed = await oscar.open();
  const streamOf = (uid: string) => `${uid}s-stream`;
  await freda.in('else').message({
    target: { uid: 'freda' },
    origin: { socketId: phone.ready.socketId, streamId: streamOf('freda') },
  });
  await oscar.message({
    target: { uid: 'oscar' },
    origin: { socketId: closed.ready.socketId, streamId: streamOf('oscar') },
  });
  const disconnect = () => backend.ask(operations.disconnectUser, { uid: 'oscar' });
  await disconnect();
  await until('Oscar is offline', async () => (await disconnect()).disconnectUser.sockets === 0);

  const unknownSocket = `sock_${'x'.repeat(22)}`;
  const somebodies: Record<string, Somebody> = {
    unknown: { uid: 'xenia', socketId: unknownSocket, streamId: streamOf('xenia') },
    forbidden: { uid: 'freda', socketId: phone.ready.socketId, streamId: streamOf('freda') },
    offline: { uid: 'oscar', socketId: closed.ready.socketId, streamId: streamOf('oscar') },
  };
  await phone.heard();
  return { url, alice, phone, somebodies };
}

/** Everything that Alice can try on somebody, by what it is. */
const attempts: Record<string, (them: Somebody) => { operation: 'dial' | 'message'; input: object }> = {
  'a dial': ({ uid }) => ({
    operation: 'dial',
    input: { target: { uid }, roomId: 'room-1', roomType: 'video', payload: { a: 1 } },
  }),
  'a dial that also names a socket': ({ uid, socketId }) => ({
    operation: 'dial',
    input: { target: { uid, socketId }, roomId: 'room-1', roomType: 'video', ringTimeoutSeconds: 30 },
  }),
  'a message to the user': ({ uid }) => ({ operation: 'message', input: { target: { uid }, type: 'offer' } }),
  'a message to the socket': ({ socketId }) => ({ operation: 'message', input: { target: { socketId } } }),
  'a message to the stream': ({ streamId }) => ({ operation: 'message', input: { target: { streamId } } }),
  'a message to the user on a socket': ({ uid, socketId }) => ({
    operation: 'message',
    input: { target: { uid, socketId }, scope: 'SOCKET' },
  }),
  'a message that ends a call': ({ uid }) => ({
    operation: 'message',
    input: { target: { uid }, role: 'CALLER', type: 'cancel', duration: 7 },
  }),
  'a word to the socket': ({ socketId }) => ({
    operation: 'message',
    input: { target: { socketId }, role: 'CALLER', type: 'cancel' },
  }),
  'an answer to the user': ({ uid }) => ({
    operation: 'message',
    input: { target: { uid }, type: 'answer' },
  }),
};

/** An answer byte by byte, but for ids, places in the log, times, and the name that Alice herself gave. */
function bytesOf(answer: unknown): string {
  return JSON.stringify(answer)
    .replaceAll(/(?:rec_)?(sig|call|sock)_[\w-]{22}/g, '$1_…')
    .replaceAll(/"[0-9a-f]+:\d+"/g, '"cursor"')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, 'time')
    .replaceAll(/xenia|freda|oscar/g, 'them');
}

describe.each(engines)('on %s', (engine) => {
  test.each(Object.entries(attempts))(
    '%s gets the same answer for an unknown, a forbidden and an offline target',
    async (_, attempt) => {
      const { url, alice, phone, somebodies } = await setUp(engine);
      const answers: Record<string, string[]> = {};
      for (const [who, them] of Object.entries(somebodies)) {
        const { operation, input } = attempt(them);
        const variables = { hubId: 'team', input };
        const given = channels.map((channel) =>
          run(channel, url, alice.token, operations[operation], variables),
        );
        answers[who] = (await Promise.all(given)).map(bytesOf);
      }

      expect(answers['unknown']?.join()).toContain('"offline":true');
      expect(answers['forbidden']).toEqual(answers['unknown']);
      expect(answers['offline']).toEqual(answers['unknown']);
      // Who must not be reached was not.
      expect(await phone.heard()).toEqual([]);
    },
  );

  test('what one is told and can ask about it afterwards is the same too', async () => {
    const { alice, somebodies } = await setUp(engine);
    const own = await alice.open();
    const seen: Record<string, string> = {};
    for (const [who, { uid }] of Object.entries(somebodies)) {
      const { call } = await alice.dial({ target: { uid }, roomId: 'room-1', roomType: 'video' });
      expect(call).toMatchObject({ state: 'ENDED', reason: 'UNREACHABLE', legs: 0 });
      const { callId, socketId } = { callId: call.id, socketId: own.ready.socketId };
      const said = [
        await alice.message({ target: { uid }, role: 'CALLER', type: 'cancel', callId }),
        await alice.message({ target: { uid }, role: 'CALLER', type: 'cancel' }),
        await alice.acknowledgeRing(callId, socketId),
        await alice.accept(callId, socketId),
        await alice.decline(callId),
        await alice.hangUp(callId),
      ];
      seen[who] = bytesOf([
        said,
        await alice.ask(operations.call, { callId }),
        await alice.ask(operations.callTrace, { callId }),
        await alice.ask(operations.iceServers, { callId }),
        await alice.ask(operations.activeCalls),
        await alice.ask(operations.callHistory, { peer: uid }),
        await own.heard(),
      ]);
    }
    expect(seen['unknown']).toMatch(/"reason":"UNREACHABLE".*"__typename":"CallLogged"/);
    expect(seen['forbidden']).toBe(seen['unknown']);
    expect(seen['offline']).toBe(seen['unknown']);
  });
});

/** How many signals are kept for an offline user who may come back: the message, and the record in their history. */
const kept: Record<string, number> = {
  'a dial': 1,
  'a dial that also names a socket': 1,
  'a message to the user': 1,
  'a message that ends a call': 2,
  'an answer to the user': 1,
};

test('the three cost the same commands; only what an offline user is to find is kept besides', async () => {
  const { url } = await startOwnRedis();
  const { alice, somebodies } = await setUp('redis', url);
  const commandsOf = await watch(url);

  for (const [what, attempt] of Object.entries(attempts)) {
    const seen: Record<string, Commands> = {};
    // The first of a kind also brings a script along.
    for (const who of ['unknown', 'unknown', 'forbidden', 'offline']) {
      const { operation, input } = attempt(somebodies[who] as Somebody);
      seen[who] = await commandsOf(() => alice[operation](input));
    }
    expect(seen['unknown']?.sent.length, what).toBeGreaterThan(2);
    expect(seen['forbidden'], what).toEqual(seen['unknown']);
    expect(seen['offline']?.sent, what).toEqual(seen['unknown']?.sent);
    if (!kept[what]) expect(seen['offline'], what).toEqual(seen['unknown']);
    else expect(appended(seen['offline']) - appended(seen['unknown']), what).toBe(kept[what]);
  }
});

async function startOwnRedis() {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  return redis;
}

/** The names of the commands that Redis carried out, in their order: those sent to it, and those of scripts. */
interface Commands {
  readonly sent: readonly string[];
  readonly inScripts: readonly string[];
}

function appended(commands: Commands | undefined): number {
  return commands?.inScripts.filter((name) => name === 'xadd').length ?? 0;
}

/** Tells what Redis is given to do while something is going on. */
async function watch(url: string): Promise<(work: () => Promise<unknown>) => Promise<Commands>> {
  const redis = new Redis(url);
  const monitor = await new Redis(url, { lazyConnect: true }).monitor();
  onTestFinished(() => {
    redis.disconnect();
    monitor.disconnect();
  });
  const seen: { name: string; source: string; text: string }[] = [];
  monitor.on('monitor', (_: string, args: string[], source: string) => {
    seen.push({ name: args[0]?.toLowerCase() ?? '', source, text: args.join(' ') });
  });
  let marks = 0;

  async function mark(): Promise<void> {
    const text = `echo mark-${++marks}`;
    await redis.echo(`mark-${marks}`);
    await until('the monitor has seen it', () => seen.some((command) => command.text === text));
  }

  return async (work) => {
    await mark();
    seen.length = 0;
    await work();
    await mark();
    const commands = seen.filter(({ name }) => name !== 'echo');
    const names = (inScript: boolean) =>
      commands.filter(({ source }) => (source === 'lua') === inScript).map(({ name }) => name);
    return { sent: names(false), inScripts: names(true) };
  };
}
