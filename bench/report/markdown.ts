/** A Markdown table. The first row is its head; cells that are numbers are written short. */
export function table(rows: readonly (readonly (string | number | null)[])[]): string {
  const [head = [], ...body] = rows.map((row) => `| ${row.map(cell).join(' | ')} |`);
  const rule = `| ${(rows[0] ?? []).map((_, i) => (i === 0 ? '---' : '--:')).join(' | ')} |`;
  return [head, rule, ...body].join('\n');
}

function cell(value: string | number | null): string {
  if (value === null) return '–';
  return typeof value === 'number' ? short(value) : value;
}

/** Three digits are more than any of these figures is good for. */
export function short(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(3)));
}

/** A duration as readers think of it. */
export function duration(us: number | null): string {
  if (us === null) return '–';
  return us < 1000 ? `${short(us)} µs` : `${short(us / 1000)} ms`;
}
