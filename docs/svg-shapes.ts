/* The shapes that the diagram is made of. */

export const group = (name: string, parts: readonly string[]): string =>
  `<g class="${name}">${parts.join('\n')}</g>`;

export function clock(x: number, y: number): string {
  return `<path class="clock" d="M${x - 6.5} ${y}a6.5 6.5 0 1 0 13 0a6.5 6.5 0 1 0 -13 0M${x} ${y - 3.8}V${y}l2.8 1.8"/>`;
}

export function horizontalArrow(from: number, to: number, y: number): string {
  return `<path class="line" d="M${from} ${y}H${to - 9}"/><path class="point" d="M${to} ${y}l-11 -5.5v11z"/>`;
}

export function verticalArrow(x: number, from: number, to: number): string {
  return `<path class="line" d="M${x} ${from}V${to - 9}"/><path class="point" d="M${x} ${to}l-5.5 -11h11z"/>`;
}

export function loopArrow(x: number, y: number): string {
  return `<path class="line" d="M${x} ${y - 8}h-10a14 14 0 0 0 0 28h1"/><path class="point" d="M${x} ${y + 20}l-11 -5.5v11z"/>`;
}
