import { describe, expect, test } from 'vitest';
import { drawMachine } from '../docs/call-diagram.ts';
import type { Machine } from '../docs/call-machine.ts';
import { generated, legsTable, meaningsOf, statesTable } from '../docs/call-states.ts';
import { beginnings, type Rule, rules } from '../src/signaling/call.ts';

const machine: Machine = { rules, beginnings };
const draw = (shown: Machine): string => drawMachine(shown, meaningsOf('CallState'), meaningsOf('EndReason'));

/** The machine with one rule more: another one, changed. */
function withRule(verb: Rule['verb'], parts: object): Machine {
  const like = rules.find((each) => each.verb === verb);
  if (!like) throw new Error(`no rule for ${verb}`);
  return { beginnings, rules: [...rules, { ...like, ...parts }] };
}

test.each(generated())('$file shows what the machine does; else: npm run docs', ({ is, shouldBe }) => {
  expect(is).toBe(shouldBe);
});

describe('the diagram', () => {
  const words = (text: string): string[] => text.replaceAll('`', '').split(/[\s<>/]+/);

  test('has an arrow with the words of each rule, and a label with each reason', () => {
    const svg = draw(machine);
    const texts = [...svg.matchAll(/<text[^>]*>(.*?)<\/text>/g)].map(([, text = '']) =>
      text.replaceAll(/<[^>]*>/g, ''),
    );
    const pathsOf = (kind: string) => svg.split(`class="${kind}"`).length - 1;
    for (const { when } of rules) expect(texts.join(' ')).toContain(words(when).join(' '));
    for (const reason of meaningsOf('EndReason').keys()) expect(texts).toContain(reason);
    // Several rules from one state to the next share an arrow; the legend has two.
    expect(texts.filter((text) => rules.some(({ verb }) => verb === text))).toHaveLength(
      rules.length + beginnings.length,
    );
    expect(pathsOf('point')).toBe(rules.length - 1 + beginnings.length + 2);
  });

  test('can be read by a screen reader, and in the dark', () => {
    const svg = draw(machine);
    const [, description = ''] = /<desc id="desc">(.*?)<\/desc>/s.exec(svg) ?? [];
    expect(svg).toContain('role="img" aria-labelledby="title desc"');
    expect(svg).toContain('prefers-color-scheme:dark');
    for (const { verb, when, to } of rules)
      expect(description).toContain(`${verb}, ${words(when).join(' ')}: ${to}`);
  });

  test('asks nothing of the outside', () => {
    expect(draw(machine).replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|url\(|@import|href/);
  });

  test('grows with the machine', () => {
    const more = draw(withRule('hangUp', { when: 'somebody who was not there yesterday' }));
    expect(more).toContain('somebody who was not there yesterday');
    const height = (svg: string) => Number(/height="(\d+)"/.exec(svg)?.[1]);
    expect(height(more)).toBeGreaterThan(height(draw(machine)));
  });

  test.each([
    {
      name: 'leads where it has no place',
      shown: withRule('accept', { from: 'ACCEPTED', to: 'RINGING' }),
      says: /no place for accept/,
    },
    {
      name: 'has a verb that nobody says',
      shown: withRule('hangUp', { verb: 'transfer' }),
      says: /Who says transfer/,
    },
    {
      name: 'ends without a reason',
      shown: withRule('hangUp', { reasons: [] }),
      says: /hangUp ends a call without a reason/,
    },
    {
      name: 'ends for a reason that the contract does not know',
      shown: withRule('hangUp', { reasons: ['BORED'] }),
      says: /no EndReason BORED/,
    },
  ])('is refused for a rule that $name', ({ shown, says }) => {
    expect(() => draw(shown)).toThrow(says);
  });

  test('is refused when a reason of the contract has no rule any more', () => {
    const fewer = rules.filter(({ reasons }) => !reasons?.includes('EXPIRED'));
    expect(() => draw({ rules: fewer, beginnings })).toThrow('EXPIRED');
  });
});

describe('the tables', () => {
  test('have a row for each rule and each beginning, and for each state of a leg', () => {
    const rows = (table: string) => table.split('\n').slice(2);
    expect(rows(statesTable(machine))).toHaveLength(rules.length + beginnings.length);
    expect(rows(legsTable(machine))).toHaveLength(meaningsOf('LegState').size);
    expect(statesTable(withRule('hangUp', { when: 'somebody new' }))).toContain('somebody new');
  });

  test.each([
    {
      name: 'a rule names a state of legs that the contract does not know',
      shown: withRule('accept', { legs: '`ASLEEP`' }),
      says: 'ASLEEP',
    },
    {
      name: 'no rule leads to a state of legs',
      shown: { beginnings, rules: rules.filter(({ legs }) => !legs.includes('TIMED_OUT')) },
      says: 'TIMED_OUT',
    },
  ])('are refused when $name', ({ shown, says }) => {
    expect(() => legsTable(shown)).toThrow(says);
  });
});
