import { endTurn } from './turns-end.ts';

/** Lets those who come in a crowd in a few at a time, so that whoever is in already does not wait behind all of them. */
export interface Turnstile {
  /** Resolves when it is one's turn; at once, while nobody waits. */
  pass(): Promise<void>;
}

/** `perTurn`: how many pass in one turn of the event loop. */
export function createTurnstile(perTurn: number): Turnstile {
  const waiting: (() => void)[] = [];
  let passed = 0;
  let isTurning = false;

  function turn(): void {
    endTurn();
    passed = 0;
    isTurning = false;
    for (const enter of waiting.splice(0, perTurn)) admit(enter);
  }

  function admit(enter: () => void): void {
    passed++;
    if (!isTurning) {
      isTurning = true;
      setImmediate(turn);
    }
    enter();
  }

  return {
    pass: () =>
      new Promise((resolve) => {
        if (passed < perTurn && waiting.length === 0) admit(resolve);
        else waiting.push(resolve);
      }),
  };
}
