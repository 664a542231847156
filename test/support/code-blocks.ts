/** A block of code on a page of the documentation. */
export interface CodeBlock {
  /** The marker in the comment above it: `file` with the name that the page gives the file, or `shell` with one of ours. */
  readonly kind: 'file' | 'shell' | 'unmarked';
  readonly name: string;
  readonly language: string;
  readonly code: string;
}

const fence = /^(?:<!-- (?<kind>file|shell): (?<name>\S+) -->\n+)?```(?<language>\S*)\n(?<code>.*?)^```$/gms;

/** The blocks of a page in their order. */
export function codeBlocks(page: string): CodeBlock[] {
  return [...page.matchAll(fence)].map(({ groups = {} }) => ({
    kind: (groups['kind'] ?? 'unmarked') as CodeBlock['kind'],
    name: groups['name'] ?? '',
    language: groups['language'] ?? '',
    code: groups['code'] ?? '',
  }));
}
