import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ConfigError, readConfig } from '../src/config.ts';
import { startNode } from '../src/server.ts';
import { data, post } from './support/api.ts';
import { listen } from './support/listen.ts';
import { until } from './support/raw.ts';
import { startRedis } from './support/redis-server.ts';
import { configFor, secret } from './support/service.ts';

const main = new URL('../src/main.ts', import.meta.url).pathname;

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'config-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

/** `node src/main.ts` in a folder, with nothing in its environment but this. */
function start(cwd: string, env: NodeJS.ProcessEnv) {
  const child: ChildProcessWithoutNullStreams = spawn(process.execPath, [main], { cwd, env });
  onTestFinished(() => void child.kill('SIGKILL'));
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  const exited = once(child, 'close').then(([code]) => ({ code: code as number | null, ...output }));
  return { child, output, exited };
}

/** Waits until it serves; returns its address. */
function served({ child, output }: ReturnType<typeof start>): Promise<string> {
  return new Promise((resolve, reject) => {
    child.stdout.on('data', () => {
      const address = /serves at (\S+)\/graphql/.exec(output.stdout)?.[1];
      if (address) resolve(address);
    });
    child.on('close', () => reject(new Error(`the node ended: ${output.stderr}`)));
  });
}

async function listening(server: Server): Promise<number> {
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

/** What the environment is refused for: the variables at fault, in the order in which they are told. */
function faultsOf(env: NodeJS.ProcessEnv): string[] {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    const [first, ...lines] = (error as Error).message.split('\n');
    expect(first).toBe('The configuration is not usable:');
    return lines.map((line) => /^ {2}([A-Z_]+): \S/.exec(line)?.[1] ?? line);
  }
}

const jwks = 'https://login.example.org/jwks.json';
const turn = { ICE_TURN_URLS: 'turn:a.example', ICE_TURN_SECRETS: 'a secret of 16 b' };

