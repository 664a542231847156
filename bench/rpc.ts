import type { ChildProcess } from 'node:child_process';

/*
 * Calls between the bench and the processes it starts, over the channel that Node opens to a child. Each method takes
 * one argument and answers once.
 */

interface Call {
  readonly call: number;
  readonly method: string;
  readonly argument: unknown;
}

interface Answer {
  readonly call: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** An interface of the other process, as seen from this one. */
export type Remote<Api> = {
  [Method in keyof Api]: Api[Method] extends (argument: infer Argument) => infer Value
    ? (argument: Argument) => Promise<Awaited<Value>>
    : never;
};

/** Nothing that the bench asks of a process takes longer than this. */
const patienceMs = 300_000;

/** Answers the parent's calls. This process ends with its parent, however that ends. */
export function serveCalls(api: Record<string, (argument: never) => unknown>): void {
  process.on('disconnect', () => process.exit(0));
  process.on('message', async (message: unknown) => {
    const { call, method, argument } = message as Call;
    try {
      const value = await api[method]?.(argument as never);
      process.send?.({ call, value } satisfies Answer);
    } catch (error) {
      process.send?.({
        call,
        error: error instanceof Error ? error.message : String(error),
      } satisfies Answer);
    }
  });
}

/** The interface of a child. Calls that it cannot answer any more are rejected. */
export function remote<Api extends object>(name: string, child: ChildProcess): Remote<Api> {
  const waiting = new Map<number, (answer: Answer) => void>();
  let calls = 0;
  child.on('message', (message: unknown) => {
    const answer = message as Answer;
    waiting.get(answer.call)?.(answer);
  });
  child.once('exit', () => {
    for (const [call, take] of waiting) take({ call, error: 'it has ended' });
  });

  function ask(method: string, argument: unknown): Promise<unknown> {
    const call = ++calls;
    return new Promise((resolve, reject) => {
      const refuse = (reason: string) => reject(new Error(`${name}, ${method}: ${reason}`));
      const timer = setTimeout(() => refuse('no answer in time'), patienceMs);
      waiting.set(call, ({ value, error }) => {
        clearTimeout(timer);
        waiting.delete(call);
        if (error === undefined) resolve(value);
        else refuse(error);
      });
      if (child.connected) child.send({ call, method, argument } satisfies Call);
      else refuse('it has ended');
    });
  }

  return new Proxy({} as Remote<Api>, {
    // Whatever has a method `then` is a promise to `await`.
    get: (_, method) =>
      method === 'then' ? undefined : (argument: unknown) => ask(String(method), argument),
  });
}
