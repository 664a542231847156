import { z } from 'zod';
import { parseRedisAddress } from './redis-address.ts';
import { defaultIce } from './signaling/ice-servers.ts';
import { defaultLimits } from './signaling/limits.ts';
import { defaultGraceMs } from './signaling/ports.ts';

/** Everything that can be set from outside, checked. Without a key for tokens, the service runs in development mode. */
export type Config = Readonly<ReturnType<typeof configOf>>;

const localHosts = ['127.0.0.1', '::1', 'localhost'];

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
);
/** What `jose` can verify with a shared secret, and with the public keys of a JWKS. */
const symmetricAlgorithms = ['HS256', 'HS384', 'HS512'];
const asymmetricAlgorithms = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];

const algorithms = list.refine(
  (names) =>
    names.length > 0 &&
    names.every((name) => [...symmetricAlgorithms, ...asymmetricAlgorithms].includes(name)),
  'must list signature algorithms, for example RS256,ES256',
);
const origins = list.refine(
  (names) => names.every((name) => name === '*' || (URL.canParse(name) && new URL(name).origin === name)),
  'must list origins as browsers send them, for example https://app.example.org, or be *',
);
/** Addresses as RFC 7064 and 7065 have them: for one that is none, a browser refuses to begin the call. */
const iceUrls = (scheme: 'stun' | 'turn', parameters: string, example: string) => {
  const form = new RegExp(`^${scheme}s?:(?:[\\w.-]+|\\[[\\da-f:.]+\\])(?::[1-9]\\d*)?${parameters}$`);
  const isOne = (url: string) => form.test(url) && URL.canParse(url.replace(/^\w+:/, 'http://'));
  return list.refine(
    (urls) => urls.every(isOne),
    `must list ${scheme}: or ${scheme}s: addresses, for example ${example}`,
  );
};
/** A user could try secrets against the credentials they were given, and take all the time they want. */
const turnSecrets = list.refine(
  (secrets) => secrets.every((secret) => Buffer.byteLength(secret) >= 16),
  'must list secrets of at least 16 bytes each',
);
const count = (fallback: number, least = 1) => z.coerce.number().int().min(least).default(fallback);

const variables = z.object({
  PORT: z.coerce.number().int().min(0).max(65_535).default(4000),
  HOST: z.string().min(1).optional(),
  REDIS_URL: z
    .string()
    .refine(
      (url) => parseRedisAddress(url) !== undefined,
      'must be a redis://, redis+sentinel:// or redis+cluster:// address (rediss for TLS), as the README has them',
    )
    .optional(),
  REDIS_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'has 1 to 64 characters out of A-Z a-z 0-9 _ -')
    .default('signaling'),
  AUTH_SECRET: z
    .string()
    .refine((text) => Buffer.byteLength(text) >= 32, 'must have at least 32 bytes')
    .optional(),
  AUTH_JWKS_URL: z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// address' }).optional(),
  AUTH_ALGORITHMS: algorithms.optional(),
  AUTH_ISSUER: z.string().min(1).optional(),
  AUTH_AUDIENCE: z.string().min(1).optional(),
  GRACE_SECONDS: z.coerce
    .number()
    .int()
    .min(0)
    .max(300)
    .default(defaultGraceMs / 1000),
  DRAIN_SECONDS: z.coerce.number().int().min(0).max(600).optional(),
  CORS_ORIGINS: origins.default([]),
  DEMO: z.enum(['on', 'off']).optional(),
  GRAPHIQL: z.enum(['on', 'off']).optional(),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  ICE_STUN_URLS: iceUrls('stun', '', 'stun:turn.example.org:3478').optional(),
  ICE_TURN_URLS: iceUrls(
    'turn',
    '(?:\\?transport=(?:udp|tcp))?',
    'turn:turn.example.org:3478?transport=udp',
  ).optional(),
  ICE_TURN_SECRETS: turnSecrets.optional(),
  ICE_TTL_SECONDS: z.coerce.number().int().min(300).max(86_400).default(defaultIce.ttlSeconds),
  LIMIT_BODY_BYTES: count(defaultLimits.bodyBytes, 1024),
  LIMIT_JSON_BYTES: count(defaultLimits.jsonBytes),
  LIMIT_JSON_DEPTH: count(defaultLimits.jsonDepth),
  LIMIT_RECIPIENTS: count(defaultLimits.recipients),
  LIMIT_SOCKETS_PER_USER: count(defaultLimits.socketsPerUser),
  LIMIT_STREAMS_PER_SOCKET: count(defaultLimits.streamsPerSocket),
  LIMIT_DOCUMENT_TOKENS: count(defaultLimits.documentTokens),
  LIMIT_DOCUMENT_DEPTH: count(defaultLimits.documentDepth),
  LIMIT_DOCUMENT_ALIASES: count(defaultLimits.documentAliases, 0),
  LIMIT_MUTATION_FIELDS: count(defaultLimits.mutationFields),
});

type Variables = z.infer<typeof variables>;

