import { Redis } from 'ioredis';
import type { Host, RedisAddress } from '../redis-address.ts';

/** Asks who the primary is: the server that takes our writes now. Those who ask at once share one answer. */
export type FindPrimary = () => Promise<Host>;

/** How long one Sentinel or cluster node may take to answer, in milliseconds; then the next one is asked. */
const askMs = 400;

/** What one of those who know says. */
interface Answer {
  readonly primary: Host;
  /** Others who may be asked. */
  readonly others: readonly Host[];
}

/** `tag` is what all our keys carry in braces: on a cluster, the primary is the master that owns its slot. */
export function createFindPrimary(address: RedisAddress, tag: string): FindPrimary {
  if (address.form === 'single') return async () => address.hosts[0];
  let known: Host[] = [...address.hosts];
  let asking: Promise<Host> | undefined;

  async function askAll(): Promise<Host> {
    let failure: unknown;
    for (const host of [...known]) {
      try {
        const { primary, others } = await ask(address, tag, host);
        remember(host, others);
        return primary;
      } catch (error) {
        failure = error;
      }
    }
    const reason = failure instanceof Error ? failure.message : String(failure);
    throw new Error(`none of ${known.length} ${address.form} addresses names a primary: ${reason}`);
  }

  /** Who answered is asked first the next time; those of the configuration are never forgotten. */
  function remember(host: Host, others: readonly Host[]): void {
    const all = [host, ...others, ...address.hosts];
    known = [...new Map(all.map((each) => [nameOf(each), each])).values()];
  }

  return () => {
    asking ??= askAll().finally(() => {
      asking = undefined;
    });
    return asking;
  };
}

export function nameOf({ host, port }: Host): string {
  return `${host}:${port}`;
}

async function ask(address: RedisAddress, tag: string, host: Host): Promise<Answer> {
  const redis = new Redis(host.port, host.host, askOptions(address));
  // Told by the command that fails.
  redis.on('error', () => {});
  const late = setTimeout(() => redis.disconnect(), askMs);
  try {
    await redis.connect();
    return address.form === 'sentinel'
      ? await askSentinel(redis, address.primary)
      : await askNode(redis, tag, host);
  } finally {
    clearTimeout(late);
    redis.disconnect();
  }
}

function askOptions({ form, tls, username, password, sentinelPassword }: RedisAddress) {
  const [user, secret] = form === 'sentinel' ? [undefined, sentinelPassword] : [username, password];
  return {
    lazyConnect: true,
    retryStrategy: () => null,
    enableReadyCheck: false,
    connectTimeout: askMs,
    commandTimeout: askMs,
    disconnectTimeout: 0,
    ...(user !== undefined && { username: user }),
    ...(secret !== undefined && { password: secret }),
    ...(tls && { tls: {} }),
  };
}

async function askSentinel(redis: Redis, primary: string): Promise<Answer> {
  const [place, sentinels] = await Promise.all([
    redis.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', primary) as Promise<[string, string] | null>,
    redis.call('SENTINEL', 'SENTINELS', primary) as Promise<string[][]>,
  ]);
  if (!place) throw new Error(`it watches nothing of the name ${primary}`);
  const others = sentinels.map((flat) => hostOf(fieldOf(flat, 'ip'), fieldOf(flat, 'port')));
  return { primary: hostOf(place[0], place[1]), others };
}

function fieldOf(flat: readonly string[], field: string): string {
  return flat[flat.indexOf(field) + 1] ?? '';
}

/** A row of CLUSTER SLOTS: a range, its master, its replicas. */
type SlotRow = [first: number, last: number, ...nodes: [host: string | null, port: number, id: string][]];

async function askNode(redis: Redis, tag: string, asked: Host): Promise<Answer> {
  const [info, slot, rows] = await Promise.all([
    redis.call('CLUSTER', 'INFO') as Promise<string>,
    redis.call('CLUSTER', 'KEYSLOT', `{${tag}}`) as Promise<number>,
    redis.call('CLUSTER', 'SLOTS') as Promise<SlotRow[]>,
  ]);
  // It may be cut off from the others, and believe in a master that they have replaced.
  if (!info.includes('cluster_state:ok')) throw new Error('the cluster is down');
  const nodes = rows.flatMap(([, , ...found]) => found);
  const [, , master] = rows.find(([first, last]) => first <= slot && slot <= last) ?? [];
  if (!master) throw new Error(`nobody owns slot ${slot}`);
  // A node that does not know its own name is reached where it was asked.
  const [primary, ...others] = [master, ...nodes].map(([host, port]) => hostOf(host || asked.host, port));
  return { primary: primary as Host, others };
}

function hostOf(host: string, port: string | number): Host {
  return { host, port: Number(port) };
}
