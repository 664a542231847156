import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createAuthenticate } from '../src/graphql/auth.ts';
import { post } from './support/api.ts';
import { manualClock } from './support/clock.ts';
import { listen, type Received, transports } from './support/listen.ts';
import { rawSse, rawWs, signedInWs, until } from './support/raw.ts';
import { secret, startService, tokenFor } from './support/service.ts';

const whoAmI =
  '{ viewer { uid ident firstname lastname fullname email hubs { hubId privilege } expiresAt } }';
const stream = 'subscription { incomingSignal { __typename } }';
const hour = 3600;
const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;

type Key = Parameters<SignJWT['sign']>[0];
type Claims = { readonly [name: string]: unknown };

interface Signing {
  readonly alg?: string;
  readonly kid?: string;
  readonly key?: Key;
}

/** A token with exactly these claims; good ones unless told otherwise, `undefined` to leave one out. */
function sign(claims: Claims = {}, { alg = 'HS256', kid, key }: Signing = {}): Promise<string> {
  return new SignJWT({ sub: 'alice', exp: inSeconds(hour), ...claims } as JWTPayload)
    .setProtectedHeader({ alg, ...(kid && { kid }) })
    .sign(key ?? new TextEncoder().encode(secret));
}

/** The errors that an operation which needs a token is answered with, over each transport. */
async function refusals(url: string, token: string | undefined): Promise<Received> {
  const sse = rawSse(url, token, { query: stream });
  await sse.closed;
  const event = /^data: (\{.*\})$/m.exec(sse.text)?.[1];
  return {
    http: (await post(url, token, whoAmI)).errors,
    sse: JSON.parse(event ?? '{}').errors,
  };
}

async function whoIs(url: string, token: string): Promise<Received> {
  const { data, errors } = await post(url, token, whoAmI);
  expect(errors).toBeUndefined();
  return data.viewer;
}

describe('a token signed with the shared secret', () => {
  test('says who its bearer is, over every transport', async () => {
    const { url } = await startService({ engine: 'memory' });
    const profile = {
      ident: 'al',
      firstname: 'Al',
      lastname: 'Ice',
      fullname: 'Al Ice',
      email: 'al@example.org',
    };
    const exp = inSeconds(hour);
    const token = await sign({ ...profile, exp });
    const viewer = { uid: 'alice', ...profile, hubs: [], expiresAt: new Date(exp * 1000).toISOString() };
    expect(await whoIs(url, token)).toEqual(viewer);
    for (const transport of transports)
      expect((await listen(url, token, { transport })).ready.hubIds).toEqual([]);
    const raw = await signedInWs(url, token);
    raw.subscribe('1', whoAmI);
    expect((await raw.next()).payload).toEqual({ data: { viewer } });
  });

  test('holds hubs by the name of a level or by its number', async () => {
    const { url } = await startService({ engine: 'memory' });
    const hubs = {
      a: 'guest',
      b: 'read',
      c: 'download',
      d: 'write',
      e: 'admin',
      f: 'owner',
      g: 3,
      h: 2,
      i: 0,
      j: 1,
    };
    const token = await sign({ hubs });
    const { hubs: held } = await whoIs(url, token);
    expect(Object.fromEntries(held.map(({ hubId, privilege }: Received) => [hubId, privilege]))).toEqual({
      ...{ a: 1, b: 3, c: 7, d: 15, e: 31, f: 63 },
      ...{ g: 3, h: 2, i: 0, j: 1 },
    });
    // Only those with READ are listened to.
    const { ready } = await listen(url, token);
    expect(ready.hubIds.toSorted()).toEqual(['b', 'c', 'd', 'e', 'f', 'g', 'h']);
  });

  test('is taken from the header whatever the case of `Bearer`, and on WebSocket from either spelling', async () => {
    const { url } = await startService({ engine: 'memory' });
    const token = await sign();
    for (const authorization of [`bearer ${token}`, `BEARER   ${token}`]) {
      const response = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization },
        body: JSON.stringify({ query: '{ viewer { uid } }' }),
      });
      expect(await response.json()).toEqual({ data: { viewer: { uid: 'alice' } } });
    }
    for (const name of ['authorization', 'Authorization']) {
      const raw = await rawWs(url);
      raw.send({ type: 'connection_init', payload: { [name]: `Bearer ${token}` } });
      await raw.nextOf('connection_ack');
      raw.subscribe('1', '{ viewer { uid } }');
      expect((await raw.nextOf('next')).payload).toEqual({ data: { viewer: { uid: 'alice' } } });
    }
  });

  test('may name its issuer and audience, where they are asked for', async () => {
    const env = { AUTH_ISSUER: 'https://login.example.org', AUTH_AUDIENCE: 'calls' };
    const { url } = await startService({ engine: 'memory', env });
    await whoIs(url, await sign({ iss: env.AUTH_ISSUER, aud: 'calls' }));
    await whoIs(url, await sign({ iss: env.AUTH_ISSUER, aud: ['others', 'calls'] }));
  });
});

