import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** A node in a process of its own, as an operator starts it. */
export interface NodeProcess {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly child: ChildProcess;
  /** Its exit code, or the signal that ended it; undefined while it runs. */
  ending(): number | NodeJS.Signals | undefined;
  /** What it wrote: log lines, and what Node writes when it dies. */
  output(): string;
  /** Sends a signal. */
  signal(name: NodeJS.Signals): void;
  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | undefined>;
}

export interface NodeProcessOptions {
  /** For Node itself. With any of them, there is a channel to the process. */
  readonly flags?: readonly string[];
}

const running = new Set<ChildProcess>();
// A process that ends early leaves none behind.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts `src/main.ts` on a free port unless `env` names one, and waits until it serves. */
export async function launchNode(
  env: NodeJS.ProcessEnv,
  { flags = [] }: NodeProcessOptions = {},
): Promise<NodeProcess> {
  const child = spawn(process.execPath, [...flags, 'src/main.ts'], {
    env: { PORT: '0', HOST: '127.0.0.1', LOG_LEVEL: 'warn', ...env },
    stdio: ['ignore', 'pipe', 'pipe', ...(flags.length > 0 ? ['ipc' as const] : [])],
  });
  const closed = once(child, 'close');
  running.add(child);
  child.once('exit', () => running.delete(child));
  const serving = Promise.withResolvers<string>();
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
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
  const url = await serving.promise;
  return {
    url,
    port: Number(new URL(url).port),
    pid: child.pid as number, // it has spawned
    child,
    ending,
    output: () => output,
    signal: (name) => void child.kill(name),
    end,
  };
}