describe('the environment', () => {
  test('nothing at all is good: development mode, on loopback, in memory', () => {
    expect(readConfig({})).toMatchObject({
      development: true,
      host: '127.0.0.1',
      port: 4000,
      redis: undefined,
      graphiql: true,
    });
  });

  test('with a key for tokens it serves everywhere, without GraphiQL', () => {
    expect(readConfig({ AUTH_SECRET: secret })).toMatchObject({
      development: false,
      host: '0.0.0.0',
      graphiql: false,
      auth: { algorithms: ['HS256'] },
    });
    expect(readConfig({ AUTH_JWKS_URL: jwks }).auth.algorithms).not.toContain('HS256');
  });

  test('empty variables count as unset', () => {
    expect(readConfig({ PORT: '', HOST: '', REDIS_URL: '', AUTH_SECRET: '', GRAPHIQL: '' })).toEqual(
      readConfig({}),
    );
  });

  test.each<[string, NodeJS.ProcessEnv, string[]]>([
    ['a port that is none', { PORT: '70000' }, ['PORT']],
    ['a port that is no number', { PORT: 'http' }, ['PORT']],
    ['a Redis that is none', { REDIS_URL: 'http://127.0.0.1' }, ['REDIS_URL']],
    ['a Redis on port 0', { REDIS_URL: 'redis://a:0' }, ['REDIS_URL']],
    ['two Redis without a form', { REDIS_URL: 'redis://a,b' }, ['REDIS_URL']],
    ['Sentinels without a primary', { REDIS_URL: 'redis+sentinel://a,b' }, ['REDIS_URL']],
    ['a database of a cluster', { REDIS_URL: 'redis+cluster://a,b/1' }, ['REDIS_URL']],
    ['a prefix with spaces', { REDIS_PREFIX: 'my app' }, ['REDIS_PREFIX']],
    ['a short secret', { AUTH_SECRET: 'x'.repeat(31) }, ['AUTH_SECRET']],
    ['a secret and a JWKS', { AUTH_SECRET: secret, AUTH_JWKS_URL: jwks }, ['AUTH_JWKS_URL']],
    ['HS256 with a JWKS', { AUTH_JWKS_URL: jwks, AUTH_ALGORITHMS: 'RS256, HS256' }, ['AUTH_ALGORITHMS']],
    ['RS256 with a secret', { AUTH_SECRET: secret, AUTH_ALGORITHMS: 'RS256' }, ['AUTH_ALGORITHMS']],
    [
      'an algorithm that there is not',
      { AUTH_SECRET: secret, AUTH_ALGORITHMS: 'HS257' },
      ['AUTH_ALGORITHMS'],
    ],
    ['no algorithm', { AUTH_SECRET: secret, AUTH_ALGORITHMS: ' , ' }, ['AUTH_ALGORITHMS']],
    ['the algorithm none', { AUTH_JWKS_URL: jwks, AUTH_ALGORITHMS: 'none' }, ['AUTH_ALGORITHMS']],
    ['every address in development mode', { HOST: '0.0.0.0' }, ['HOST']],
    ['a name in development mode', { HOST: 'example.org' }, ['HOST']],
    [
      'a check of tokens without a key',
      { AUTH_ISSUER: 'me', AUTH_AUDIENCE: 'us' },
      ['AUTH_ISSUER', 'AUTH_AUDIENCE'],
    ],
    ['another word than on or off', { GRAPHIQL: 'yes' }, ['GRAPHIQL']],
    [
      'a STUN server with another scheme',
      { ICE_STUN_URLS: 'stun:a.example, http://a.example' },
      ['ICE_STUN_URLS'],
    ],
    ['a STUN server over a transport', { ICE_STUN_URLS: 'stun:a.example?transport=udp' }, ['ICE_STUN_URLS']],
    ['a STUN server with slashes', { ICE_STUN_URLS: 'stun://a.example' }, ['ICE_STUN_URLS']],
    ['a STUN server on port 0', { ICE_STUN_URLS: 'stun:a.example:0' }, ['ICE_STUN_URLS']],
    ['a TURN server on no port', { ...turn, ICE_TURN_URLS: 'turn:a.example:65536' }, ['ICE_TURN_URLS']],
    [
      'a TURN server over TLS by transport',
      { ...turn, ICE_TURN_URLS: 'turn:a?transport=tls' },
      ['ICE_TURN_URLS'],
    ],
    ['a TURN server that is a STUN server', { ...turn, ICE_TURN_URLS: 'stun:a.example' }, ['ICE_TURN_URLS']],
    ['a TURN server without a secret', { ICE_TURN_URLS: turn.ICE_TURN_URLS }, ['ICE_TURN_SECRETS']],
    ['a secret without a TURN server', { ICE_TURN_SECRETS: turn.ICE_TURN_SECRETS }, ['ICE_TURN_URLS']],
    [
      'a short secret among others',
      { ...turn, ICE_TURN_SECRETS: `${secret},${'x'.repeat(15)}` },
      ['ICE_TURN_SECRETS'],
    ],
    ['credentials that end too soon', { ICE_TTL_SECONDS: '299' }, ['ICE_TTL_SECONDS']],
    ['credentials for more than a day', { ICE_TTL_SECONDS: '86401' }, ['ICE_TTL_SECONDS']],
    ['a log level that is none', { LOG_LEVEL: 'loud' }, ['LOG_LEVEL']],
    ['a limit of nothing', { LIMIT_RECIPIENTS: '0' }, ['LIMIT_RECIPIENTS']],
    ['a limit that is no whole number', { LIMIT_JSON_DEPTH: '1.5' }, ['LIMIT_JSON_DEPTH']],
    ['an origin that is a whole address', { CORS_ORIGINS: 'https://a.example/app' }, ['CORS_ORIGINS']],
    ['an origin without a scheme', { CORS_ORIGINS: 'a.example' }, ['CORS_ORIGINS']],
  ])('%s is a fault', (_, env, faults) => {
    expect(faultsOf(env)).toEqual(faults);
  });

  test.each(['127.0.0.1', '::1', 'localhost'])('%s is good in development mode', (host) => {
    expect(readConfig({ HOST: host }).host).toBe(host);
  });

  test.each([
    'redis://localhost',
    'rediss://user:p%40ss@a.example:6380/2',
    'redis://[::1]:6379',
    'redis+sentinel://:secret@a:26379,b:26379,c/main',
    'rediss+sentinel://a/main/1?sentinelPassword=secret',
    'redis+cluster://user:secret@a:7000,[::1]:7001',
    'rediss+cluster://a',
  ])('%s is an address of Redis', (url) => {
    expect(readConfig({ REDIS_URL: url }).redis?.url).toBe(url);
  });

  test('servers for ICE are taken as RFC 7064 and RFC 7065 have them, and by default there are none', () => {
    expect(readConfig({}).ice).toEqual({ stunUrls: [], turnUrls: [], turnSecrets: [], ttlSeconds: 14_400 });
    const stunUrls = [
      'stun:a.example',
      'stuns:a.example:5349',
      'stun:192.0.2.1:3478',
      'stun:[2001:db8::1]:3478',
    ];
    const turnUrls = ['turn:a', 'turn:a.example:3478?transport=udp', 'turns:[::1]:443?transport=tcp'];
    const env = { ...turn, ICE_STUN_URLS: stunUrls.join(' , '), ICE_TURN_URLS: turnUrls.join() };
    expect(readConfig(env).ice).toMatchObject({ stunUrls, turnUrls, turnSecrets: [turn.ICE_TURN_SECRETS] });
  });

  test('all faults are told at once, those between variables too', () => {
    const env = {
      PORT: '-1',
      GRAPHIQL: 'maybe',
      LIMIT_BODY_BYTES: '3',
      AUTH_SECRET: 'short',
      AUTH_JWKS_URL: jwks,
      AUTH_ALGORITHMS: 'HS256',
    };
    expect(new Set(faultsOf(env))).toEqual(new Set(Object.keys(env)));
    expect(new Set(faultsOf({ PORT: 'x', HOST: '0.0.0.0' }))).toEqual(new Set(['PORT', 'HOST']));
  });

  test('a message quotes no secret', () => {
    const env = {
      AUTH_SECRET: 'my-short-secret',
      REDIS_URL: 'http://:pass-word@127.0.0.1',
      ICE_TURN_SECRETS: 'turn-secret',
    };
    expect(() => readConfig(env)).toThrow(
      expect.objectContaining({
        message: expect.not.stringMatching(/my-short-secret|pass-word|turn-secret/),
      }),
    );
  });
});