describe('a token that is not accepted', () => {
  const iss = 'https://login.example.org';
  const aud = 'calls';
  const good = { iss, aud };
  const other = new TextEncoder().encode('another secret, of at least thirty-two bytes');
  const swapped = async () => {
    const [head, , signature] = (await sign(good)).split('.');
    const claims = Buffer.from(JSON.stringify({ ...good, sub: 'root', exp: inSeconds(hour) }));
    return [head, claims.toString('base64url'), signature].join('.');
  };
  const unsecured = async () => new UnsecuredJWT({ ...good, sub: 'alice', exp: inSeconds(hour) }).encode();
  const claim = (name: string) => `The token's claim "${name}" is not (accepted here|as expected)\\.`;
  const invalid = 'The token is not valid here\\.';

  test.each<[string, () => Promise<string>, string]>([
    ['expired', () => sign({ ...good, exp: inSeconds(-10) }), 'The token has expired\\.'],
    ['tampered with', swapped, invalid],
    ['signed with another secret', () => sign(good, { key: other }), invalid],
    ['not signed at all', unsecured, invalid],
    ['signed with another algorithm', () => sign(good, { alg: 'HS512' }), invalid],
    ['for another audience', () => sign({ ...good, aud: 'mail' }), claim('aud')],
    ['for no audience', () => sign({ iss }), claim('aud')],
    ['of another issuer', () => sign({ ...good, iss: 'https://evil.example' }), claim('iss')],
    ['of no issuer', () => sign({ aud }), claim('iss')],
    ['without an end', () => sign({ ...good, exp: undefined }), claim('exp')],
    ['without a user', () => sign({ ...good, sub: undefined }), claim('sub')],
    ['not good yet', () => sign({ ...good, nbf: inSeconds(60) }), claim('nbf')],
    ['of a user whose id is none', () => sign({ ...good, sub: 'al ice' }), claim('sub')],
    ['of a user whose id is too long', () => sign({ ...good, sub: 'a'.repeat(129) }), claim('sub')],
    ['with a name that is no text', () => sign({ ...good, firstname: { no: 'text' } }), claim('firstname')],
    ['with a level that there is not', () => sign({ ...good, hubs: { team: 'king' } }), claim('hubs\\.team')],
    [
      'with a privilege of more bits than there are',
      () => sign({ ...good, hubs: { team: 64 } }),
      claim('hubs\\.team'),
    ],
    ['with hubs that are a list', () => sign({ ...good, hubs: ['team'] }), claim('hubs')],
    ['with a hub whose id is none', () => sign({ ...good, hubs: { 'a hub': 3 } }), claim('hubs\\.a hub')],
    ['with an admin that is no yes or no', () => sign({ ...good, admin: 'yes' }), claim('admin')],
    ['no token but text', async () => 'nonsense', invalid],
    ['nothing but dots', async () => '..', invalid],
  ])('because it is %s: UNAUTHENTICATED with a reason, over every transport', async (_, make, reason) => {
    const env = { AUTH_ISSUER: iss, AUTH_AUDIENCE: aud };
    const node = await startService({ engine: 'memory', env });
    const token = await make();
    const errors = await refusals(node.url, token);
    for (const [field, found] of [
      ['viewer', errors.http],
      ['incomingSignal', errors.sse],
    ]) {
      const { locations: _locations, ...error } = found[0];
      expect([found.length, error]).toEqual([
        1,
        {
          message: expect.stringMatching(new RegExp(`^${reason}$`)),
          path: [field],
          extensions: { code: 'UNAUTHENTICATED', retryable: false },
        },
      ]);
    }
    const raw = await rawWs(node.url);
    raw.send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
    expect(await raw.closed).toEqual({ code: 4403, reason: 'Forbidden' });
    expect(node.stats()).toMatchObject({ sockets: 0, plans: 0 });
  });

  test('does not stand in the way of what needs none', async () => {
    const { url } = await startService({ engine: 'memory' });
    for (const token of [undefined, await sign({ exp: inSeconds(-10) })]) {
      const { data } = await post(url, token, '{ __typename service { name } }');
      expect(data).toEqual({ __typename: 'Query', service: { name: expect.any(String) } });
    }
    const raw = await signedInWs(url, undefined);
    raw.subscribe('1', '{ __typename service { name } }');
    expect((await raw.next()).payload.data).toMatchObject({ __typename: 'Query' });
  });

  test('is told from none at all', async () => {
    const { url } = await startService({ engine: 'memory' });
    const errors = await refusals(url, undefined);
    const raw = await signedInWs(url, undefined);
    raw.subscribe('1', stream);
    const ws = (await raw.next()).payload.errors;
    for (const found of [errors.http, errors.sse, ws]) {
      expect(found).toMatchObject([
        {
          message: expect.stringContaining('Authorization: Bearer'),
          extensions: { code: 'UNAUTHENTICATED', retryable: false },
        },
      ]);
    }
  });

  test('within five seconds after its end is still taken: clocks differ', async () => {
    const { url } = await startService({ engine: 'memory' });
    await whoIs(url, await sign({ exp: inSeconds(-2) }));
  });
});