function configOf(env: Variables) {
  const development = !env.AUTH_SECRET && !env.AUTH_JWKS_URL;
  return {
    development,
    port: env.PORT,
    host: env.HOST ?? (development ? '127.0.0.1' : '0.0.0.0'),
    redis: env.REDIS_URL ? { url: env.REDIS_URL, prefix: env.REDIS_PREFIX } : undefined,
    auth: {
      secret: env.AUTH_SECRET,
      jwksUrl: env.AUTH_JWKS_URL,
      algorithms: env.AUTH_ALGORITHMS ?? (env.AUTH_JWKS_URL ? ['RS256', 'ES256', 'EdDSA'] : ['HS256']),
      issuer: env.AUTH_ISSUER,
      audience: env.AUTH_AUDIENCE,
    },
    // Whoever develops restarts it all day.
    graceMs: env.GRACE_SECONDS * 1000,
    drainSeconds: env.DRAIN_SECONDS ?? (development ? 0 : 10),
    corsOrigins: env.CORS_ORIGINS,
    demo: env.DEMO ? env.DEMO === 'on' : development,
    graphiql: env.GRAPHIQL ? env.GRAPHIQL === 'on' : development,
    logLevel: env.LOG_LEVEL,
    ice: {
      stunUrls: env.ICE_STUN_URLS ?? [],
      turnUrls: env.ICE_TURN_URLS ?? [],
      turnSecrets: env.ICE_TURN_SECRETS ?? [],
      ttlSeconds: env.ICE_TTL_SECONDS,
    },
    limits: {
      bodyBytes: env.LIMIT_BODY_BYTES,
      jsonBytes: env.LIMIT_JSON_BYTES,
      jsonDepth: env.LIMIT_JSON_DEPTH,
      recipients: env.LIMIT_RECIPIENTS,
      socketsPerUser: env.LIMIT_SOCKETS_PER_USER,
      streamsPerSocket: env.LIMIT_STREAMS_PER_SOCKET,
      documentTokens: env.LIMIT_DOCUMENT_TOKENS,
      documentDepth: env.LIMIT_DOCUMENT_DEPTH,
      documentAliases: env.LIMIT_DOCUMENT_ALIASES,
      mutationFields: env.LIMIT_MUTATION_FIELDS,
    },
  };
}

/** The variables that depend on one another. A schema of their own: they are compared also when others are at fault. */
const related = z
  .object({
    HOST: z.string().optional(),
    AUTH_SECRET: z.string().optional(),
    AUTH_JWKS_URL: z.string().optional(),
    AUTH_ALGORITHMS: list.optional(),
    AUTH_ISSUER: z.string().optional(),
    AUTH_AUDIENCE: z.string().optional(),
    ICE_TURN_URLS: list.optional(),
    ICE_TURN_SECRETS: list.optional(),
  })
  .superRefine(checkTogether);

type Related = Pick<
  Variables,
  | 'HOST'
  | `AUTH_${'SECRET' | 'JWKS_URL' | 'ALGORITHMS' | 'ISSUER' | 'AUDIENCE'}`
  | `ICE_TURN_${'URLS' | 'SECRETS'}`
>;

/** Faults that lie between variables. */
function checkTogether(env: Related, context: z.RefinementCtx<Related>): void {
  const fault = (name: keyof Related, message: string) =>
    context.addIssue({ code: 'custom', path: [name], message });
  const symmetric = env.AUTH_ALGORITHMS?.filter((algorithm) => algorithm.startsWith('HS')) ?? [];
  if (env.AUTH_SECRET && env.AUTH_JWKS_URL) fault('AUTH_JWKS_URL', 'cannot be set together with AUTH_SECRET');
  if (env.AUTH_JWKS_URL && symmetric.length > 0)
    fault('AUTH_ALGORITHMS', 'cannot name HS… algorithms with AUTH_JWKS_URL');
  if (env.AUTH_SECRET && symmetric.length !== (env.AUTH_ALGORITHMS?.length ?? 0)) {
    fault('AUTH_ALGORITHMS', 'can only name HS… algorithms with AUTH_SECRET');
  }
  if (!env.AUTH_SECRET && !env.AUTH_JWKS_URL) checkDevelopment(env, fault);
  if (isEmpty(env.ICE_TURN_URLS) !== isEmpty(env.ICE_TURN_SECRETS))
    fault(
      isEmpty(env.ICE_TURN_URLS) ? 'ICE_TURN_URLS' : 'ICE_TURN_SECRETS',
      'must be set too: ICE_TURN_URLS and ICE_TURN_SECRETS are of use together',
    );
}

const isEmpty = (items: readonly string[] | undefined): boolean => !items?.length;

function checkDevelopment(env: Related, fault: (name: keyof Related, message: string) => void): void {
  const key = 'AUTH_SECRET or AUTH_JWKS_URL';
  if (env.HOST && !localHosts.includes(env.HOST))
    fault('HOST', `must be a loopback address in development mode; set ${key} to serve on ${env.HOST}`);
  // Somebody who set one of these means to check tokens, and forgot with what.
  for (const name of ['AUTH_ALGORITHMS', 'AUTH_ISSUER', 'AUTH_AUDIENCE'] as const)
    if (env[name])
      fault(name, `says how tokens are checked, and nothing says with which key; set ${key} too`);
}

/** What is wrong with the environment: one line for each variable at fault. */
export class ConfigError extends Error {}

/** Reads the environment. Throws a ConfigError that lists every fault. Empty variables count as unset. */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const alone = variables.safeParse(set);
  const together = related.safeParse(set);
  if (alone.success && together.success) return configOf(alone.data);
  const issues = [...(alone.error?.issues ?? []), ...(together.error?.issues ?? [])];
  const faults = issues.map(({ path, message }) => `  ${path.join('.')}: ${message}`);
  throw new ConfigError(`The configuration is not usable:\n${faults.join('\n')}`);
}
