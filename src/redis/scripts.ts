import { readFileSync } from 'node:fs';
import type { Result } from 'ioredis';

/** What a script answers: a status, then what its header says. */
export type Reply = [status: string, ...rest: unknown[]];

declare module 'ioredis' {
  interface RedisCommander<Context> {
    /** scripts/commit-n.lua */
    commit(...args: [keys: number, ...keysAndArgv: (string | number)[]]): Result<Reply, Context>;
    /** scripts/open-n.lua */
    open(...args: [keys: number, ...keysAndArgv: (string | number)[]]): Result<Reply, Context>;
  }
}

const read = (file: string): string => readFileSync(new URL(`scripts/${file}.lua`, import.meta.url), 'utf8');
const sequence = read('sequence');

/** For ioredis' option of this name: it sends a script's text once per connection, then its digest. */
export const scripts = {
  commit: { lua: sequence + read('commit-n') },
  open: { lua: sequence + read('open-n') },
};
