import { element } from './elements.js';

const token = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/g;

/**
 * JSON to read, with keys, texts and numbers told apart.
 *
 * @param {unknown} value
 */
export function showJson(value) {
  const text = JSON.stringify(value, hideCredentials, 2) ?? 'null';
  const shown = element('pre', { class: 'json', tabIndex: 0 });
  let place = 0;
  for (const match of text.matchAll(token)) {
    const [whole, quoted, colon] = match;
    shown.append(text.slice(place, match.index));
    const kind = colon ? 'key' : quoted ? 'text' : 'number';
    shown.append(element('span', { class: kind }, quoted ?? whole), colon ?? '');
    place = match.index + whole.length;
  }
  shown.append(text.slice(place));
  return shown;
}

/**
 * TURN's passwords do not belong into a log, nor into a picture of one.
 *
 * @param {string} key
 * @param {unknown} value
 */
function hideCredentials(key, value) {
  return key === 'credential' && typeof value === 'string' ? '(hidden)' : value;
}
