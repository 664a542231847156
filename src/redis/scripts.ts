import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Command, type Redis } from 'ioredis';

/** What a script answers that runs in an epoch: a status, then what its header says. */
export type Reply = [status: string, ...rest: unknown[]];

/** What user.lua answers. */
export type UserReply = [access: string[], sockets: string[], live: string[], nodes: string[]];

/** What counts-n.lua answers. */
export type CountsReply = [alive: string[], ...counts: (string | null)[][]];

type Run<Answer> = (keys: readonly string[], argv: readonly (string | number)[]) => Promise<Answer>;

/** The scripts, each described in the file of its name. */
export interface Scripts {
  readonly commit: Run<Reply>;
  readonly open: Run<Reply>;
  readonly read: Run<Reply>;
  readonly leave: Run<Reply>;
  readonly reclaim: Run<string[]>;
  readonly forget: Run<string[]>;
  readonly user: Run<UserReply>;
  readonly counts: Run<CountsReply>;
}

const read = (file: string): string => readFileSync(new URL(`scripts/${file}.lua`, import.meta.url), 'utf8');
const [sequence, sockets] = [read('sequence'), read('sockets')];
const [topics, user] = [read('topics'), read('user')];

const texts: Readonly<Record<keyof Scripts, string>> = {
  commit: sequence + read('commit-n'),
  open: sequence + sockets + topics + user + read('open-n'),
  read: sequence + topics + read('read-n'),
  leave: sockets + read('leave-n'),
  reclaim: sockets + read('reclaim-n'),
  forget: sockets + read('forget-n'),
  user: user + read('user-n'),
  counts: read('counts-n'),
};

/**
 * The scripts on a connection: a script's text is sent once per connection, and from then on its digest. Errors are those
 * of ioredis.
 */
export function createScripts(redis: Redis): Scripts {
  /** What each connection has been sent. */
  const known = new WeakMap<object, Set<string>>();

  function script<Answer>(text: string): Run<Answer> {
    const digest = createHash('sha1').update(text).digest('hex');
    return async (keys, argv) => {
      const sent = known.get(redis.stream) ?? new Set();
      known.set(redis.stream, sent);
      const rest = [keys.length, ...keys, ...argv];
      const isKnown = sent.has(digest);
      sent.add(digest);
      if (!isKnown) return (await send(redis, 'eval', [text, ...rest])) as Answer;
      try {
        return (await send(redis, 'evalsha', [digest, ...rest])) as Answer;
      } catch (error) {
        // Redis has lost it, and has done nothing.
        if (!(error as Error).message.startsWith('NOSCRIPT')) throw error;
        return (await send(redis, 'eval', [text, ...rest])) as Answer;
      }
    };
  }

  return {
    commit: script(texts.commit),
    open: script(texts.open),
    read: script(texts.read),
    leave: script(texts.leave),
    reclaim: script(texts.reclaim),
    forget: script(texts.forget),
    user: script(texts.user),
    counts: script(texts.counts),
  };
}

/**
 * Sends a command, and takes from it what it holds once it is answered. ioredis assigns a function to a property of each
 * command; V8 puts such functions into the old generation, where this one keeps the command, and all that can be reached
 * from it, until the next full collection. With arguments and answers that was 26 KB for each dial, which young collections
 * copied twice before.
 */
function send(redis: Redis, name: string, args: (string | number)[]): Promise<unknown> {
  let waiting: PromiseWithResolvers<unknown> | undefined = Promise.withResolvers();
  const { promise } = waiting;
  const command = new Command(name, args, { replyEncoding: 'utf8' }, (error, answer) => {
    const { resolve, reject } = waiting ?? Promise.withResolvers();
    waiting = undefined;
    command.args = [];
    if (error) reject(error);
    else resolve(Array.isArray(answer) ? answer.splice(0) : answer);
  });
  redis.sendCommand(command);
  return promise;
}