/** A login server that publishes keys, and counts how often they are fetched. */
async function startJwks() {
  let keys: object[] = [];
  let away = false;
  let fetched = 0;
  const server = createServer((_, response) => {
    fetched++;
    if (away) response.writeHead(503).end();
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`,
    publish: (...published: object[]) => {
      keys = published;
    },
    setAway: (isAway: boolean) => {
      away = isAway;
    },
    fetched: () => fetched,
  };
}

async function makeKey(alg: string, kid: string) {
  const { publicKey, privateKey } = await generateKeyPair(alg);
  const jwk = { ...(await exportJWK(publicKey)), alg, kid };
  return {
    jwk,
    publicKey,
    sign: (claims: Claims = {}) => sign(claims, { alg, kid, key: privateKey }),
  };
}

const withJwks = (url: string, env: NodeJS.ProcessEnv = {}) =>
  startService({ engine: 'memory', env: { AUTH_SECRET: '', AUTH_JWKS_URL: url, ...env } });

describe('a token signed with a key of a JWKS', () => {
  test('is accepted in each usual algorithm; the keys are fetched once', async () => {
    const jwks = await startJwks();
    const keys = await Promise.all(['RS256', 'ES256', 'EdDSA'].map((alg) => makeKey(alg, `key-${alg}`)));
    jwks.publish(...keys.map(({ jwk }) => jwk));
    const { url } = await withJwks(jwks.url);
    for (const key of keys) {
      const token = await key.sign({ hubs: { team: 'read' } });
      expect(await whoIs(url, token)).toMatchObject({
        uid: 'alice',
        hubs: [{ hubId: 'team', privilege: 3 }],
      });
      for (const transport of transports) await listen(url, token, { transport });
    }
    expect(jwks.fetched()).toBe(1);
  });

  test('is refused when the key is another, or its public half was used as a shared secret', async () => {
    const jwks = await startJwks();
    const [known, unknown] = [await makeKey('RS256', 'known'), await makeKey('RS256', 'known')];
    jwks.publish(known.jwk);
    const { url } = await withJwks(jwks.url);
    const pem = new TextEncoder().encode(await exportSPKI(known.publicKey));
    for (const token of [
      await unknown.sign(),
      await sign({}, { alg: 'HS256', kid: 'known', key: pem }),
      await sign(),
      new UnsecuredJWT({ sub: 'alice', exp: inSeconds(hour) }).encode(),
    ]) {
      expect((await post(url, token, whoAmI)).errors).toMatchObject([
        {
          message: 'The token is not valid here.',
          extensions: { code: 'UNAUTHENTICATED', retryable: false },
        },
      ]);
    }
    await whoIs(url, await known.sign());
  });

  test('is refused in an algorithm that AUTH_ALGORITHMS leaves out', async () => {
    const jwks = await startJwks();
    const [rsa, elliptic] = [await makeKey('RS256', 'r'), await makeKey('ES256', 'e')];
    jwks.publish(rsa.jwk, elliptic.jwk);
    const { url } = await withJwks(jwks.url, { AUTH_ALGORITHMS: 'ES256' });
    await whoIs(url, await elliptic.sign());
    expect((await post(url, await rsa.sign(), whoAmI)).errors).toMatchObject([
      { extensions: { code: 'UNAUTHENTICATED' } },
    ]);
  });

  test('follows the rotation of its key: the new one is accepted, the old one no longer', async () => {
    const jwks = await startJwks();
    const [old, fresh] = [await makeKey('ES256', 'old'), await makeKey('ES256', 'fresh')];
    jwks.publish(old.jwk);
    const { url } = await withJwks(jwks.url);
    await whoIs(url, await old.sign());
    jwks.publish(fresh.jwk);
    // An unknown key is asked for again, at most every 30 seconds.
    setTime(Date.now() + 31_000);
    await whoIs(url, await fresh.sign());
    expect(jwks.fetched()).toBe(2);
    expect((await post(url, await old.sign(), whoAmI)).errors).toMatchObject([
      { extensions: { code: 'UNAUTHENTICATED' } },
    ]);
  });

  test('is UNAVAILABLE while the keys cannot be fetched, and good once they can', async () => {
    const jwks = await startJwks();
    const key = await makeKey('ES256', 'key');
    jwks.publish(key.jwk);
    jwks.setAway(true);
    const { url } = await withJwks(jwks.url);
    const token = await key.sign();
    const errors = await refusals(url, token);
    for (const found of [errors.http, errors.sse]) {
      expect(found).toMatchObject([{ extensions: { code: 'UNAVAILABLE', retryable: true } }]);
      expect(JSON.stringify(found)).not.toContain(new URL(jwks.url).port);
    }
    // The connection of a WebSocket stays, so that the operation can be tried again.
    const raw = await signedInWs(url, token);
    raw.subscribe('1', stream);
    expect((await raw.nextOf('next')).payload.errors).toMatchObject([
      { extensions: { code: 'UNAVAILABLE' } },
    ]);
    jwks.setAway(false);
    raw.subscribe('2', '{ viewer { uid } }');
    expect((await raw.nextOf('next', '2')).payload).toEqual({ data: { viewer: { uid: 'alice' } } });
    await whoIs(url, token);
  });
});

describe('the end of a token', () => {
  test('ends its socket over server-sent events: a last signal, and the stream is broken off', async () => {
    const clock = manualClock();
    const node = await startService({ engine: 'memory', overrides: { clock } });
    const raw = rawSse(node.url, await tokenFor('alice', { expiresIn: 60 }));
    await raw.contains('SocketReady');
    clock.advance(58_000);
    expect(node.stats().sockets).toBe(1);
    clock.advance(3_000);
    await raw.closed;
    expect(raw.text).toContain('"__typename":"SocketClosing"');
    expect(raw.text).toContain('"code":"TOKEN_EXPIRED","reconnect":true');
    // A completed stream would tell the client not to come back.
    expect(raw.text).not.toContain('event: complete');
    expect(raw.text.endsWith('0\r\n\r\n')).toBe(false);
    await until('nothing is left', () => node.stats().sockets === 0 && node.stats().plans === 0);
  });

  test('ends its WebSocket with 4403, and every socket on it', async () => {
    const clock = manualClock();
    const node = await startService({ engine: 'memory', overrides: { clock } });
    const raw = await signedInWs(node.url, await tokenFor('alice', { expiresIn: 60 }));
    for (const id of ['1', '2']) {
      raw.subscribe(id, 'subscription { incomingSignal { __typename ... on SocketClosing { code } } }');
      await raw.nextOf('next', id);
    }
    clock.advance(61_000);
    for (const id of ['1', '2']) {
      expect((await raw.nextOf('next', id)).payload.data.incomingSignal).toEqual({
        __typename: 'SocketClosing',
        code: 'TOKEN_EXPIRED',
      });
    }
    expect(await raw.closed).toMatchObject({ code: 4403 });
    await until('nothing is left', () => node.stats().sockets === 0 && node.stats().plans === 0);
  });

  test('leaves the sockets of longer tokens alone', async () => {
    const clock = manualClock();
    const { url } = await startService({ engine: 'memory', overrides: { clock } });
    const short = await listen(url, await tokenFor('alice', { expiresIn: 60 }));
    const long = await listen(url, await tokenFor('alice', { expiresIn: 120 }));
    clock.advance(61_000);
    expect(await short.next()).toMatchObject({ code: 'TOKEN_EXPIRED' });
    await short.ended;
    expect(long.received).toHaveLength(1);
    clock.advance(60_000);
    expect(await long.next()).toMatchObject({ code: 'TOKEN_EXPIRED' });
  });

  test('refuses what is asked for on a WebSocket that was opened before it', async () => {
    const { url } = await startService({ engine: 'memory' });
    const raw = await signedInWs(url, await tokenFor('alice', { expiresIn: 60 }));
    setTime(Date.now() + 70_000);
    raw.subscribe('1', '{ viewer { uid } }');
    expect((await raw.next()).payload.errors).toMatchObject([
      { message: 'The token has expired.', extensions: { code: 'UNAUTHENTICATED' } },
    ]);
  });
});

test('a signature is checked once a minute, and a token that ends within it is refused all the same', async () => {
  const authenticate = createAuthenticate({
    key: { secret },
    algorithms: ['HS256'],
    issuer: undefined,
    audience: undefined,
  });
  const token = await tokenFor('alice', { expiresIn: 90 });
  const identity = await authenticate(token);
  expect(await authenticate(token)).toBe(identity);
  setTime(Date.now() + 61_000);
  const again = await authenticate(token);
  expect(again).not.toBe(identity);
  expect(again).toEqual(identity);
  vi.setSystemTime(Date.now() + 40_000);
  await expect(authenticate(token)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
});

/** Sets the time of this machine, by which tokens are judged, until the test has finished. */
function setTime(time: number): void {
  vi.setSystemTime(time);
  onTestFinished(() => void vi.useRealTimers());
}
