import { createHmac } from 'node:crypto';

/** What the service under test verifies tokens with. It listens on loopback, for as long as the bench runs. */
export const benchSecret = 'a secret of at least thirty-two bytes, for the bench only';

/** A token of a user who may write in one hub. */
export function tokenFor(uid: string, hubId: string): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    sub: uid,
    ident: `${uid}@example.org`,
    firstname: uid,
    hubs: { [hubId]: 'write' },
    iat: now,
    exp: now + 86_400,
  };
  const text = `${encoded({ alg: 'HS256' })}.${encoded(claims)}`;
  return `${text}.${createHmac('sha256', benchSecret).update(text).digest('base64url')}`;
}

function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
