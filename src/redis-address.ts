/** Where a server listens. */
export interface Host {
  readonly host: string;
  readonly port: number;
}

/** What REDIS_URL says: which servers to ask for the primary, and how to enter. */
export interface RedisAddress {
  /** Who knows the primary: it is the one server itself, its Sentinels do, or the nodes of its cluster. */
  readonly form: 'single' | 'sentinel' | 'cluster';
  readonly tls: boolean;
  /** The server, the Sentinels or the nodes; at least one. */
  readonly hosts: readonly [Host, ...Host[]];
  /** What Sentinels call the primary; '' otherwise. */
  readonly primary: string;
  readonly db: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Of the Sentinels themselves. */
  readonly sentinelPassword: string | undefined;
}

const shape =
  /^redis(?<tls>s?)(?:\+(?<form>sentinel|cluster))?:\/\/(?:(?<user>[^@/?]*)@)?(?<hosts>[^@/?#]+)(?:\/(?<path>[^?#]*))?(?:\?(?<query>[^#]*))?$/;
const hostShape = /^(?:\[(?<six>[\da-fA-F:.]+)\]|(?<name>[\w.-]+))(?::(?<port>\d{1,5}))?$/;

/** Reads a REDIS_URL; undefined for one that is none. */
export function parseRedisAddress(url: string): RedisAddress | undefined {
  const parts = shape.exec(url)?.groups;
  if (!parts) return undefined;
  const form = (parts['form'] ?? 'single') as RedisAddress['form'];
  const [first, ...others] = (parts['hosts'] ?? '').split(',').map((text) => parseHost(text, form));
  const path = parsePath(form, parts['path'] ?? '');
  const user = parseUser(parts['user']);
  if (!first || !path || !user || others.includes(undefined)) return undefined;
  if (form === 'single' && others.length > 0) return undefined;
  return {
    form,
    tls: parts['tls'] === 's',
    hosts: [first, ...(others as Host[])],
    ...path,
    ...user,
    sentinelPassword: new URLSearchParams(parts['query']).get('sentinelPassword') ?? undefined,
  };
}

function parseHost(text: string, form: RedisAddress['form']): Host | undefined {
  const parts = hostShape.exec(text)?.groups;
  const port = Number(parts?.['port'] ?? (form === 'sentinel' ? 26_379 : 6379));
  const host = parts?.['six'] ?? parts?.['name'];
  return host && port > 0 && port < 65_536 ? { host, port } : undefined;
}

/** `/db` of one server, `/name` or `/name/db` with Sentinels; a cluster has one database. */
function parsePath(
  form: RedisAddress['form'],
  path: string,
): Pick<RedisAddress, 'primary' | 'db'> | undefined {
  const segments = path.split('/');
  const primary = form === 'sentinel' ? (segments.shift() ?? '') : '';
  const [db = '', ...rest] = segments;
  if (rest.length > 0 || !/^\d{0,5}$/.test(db) || (form === 'cluster' && Number(db) > 0)) return undefined;
  if (form === 'sentinel' && !/^[\w.-]+$/.test(primary)) return undefined;
  return { primary, db: Number(db) };
}

function parseUser(text = ''): Pick<RedisAddress, 'username' | 'password'> | undefined {
  const [name = '', ...secret] = text.split(':');
  try {
    const [username, password] = [name, secret.join(':')].map(decodeURIComponent);
    return { username: username || undefined, password: password || undefined };
  } catch {
    return undefined;
  }
}
