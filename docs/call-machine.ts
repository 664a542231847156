import type { Beginning, Rule } from '../src/signaling/call.ts';

/** What of the machine is shown. */
export interface Machine {
  readonly rules: readonly Rule[];
  readonly beginnings: readonly Beginning[];
}

export type Arrow = Pick<Rule, 'verb' | 'when' | 'reasons'>;

/** An enum of the contract: what each value means, by the value. */
export type Meanings = ReadonlyMap<string, string>;

export function requireReasons(meanings: Meanings, arrows: readonly Arrow[]): void {
  const shown = new Set<string>(arrows.flatMap(({ reasons = [] }) => reasons));
  const missing = [...meanings.keys()].filter((reason) => !shown.has(reason));
  if (missing.length > 0) throw new Error(`Nothing in the machine ends a call with ${missing.join(', ')}.`);
}

/** The whole picture in sentences, for whoever does not see it. */
export function inSentences({ rules, beginnings }: Machine): string {
  const by = (reasons: readonly string[] | undefined) =>
    reasons?.length ? ` (${reasons.join(' or ')})` : '';
  return [
    ...beginnings.map(({ when, to, reason }) => `dial, ${when}: ${to}${by(reason ? [reason] : [])}.`),
    ...rules.map(({ from, verb, when, to, reasons }) => `${from}, ${verb}, ${when}: ${to}${by(reasons)}.`),
  ]
    .join(' ')
    .replaceAll('`', '');
}
