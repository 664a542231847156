import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { SignJWT } from 'jose';

/** Two users to try the service with, and the secret that their tokens are signed with. */
export interface Development {
  readonly secret: string;
  readonly users: readonly { readonly uid: string; readonly token: string }[];
}

const people = [
  {
    uid: 'alice',
    ident: 'alice@example.org',
    firstname: 'Alice',
    lastname: 'Archer',
    fullname: 'Alice Archer',
  },
  { uid: 'bob', ident: 'bob@example.org', firstname: 'Bob', lastname: 'Baker', fullname: 'Bob Baker' },
];

/** Both belong to it. */
const hubs = { team: 'write' };

const folder = '.dev';

/**
 * Makes a secret and tokens for two users, and leaves them in `.dev/` for curl. The secret is kept between starts, so
 * that tokens stay good and two nodes of one folder accept the same ones.
 */
export async function prepareDevelopment(): Promise<Development> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const secret = await keptSecret();
  const users = await Promise.all(
    people.map(async ({ uid, ...profile }) => {
      const token = await new SignJWT({ ...profile, email: profile.ident, hubs })
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject(uid)
        .setIssuedAt()
        .setExpirationTime('30 days')
        .sign(new TextEncoder().encode(secret));
      await writeFile(`${folder}/${uid}.token`, token, { mode: 0o600 });
      return { uid, token };
    }),
  );
  return { secret, users };
}

async function keptSecret(): Promise<string> {
  const file = `${folder}/secret`;
  try {
    // Whoever comes first makes it; a second node starting at the same time reads it.
    await writeFile(file, randomBytes(32).toString('base64url'), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return readFile(file, 'utf8');
}
