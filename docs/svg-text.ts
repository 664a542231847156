/*
 * Text in a picture: an SVG does not wrap it, and its fonts are those of whoever looks. So widths are estimated, on the
 * safe side.
 */

/** The width of a character, as a part of the size of the font. */
const widths: readonly [RegExp, number][] = [
  [/[ijlI.,:;'|]/, 0.3],
  [/[ftr()\- ]/, 0.37],
  [/[mwMW]/, 0.9],
  [/[A-Z]/, 0.71],
];

export function measure(text: string, size: number, font: 'sans' | 'mono'): number {
  if (font === 'mono') return Math.ceil(text.length * size * 0.61);
  const characters = [...text].map((each) => widths.find(([kind]) => kind.test(each))?.[1] ?? 0.59);
  return Math.ceil(characters.reduce((sum, part) => sum + part, 0) * size);
}

/** The text in lines of at most this width, as even as they can be. */
export function wrap(text: string, size: number, width: number): string[] {
  const count = fill(text, size, width).length;
  let narrow = width;
  while (narrow > 40 && fill(text, size, narrow - 4).length === count) narrow -= 4;
  return fill(text, size, narrow);
}

function fill(text: string, size: number, width: number): string[] {
  const lines: string[] = [];
  // A number stays with its unit.
  for (const word of text.split(/(?<!\d) | (?!s\b|min\b|hours\b)/)) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && measure(longer, size, 'sans') <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** Lines of text, one below the other. */
export function paragraph(x: number, y: number, lines: readonly string[], height: number): string {
  return lines
    .map((text, i) => `<text x="${x}" y="${y + i * height}">${withCode(escapeXml(text))}</text>`)
    .join('');
}

const withCode = (text: string): string => text.replaceAll(/`([^`]*)`/g, '<tspan class="code">$1</tspan>');

export function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
