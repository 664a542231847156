import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');

/** Collects garbage in this process, at once: all of it, or with `minor` that of the young generation. */
export const collect = runInNewContext('gc') as (options?: { readonly type: 'major' | 'minor' }) => void;
