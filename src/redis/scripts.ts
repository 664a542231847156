import { readFileSync } from 'node:fs';
import type { Result } from 'ioredis';

/** What a script answers that runs in an epoch: a status, then what its header says. */
export type Reply = [status: string, ...rest: unknown[]];

/** What user.lua answers. */
export type UserReply = [access: string[], sockets: string[], live: string[], nodes: string[]];

/** What counts-n.lua answers. */
export type CountsReply = [alive: string[], ...counts: (string | null)[][]];

type Arguments = [keys: number, ...keysAndArgv: (string | number)[]];

declare module 'ioredis' {
  // Each is described in the file of its name.
  interface RedisCommander<Context> {
    commit(...args: Arguments): Result<Reply, Context>;
    open(...args: Arguments): Result<Reply, Context>;
    read(...args: Arguments): Result<Reply, Context>;
    leave(...args: Arguments): Result<Reply, Context>;
    reclaim(...args: Arguments): Result<string[], Context>;
    forget(...args: Arguments): Result<string[], Context>;
    user(...args: Arguments): Result<UserReply, Context>;
    counts(...args: Arguments): Result<CountsReply, Context>;
  }
}

const read = (file: string): string => readFileSync(new URL(`scripts/${file}.lua`, import.meta.url), 'utf8');
const [sequence, sockets] = [read('sequence'), read('sockets')];
const [topics, user] = [read('topics'), read('user')];

/** For ioredis' option of this name: it sends a script's text once per connection, then its digest. */
export const scripts = {
  commit: { lua: sequence + read('commit-n') },
  open: { lua: sequence + sockets + topics + user + read('open-n') },
  read: { lua: sequence + topics + read('read-n') },
  leave: { lua: sockets + read('leave-n') },
  reclaim: { lua: sockets + read('reclaim-n') },
  forget: { lua: sockets + read('forget-n') },
  user: { lua: user + read('user-n') },
  counts: { lua: read('counts-n') },
};
