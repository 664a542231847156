import { describe, expect, test } from 'vitest';
import { createSchema } from '../src/graphql/schema.ts';
import { manualClock } from './support/clock.ts';
import { listen } from './support/listen.ts';
import { type OperationName, type Outcome, operations, run } from './support/operations.ts';
import { person } from './support/person.ts';
import { type Claims, engines, randomPrefix, startService, tokenFor } from './support/service.ts';
import { stateOf } from './support/stored.ts';

/** Everyone who may ask, by what their token says. `alice` is a party of the call that is asked for. */
const callers: Record<string, { uid: string; claims: Claims } | undefined> = {
  'no token': undefined,
  'an expired token': { uid: 'alice', claims: { hubs: { team: 'read' }, expiresIn: -60 } },
  'no hub': { uid: 'norman', claims: { hubs: {} } },
  'guest on the hub': { uid: 'gina', claims: { hubs: { team: 'guest' } } },
  'read on the hub, and a party of the call': { uid: 'alice', claims: { hubs: { team: 'read' } } },
  'a server-to-server token': { uid: 'backend', claims: { hubs: {}, admin: true } },
  'read on the hub, and no party of the call': { uid: 'dave', claims: { hubs: { team: 'read' } } },
};

const ok = 'allowed';
const who = 'UNAUTHENTICATED';
const no = 'FORBIDDEN';
const none = 'NOT_FOUND';
const notTheirs = 'BAD_USER_INPUT';

/** What each root field answers to each of the callers above, in their order. */
const expected: Record<OperationName, readonly string[]> = {
  service: [ok, ok, ok, ok, ok, ok, ok],
  viewer: [who, who, ok, ok, ok, ok, ok],
  activeCalls: [who, who, ok, ok, ok, ok, ok],
  callHistory: [who, who, ok, ok, ok, ok, ok],
  presence: [who, who, no, no, ok, no, ok],
  incomingSignal: [who, who, ok, ok, ok, ok, ok],
  call: [who, who, none, none, ok, none, none],
  callTrace: [who, who, none, none, ok, none, none],
  iceServers: [who, who, none, none, ok, none, none],
  acknowledgeRing: [who, who, none, none, ok, none, none],
  accept: [who, who, none, none, ok, none, none],
  decline: [who, who, none, none, ok, none, none],
  hangUp: [who, who, none, none, ok, none, none],
  notify: [who, who, no, no, ok, no, ok],
  message: [who, who, no, no, ok, no, ok],
  dial: [who, who, no, no, ok, no, ok],
  createStreamTicket: [who, who, ok, ok, ok, ok, ok],
  keepAlive: [who, who, notTheirs, notTheirs, ok, notTheirs, ok],
  // With a token of somebody else, whoever asks.
  refreshSession: [who, who, no, no, no, no, no],
  roomAccess: [who, who, no, no, no, ok, no],
  grantHub: [who, who, no, no, no, ok, no],
  revokeHub: [who, who, no, no, no, ok, no],
  disconnectUser: [who, who, no, no, no, ok, no],
};

test('every root field of the contract is in the table, and nothing else', () => {
  const schema = createSchema();
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  const fields = roots.flatMap((root) => Object.keys(root?.getFields() ?? {}));
  expect(Object.keys(expected).sort()).toEqual(fields.sort());
});

describe.each(engines)('on %s', (engine) => {
  test.each(Object.keys(expected) as OperationName[])(
    '%s is open to those it is meant for, and does nothing for others',
    async (field) => {
      const prefix = randomPrefix();
      const { url } = await startService({ engine, prefix, overrides: { clock: manualClock() } });
      const { variablesFor, token } = await setUp(url, field);
      const state = () => stateOf({ engine, prefix, url, token });
      const before = await state();

      const answers: Record<string, string> = {};
      const channel = field === 'incomingSignal' ? 'sse' : 'http';
      for (const [name, caller, answer] of inOrder(field)) {
        const asking = caller && (await tokenFor(caller.uid, caller.claims));
        const variables = variablesFor(field, caller?.uid);
        answers[name] = codeOf(await run(channel, url, asking, operations[field], variables));
        if (answer !== ok) expect(await state(), `after ${name}`).toEqual(before);
      }

      const table = Object.keys(callers).map((name, i) => [name, expected[field][i]]);
      expect(answers).toEqual(Object.fromEntries(table));
    },
  );
});

