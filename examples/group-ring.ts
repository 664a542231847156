/*
 * Ring a group: one `dial` for each person, all into the same room. Alice calls Bob and Carol; both answer; the
 * application's own server sees who may enter the room, and that nobody may when the calls are over.
 *
 *     npm start                                  # in another terminal
 *     npx node examples/group-ring.ts            # [url], http://localhost:4000 unless given
 *
 * In development mode it makes its tokens itself, with the secret that the service keeps in `.dev/secret`. For any other
 * service bring them: --alice, --bob and --carol of members of the hub `team`, --server of one with `admin: true`.
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { SignJWT } from 'jose';

const token = { type: 'string' } as const;
const { positionals, values: given } = parseArgs({
  allowPositionals: true,
  options: { alice: token, bob: token, carol: token, server: token },
});
const [url = 'http://localhost:4000'] = positionals;
const hubId = 'team';
const roomId = `standup-${Date.now()}`;

const member = { hubs: { [hubId]: 'write' } };
const alice = given.alice ?? (await developmentToken('alice', { firstname: 'Alice', ...member }));
const bob = given.bob ?? (await developmentToken('bob', { firstname: 'Bob', ...member }));
const carol = given.carol ?? (await developmentToken('carol', { firstname: 'Carol', ...member }));
const server = given.server ?? (await developmentToken('server', { admin: true }));

// Everybody opens a socket. What is sent after the first signal has come is received.
const alices = await open(alice, 'laptop');
const bobs = await open(bob, 'phone');
const carols = await open(carol, 'phone');

console.log(`Alice calls Bob and Carol into the room ${roomId}.`);
const toBob = await dial('bob');
const toCarol = await dial('carol');

const bobsRing = await next(bobs.signals, 'IncomingCall');
const carolsRing = await next(carols.signals, 'IncomingCall');
console.log(`Bob's phone rings: ${bobsRing.name} calls into ${bobsRing.roomId}.`);
console.log(`Carol's phone rings: ${carolsRing.name} calls into ${carolsRing.roomId}.`);

await accept(bob, bobsRing.call.id, bobs.socketId);
await aliceIsTold(toBob);
await accept(carol, carolsRing.call.id, carols.socketId);
await aliceIsTold(toCarol);
await showRoom();

// Each call is hung up by itself: who leaves a group leaves the others in it.
await hangUp(bob, toBob, bobs.socketId);
await aliceIsTold(toBob);
await showRoom();
await hangUp(alice, toCarol, alices.socketId);
await aliceIsTold(toCarol);
await showRoom();

for (const { signals } of [alices, bobs, carols]) await signals.return(undefined);

/** One person's call: they are rung on all their devices. */
async function dial(uid: string): Promise<string> {
  const { dial: dialled } = await ask(
    alice,
    'mutation ($hubId: ID!, $input: DialInput!) { dial(hubId: $hubId, input: $input) { call { id } } }',
    { hubId, input: { target: { uid }, roomId, roomType: 'video', deviceId: 'laptop' } },
  );
  return dialled.call.id;
}

async function accept(who: string, callId: string, socketId: string): Promise<void> {
  const { accept: answer } = await ask(
    who,
    'mutation ($callId: ID!, $socketId: ID!) { accept(callId: $callId, socketId: $socketId) { __typename } }',
    { callId, socketId },
  );
  if (answer.__typename !== 'Accepted') throw new Error(`the call was not ours: ${answer.__typename}`);
}

async function hangUp(who: string, callId: string, socketId: string): Promise<void> {
  await ask(
    who,
    'mutation ($callId: ID!, $socketId: ID!) { hangUp(callId: $callId, socketId: $socketId) { changed } }',
    { callId, socketId },
  );
}

/** Waits until Alice is told of a change of a call. */
async function aliceIsTold(callId: string): Promise<void> {
  for (;;) {
    const { call } = await next(alices.signals, 'CallUpdated');
    if (call.id === callId)
      return console.log(`Alice is told: the call with ${call.callee} is ${call.state}.`);
  }
}

/** What the application's server finds when somebody wants to enter the room. */
async function showRoom(): Promise<void> {
  const { bob: bobs, carol: carols } = await ask(
    server,
    `query ($roomId: ID!) {
      bob: roomAccess(roomId: $roomId, uid: "bob") { privilege }
      carol: roomAccess(roomId: $roomId, uid: "carol") { privilege }
    }`,
    { roomId },
  );
  console.log(
    `The room's door: Bob may ${bobs.privilege > 0 ? '' : 'not '}enter, Carol may ${carols.privilege > 0 ? '' : 'not '}enter.`,
  );
}

// biome-ignore lint/suspicious/noExplicitAny: an application would generate its types from the schema.
type Data = any;

/** One operation over HTTP. */
async function ask(who: string, query: string, variables: object): Promise<Data> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${who}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  return dataOf(await response.json());
}

function dataOf({ data, errors }: Data): Data {
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

/** Opens a socket: one device of one person. */
async function open(who: string, deviceId: string) {
  const signals = listen(who, deviceId);
  const { socketId } = await next(signals, 'SocketReady');
  return { signals, socketId: socketId as string };
}

/** The signals of a socket, as server-sent events. */
async function* listen(who: string, deviceId: string): AsyncGenerator<Data, void> {
  const query = `subscription ($deviceId: ID) {
    incomingSignal(deviceId: $deviceId) {
      __typename
      ... on SocketReady { socketId }
      ... on IncomingCall { name roomId call { id } }
      ... on CallUpdated { call { id state callee } }
    }
  }`;
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${who}`,
      'content-type': 'application/json',
      accept: 'text/event-stream',
    },
    body: JSON.stringify({ query, variables: { deviceId } }),
  });
  let text = '';
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const events = (text + chunk).split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      const [, json] = /^data: (.+)$/m.exec(event) ?? [];
      if (json) yield dataOf(JSON.parse(json)).incomingSignal;
    }
  }
}

/** The next signal of a kind. */
async function next(signals: AsyncGenerator<Data, void>, kind: string): Promise<Data> {
  for (;;) {
    const { value, done } = await signals.next();
    if (done) throw new Error(`the stream ended before ${kind} came`);
    if (value.__typename === kind) return value;
  }
}

/** What your own server does for its users when they sign in. */
async function developmentToken(uid: string, claims: object): Promise<string> {
  const secret = await readFile('.dev/secret');
  const jwt = new SignJWT({ ...claims }).setProtectedHeader({ alg: 'HS256' }).setSubject(uid);
  return jwt.setIssuedAt().setExpirationTime('1 hour').sign(secret);
}
