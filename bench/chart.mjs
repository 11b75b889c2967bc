/** The rates of all contestants as horizontal bars in SVG. Pure. */
import { summary, valuesOf } from './figures.mjs';
import { number } from './table.mjs';

const WIDTH = 860;
const LABELS = 250;
const BARS = 460;
const ROW = 22;
const HEAD = 34;
const COLOURS = { fsq: '#2f6fd0', limit: '#9aa4b0', peer: '#d98032' };

/**
 * A group of bars for each scenario, each on its own scale; a thin line shows the spread.
 *
 * @param {readonly import('./table.mjs').Report[]} reports
 * @returns {string} an SVG document
 */
export function chart(reports) {
  const parts = [];
  let y = 10;
  for (const report of reports) {
    const rows = report.results.flatMap((result) => {
      const found = summary(valuesOf(result, report.figure).filter(Number.isFinite));
      return found === null ? [] : [{ ...result, found }];
    });
    if (rows.length === 0) continue;
    parts.push(text(10, y + 20, `${report.title} (${report.unit})`, 'font-weight="bold"'));
    y += HEAD;
    const most = Math.max(...rows.map(({ found }) => found.max), Number.MIN_VALUE);
    for (const row of rows) {
      parts.push(bar(row, y, most));
      y += ROW;
    }
    y += 12;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${y}" fill="#fff"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function bar({ name, kind, found }, y, most) {
  const x = (value) => LABELS + round((value / most) * BARS);
  const middle = y + ROW / 2;
  return [
    text(LABELS - 8, middle + 4, name, 'text-anchor="end"'),
    `<rect x="${LABELS}" y="${y + 3}" width="${x(found.median) - LABELS}" height="${ROW - 6}" fill="${COLOURS[kind] ?? COLOURS.peer}"/>`,
    `<line x1="${x(found.min)}" x2="${x(found.max)}" y1="${middle}" y2="${middle}" stroke="#222"/>`,
    text(x(found.max) + 8, middle + 4, number(found.median), ''),
  ].join('\n');
}

function text(x, y, content, attributes) {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return `<text x="${x}" y="${y}" ${attributes}>${escaped}</text>`;
}

function round(value) {
  return Math.round(value * 10) / 10;
}
