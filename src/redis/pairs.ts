/** Names and values as Redis answers them: flat, or with RESP3 in pairs. */
export function pairs(reply: readonly unknown[]): [string, string][] {
  const flat = reply.flat() as string[];
  return flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1] ?? ''] as [string, string]] : []));
}
