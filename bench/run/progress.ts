/** What the bench is doing, on stderr: stdout is for the result. */
export function progress(text: string): void {
  const time = new Date().toISOString().slice(11, 19);
  process.stderr.write(`${time}  ${text}\n`);
}
