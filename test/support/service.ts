import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { inject, onTestFinished } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { type Node, type Overrides, startNode } from '../../src/server.ts';

/** The engines that every scenario runs on: `describe.each(engines)`. */
export const engines = ['memory', 'redis'] as const;
export type EngineName = (typeof engines)[number];

export const secret = 'a secret of at least thirty-two bytes, for tests only';

export interface ServiceOptions {
  readonly engine: EngineName;
  /** Nodes of one installation share it. Random unless given. */
  readonly prefix?: string;
  /** The shared Redis of the run unless given. */
  readonly redisUrl?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly overrides?: Overrides;
}

/** Starts a node on a free port; it stops when the test (or the suite's hook that called this) has finished. */
export async function startService(options: ServiceOptions): Promise<Node> {
  const node = await startNode(configFor(options), options.overrides);
  onTestFinished(() => node.stop());
  return node;
}

export function configFor({ engine, prefix = randomPrefix(), redisUrl, env }: ServiceOptions) {
  const redis = engine === 'redis' ? { REDIS_URL: redisUrl ?? inject('redisUrl'), REDIS_PREFIX: prefix } : {};
  return readConfig({
    PORT: '0',
    HOST: '127.0.0.1',
    AUTH_SECRET: secret,
    LOG_LEVEL: 'silent',
    // Who leaves is gone at once; what comes of grace has suites of its own.
    GRACE_SECONDS: '0',
    ...redis,
    ...env,
  });
}

/** Tests on one Redis do not meet: each has a prefix of its own. */
export function randomPrefix(): string {
  return `test-${randomUUID()}`;
}

export interface Claims {
  readonly ident?: string;
  readonly firstname?: string;
  readonly lastname?: string;
  readonly fullname?: string;
  readonly email?: string;
  readonly hubs?: Record<string, string | number>;
  readonly admin?: boolean;
  /** Seconds from now; 1 hour unless given. */
  readonly expiresIn?: number;
  /** Seconds from now. */
  readonly issuedAt?: number;
  readonly audience?: string;
  readonly secret?: string;
}

/** A token for a user; a member (`write`) of the hub `team` unless told otherwise. */
export function tokenFor(uid: string, claims: Claims = {}): Promise<string> {
  const {
    expiresIn = 3600,
    issuedAt = 0,
    audience,
    secret: key = secret,
    hubs = { team: 'write' },
    ...profile
  } = claims;
  const now = Math.floor(Date.now() / 1000);
  const name = uid.charAt(0).toUpperCase() + uid.slice(1);
  const jwt = new SignJWT({
    firstname: name,
    fullname: `${name} Example`,
    ident: `${uid}@example.org`,
    ...profile,
    hubs,
  })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(uid)
    .setIssuedAt(now + issuedAt)
    .setExpirationTime(now + expiresIn);
  if (audience) jwt.setAudience(audience);
  return jwt.sign(new TextEncoder().encode(key));
}
