/*
 * The two kinds of plots that the report has, as SVG text: lines over sizes, and bars. On white, so that they can be
 * read on a dark page too.
 */

export interface Series {
  readonly label: string;
  readonly color: string;
  /** One for each x; null where nothing was measured. */
  readonly values: readonly (number | null)[];
}

export interface LineChart {
  readonly title: string;
  /** Evenly spaced, whatever they are. */
  readonly xs: readonly string[];
  readonly series: readonly Series[];
}

const width = 760;
const font = 'font-family="system-ui, sans-serif" font-size="13"';

/** Lines from one x to the next; each named at its end. */
export function lineChart({ title, xs, series }: LineChart): string {
  const plot = { left: 50, top: 50, right: 540, bottom: 320 };
  const most = roundUp(Math.max(1, ...series.flatMap(({ values }) => values.map((value) => value ?? 0))));
  const x = (i: number) => plot.left + 20 + (i * (plot.right - plot.left - 40)) / Math.max(1, xs.length - 1);
  const y = (value: number) => plot.bottom - (value / most) * (plot.bottom - plot.top);
  const ticks = [0, 1, 2, 3, 4].map((i) => (i * most) / 4);
  const grid = ticks.map(
    (value) =>
      `<line x1="${plot.left}" x2="${plot.right}" y1="${y(value)}" y2="${y(value)}" stroke="#dddddd"/>${text(plot.left - 8, y(value) + 4, format(value), { anchor: 'end' })}`,
  );
  const labels = xs.map((label, i) => text(x(i), plot.bottom + 20, label, { anchor: 'middle' }));
  const lines = series.map(({ color, values }) => {
    const points = values.flatMap((value, i) => (value === null ? [] : [`${x(i)},${y(value)}`]));
    const dots = points.map((point) => dot(point, color)).join('');
    return `<polyline points="${points.join(' ')}" fill="none" stroke="${color}" stroke-width="2.5"/>${dots}`;
  });
  const ends = series.map(({ values }) => y(values.findLast((value) => value !== null) ?? 0));
  const names = spread(ends, plot.bottom + 10).map((at, i) =>
    text(plot.right + 10, at + 4, series[i]?.label ?? '', { color: series[i]?.color ?? '' }),
  );
  return svg(345, title, [...grid, ...labels, ...lines, ...names]);
}

export interface Bar {
  readonly label: string;
  readonly color: string;
  readonly value: number;
  /** What stands at its end. */
  readonly note: string;
}

/** One bar under the other. */
export function barChart({ title, bars }: { readonly title: string; readonly bars: readonly Bar[] }): string {
  const most = Math.max(1e-9, ...bars.map(({ value }) => value));
  const rows = bars.map(({ label, color, value, note }, i) => {
    const top = 50 + i * 30;
    const length = Math.max(2, (value / most) * 400);
    return `${text(210, top + 15, label, { anchor: 'end' })}<rect x="220" y="${top}" width="${length.toFixed(1)}" height="20" rx="3" fill="${color}"/>${text(228 + length, top + 15, note)}`;
  });
  return svg(60 + bars.length * 30, title, rows);
}

function svg(height: number, title: string, parts: readonly string[]): string {
  const head = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ${font} role="img"><title>${escaped(title)}</title>`;
  const ground = `<rect width="${width}" height="${height}" rx="8" fill="#ffffff"/>`;
  const heading = `<text x="20" y="28" font-size="15" font-weight="600" fill="#111111">${escaped(title)}</text>`;
  return [head, ground, heading, ...parts, '</svg>', ''].join('\n');
}

function text(
  x: number,
  y: number,
  content: string,
  { anchor = 'start', color = '#333333' }: { anchor?: string; color?: string } = {},
): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" fill="${color}">${escaped(content)}</text>`;
}

function dot(point: string, color: string): string {
  const [x, y] = point.split(',');
  return `<circle cx="${x}" cy="${y}" r="3.5" fill="${color}"/>`;
}

/** Moves labels apart that would stand on each other: down, and up again where that leads beyond the lowest place. */
function spread(places: readonly number[], lowest: number): number[] {
  const order = places.map((_, i) => i).sort((a, b) => (places[a] ?? 0) - (places[b] ?? 0));
  const moved = [...places];
  let next = Number.NEGATIVE_INFINITY;
  for (const i of order) {
    moved[i] = Math.max(moved[i] ?? 0, next);
    next = (moved[i] ?? 0) + 16;
  }
  let most = lowest;
  for (const i of order.reverse()) {
    moved[i] = Math.min(moved[i] ?? 0, most);
    most = (moved[i] ?? 0) - 16;
  }
  return moved;
}

/** The next of 1, 2, 4, 6, 8, 10, 12, … times a power of ten: a scale that ends on a plain number. */
function roundUp(value: number): number {
  const unit = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 6, 8, 10].map((step) => step * unit).find((end) => end >= value) ?? value;
}

function format(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
