import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { ringBob } from './support/calls.ts';
import { type ManualClock, manualClock } from './support/clock.ts';
import { type Coturn, ensureCoturn, startCoturn } from './support/coturn.ts';
import { operations } from './support/operations.ts';
import { person } from './support/person.ts';
import { engines, startService } from './support/service.ts';
import { allocate, type TurnCredentials } from './support/turn-client.ts';

/** Installing it may take a minute. */
beforeAll(async () => {
  await ensureCoturn();
}, 180_000);

const secrets = ['the secret of today', 'the secret of yesterday'] as const;
const ttlMs = 3_600_000;

const granted = {
  relay: { address: '127.0.0.1', port: expect.any(Number) },
  lifetimeSeconds: expect.any(Number),
};
const refused = { refused: 401, reason: 'Unauthorized' };

async function startTurn(accepted: readonly string[], settings: readonly string[] = []): Promise<Coturn> {
  const coturn = await startCoturn({ secrets: accepted, settings });
  onTestFinished(() => coturn.stop());
  return coturn;
}

/** Dials on a node that knows the server, and asks for credentials as often as wanted. */
async function callThrough(
  coturn: Coturn,
  {
    engine = 'memory',
    minting = secrets,
    clock = manualClock(),
    uid = 'alice',
  }: {
    readonly engine?: (typeof engines)[number];
    readonly minting?: readonly string[];
    readonly clock?: ManualClock;
    readonly uid?: string;
  } = {},
) {
  const env = {
    ICE_TURN_URLS: coturn.url,
    ICE_TURN_SECRETS: minting.join(),
    ICE_TTL_SECONDS: String(ttlMs / 1000),
  };
  const { url } = await startService({ engine, env, overrides: { clock } });
  const [alice, bob] = [await person(url, uid), await person(url, 'bob')];
  await bob.open();
  const { call } = await alice.dial(ringBob);
  return async (): Promise<TurnCredentials> => {
    const { iceServers } = await alice.ask(operations.iceServers, { callId: call.id });
    const [{ urls, username, credential }] = iceServers;
    expect(urls).toEqual([coturn.url]);
    return { username, credential };
  };
}

describe.each(engines)('a TURN server that shares a secret with a node on %s', (engine) => {
  test('gives a relay to whoever was given credentials for a call', async () => {
    const coturn = await startTurn([secrets[0]]);
    const credentials = await callThrough(coturn, { engine });
    expect(await allocate(coturn.port, await credentials())).toEqual(granted);
  });
});

describe('a TURN server that shares a secret', () => {
  test('gives no relay once the credentials have expired, and one for those of a later request', async () => {
    const coturn = await startTurn([secrets[0]]);
    // They were minted a second too early.
    const clock = manualClock(Date.now() - ttlMs - 1000);
    const credentials = await callThrough(coturn, { clock });
    expect(await allocate(coturn.port, await credentials())).toEqual(refused);
    clock.advance(30_000);
    expect(await allocate(coturn.port, await credentials())).toEqual(granted);
  });

  test('gives no relay to a longer life, another name or another password', async () => {
    const coturn = await startTurn([secrets[0]]);
    const minted = await (await callThrough(coturn))();
    const [expiry, uid] = minted.username.split(':');
    const password = Buffer.from(minted.credential, 'base64');
    password[0] = (password[0] ?? 0) ^ 1;
    for (const tampered of [
      { ...minted, username: `${Number(expiry) + 1}:${uid}` },
      { ...minted, username: `${expiry}:mallory` },
      { ...minted, username: 'alice' },
      { ...minted, credential: password.toString('base64') },
      { ...minted, credential: '' },
    ])
      expect(await allocate(coturn.port, tampered), JSON.stringify(tampered)).toEqual(refused);
    expect(await allocate(coturn.port, minted)).toEqual(granted);
  });

  test('takes credentials of the old secret and of the new one while it knows both, and then of the new one alone', async () => {
    const both = await startTurn(secrets);
    const before = await (await callThrough(both, { minting: [secrets[1]] }))();
    const after = await (await callThrough(both, { minting: secrets }))();
    for (const credentials of [before, after])
      expect(await allocate(both.port, credentials)).toEqual(granted);

    const rotated = await startTurn([secrets[0]]);
    expect(await allocate(rotated.port, before)).toEqual(refused);
    expect(await allocate(rotated.port, after)).toEqual(granted);
  });

  test('takes the uid of any user, however long, and counts their relays by it', async () => {
    const coturn = await startTurn([secrets[0]], ['user-quota=1']);
    const uid = `~a:b@c.d_e-${'x'.repeat(117)}`;
    const clock = manualClock();
    const credentials = await callThrough(coturn, { uid, clock });
    const first = await credentials();
    clock.advance(1000);
    const second = await credentials();
    expect(second.username).not.toBe(first.username);
    expect(await allocate(coturn.port, first)).toEqual(granted);
    expect(await allocate(coturn.port, second)).toEqual({
      refused: 486,
      reason: 'Allocation Quota Reached',
    });
    const others = await (await callThrough(coturn))();
    expect(await allocate(coturn.port, others)).toEqual(granted);
  });
});

test('the configuration in docs/turn.md is one that coturn starts with, and gives a relay by', async () => {
  const page = await readFile(new URL('../docs/turn.md', import.meta.url), 'utf8');
  const [, lines = ''] = /```ini\n(.*?)```/s.exec(page) ?? [];
  const settings = lines.split('\n').filter((line) => /^(?!cert|pkey|static-auth-secret|#)./.test(line));
  expect(settings).toContain('use-auth-secret');
  const coturn = await startTurn([secrets[0]], settings);
  expect(coturn.output()).not.toContain('Bad configuration');
  const denied = settings.flatMap((line) => /^denied-peer-ip=(.*)/.exec(line)?.[1] ?? []);
  expect(denied).not.toHaveLength(0);
  for (const range of denied) expect(coturn.output()).toContain(`Black listing: ${range}\n`);
  expect(await allocate(coturn.port, await (await callThrough(coturn))())).toEqual(granted);
});
