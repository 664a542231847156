import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { z } from 'zod';
import type { Identity } from '../signaling/caller.ts';
import { SignalingError } from '../signaling/errors.ts';
import { privilegeLevels } from '../signaling/permission.ts';

/** Which tokens are accepted. */
export interface AuthOptions {
  /** An HS256 secret of at least 32 bytes, or the address of a JWKS. */
  readonly key: { readonly secret: string } | { readonly jwksUrl: string };
  readonly algorithms: readonly string[];
  readonly issuer: string | undefined;
  readonly audience: string | undefined;
}

/** Turns a token into who it names. Throws UNAUTHENTICATED, with a reason that helps and gives nothing away. */
export type Authenticate = (token: string) => Promise<Identity>;

/** How far clocks may differ, in seconds. */
const clockTolerance = 5;

const id = z.string().regex(/^[A-Za-z0-9_.~@:-]{1,128}$/);
const word = z
  .string()
  .max(256)
  .nullish()
  .transform((value) => value ?? null);
const privilege = z.union([
  z.int().min(0).max(63),
  z
    .enum(Object.keys(privilegeLevels) as (keyof typeof privilegeLevels)[])
    .transform((level) => privilegeLevels[level]),
]);

const claimsSchema = z.object({
  sub: id,
  ident: word,
  firstname: word,
  lastname: word,
  fullname: word,
  email: word,
  hubs: z.record(id, privilege).default({}),
  busy: z.enum(['waiting', 'reject']).default('waiting'),
  admin: z.boolean().default(false),
  // A NumericDate may have a fraction (RFC 7519, section 2).
  iat: z.number().transform(Math.floor).default(0),
  exp: z.number().transform(Math.floor),
});

export function createAuthenticate(options: AuthOptions): Authenticate {
  const key = keyOf(options);
  const rules = {
    algorithms: [...options.algorithms],
    clockTolerance,
    requiredClaims: ['exp', 'sub'],
    ...(options.issuer && { issuer: options.issuer }),
    ...(options.audience && { audience: options.audience }),
  };
  return remember(async (token) => {
    const { payload } = await jwtVerify(token, key, rules).catch((error: unknown) => {
      throw refusal(error);
    });
    return identityOf(payload);
  });
}

/** How many tokens are remembered at most, and for how long, in milliseconds. */
const remembered = { tokens: 10_000, ms: 60_000 };

/** Verifies a token that is used again and again only once a minute: a signature costs more than most operations. */
function remember(authenticate: Authenticate): Authenticate {
  const known = new Map<string, { identity: Identity; until: number }>();
  return async (token) => {
    const now = Date.now();
    const recent = known.get(token);
    if (recent && now < recent.until) return recent.identity;
    known.delete(token);
    const identity = await authenticate(token);
    // The oldest come first.
    for (const [old, { until }] of known) {
      if (until > now && known.size < remembered.tokens) break;
      known.delete(old);
    }
    known.set(token, { identity, until: Math.min(now + remembered.ms, identity.expiresAt) });
    return identity;
  };
}

function keyOf({ key }: AuthOptions): JWTVerifyGetKey {
  if ('jwksUrl' in key) return publishedKeys(new URL(key.jwksUrl));
  const secret = new TextEncoder().encode(key.secret);
  return async () => secret;
}

/** The keys of a JWKS. Throws UNAVAILABLE while they cannot be fetched: that says nothing about the token. */
function publishedKeys(url: URL): JWTVerifyGetKey {
  const keys = createRemoteJWKSet(url);
  return (header, token) =>
    keys(header, token).catch((error: unknown) => {
      if (tokenFaults.some((fault) => error instanceof fault)) throw error;
      throw new SignalingError('UNAVAILABLE', 'The keys that verify tokens cannot be fetched.', {
        retryAfterMs: 1000,
        cause: error,
      });
    });
}

/** The keys are there, and none of them, or more than one, fits the token. */
const tokenFaults = [errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys, errors.JOSENotSupported];

function identityOf(payload: JWTPayload): Identity {
  const claims = claimsSchema.safeParse(payload);
  if (!claims.success) {
    const [first] = claims.error.issues;
    throw unauthenticated(`The token's claim "${first?.path.join('.')}" is not as expected.`);
  }
  const { sub, hubs, iat, exp, ...profile } = claims.data;
  return {
    ...profile,
    uid: sub,
    hubs: new Map(Object.entries(hubs)),
    issuedAt: iat * 1000,
    expiresAt: exp * 1000,
  };
}

function refusal(error: unknown): SignalingError {
  if (error instanceof SignalingError) return error;
  if (error instanceof errors.JWTExpired) return unauthenticated('The token has expired.');
  if (error instanceof errors.JWTClaimValidationFailed)
    return unauthenticated(`The token's claim "${error.claim}" is not accepted here.`);
  return unauthenticated('The token is not valid here.', error);
}

function unauthenticated(message: string, cause?: unknown): SignalingError {
  return new SignalingError('UNAUTHENTICATED', message, { cause });
}

/** The token of an `Authorization` header's value, if it is a bearer token. */
export function bearerToken(header: unknown): string | undefined {
  return typeof header === 'string' ? /^Bearer +(\S+)$/i.exec(header)?.[1] : undefined;
}
