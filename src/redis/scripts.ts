import { readFileSync } from 'node:fs';
import type { Result } from 'ioredis';

/** What a script answers that runs in an epoch: a status, then what its header says. */
export type Reply = [status: string, ...rest: unknown[]];

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
  }
}

const read = (file: string): string => readFileSync(new URL(`scripts/${file}.lua`, import.meta.url), 'utf8');
const [sequence, sockets, topics] = [read('sequence'), read('sockets'), read('topics')];

/** For ioredis' option of this name: it sends a script's text once per connection, then its digest. */
export const scripts = {
  commit: { lua: sequence + read('commit-n') },
  open: { lua: sequence + sockets + topics + read('open-n') },
  read: { lua: sequence + topics + read('read-n') },
  leave: { lua: sockets + read('leave-n') },
  reclaim: { lua: sockets + read('reclaim-n') },
  forget: { lua: sockets + read('forget-n') },
};
