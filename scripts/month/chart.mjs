/** What a spool holds, day by day, as lines in SVG. Pure. */

const WIDTH = 860;
const HEIGHT = 260;
const PLOT = { left: 70, right: 790, top: 44, bottom: 220 };
const LINES = [
  { what: 'files', title: 'files', colour: '#2f6fd0', shown: (value) => value.toLocaleString('en') },
  { what: 'bytes', title: 'MB', colour: '#d98032', shown: (value) => (value / 1e6).toFixed(1) },
];

/**
 * Each line on its own scale, from 0 to a little above its largest value.
 *
 * @param {readonly import('./simulate.mjs').Day[]} days
 * @returns {string} an SVG document
 */
export function monthChart(days, title) {
  const last = days.at(-1)?.day ?? 1;
  const x = (day) => round(PLOT.left + (day / last) * (PLOT.right - PLOT.left));
  const parts = LINES.flatMap(({ what, title: unit, colour, shown }, i) => {
    const most = 1.25 * Math.max(1, ...days.map((day) => day[what]));
    const y = (value) => round(PLOT.bottom - (value / most) * (PLOT.bottom - PLOT.top));
    const points = [`${x(0)},${y(0)}`, ...days.map((day) => `${x(day.day)},${y(day[what])}`)].join(' ');
    const value = days.at(-1)?.[what] ?? 0;
    return [
      `<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      text(i === 0 ? PLOT.left : 200, PLOT.top - 12, `${unit}: ${shown(value)} on day ${last}`, `fill="${colour}"`),
    ];
  });
  const ticks = Array.from({ length: Math.floor(last / 5) + 1 }, (_, i) => i * 5);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(PLOT.left, 18, title, 'font-weight="bold"'),
    `<path d="M${PLOT.left} ${PLOT.top} V${PLOT.bottom} H${PLOT.right}" fill="none" stroke="#9aa4b0"/>`,
    ...ticks.map((day) => text(x(day), PLOT.bottom + 18, day === 0 ? 'day 0' : String(day), 'text-anchor="middle"')),
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function text(x, y, content, attributes) {
  return `<text x="${x}" y="${y}" ${attributes}>${content}</text>`;
}

function round(value) {
  return Math.round(value * 10) / 10;
}
