import { SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { manualClock } from './support/clock.ts';
import {
  type Channel,
  channels,
  type OperationName,
  type Outcome,
  openRunner,
  operations,
  run,
} from './support/operations.ts';
import { type Person, person } from './support/person.ts';
import { type EngineName, engines, randomPrefix, secret, startService, tokenFor } from './support/service.ts';
import { stateOf } from './support/stored.ts';

/** What the inputs below are made of: a node with people on it. */
type World = Awaited<ReturnType<typeof setUp>>;

async function setUp(engine: EngineName) {
  const prefix = randomPrefix();
  const { url } = await startService({ engine, prefix, overrides: { clock: manualClock() } });
  const alice = await person(url, 'alice', { hubs: { team: 'write', lobby: 'guest' }, admin: true });
  const [bob, carol, dave, erin] = await Promise.all(
    ['bob', 'carol', 'dave', 'erin'].map((uid) => person(url, uid)),
  );
  if (!bob || !carol || !dave || !erin) throw new Error('four people');
  const [alices, bobs, daves] = await Promise.all([alice.open(), bob.open(), dave.open(), erin.open()]);
  const ownSocket: string = alices.ready.socketId;
  const bobsSocket: string = bobs.ready.socketId;
  await bob.message({ target: { hubId: 'team' }, origin: { socketId: bobsSocket, streamId: 'bobs-stream' } });
  const call = async (caller: Person, uid: string): Promise<string> =>
    (await caller.dial({ target: { uid }, roomId: 'room-1', roomType: 'video' })).call.id;
  const callOfOthers = await call(carol, 'bob');
  const accepted = await call(carol, 'alice');
  await alice.accept(accepted, ownSocket);
  // A socket with a live call begins where that did: only one without stands at the end of the log.
  const witness = await tokenFor('witness');
  return {
    url,
    token: alice.token,
    ownSocket,
    bobsSocket,
    davesSocket: daves.ready.socketId as string,
    callOfOthers,
    /** Carol has called Alice, who answered on her only socket. */
    accepted,
    /** Dave calls Alice: her device rings. */
    ringing: await call(dave, 'alice'),
    /** Alice calls Erin: her own call. */
    dialled: await call(alice, 'erin'),
    state: () => stateOf({ engine, prefix, url, token: witness }),
  };
}

/** One bad input: which operation, with what, and how it is refused. */
interface Bad {
  readonly what: string;
  readonly operation: OperationName;
  readonly variables: (world: World) => object;
  readonly code: string;
  /** The argument that the refusal names. */
  readonly field?: string;
  /** Instead of the operation's usual document. */
  readonly query?: string;
  readonly message?: RegExp;
}

type Input = Record<string, unknown> | ((world: World) => Record<string, unknown>);

/** What a mutation is good with; a case changes one thing of it. */
const good = {
  notify: ({ ownSocket }: World) => ({ recipients: ['team'], socketId: ownSocket }),
  message: () => ({ target: { uid: 'bob' } }),
  dial: () => ({ target: { uid: 'bob' }, roomId: 'room-2', roomType: 'video' }),
} as const;

function bad(
  operation: keyof typeof good,
  what: string,
  field: string,
  change: Input,
  code = 'BAD_USER_INPUT',
): Bad {
  const input = (world: World) => ({
    ...good[operation](world),
    ...(typeof change === 'function' ? change(world) : change),
  });
  return { what, operation, code, field, variables: (world) => ({ hubId: 'team', input: input(world) }) };
}

const mutations = ['notify', 'message', 'dial'] as const;

const badIds = [
  ['empty', ''],
  ['with a space', 'a b'],
  ['of 129 characters', 'a'.repeat(129)],
] as const;

const moreBadIds = [
  ['with a slash', 'a/b'],
  ['with a letter outside ASCII', 'ä'],
  ['with a line break', 'a\n'],
  ['with a bracket', 'a}'],
] as const;

/** A case for each id that is none. */
function badIdsIn(
  operation: OperationName,
  field: string,
  variables: (id: string) => object,
  code = 'BAD_USER_INPUT',
): Bad[] {
  return badIds.map(([how, id]) => ({
    what: `an id ${how} as ${field}`,
    operation,
    code,
    field,
    variables: () => variables(id),
  }));
}

/** What is said of a call, each by a socket of the caller's. */
const verbs = ['acknowledgeRing', 'accept', 'decline', 'hangUp'] as const;

function badVerb(
  operation: (typeof verbs)[number] | 'callTrace' | 'iceServers',
  what: string,
  field: string,
  variables: Bad['variables'],
  code = 'BAD_USER_INPUT',
): Bad {
  return { what, operation, code, field, variables };
}

/** A case for each socket that is none of the caller's, in calls to them. */
function badSocketsOf(operation: (typeof verbs)[number]): Bad[] {
  const sockets: [string, (world: World) => string][] = [
    ['a socket that is another user’s', ({ bobsSocket }) => bobsSocket],
    ['a socket that is the other side’s', ({ davesSocket }) => davesSocket],
    ['a socket that does not exist', () => 'sock_none'],
    ...badIds.map(([how, id]): [string, () => string] => [`an id ${how} as socketId`, () => id]),
  ];
  return sockets.flatMap(([what, socketId]) =>
    (['ringing', 'accepted'] as const).map((call) =>
      badVerb(operation, `${what}, in a call that is ${call}`, 'socketId', (world) => ({
        callId: world[call],
        socketId: socketId(world),
      })),
    ),
  );
}

function badIdsOf(operation: keyof typeof good, field: string, change: (id: string) => Input): Bad[] {
  return badIds.map(([how, id]) => bad(operation, `an id ${how} as ${field}`, field, change(id)));
}

const badTexts = [
  ['empty', ''],
  ['of 129 characters', 'a'.repeat(129)],
  ['with a control character', 'a\u0007b'],
  ['with a line break', 'a\nb'],
] as const;

function badTextsOf(operation: keyof typeof good, field: string, change: (text: string) => Input): Bad[] {
  return badTexts.map(([how, text]) => bad(operation, `a text ${how} as ${field}`, field, change(text)));
}

const nested = (levels: number): unknown => JSON.parse(`${'['.repeat(levels)}1${']'.repeat(levels)}`);
const keyed = (key: string): unknown => JSON.parse(`{"a":[{"b":{"${key}":1}}]}`);

const kib = 1024;

/** Every way in which a payload is bad, for one mutation. */
function badPayloads(operation: keyof typeof good): Bad[] {
  const field = 'input.payload';
  const literal = (payload: string): string =>
    operations[operation]
      .replace('input: $input', `input: { ${literals[operation]}, payload: ${payload} }`)
      .replace(/, \$input: \w+!/, operation === 'notify' ? ', $socketId: ID!' : '');
  const byLiteral = (what: string, payload: string): Bad => ({
    ...bad(operation, what, field, {}),
    query: literal(payload),
    variables: ({ ownSocket }) => ({ hubId: 'team', ...(operation === 'notify' && { socketId: ownSocket }) }),
  });
  return [
    bad(
      operation,
      'a payload of more than 64 KiB',
      field,
      { payload: 'a'.repeat(64 * kib - 1) },
      'PAYLOAD_TOO_LARGE',
    ),
    bad(
      operation,
      'a payload of more than 64 KiB in UTF-8',
      field,
      { payload: 'ä'.repeat(32 * kib) },
      'PAYLOAD_TOO_LARGE',
    ),
    bad(operation, 'a payload 33 deep', field, { payload: nested(33) }),
    bad(operation, 'a payload 33 deep, with an idempotency key', field, {
      payload: nested(33),
      clientMutationId: 'k',
    }),
    byLiteral('a payload 33 deep, written into the document', `${'[{ a: '.repeat(16)}[1]${'}]'.repeat(16)}`),
    ...['__proto__', 'constructor', 'prototype'].flatMap((key) => [
      bad(operation, `a payload with the key ${key}`, field, { payload: keyed(key) }),
      byLiteral(`a payload with the key ${key}, written into the document`, `[{ b: { ${key}: 1 } }]`),
    ]),
  ];
}

const literals = {
  notify: 'recipients: ["team"], socketId: $socketId',
  message: 'target: { uid: "bob" }',
  dial: 'target: { uid: "bob" }, roomId: "room-2", roomType: "video"',
};

const cases: Bad[] = [
  ...mutations.flatMap((operation): Bad[] => [
    ...[
      ['a hub that does not exist', 'nowhere'],
      ['a hub without permission', 'lobby'],
      ['an id out of charset as hubId', 'a b'],
      ['an empty hubId', ''],
    ].map(([what = '', hubId]) => ({
      what,
      operation,
      code: 'FORBIDDEN',
      field: 'hubId',
      variables: (world: World) => ({ hubId, input: good[operation](world) }),
    })),
    ...badPayloads(operation),
    ...badIdsOf(operation, 'input.clientMutationId', (clientMutationId) => ({ clientMutationId })),
  ]),

  bad('notify', 'no recipients', 'input.recipients', { recipients: [] }),
  bad('notify', 'more than 100 recipients', 'input.recipients', {
    recipients: Array.from({ length: 101 }, (_, i) => `hub-${i}`),
  }),
  bad(
    'notify',
    'a recipient that does not exist',
    'input.recipients[1]',
    { recipients: ['team', 'nowhere'] },
    'FORBIDDEN',
  ),
  bad(
    'notify',
    'a recipient without READ',
    'input.recipients[2]',
    { recipients: ['team', 'team', 'lobby'] },
    'FORBIDDEN',
  ),
  ...badIdsOf('notify', 'input.recipients[1]', (id) => ({ recipients: ['team', id] })),
  bad('notify', 'a socket that is another user’s', 'input.socketId', ({ bobsSocket }) => ({
    socketId: bobsSocket,
  })),
  bad('notify', 'a socket that does not exist', 'input.socketId', { socketId: 'sock_none' }),
  ...badIdsOf('notify', 'input.socketId', (socketId) => ({ socketId })),
  ...badTextsOf('notify', 'input.type', (type) => ({ type })),

  bad('message', 'a target of nothing', 'input.target', { target: {} }),
  bad('message', 'a target of nulls', 'input.target', { target: { uid: null, hubId: null } }),
  bad('message', 'a target that is null', 'input.target', { target: null }),
  bad('message', 'a target that is left out', 'input.target', { target: undefined }),
  ...(['socketId', 'streamId', 'hubId', 'uid'] as const).flatMap((name) =>
    badIdsOf('message', `input.target.${name}`, (id) => ({ target: { [name]: id } })),
  ),
  bad(
    'message',
    'a target hub that does not exist',
    'input.target.hubId',
    { target: { hubId: 'nowhere' } },
    'FORBIDDEN',
  ),
  bad(
    'message',
    'a target hub without READ',
    'input.target.hubId',
    { target: { hubId: 'lobby' } },
    'FORBIDDEN',
  ),
  ...(
    [
      [{ uid: 'bob' }, 'SOCKET'],
      [{ uid: 'bob' }, 'HUB'],
      [{ uid: 'bob' }, 'ONLINE_MEMBERS'],
      [{ hubId: 'team' }, 'SOCKET'],
      [{ hubId: 'team' }, 'USER'],
      [{ hubId: 'team', uid: 'bob' }, 'USER'],
      [{ socketId: 'sock_1' }, 'USER'],
      [{ socketId: 'sock_1' }, 'HUB'],
      [{ streamId: 'stream-1' }, 'ONLINE_MEMBERS'],
    ] as const
  ).map(([target, scope]) =>
    bad('message', `the scope ${scope} with the target ${Object.keys(target).join(' and ')}`, 'input.scope', {
      target,
      scope,
    }),
  ),
  bad('message', 'an origin socket that is another user’s', 'input.origin.socketId', ({ bobsSocket }) => ({
    origin: { socketId: bobsSocket },
  })),
  bad('message', 'an origin socket that does not exist', 'input.origin.socketId', {
    origin: { socketId: 'sock_none' },
  }),
  ...badIdsOf('message', 'input.origin.socketId', (socketId) => ({ origin: { socketId } })),
  bad('message', 'an origin stream that is another user’s', 'input.origin.streamId', ({ ownSocket }) => ({
    origin: { socketId: ownSocket, streamId: 'bobs-stream' },
  })),
  bad('message', 'an origin stream without a socket', 'input.origin.socketId', {
    origin: { streamId: 'my-stream' },
  }),
  ...badIdsOf('message', 'input.origin.streamId', (streamId) => ({ ownSocket }) => ({
    origin: { socketId: ownSocket, streamId },
  })),
  bad('message', 'the own origin socket as target', 'input.target.socketId', ({ ownSocket }) => ({
    target: { socketId: ownSocket },
    origin: { socketId: ownSocket },
  })),
  ...badTextsOf('message', 'input.type', (type) => ({ type })),
  ...[-1, 86_401].map((duration) =>
    bad('message', `a duration of ${duration}`, 'input.duration', { duration }),
  ),
  ...[1.5, 'long', 2 ** 31].map((duration) =>
    bad('message', `a duration that is ${JSON.stringify(duration)}`, 'input.duration', { duration }),
  ),
  bad('message', 'a generation of -1', 'input.generation', { generation: -1 }),
  bad('message', 'a role that does not exist', 'input.role', { role: 'BYSTANDER' }),
  bad(
    'message',
    'a call that one is no party of',
    'input.callId',
    ({ callOfOthers }) => ({ callId: callOfOthers }),
    'NOT_FOUND',
  ),
  bad('message', 'a call that does not exist', 'input.callId', { callId: 'call_none' }, 'NOT_FOUND'),
  ...badIdsOf('message', 'input.callId', (callId) => ({ callId })),

  bad('dial', 'a target of nothing', 'input.target.uid', { target: {} }),
  bad('dial', 'a target without a user', 'input.target.uid', ({ bobsSocket }) => ({
    target: { socketId: bobsSocket },
  })),
  ...badIdsOf('dial', 'input.target.uid', (uid) => ({ target: { uid } })),
  ...['alice', 'alice@example.org'].map((uid) => ({
    ...bad('dial', `oneself as ${uid}`, 'input.target.uid', { target: { uid } }),
    message: /^Self calling is not allowed$/,
  })),
  ...badIdsOf('dial', 'input.roomId', (roomId) => ({ roomId })),
  ...moreBadIds.map(([how, roomId]) =>
    bad('dial', `an id ${how} as input.roomId`, 'input.roomId', { roomId }),
  ),
  ...badTextsOf('dial', 'input.roomType', (roomType) => ({ roomType })),
  ...badIdsOf('dial', 'input.deviceId', (deviceId) => ({ deviceId })),
  ...[0, 9, 121].map((ringTimeoutSeconds) =>
    bad('dial', `a ring of ${ringTimeoutSeconds} s`, 'input.ringTimeoutSeconds', { ringTimeoutSeconds }),
  ),
  // GraphQL itself finds these: it names the place in the variables, and its message what is wrong there.
  { ...bad('dial', 'no room', 'input', { roomId: undefined }), message: /"roomId" of required type/ },
  {
    ...bad('message', 'an argument that does not exist', 'input', { text: 'hi' }),
    message: /"text" is not defined/,
  },
  {
    ...bad('notify', 'no input', 'input', {}),
    variables: () => ({ hubId: 'team' }),
    message: /not provided/,
  },
  {
    ...bad('notify', 'null as hubId', 'hubId', {}),
    variables: (world: World) => ({ hubId: null, input: good.notify(world) }),
    message: /not be null/,
  },

  {
    what: 'a call that one is no party of',
    operation: 'call',
    code: 'NOT_FOUND',
    field: 'callId',
    variables: ({ callOfOthers }) => ({ callId: callOfOthers }),
  },
  ...badIdsIn('call', 'callId', (callId) => ({ callId }), 'NOT_FOUND'),
  ...(['callTrace', 'iceServers', ...verbs] as const).flatMap((operation) => [
    badVerb(
      operation,
      'a call that one is no party of',
      'callId',
      ({ callOfOthers, ownSocket }) => ({ callId: callOfOthers, socketId: ownSocket }),
      'NOT_FOUND',
    ),
    badVerb(
      operation,
      'a call of others, by a socket of theirs',
      'callId',
      ({ callOfOthers, bobsSocket }) => ({ callId: callOfOthers, socketId: bobsSocket }),
      'NOT_FOUND',
    ),
    ...['call_none', ...badIds.map(([, id]) => id), ...moreBadIds.map(([, id]) => id)].map((callId) =>
      badVerb(
        operation,
        `the callId ${JSON.stringify(callId).slice(0, 20)}`,
        'callId',
        ({ ownSocket }) => ({ callId, socketId: ownSocket }),
        'NOT_FOUND',
      ),
    ),
  ]),
  ...verbs.flatMap(badSocketsOf),
  ...verbs.flatMap((operation) =>
    badIds.map(([how, socketId]) =>
      badVerb(operation, `an id ${how} as socketId, by who dialled`, 'socketId', ({ dialled }) => ({
        callId: dialled,
        socketId,
      })),
    ),
  ),
  badVerb('accept', 'one’s own call while it rings', 'callId', ({ dialled, ownSocket }) => ({
    callId: dialled,
    socketId: ownSocket,
  })),
  badVerb('hangUp', 'an accepted call, by who was called, without a socket', 'socketId', ({ accepted }) => ({
    callId: accepted,
  })),
  badVerb('hangUp', 'a reason that is the service’s own', 'reason', ({ ringing }) => ({
    callId: ringing,
    reason: 'NO_ANSWER',
  })),
  badVerb('decline', 'a word for busy', 'busy', ({ ringing }) => ({ callId: ringing, busy: 'yes' })),
  ...(['acknowledgeRing', 'accept'] as const).flatMap((operation) =>
    [null, undefined].map((socketId) => ({
      ...badVerb(operation, `${socketId} as socketId`, 'socketId', ({ ringing }) => ({
        callId: ringing,
        socketId,
      })),
      message: /not (be null|provided)/,
    })),
  ),
  ...[0, -1, 101].map(
    (first): Bad => ({
      what: `a page of ${first}`,
      operation: 'callHistory',
      code: 'BAD_USER_INPUT',
      field: 'first',
      variables: () => ({ first }),
    }),
  ),
  {
    what: 'a place in the list that does not exist',
    operation: 'callHistory',
    code: 'BAD_USER_INPUT',
    field: 'after',
    variables: () => ({ after: 'rec_none' }),
  },
  ...badIdsIn('callHistory', 'after', (after) => ({ after })),
  ...badIdsIn('callHistory', 'peer', (peer) => ({ peer })),

  ...badIdsIn('roomAccess', 'roomId', (roomId) => ({ roomId, uid: 'bob' })),
  ...badIdsIn('roomAccess', 'uid', (uid) => ({ roomId: 'room-1', uid })),
  ...badIdsIn('grantHub', 'hubId', (hubId) => ({ hubId, uid: 'bob', privilege: 'READ' })),
  ...badIdsIn('grantHub', 'uid', (uid) => ({ hubId: 'lobby', uid, privilege: 'READ' })),
  ...badIdsIn('revokeHub', 'hubId', (hubId) => ({ hubId, uid: 'bob' })),
  ...badIdsIn('revokeHub', 'uid', (uid) => ({ hubId: 'lobby', uid })),
  ...badIdsIn('disconnectUser', 'uid', (uid) => ({ uid })),
  ...badIdsIn('disconnectUser', 'deviceId', (deviceId) => ({ uid: 'bob', deviceId })),
  {
    what: 'a grant that has ended',
    operation: 'grantHub',
    code: 'BAD_USER_INPUT',
    field: 'expiresAt',
    variables: () => ({ hubId: 'lobby', uid: 'bob', privilege: 'READ', expiresAt: '2020-01-31T12:00:00Z' }),
  },
  ...['tomorrow', '', 1_790_000_000_000, '2030-02-31', '2030-13-01T00:00:00Z', {}].map(
    (expiresAt): Bad => ({
      what: `the time ${JSON.stringify(expiresAt)}`,
      operation: 'grantHub',
      code: 'BAD_USER_INPUT',
      field: 'expiresAt',
      variables: () => ({ hubId: 'lobby', uid: 'bob', privilege: 'READ', expiresAt }),
    }),
  ),

  ...badIdsIn('incomingSignal', 'deviceId', (deviceId) => ({ deviceId })),
  ...badTexts.map(
    ([how, deviceLabel]): Bad => ({
      what: `a text ${how} as deviceLabel`,
      operation: 'incomingSignal',
      code: 'BAD_USER_INPUT',
      field: 'deviceLabel',
      variables: () => ({ deviceLabel }),
    }),
  ),
  ...[
    '',
    'garbage',
    'a:',
    ':1',
    'a:b',
    'a:1:2',
    'A:1',
    'a:-1',
    'a:1.5',
    `a:${'9'.repeat(17)}`,
    `a:${2 ** 53}`,
  ].map(
    (after): Bad => ({
      what: `the cursor ${JSON.stringify(after)}`,
      operation: 'incomingSignal',
      code: 'BAD_USER_INPUT',
      field: 'after',
      variables: () => ({ after }),
    }),
  ),
  ...badIdsIn('incomingSignal', 'hubIds[1]', (id) => ({ hubIds: ['team', id] })),
  ...['lobby', 'nowhere'].map(
    (hubId): Bad => ({
      what: `the hub ${hubId} by name, without READ`,
      operation: 'incomingSignal',
      code: 'FORBIDDEN',
      field: 'hubIds[1]',
      variables: () => ({ hubIds: ['team', hubId] }),
    }),
  ),
  {
    what: 'a kind that does not exist',
    operation: 'incomingSignal',
    code: 'BAD_USER_INPUT',
    field: 'kinds[0]',
    variables: () => ({ kinds: ['NEWS'] }),
  },
];

/** A subscription needs a stream. */
const waysOf = (operation: OperationName): readonly Channel[] =>
  operation === 'incomingSignal' ? ['sse', 'ws'] : channels;

const refusalOf = ({ data, errors }: Outcome) => ({
  data: data?.constructor === Object ? Object.values(data).filter((value) => value !== null) : [],
  errors: errors?.map(({ message, extensions: { code, field, retryable } }) => ({
    message,
    code,
    field,
    retryable,
  })),
});

async function expectRefusals(world: World, channel: Channel, refused: readonly Bad[]): Promise<void> {
  const send = await openRunner(channel, world.url, world.token);
  for (const { what, operation, query = operations[operation], variables, code, field, message } of refused) {
    const outcome = await send(query, variables(world));
    expect.soft(refusalOf(outcome), `${what}, over ${channel}`).toEqual({
      data: [],
      errors: [{ message: expect.stringMatching(message ?? /./), code, field, retryable: false }],
    });
  }
}

describe.each(engines)('on %s', (engine) => {
  const byOperation = Map.groupBy(cases, ({ operation }) => operation);

  test.each([...byOperation.keys()])(
    'every bad input of %s is refused on every transport, with the field at fault, and without effect',
    async (operation) => {
      const world = await setUp(engine);
      const before = await world.state();
      const ofOperation = byOperation.get(operation) ?? [];
      await Promise.all(waysOf(operation).map((channel) => expectRefusals(world, channel, ofOperation)));
      expect(await world.state()).toEqual(before);
    },
  );
});

test.each(engines)('what is just within the bounds is accepted on %s', async (engine) => {
  const { url, token, ownSocket } = await setUp(engine);
  const id = `${'aZ09_.~@:-'.repeat(13)}`.slice(0, 128);
  const text = 'ü'.repeat(128);
  const hubs = Array.from({ length: 100 }, () => 'team');
  const user = { uid: 'bob' };
  const room = { roomId: id, roomType: text, deviceId: id };
  const fine: [OperationName, object][] = [
    ['notify', { recipients: hubs, socketId: ownSocket, type: text, clientMutationId: id }],
    ['message', { target: user, payload: 'a'.repeat(64 * kib - 2) }],
    ['message', { target: user, payload: nested(32), clientMutationId: 'k' }],
    ['message', { target: user, payload: { proto: 1, constructors: 2, a: ['__proto__'] } }],
    ['message', { target: { uid: id }, type: text, duration: 0, generation: 0 }],
    ['message', { target: user, duration: 86_400, generation: 2 ** 31 - 1 }],
    ['message', { target: { hubId: 'team' }, scope: 'ONLINE_MEMBERS' }],
    ['message', { target: user, origin: { socketId: ownSocket, streamId: id } }],
    ['dial', { target: user, ...room, ringTimeoutSeconds: 10 }],
    ['dial', { target: { uid: 'carol' }, ...room, ringTimeoutSeconds: 120, payload: null }],
  ];
  for (const [operation, input] of fine) {
    const { errors } = await run('http', url, token, operations[operation], { hubId: 'team', input });
    expect.soft(errors, JSON.stringify(input).slice(0, 200)).toBeUndefined();
  }
});

describe.each(engines)('a cursor on %s', (engine) => {
  test.each(['sse', 'ws'] as const)(
    'of another installation is not recovered from, and the socket says so, over %s',
    async (transport) => {
      const { url } = await startService({ engine });
      const elsewhere = await startService({ engine });
      const { ready } = await (await person(elsewhere.url, 'alice')).open();
      const alice = await person(url, 'alice');
      const resumed = await alice.open({ transport, variables: { after: ready.cursor } });
      expect(resumed.ready).toMatchObject({ recovered: false, reason: 'EPOCH' });
      expect(resumed.ready.cursor).not.toBe(ready.cursor);
    },
  );
});

/** Tokens that are refused, by what is wrong with them. */
const badTokens: Record<string, (key: string) => Promise<string>> = {
  expired: () => tokenFor('alice', { audience: 'signaling', expiresIn: -60 }),
  'signed with another secret': () =>
    tokenFor('alice', { audience: 'signaling', secret: 'another secret of at least thirty-two bytes' }),
  'changed after it was signed': async () => {
    const [head, , signature] = (await tokenFor('alice', { audience: 'signaling' })).split('.');
    const [, others] = (await tokenFor('bob', { audience: 'signaling' })).split('.');
    return [head, others, signature].join('.');
  },
  'without a signature': async () => {
    const [, claims] = (await tokenFor('alice', { audience: 'signaling' })).split('.');
    return `${Buffer.from('{"alg":"none"}').toString('base64url')}.${claims}.`;
  },
  'meant for another audience': () => tokenFor('alice', { audience: 'billing' }),
  'meant for no audience': () => tokenFor('alice'),
  'no JWT at all': async () => 'let-me-in',
  'without an end': (key) => signed(key, { sub: 'alice', hubs: { team: 'write' } }),
  'without a user': (key) => signed(key, { hubs: { team: 'write' }, exp: 2_000_000_000 }),
  'of a user whose uid is no id': (key) =>
    signed(key, { sub: 'a b', hubs: { team: 'write' }, exp: 2_000_000_000 }),
  'with a hub whose id is no id': (key) =>
    signed(key, { sub: 'alice', hubs: { 'a b': 'write' }, exp: 2_000_000_000 }),
  'with a level that does not exist': (key) =>
    signed(key, { sub: 'alice', hubs: { team: 'god' }, exp: 2_000_000_000 }),
  'with a privilege beyond all bits': (key) =>
    signed(key, { sub: 'alice', hubs: { team: 64 }, exp: 2_000_000_000 }),
  'with a wish for calls while busy that does not exist': (key) =>
    signed(key, { sub: 'alice', hubs: { team: 'write' }, busy: 'never', exp: 2_000_000_000 }),
  'that says admin in words': (key) => signed(key, { sub: 'alice', admin: 'yes', exp: 2_000_000_000 }),
};

function signed(key: string, claims: Record<string, unknown>): Promise<string> {
  return new SignJWT({ aud: 'signaling', ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode(key));
}

describe.each(engines)('a token on %s', (engine) => {
  test('that is not accepted is refused on every transport, without effect', async () => {
    const prefix = randomPrefix();
    const env = { AUTH_AUDIENCE: 'signaling' };
    const { url } = await startService({ engine, prefix, env, overrides: { clock: manualClock() } });
    const good = await tokenFor('alice', { audience: 'signaling' });
    const state = () => stateOf({ engine, prefix, url, token: good });
    const before = await state();
    const variables = { hubId: 'team', input: { target: { uid: 'bob' } } };

    for (const [what, make] of Object.entries(badTokens)) {
      const token = await make(secret);
      for (const channel of ['http', 'sse'] as const) {
        const refused = refusalOf(await run(channel, url, token, operations.message, variables));
        expect.soft(refused, `${what}, over ${channel}`).toEqual(unauthenticated);
      }
      const stream = refusalOf(await run('sse', url, token, operations.incomingSignal));
      expect.soft(stream, `${what}, as a stream`).toEqual(unauthenticated);
      // On a WebSocket it ends the connection, so that the client comes back with another one.
      expect
        .soft(await run('ws', url, token, operations.message, variables), what)
        .toMatchObject({ closed: 4403 });
    }

    expect(await state()).toEqual(before);
    // What is wrong with them is not the audience that they have in common.
    expect(await run('ws', url, good, operations.viewer)).toMatchObject({
      data: { viewer: { uid: 'alice' } },
    });
  });

  test('that is missing is refused on every transport by the fields that need one', async () => {
    const { url } = await startService({ engine });
    for (const channel of channels) {
      const refused = refusalOf(await run(channel, url, undefined, operations.viewer));
      expect.soft(refused, channel).toEqual(unauthenticated);
    }
    for (const channel of ['sse', 'ws'] as const) {
      const refused = refusalOf(await run(channel, url, undefined, operations.incomingSignal));
      expect.soft(refused, channel).toEqual(unauthenticated);
    }
  });
});

const unauthenticated = {
  data: [],
  errors: [{ code: 'UNAUTHENTICATED', retryable: false, field: undefined, message: expect.any(String) }],
};

test('a subscription over plain HTTP is told which ways there are', async () => {
  const { url } = await startService({ engine: 'memory' });
  const { errors } = await run('http', url, await tokenFor('alice'), operations.incomingSignal);
  expect(errors).toMatchObject([
    { message: expect.stringContaining('text/event-stream'), extensions: { code: 'BAD_USER_INPUT' } },
  ]);
});

test('what GraphQL itself finds in a document is refused with its place, and is not to be repeated', async () => {
  const { url } = await startService({ engine: 'memory' });
  const token = await tokenFor('backend', { admin: true });
  const documents = [
    'mutation { grantHub(hubId: "a", uid: "b", privilege: READ, expiresAt: "tomorrow") { hubId } }',
    'mutation { grantHub(hubId: "a", uid: "b", privilege: EVERYTHING) { hubId } }',
    'mutation { grantHub(hubId: "a") { hubId } }',
    '{ viewer { password } }',
    '{ viewer { uid }',
    'query ($unused: ID) { viewer { uid } }',
  ];
  for (const document of documents) {
    for (const channel of channels) {
      const { errors = [] } = await run(channel, url, token, document);
      expect.soft(errors.length, document).toBeGreaterThan(0);
      for (const error of errors) {
        expect.soft(error, `${document}, over ${channel}`).toMatchObject({
          locations: [expect.anything()],
          extensions: {
            code: expect.stringMatching(/^GRAPHQL_(PARSE|VALIDATION)_FAILED$/),
            retryable: false,
          },
        });
      }
    }
  }
});
