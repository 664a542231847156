import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { Transform } from 'node:stream';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { data } from './support/api.ts';
import { type Received, transports } from './support/listen.ts';
import { openClient, openSender, type Stream, turns } from './support/raw.ts';
import { type EngineName, engines, randomPrefix, startService, tokenFor } from './support/service.ts';

const rounds = 500;

/** Rounds run in this many lanes at once, each with a user of its own, so that openings disturb one another. */
const lanes = 10;

/** Where sockets are opened, and where signals are sent: with Redis, on two nodes. */
async function startNodes(engine: EngineName): Promise<{ near: string; far: string }> {
  const prefix = randomPrefix();
  const near = await startService({ engine, prefix });
  const far = engine === 'redis' ? await startService({ engine, prefix }) : near;
  return { near: near.url, far: far.url };
}

/** Runs a lane for each user, with the rounds dealt out among them. */
async function inLanes(run: (uid: string, rounds: number) => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: lanes }, (_, lane) => run(`user${lane}`, rounds / lanes)));
}

/** Sends messages to users; each answers with its signal's id. */
async function messenger(url: string): Promise<(uid: string) => Promise<string>> {
  const send = await openSender(url, await tokenFor('sender'));
  const document = `mutation ($uid: ID!) { message(hubId: "team", input: { target: { uid: $uid } }) { signalId } }`;
  return async (uid) => (await send(document, { uid })).message.signalId;
}

/** All the ways in which a signal can reach the user `listener`, over and over. Returns the ids of what was sent. */
async function sendEverything(url: string, uid: string): Promise<string[]> {
  const token = await tokenFor(uid, { hubs: { team: 'write', ops: 'write' } });
  const own = (await openClient('ws', url, token)).open();
  const send = await openSender(url, token);
  const { socketId } = await own.ready;
  const document = `mutation ($socketId: ID!) {
    toUser: message(hubId: "team", input: { target: { uid: "listener" } }) { signalId }
    toOneHub: notify(hubId: "team", input: { socketId: $socketId, recipients: ["ops"] }) { signalId }
    toBothHubs: notify(hubId: "ops", input: { socketId: $socketId, recipients: ["ops", "team"] }) { signalId }
    toMembers: message(hubId: "team", input: { target: { hubId: "team" } }) { signalId }
  }`;
  const answers = await Promise.all(Array.from({ length: 10 }, () => send(document, { socketId })));
  return answers.flatMap((answer) =>
    Object.values(answer as Record<string, Received>).map((each) => each.signalId),
  );
}

const numberOf = ({ cursor }: Received): number => Number(cursor.split(':')[1]);
const idsOf = (signals: readonly Received[]): string[] => signals.map(({ id }) => id);
const signalsOf = ({ received }: Stream): readonly Received[] => received.slice(1);

describe.each(engines)('on %s', (engine) => {
  describe.each(transports)('over %s', (transport) => {
    test(`a signal sent the moment SocketReady arrives is received, ${rounds} times of ${rounds}`, async () => {
      const { near, far } = await startNodes(engine);
      const send = await messenger(far);
      let received = 0;
      await inLanes(async (uid, count) => {
        const client = await openClient(transport, near, await tokenFor(uid));
        for (let round = 0; round < count; round++) {
          const stream = client.open({ deviceId: `device${round}` });
          await stream.ready;
          const sent = await send(uid);
          await stream.first('the signal sent at SocketReady', ({ id }) => id === sent);
          received++;
          stream.close();
        }
      });
      expect(received).toBe(rounds);
    });

    test(`a signal sent while a socket opens is received or lies before its cut, ${rounds} times of ${rounds}`, async () => {
      const { near, far } = await startNodes(engine);
      const send = await messenger(far);
      let before = 0;
      let after = 0;
      await inLanes(async (uid, count) => {
        const client = await openClient(transport, near, await tokenFor(uid));
        // A socket that is open all the time tells which number each signal got.
        const witness = (await openClient(transport, far, await tokenFor(uid))).open();
        await witness.ready;
        // How many turns of the event loop the opening has as a start. Each round moves it towards the other side of
        // the cut, so that signals and openings keep crossing, whatever the speed of this machine.
        let lead = 0;
        for (let round = 0; round < count; round++) {
          const sending = lead < 0 ? send(uid) : undefined;
          await turns(-lead);
          const stream = client.open();
          await turns(lead);
          const racing = await (sending ?? send(uid));
          const ready = await stream.ready;
          const last = await send(uid);
          for (const each of [stream, witness]) await each.first('the last signal', ({ id }) => id === last);
          stream.close();

          const sent = signalsOf(witness).filter(({ id }) => id === racing || id === last);
          expect(sent).toHaveLength(2);
          const due = sent.filter((signal) => numberOf(signal) > numberOf(ready));
          expect(idsOf(signalsOf(stream))).toEqual(idsOf(due));
          if (due.length === 1) before++;
          else after++;
          lead += due.length === 1 ? 1 : -1;
        }
      });
      // Openings and signals did cross, both ways.
      expect(Math.min(before, after)).toBeGreaterThan(rounds / 10);
    });

    test('many senders to users and hubs at once: every socket gets all of it, once, in ascending cursor order', async () => {
      const { near, far } = await startNodes(engine);
      const hubs = { team: 'write', ops: 'write' };
      const client = await openClient(transport, near, await tokenFor('listener', { hubs }));
      // Over WebSocket, both are on one connection.
      const streams = [client.open(), client.open()];
      for (const stream of streams) await stream.ready;

      const sent = await Promise.all(
        Array.from({ length: 8 }, (_, i) => sendEverything([near, far][i % 2] ?? near, `sender${i}`)),
      );
      const last = await (await messenger(far))('listener');
      for (const stream of streams) {
        await stream.first('the last signal', ({ id }) => id === last);
        const signals = signalsOf(stream);
        expect(idsOf(signals).toSorted()).toEqual([...sent.flat(), last].toSorted());
        const numbers = signals.map(numberOf);
        expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
      }
    });
  });
});

test('on redis, no socket is ready before its subscriptions are confirmed', async () => {
  const prefix = randomPrefix();
  const held = await holdSubscriptions();
  const near = await startService({ engine: 'redis', prefix, redisUrl: held.url });
  const far = await startService({ engine: 'redis', prefix });
  const token = await tokenFor('listener');
  const send = await messenger(far.url);
  const stream = (await openClient('ws', near.url, token)).open();
  await held.asked;
  // Sent meanwhile, these are told to nobody here, so they must lie before the cut.
  for (const _ of [1, 2, 3]) await send('listener');
  await data(near.url, token, '{ viewer { uid } }');
  expect(stream.received).toEqual([]);

  held.release();
  await stream.ready;
  const last = await send('listener');
  await stream.first('the last signal', ({ id }) => id === last);
  expect(idsOf(signalsOf(stream))).toEqual([last]);
});

/** A way to the shared Redis on which a SUBSCRIBE, and all that follows it, waits until it is released. */
async function holdSubscriptions() {
  const { hostname, port } = new URL(inject('redisUrl'));
  const asked = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    const hold = new Transform({
      transform(chunk, _, done) {
        if (!/\r\nsubscribe\r\n/i.test(String(chunk))) return done(null, chunk);
        asked.resolve();
        void released.promise.then(() => done(null, chunk));
      },
    });
    near.pipe(hold).pipe(far).pipe(near);
    for (const each of [near, far]) each.on('error', () => near.destroy());
    near.on('close', () => far.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  const url = `redis://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, asked: asked.promise, release: released.resolve };
}