describe('a node that cannot serve', () => {
  test('says every fault of its environment, and ends with 1', async () => {
    const env = { PORT: 'x', LOG_LEVEL: 'loud', AUTH_SECRET: 'short', LIMIT_RECIPIENTS: '-3' };
    const { code, stdout, stderr } = await start(await emptyFolder(), env).exited;
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr.trimEnd().split('\n')).toHaveLength(1 + Object.keys(env).length);
    for (const name of Object.keys(env)) expect(stderr).toMatch(new RegExp(`^ {2}${name}: \\S`, 'm'));
  });

  test('says in one line that its port is taken, and ends with 1', async () => {
    const port = await listening(createServer());
    const env = { PORT: String(port), LOG_LEVEL: 'silent' };
    const { code, stderr } = await start(await emptyFolder(), env).exited;
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`^.*EADDRINUSE.*${port}\\n$`));
  });

  test('says in one line that nobody listens where Redis should be, and ends with 1', async () => {
    const server = createServer();
    const unused = await listening(server);
    server.close();
    const env = { PORT: '0', REDIS_URL: `redis://127.0.0.1:${unused}`, LOG_LEVEL: 'silent' };
    const { code, stderr } = await start(await emptyFolder(), env).exited;
    expect(stderr).toMatch(new RegExp(`^.*Redis.*ECONNREFUSED.*${unused}\\n$`));
    expect(code).toBe(1);
  });

  test('gives up within a few seconds when what listens there does not answer, and lets go of it', async () => {
    const connections = new Set<Socket>();
    const silent = await listening(
      createServer((connection) => connections.add(connection.on('error', () => {}))),
    );
    const config = configFor({ engine: 'redis', redisUrl: `redis://127.0.0.1:${silent}` });
    const began = performance.now();
    await expect(startNode(config)).rejects.toThrow(/^Redis cannot be reached: .*$/);
    expect(performance.now() - began).toBeLessThan(5000);
    expect(connections.size).toBeGreaterThan(0);
    for (const connection of connections) connection.resume();
    await until('every connection is closed', () =>
      [...connections].every(({ readableEnded }) => readableEnded),
    );
  });

  test('says in one line that Redis may evict its keys, and ends with 1', async () => {
    const redis = await startRedis({ args: ['--maxmemory-policy', 'allkeys-lru'] });
    onTestFinished(() => redis.stop());
    const env = { PORT: '0', REDIS_URL: redis.url, LOG_LEVEL: 'silent' };
    const { code, stderr } = await start(await emptyFolder(), env).exited;
    expect(stderr).toMatch(/^.*maxmemory-policy noeviction.*allkeys-lru.*\n$/);
    expect(code).toBe(1);
  });
});

describe('development mode', () => {
  test('starts with one command, has two users with tokens, and keeps its secret for the next start', async () => {
    const folder = await emptyFolder();
    const file = (name: string) => join(folder, '.dev', name);
    const first = start(folder, { PORT: '0' });
    const url = await served(first);
    for (const word of ['memory', 'GraphiQL', 'development', 'alice', 'bob'])
      expect(first.output.stdout).toContain(word);

    const secretBefore = await readFile(file('secret'), 'utf8');
    expect(Buffer.byteLength(secretBefore)).toBeGreaterThanOrEqual(32);
    for (const name of ['secret', 'alice.token', 'bob.token']) {
      expect((await stat(file(name))).mode & 0o777).toBe(0o600);
    }
    const [alice, bob] = await Promise.all(
      ['alice', 'bob'].map((uid) => readFile(file(`${uid}.token`), 'utf8')),
    );
    const listener = await listen(url, bob ?? '');
    expect(listener.ready.hubIds).toEqual(['team']);
    await data(
      url,
      alice ?? '',
      'mutation { message(hubId: "team", input: { target: { uid: "bob" } }) { signalId } }',
    );
    expect(await listener.next()).toMatchObject({ __typename: 'PeerMessage', origin: { uid: 'alice' } });

    // Ended in good order, it tells those who are connected.
    const other = await listen(url, bob ?? '', { transport: 'ws' });
    first.child.kill('SIGTERM');
    for (const told of [listener, other])
      expect(await told.nextOf('SocketClosing')).toMatchObject({ code: 'SHUTTING_DOWN', reconnect: true });
    expect(await first.exited).toMatchObject({ code: 0, stderr: '' });

    const second = start(folder, { PORT: '0' });
    const again = await served(second);
    expect(await readFile(file('secret'), 'utf8')).toBe(secretBefore);
    expect(await post(again, alice, '{ viewer { uid } }')).toMatchObject({
      data: { viewer: { uid: 'alice' } },
    });
    second.child.kill('SIGINT');
    expect(await second.exited).toMatchObject({ code: 0, stderr: '' });
  });
});
