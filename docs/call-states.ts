import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { type EnumTypeDefinitionNode, Kind, parse } from 'graphql';
import { beginnings, rules } from '../src/signaling/call.ts';
import { drawMachine } from './call-diagram.ts';
import type { Machine, Meanings } from './call-machine.ts';

/*
 * Writes what PROTOCOL.md shows of the machine of calls: `npm run docs`. With `--check` it writes nothing, and fails if
 * what is there is not what the machine does.
 */

const contract = parse(readFileSync(new URL('../schema/call.graphql', import.meta.url), 'utf8'));

export function meaningsOf(name: string): Meanings {
  const found = contract.definitions.find(
    (each): each is EnumTypeDefinitionNode =>
      each.kind === Kind.ENUM_TYPE_DEFINITION && each.name.value === name,
  );
  if (!found) throw new Error(`schema/call.graphql has no enum ${name}.`);
  return new Map(found.values?.map((each) => [each.name.value, each.description?.value ?? '']));
}

/** The table of the machine. */
export function statesTable({ rules, beginnings }: Machine): string {
  return markdownTable(
    ['state', 'verb', 'who, or when', 'becomes', 'reason', '`change`', 'legs'],
    [
      ...beginnings.map(({ when, to, reason, legs }) => [
        '–',
        '`dial`',
        when,
        code(to),
        reason ? code(reason) : '',
        '',
        legs,
      ]),
      ...rules.map(({ from, verb, when, to, reasons = [], change, legs }) => [
        code(from),
        code(verb),
        when,
        to === from ? 'the same' : code(to),
        reasons.map(code).join(', '),
        code(change),
        legs,
      ]),
    ],
  );
}

/** The states of legs, with the verbs that lead to them. */
export function legsTable({ rules, beginnings }: Machine): string {
  const states = meaningsOf('LegState');
  const verbs = new Map<string, Set<string>>([...states.keys()].map((state) => [state, new Set()]));
  for (const { verb, legs } of [...beginnings.map((each) => ({ verb: 'dial', ...each })), ...rules]) {
    for (const [, state = ''] of legs.matchAll(/`([^`]*)`/g)) {
      const known = verbs.get(state);
      if (!known) throw new Error(`${verb}: the contract has no leg state ${state}.`);
      known.add(verb);
    }
  }
  return markdownTable(
    ['leg', 'meaning', 'by'],
    [...verbs].map(([state, by]) => {
      if (by.size === 0) throw new Error(`No rule names the leg state ${state}.`);
      return [code(state), states.get(state) ?? '', [...by].map(code).join(', ')];
    }),
  );
}

const code = (word: string): string => `\`${word}\``;

function markdownTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`.replaceAll(/ {2,}/g, ' ');
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}

/** The page with a part of it, between its two marks, written anew. */
function withPart(page: string, name: string, part: string): string {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const [before, rest] = page.split(begin);
  const [, after] = rest?.split(end) ?? [];
  if (before === undefined || after === undefined) throw new Error(`PROTOCOL.md has no ${begin} … ${end}.`);
  return `${before}${begin}\n\n${part}\n\n${end}${after}`;
}

/** Each generated file as it is, and as it should be. */
export function generated(): { file: string; is: string; shouldBe: string }[] {
  const machine = { rules, beginnings };
  const page = read('PROTOCOL.md') ?? '';
  const states = withPart(page, 'call-states', statesTable(machine));
  return [
    { file: 'PROTOCOL.md', is: page, shouldBe: withPart(states, 'call-legs', legsTable(machine)) },
    {
      file: 'docs/call-states.svg',
      is: read('docs/call-states.svg') ?? '',
      shouldBe: drawMachine(machine, meaningsOf('CallState'), meaningsOf('EndReason')),
    },
  ];
}

const urlOf = (file: string): URL => new URL(`../${file}`, import.meta.url);

function read(file: string): string | undefined {
  try {
    return readFileSync(urlOf(file), 'utf8');
  } catch {
    return undefined;
  }
}

function main(isCheck: boolean): void {
  const stale = generated().filter(({ is, shouldBe }) => is !== shouldBe);
  for (const { file, shouldBe } of stale) {
    if (isCheck) console.error(`${file} does not show what src/signaling/call.ts does: npm run docs`);
    else writeFileSync(urlOf(file), shouldBe);
  }
  if (isCheck && stale.length > 0) process.exitCode = 1;
}

const [, script] = process.argv;
if (script && import.meta.url === pathToFileURL(realpathSync(script)).href)
  main(process.argv.includes('--check'));
