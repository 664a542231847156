import type { SubjectName } from '../subjects.ts';

/** The same colour for a subject in every plot. */
export const colors: Readonly<Record<SubjectName, string>> = {
  'ours-ws': '#1558d6',
  'ours-sse': '#0a8f83',
  bare: '#555555',
  socketio: '#d97706',
  'socketio-sharded': '#a16207',
  'socketio-streams': '#ca8a04',
  'graphql-ws': '#9333ea',
  'yoga-sse': '#dc2650',
  seed: '#94a3b8',
};
