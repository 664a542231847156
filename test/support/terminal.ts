import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';

/** A command in a terminal of its own. */
export interface Terminal {
  /** What it and its children wrote, to both outputs. */
  output(): string;
  /** Resolves when this was printed; fails when the command ends without, or after `patienceMs`. */
  prints(text: RegExp): Promise<RegExpExecArray>;
  /** Its exit code; null when it was ended by a signal. */
  readonly closed: Promise<number | null>;
}

const patienceMs = 30_000;

/** Runs a command with `sh`. It ends with the test, and with it whatever it started. */
export function openTerminal(
  command: string,
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Terminal {
  const env = { ...process.env, NO_COLOR: '1', ...options.env };
  const child = spawn('sh', ['-c', command], {
    cwd: options.cwd,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close').then(([code]) => code as number | null);
  let output = '';
  const listeners = new Set<() => void>();
  const tell = (): void => listeners.forEach((listener) => void listener());
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      tell();
    });
  void closed.then(tell);
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-(child.pid ?? 0), 'SIGTERM');
    await closed;
  });

  function prints(text: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const fail = () => reject(new Error(`${command}\ndid not print ${text}, but:\n${output}`));
      const deadline = setTimeout(() => settle(fail), patienceMs);
      const settle = (act: () => void): void => {
        clearTimeout(deadline);
        listeners.delete(look);
        act();
      };
      const look = (): void => {
        const found = text.exec(output);
        if (found) settle(() => resolve(found));
        else if (child.exitCode !== null) settle(fail);
      };
      listeners.add(look);
      look();
    });
  }

  return { output: () => output, prints, closed };
}
