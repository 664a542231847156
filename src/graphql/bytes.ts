/** From so many bytes on, a text gets memory of its own. */
const leastOwned = 4096;

/**
 * The bytes of a text that may be kept for replays. `Buffer.from` takes less than 32 KiB from a pool of 64, and whoever keeps
 * them keeps all of the pool, with the requests and answers that lie beside them: signals of 16 KB held four times their size.
 */
export function keptBytes(text: string): Buffer {
  const length = Buffer.byteLength(text);
  if (length < leastOwned) return Buffer.from(text);
  const bytes = Buffer.allocUnsafeSlow(length);
  bytes.write(text);
  return bytes;
}
