import { expect, vi } from 'vitest';
import { createKeys } from '../../src/redis/keys.ts';
import { post, verbDocuments } from './api.ts';
import { type ManualClock, manualClock } from './clock.ts';
import type { Received } from './listen.ts';
import { operations } from './operations.ts';
import { type Person, type PersonalListener, person } from './person.ts';
import { type Claims, type EngineName, randomPrefix, startService } from './service.ts';
import { withRedis } from './stored.ts';

/*
 * Alice calls Bob: what the tests of calls begin with. Alice and what the application's server asks is on one node, Bob
 * is on another; in memory there is only one.
 */

export interface Scene {
  readonly clock: ManualClock;
  readonly alice: Person;
  readonly bob: Person;
  /** The application's own server. */
  readonly server: Person;
  /** Where the nodes are; the same twice in memory. */
  readonly here: string;
  readonly there: string;
  /** Lets time pass, at once, and waits until no node is taken for dead because of it. */
  pass(ms: number): Promise<void>;
}

export interface SceneOptions {
  readonly alice?: Claims;
  readonly bob?: Claims & { readonly busy?: string };
}

/** Longer than the longest call. */
const expiresIn = 3 * 24 * 60 * 60;

export const toBob = { target: { uid: 'bob' }, roomId: 'room-1', roomType: 'video' };
export const toAlice = { ...toBob, target: { uid: 'alice' } };

export async function startScene(engine: EngineName, options: SceneOptions = {}): Promise<Scene> {
  const [clock, prefix] = [manualClock(), randomPrefix()];
  const here = await startService({ engine, prefix, overrides: { clock } });
  const there = engine === 'redis' ? await startService({ engine, prefix, overrides: { clock } }) : here;
  return {
    clock,
    alice: await person(here.url, 'alice', { expiresIn, ...options.alice }),
    bob: await person(there.url, 'bob', { expiresIn, ...options.bob }),
    server: await person(here.url, 'server', { expiresIn, hubs: {}, admin: true }),
    here: here.url,
    there: there.url,
    async pass(ms) {
      clock.advance(ms);
      if (engine === 'redis') await leasesRenewed(prefix, clock);
    },
  };
}

async function leasesRenewed(prefix: string, clock: ManualClock): Promise<void> {
  const { nodes } = createKeys(prefix);
  await withRedis((redis) =>
    vi.waitFor(async () => expect(await redis.zcount(nodes, clock.now(), '+inf')).toBe(2), { interval: 2 }),
  );
}

/** The scene's people with their devices open. */
export type OpenScene = Scene & {
  readonly desk: PersonalListener;
  readonly phone: PersonalListener;
  readonly tablet: PersonalListener;
};

/** With names that must not be told to the other side. */
const devices = {
  desk: { deviceId: 'desk', deviceLabel: 'Office' },
  phone: { deviceId: 'phone', deviceLabel: 'Pocket' },
  tablet: { deviceId: 'tablet', deviceLabel: 'Sofa' },
};
export type DeviceName = keyof typeof devices;

/** Opens a socket of one of the devices. */
export function openDevice(who: Person, name: DeviceName, more: object = {}): Promise<PersonalListener> {
  return who.open({ variables: { ...devices[name], ...more } });
}

export async function openScene(engine: EngineName, options?: SceneOptions): Promise<OpenScene> {
  const scene = await startScene(engine, options);
  const [desk, phone, tablet] = await Promise.all([
    openDevice(scene.alice, 'desk'),
    openDevice(scene.bob, 'phone'),
    openDevice(scene.bob, 'tablet'),
  ]);
  // Nobody leaves in the millisecond in which they came.
  scene.clock.advance(1);
  return { ...scene, desk, phone, tablet };
}

export type CallScene = OpenScene & { readonly callId: string };

