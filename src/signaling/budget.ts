/** What may be kept for later, in number and in bytes: what got something longest ago goes first. */
export interface Budget<Key> {
  /** So many bytes more are kept for it. Others may be dropped for that, never itself. */
  add(key: Key, bytes: number): void;
}

export function createBudget<Key>(
  most: { readonly count: number; readonly bytes: number },
  drop: (key: Key) => void,
): Budget<Key> {
  const kept = new Map<Key, number>();
  let total = 0;

  return {
    add(key, bytes) {
      const before = kept.get(key) ?? 0;
      kept.delete(key);
      kept.set(key, before + bytes);
      total += bytes;
      for (const [oldest, lost] of kept) {
        if (oldest === key || (kept.size <= most.count && total <= most.bytes)) return;
        kept.delete(oldest);
        total -= lost;
        drop(oldest);
      }
    },
  };
}
