import type { CallState, Rule, VerbName } from '../src/signaling/call.ts';
import { type Arrow, inSentences, type Machine, type Meanings, requireReasons } from './call-machine.ts';
import { style } from './diagram-style.ts';
import { clock, group, horizontalArrow, loopArrow, verticalArrow } from './svg-shapes.ts';
import { escapeXml, measure, paragraph, wrap } from './svg-text.ts';

/*
 * The machine as a picture. Only the places of the three states are fixed here: RINGING above ACCEPTED, ENDED beside both.
 * Every arrow with its words comes from the machine, and one that has no place is an error. Lengths are pixels.
 */

/** Who says a verb: a timer is the service. */
const speakers: Record<VerbName, 'device' | 'timer'> = {
  acknowledgeRing: 'device',
  accept: 'device',
  decline: 'device',
  hangUp: 'device',
  dial: 'device',
  expire: 'timer',
  callerLost: 'timer',
  connectionLost: 'timer',
};

const width = 1000;
const margin = 32;
/** The column of the states that a call goes through. */
const column = { x: 76, width: 292, centre: 222 };
const ended = { x: 740, width: width - margin - 740, top: margin };
const lane = { x: column.x + column.width, end: ended.x };
const line = 19;

/** A piece of the picture, and the height that it takes. */
interface Piece {
  readonly height: number;
  draw(top: number): string;
}

export function drawMachine({ rules, beginnings }: Machine, states: Meanings, reasons: Meanings): string {
  const dials = beginnings.map((each) => ({
    ...each,
    verb: 'dial' as const,
    reasons: each.reason ? [each.reason] : [],
  }));
  const to = (state: CallState) => dials.filter((each) => each.to === state);
  const between = (from: CallState, to: CallState) =>
    rules.filter((each) => each.from === from && each.to === to);
  const lanes = (from: Source, arrows: readonly Arrow[]) => arrows.map((each) => laneOf(from, each, reasons));
  const state = (name: 'RINGING' | 'ACCEPTED') =>
    stateOf(name, states, between(name, name), lanes(name, between(name, 'ENDED')));

  const pieces = [
    startOf(lanes('start', to('ENDED'))),
    trunkOf('start', to('RINGING')),
    state('RINGING'),
    trunkOf('RINGING', between('RINGING', 'ACCEPTED')),
    state('ACCEPTED'),
  ];
  requirePlaces(rules);
  requireReasons(reasons, [...dials, ...rules]);
  const body = stack(pieces, 122);
  const height = body.bottom + margin;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title desc">`,
    `<title id="title">${heading}</title>`,
    `<desc id="desc">${escapeXml(inSentences({ rules, beginnings }))}</desc>`,
    `<style>${style}</style>`,
    `<rect class="page" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="14"/>`,
    head(),
    endedBox(states, body.bottom),
    body.svg,
    '</svg>',
    '',
  ].join('\n');
}

const heading = 'The life of a call';

/** Where arrows come from, which is also their colour. */
type Source = 'start' | 'RINGING' | 'ACCEPTED';

function stack(pieces: readonly Piece[], top: number): { svg: string; bottom: number } {
  let bottom = top;
  const svg = pieces.map((piece) => {
    const drawn = piece.draw(bottom);
    bottom += piece.height;
    return drawn;
  });
  return { svg: svg.join('\n'), bottom };
}

const heightOf = (pieces: readonly Piece[]): number => pieces.reduce((sum, { height }) => sum + height, 0);

/** An arrow to ENDED: the verb above it, the condition below, and the reasons at its point. */
function laneOf(from: Source, { verb, when, reasons = [] }: Arrow, meanings: Meanings): Piece {
  if (reasons.length === 0) throw new Error(`${verb} ends a call without a reason.`);
  const lines = wrap(when, 13, lane.end - lane.x - 40);
  const x = lane.x + 18;
  return {
    height: 46 + lines.length * line,
    draw: (top) => {
      const y = top + 30;
      const begin = from === 'start' ? column.centre : lane.x;
      return group(`${classOf(from, verb)}`, [
        horizontalArrow(begin, lane.end, y),
        verbText(x, y - 9, verb),
        paragraph(x, y + line, lines, line),
        chips(reasons, ended.x + 22, y, meanings),
      ]);
    },
  };
}

/** An arrow down to the next state, with all verbs that lead there. */
function trunkOf(from: Source, arrows: readonly Arrow[]): Piece {
  const height = 44 + arrows.length * 24;
  const first = arrows[0];
  if (!first) throw new Error(`Nothing leads on from ${from}.`);
  return {
    height,
    draw: (top) => {
      const labels = arrows.map(({ verb, when }, i) => {
        const y = top + 30 + i * 24;
        const x = column.centre + 18;
        return verbText(x, y, verb) + paragraph(x + verbWidth(verb) + 10, y, [when], line);
      });
      return group(`trunk ${classOf(from, first.verb)}`, [
        verticalArrow(column.centre, top, top + height),
        ...labels,
      ]);
    },
  };
}