/** Alice has dialled Bob from her desk; everybody has heard all that there was to hear. */
export async function ringing(engine: EngineName, options?: SceneOptions): Promise<CallScene> {
  const scene = await openScene(engine, options);
  const { call } = await scene.alice.dial({ ...toBob, deviceId: 'desk' });
  await hush(scene);
  scene.clock.advance(1000);
  return { ...scene, callId: call.id };
}

/** Bob has answered on his phone; everybody has heard it. */
export async function talking(engine: EngineName, options?: SceneOptions): Promise<CallScene> {
  const scene = await ringing(engine, options);
  const accepted = await scene.bob.accept(scene.callId, socketOf(scene.phone));
  expect(accepted).toMatchObject({ __typename: 'Accepted', call: { state: 'ACCEPTED', rev: 2 } });
  await hush(scene);
  scene.clock.advance(1000);
  return scene;
}

/** Takes whatever came to the three devices so far. */
export async function hush({ desk, phone, tablet }: OpenScene): Promise<void> {
  await Promise.all([desk.heard(), phone.heard(), tablet.heard()]);
}

/** What the three devices have heard since. */
export async function allHeard({ desk, phone, tablet }: OpenScene) {
  const [atDesk, onPhone, onTablet] = await Promise.all([desk.heard(), phone.heard(), tablet.heard()]);
  return { atDesk, onPhone, onTablet };
}

export const socketOf = (listener: PersonalListener): string => listener.ready.socketId;

export const kindsOf = (signals: readonly Received[]): string[] =>
  signals.map(({ __typename }) => __typename);

/** What is written over the sender of a signal. */
export function originOf(uid: string, socketId: string | null = null) {
  const name = uid.charAt(0).toUpperCase() + uid.slice(1);
  return {
    uid,
    ident: `${uid}@example.org`,
    firstname: name,
    lastname: null,
    fullname: `${name} Example`,
    email: null,
    socketId,
    streamId: null,
  };
}

export const iso = (ms: number): string => new Date(ms).toISOString();

/** The call as one of its people reads it. */
export async function readCall(reader: Person, callId: string): Promise<Received> {
  const fields = 'id state reason rev caller callee legs alerting createdAt acceptedAt endedAt expiresAt';
  return (await reader.ask(`query ($callId: ID!) { call(callId: $callId) { ${fields} } }`, { callId })).call;
}

export async function activeCalls(reader: Person): Promise<string[]> {
  const { activeCalls: calls } = await reader.ask('{ activeCalls { id } }');
  return calls.map(({ id }: { id: string }) => id);
}

/** Waits until the service has ended a call whose time is over, and lets time pass until then. */
export async function untilEnded({ pass, alice }: Scene, callId: string, stepMs: number): Promise<Received> {
  for (let step = 0; step < 100; step++) {
    const call = await readCall(alice, callId);
    if (call.state === 'ENDED') return call;
    await pass(stepMs);
  }
  throw new Error(`call ${callId} does not end`);
}

/** All records of somebody's call history, newest first. */
export async function recordsOf(who: Person, page: object = {}): Promise<Received[]> {
  const { callHistory } = await who.ask(operations.callHistory, page);
  return callHistory.edges.map(({ node }: Received) => node);
}

/** What a user may do in a room, as the application's server reads it. */
export async function privilegeIn({ server }: Scene, uid: string, roomId = 'room-1'): Promise<number> {
  return (await server.ask(operations.roomAccess, { roomId, uid })).roomAccess.privilege;
}

export async function traceOf(who: Person, callId: string): Promise<Received> {
  return (await who.ask(operations.callTrace, { callId })).callTrace;
}

/** Says a verb that must be refused; resolves with the refusal. */
export async function refusedVerb(
  url: string,
  who: Person,
  verb: keyof typeof verbDocuments,
  variables: object,
): Promise<Record<string, unknown>> {
  const { errors = [] } = await post(url, who.token, verbDocuments[verb], variables);
  if (errors.length !== 1) throw new Error(`${verb} was not refused: ${JSON.stringify(errors)}`);
  return { message: errors[0]?.message, ...errors[0]?.extensions };
}
