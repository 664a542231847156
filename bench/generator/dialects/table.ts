import type { Dialect, DialectName } from './dialect.ts';
import { oursSse, oursWs } from './ours.ts';
import { plain, socketio } from './peers.ts';
import { stockSse, stockWs } from './stock.ts';

export const dialects: Readonly<Record<DialectName, Dialect>> = {
  'ours-ws': oursWs,
  'ours-sse': oursSse,
  'stock-ws': stockWs,
  'stock-sse': stockSse,
  socketio,
  plain,
};
