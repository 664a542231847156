import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { secret } from './service.ts';

/** A node in a process of its own, as an operator starts it. */
export interface ChildNode {
  readonly url: string;
  /** Its exit code, or the signal that ended it; undefined while it runs. */
  ending(): number | NodeJS.Signals | undefined;
  /** What it wrote: log lines, and what Node writes when it dies. */
  output(): string;
  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | undefined>;
}

/** Starts `src/main.ts` on a free port and waits until it serves; it is killed when the test has finished. */
export async function startChildNode(env: NodeJS.ProcessEnv): Promise<ChildNode> {
  const child = spawn(process.execPath, ['src/main.ts'], {
    env: { PORT: '0', HOST: '127.0.0.1', AUTH_SECRET: secret, LOG_LEVEL: 'warn', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close');
  const serving = Promise.withResolvers<string>();
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      const url = /serves at (\S+)\/graphql/.exec(output)?.[1];
      if (url) serving.resolve(url);
    });
  child.once('exit', () => serving.reject(new Error(`the node did not start: ${output}`)));

  const ending = () => child.exitCode ?? child.signalCode ?? undefined;
  async function end(signal: NodeJS.Signals) {
    child.kill(signal);
    await closed;
    return ending();
  }
  onTestFinished(async () => {
    await end('SIGKILL');
  });

  return { url: await serving.promise, ending, output: () => output, end };
}