/** Where a call comes from: a point, with the dials that end at once. */
function startOf(lanes: readonly Piece[]): Piece {
  const height = heightOf(lanes);
  const y = 30;
  return {
    height,
    draw: (top) =>
      group('trunk start', [
        `<path class="line" d="M${column.centre} ${top + y}V${top + height}"/>`,
        stack(lanes, top).svg,
        `<circle class="dot" cx="${column.centre}" cy="${top + y}" r="9"/>`,
      ]),
  };
}

/** A state with what leaves it as it is, and beside it what ends it. */
function stateOf(
  name: Source & CallState,
  states: Meanings,
  loops: readonly Rule[],
  lanes: readonly Piece[],
): Piece {
  const meaning = wrap(states.get(name) ?? '', 13, column.width - 44);
  const own = loops.map(loopOf);
  const head = 66 + meaning.length * line;
  const pad = 8;
  const height = Math.max(head + heightOf(own), heightOf(lanes) + 2 * pad);
  return {
    height,
    draw: (top) =>
      group(name, [
        `<rect class="state" x="${column.x}" y="${top}" width="${column.width}" height="${height}" rx="14"/>`,
        `<text class="name" x="${column.x + 22}" y="${top + 38}">${name}</text>`,
        paragraph(column.x + 22, top + 62, meaning, line),
        stack(own, top + head).svg,
        stack(lanes, top + (height - heightOf(lanes)) / 2).svg,
      ]),
  };
}

/** An arrow from a state to itself, with its words inside. */
function loopOf({ verb, when }: Rule): Piece {
  const lines = wrap(when, 13, column.width - 44);
  return {
    height: 36 + lines.length * line,
    draw: (top) => {
      const y = top + 14;
      const x = column.x + 22;
      return group(speakerOf(verb), [
        loopArrow(column.x, y),
        verbText(x, y, verb),
        paragraph(x, y + line, lines, line),
      ]);
    },
  };
}

function chips(reasons: readonly string[], left: number, y: number, meanings: Meanings): string {
  let x = left;
  return reasons
    .map((reason) => {
      const meaning = meanings.get(reason);
      if (meaning === undefined) throw new Error(`The contract has no EndReason ${reason}.`);
      const size = measure(reason, 12, 'mono') + 18;
      const chip =
        `<g><title>${escapeXml(meaning)}</title><rect class="chip" x="${x}" y="${y - 13}" width="${size}" height="26" rx="13"/>` +
        `<text class="reason" x="${x + size / 2}" y="${y + 4}">${reason}</text></g>`;
      x += size + 6;
      if (x - 6 > ended.x + ended.width - 12) throw new Error(`${reasons.join(', ')} are too wide.`);
      return chip;
    })
    .join('');
}

function endedBox(states: Meanings, bottom: number): string {
  const { x, top } = ended;
  const meaning = wrap(states.get('ENDED') ?? '', 13, ended.width - 40);
  const frame = (inset: number) =>
    `<rect class="state" x="${x + inset}" y="${top + inset}" width="${ended.width - 2 * inset}" height="${bottom - top - 2 * inset}" rx="${14 - inset}"/>`;
  return group('ENDED', [
    frame(0),
    frame(4),
    `<text class="name" x="${x + 22}" y="${top + 38}">ENDED</text>`,
    paragraph(x + 22, top + 62, meaning, line),
  ]);
}

function head(): string {
  const y = margin + 58;
  const x = column.x;
  return [
    `<text class="title" x="${x}" y="${margin + 28}">${heading}</text>`,
    group('legend device', [
      horizontalArrow(x, x + 40, y - 4),
      paragraph(x + 50, y, ['a client says it'], line),
    ]),
    group('legend timer', [
      horizontalArrow(x + 196, x + 236, y - 4),
      clock(x + 254, y - 4.5),
      paragraph(x + 268, y, ['the service does it, when the time has come'], line),
    ]),
  ].join('\n');
}

const classOf = (from: Source, verb: VerbName): string => `${from} ${speakerOf(verb)}`;

function speakerOf(verb: VerbName): string {
  const speaker = speakers[verb];
  if (!speaker) throw new Error(`Who says ${verb}? Tell docs/call-diagram.ts.`);
  return speaker;
}

const verbWidth = (verb: VerbName): number =>
  measure(verb, 13.5, 'mono') + (speakers[verb] === 'timer' ? 20 : 0);

function verbText(x: number, y: number, verb: VerbName): string {
  if (speakerOf(verb) === 'device') return `<text class="verb" x="${x}" y="${y}">${verb}</text>`;
  return `${clock(x + 6.5, y - 4.5)}<text class="verb" x="${x + 20}" y="${y}">${verb}</text>`;
}

function requirePlaces(rules: readonly Rule[]): void {
  const places = [
    'RINGING RINGING',
    'RINGING ACCEPTED',
    'RINGING ENDED',
    'ACCEPTED ACCEPTED',
    'ACCEPTED ENDED',
  ];
  for (const { from, to, verb } of rules) {
    if (!places.includes(`${from} ${to}`))
      throw new Error(`docs/call-diagram.ts has no place for ${verb} from ${from} to ${to}.`);
  }
}
