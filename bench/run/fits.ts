import { openFileLimit } from './machine.ts';
import { progress } from './progress.ts';

/** What a process has open besides its sockets, and to spare. */
const others = 200;

/** How many sockets a process may have here: servers and generators alike. */
export function mostSockets(): number {
  return openFileLimit() - others;
}

/** Whether so many sockets fit into a process; says so when they do not. */
export function fits(sockets: number): boolean {
  const fit = sockets <= mostSockets();
  if (!fit)
    progress(`${sockets} sockets do not fit: a process may open ${openFileLimit()} files (ulimit -n)`);
  return fit;
}
