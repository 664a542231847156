let ending: (() => void)[] = [];

/** Runs a task once this turn of the event loop has brought what it brings, and before any slice of long work. */
export function atTurnsEnd(task: () => void): void {
  if (ending.length === 0) setImmediate(endTurn);
  ending.push(task);
}

/** Whoever is about to work for long calls it: what others wait for, such as commands to the store, leaves before that. */
export function endTurn(): void {
  if (ending.length === 0) return;
  const tasks = ending;
  ending = [];
  for (const task of tasks) task();
}