/** Those who are refused come first: what the others do changes the state. */
function inOrder(field: OperationName) {
  const all = Object.entries(callers).map(
    ([name, caller], i) => [name, caller, expected[field][i] ?? 'not in the table'] as const,
  );
  return [...all.filter(([, , answer]) => answer !== ok), ...all.filter(([, , answer]) => answer === ok)];
}

function codeOf({ data, errors = [] }: Outcome): string {
  if (errors.length === 0 && data) return ok;
  return errors.map(({ extensions }) => extensions['code']).join();
}

/** What only who is called can do. */
const ofTheCalled: readonly OperationName[] = ['acknowledgeRing', 'accept', 'decline'];

/** Opens sockets, makes a call that suits the field, and says with what each field is asked. */
async function setUp(url: string, asked: OperationName) {
  const alice = await person(url, 'alice', { hubs: { team: 'read' } });
  const dave = await person(url, 'dave', { hubs: { team: 'read' } });
  const bob = await person(url, 'bob', { hubs: { team: 'read' } });
  const [alices, daves] = await Promise.all([alice.open(), dave.open(), bob.open()]);
  const [caller, callee] = ofTheCalled.includes(asked) ? [bob, 'alice'] : [alice, 'bob'];
  const { call } = await caller.dial({ target: { uid: callee }, roomId: 'room-1', roomType: 'video' });
  const socketIds: Record<string, string> = { alice: alices.ready.socketId, dave: daves.ready.socketId };

  const variablesFor = (field: OperationName, uid = 'alice'): object =>
    ({
      call: { callId: call.id },
      callTrace: { callId: call.id },
      iceServers: { callId: call.id },
      acknowledgeRing: { callId: call.id, socketId: socketIds[uid] ?? alices.ready.socketId },
      accept: { callId: call.id, socketId: socketIds[uid] ?? alices.ready.socketId },
      decline: { callId: call.id },
      hangUp: { callId: call.id },
      presence: { hubId: 'team', uids: ['bob'] },
      keepAlive: { socketId: socketIds[uid] ?? alices.ready.socketId },
      refreshSession: { token: bob.token },
      roomAccess: { roomId: 'room-1', uid: 'bob' },
      notify: {
        hubId: 'team',
        input: { recipients: ['team'], socketId: socketIds[uid] ?? alices.ready.socketId },
      },
      message: { hubId: 'team', input: { target: { uid: 'bob' } } },
      dial: { hubId: 'team', input: { target: { uid: 'bob' }, roomId: 'room-2', roomType: 'video' } },
      grantHub: { hubId: 'lobby', uid: 'bob', privilege: 'READ' },
      revokeHub: { hubId: 'team', uid: 'bob' },
      disconnectUser: { uid: 'bob' },
    })[field as string] ?? {};

  // The end of the log is read on a socket of somebody without a live call, which would go back to where that began.
  return { variablesFor, token: dave.token };
}

test('a socket asks for hubs by name only where it may read them', async () => {
  const { url } = await startService({ engine: 'memory' });
  const gina = await tokenFor('gina', { hubs: { team: 'guest', lobby: 'read' } });
  const { ready } = await listen(url, gina, { variables: { hubIds: ['lobby'] } });
  expect(ready.hubIds).toEqual(['lobby']);
  const refused = await run('sse', url, gina, operations.incomingSignal, { hubIds: ['lobby', 'team'] });
  expect(codeOf(refused)).toBe('FORBIDDEN');
});
