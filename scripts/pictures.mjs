/**
 * Makes the pictures of docs/pictures/ from real terminals: `npm run -s build && node --import tsx scripts/pictures.mjs`. Each command runs in tmux, in a
 * project of its own, and its screen becomes an SVG with its colours, on a ground of its own, so that it can be read on a light page and on a dark one.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { textWidth } from '../src/cli/terminal/width.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const PICTURES = join(ROOT, 'docs', 'pictures');
/** What the pictures call the folder of the project. */
const SHOWN_FOLDER = '/home/ada/shop';

const TASKS = `import { setTimeout as sleep } from 'node:timers/promises';
import { task } from 'fsq';
export const resize = task('resize', async (file) => { await sleep(700); return file; });
export const mail = task('send-mail', async (to) => {
  console.log('connecting to mail.example.com');
  await sleep(300);
  if (to === 'bob') throw new Error('mailbox full');
});
export const report = task('report', async () => sleep(2_500));
`;

/** A cell, in pixels. */
const [WIDE, HIGH, PAD] = [8, 18, 14];
const GROUND = '#0d1117';
const INK = '#c9d1d9';
const COLOURS = ['#484f58', '#ff7b72', '#3fb950', '#d29922', '#58a6ff', '#bc8cff', '#39c5cf', '#b1bac4'];

const folder = mkdtempSync(join(tmpdir(), 'fsq-shop-'));
const fsq = (...args) => execFileSync(process.execPath, [join(ROOT, 'bin/fsq.js'), ...args], { cwd: folder });
const tmux = (...args) =>
  execFileSync('tmux', ['-S', join(folder, 'tmux.sock'), '-f', '/dev/null', ...args], { encoding: 'utf8' });

/** The screen of `command`, with its colours, when a row matches. */
async function screenOf(name, command, columns, rows, isReady) {
  const line = `clear; printf '$ npx fsq %s\\n' '${command}'; ${process.execPath} ${ROOT}/bin/fsq.js ${command}; exec cat`;
  tmux(
    'new-session',
    '-d',
    '-s',
    name,
    '-x',
    String(columns),
    '-y',
    String(rows),
    '-c',
    folder,
    `env -u NO_COLOR TERM=screen-256color sh -c "${line.replaceAll('"', '\\"')}"`,
  );
  for (const end = Date.now() + 60_000; ; await sleep(100)) {
    if (isReady(tmux('capture-pane', '-p', '-t', name))) break;
    if (Date.now() > end)
      throw new Error(`${name} does not show what it should:\n${tmux('capture-pane', '-p', '-t', name)}`);
  }
  const screen = tmux('capture-pane', '-e', '-p', '-t', name).trimEnd();
  tmux('kill-session', '-t', name);
  return screen.replaceAll(folder, SHOWN_FOLDER);
}

/** Parts of a row, each of one look. */
function partsOf(row, look) {
  const parts = [];
  // eslint-disable-next-line no-control-regex -- the escape begins a colour
  for (const [, codes, text] of row.matchAll(/(?:\u001b\[([\d;]*)m)?([^\u001b]*)/g)) {
    if (codes !== undefined) change(look, codes.split(';').map(Number));
    if (text !== '') parts.push({ text: text.replaceAll('\u000f', ''), ...look });
  }
  return parts;
}

function change(look, codes) {
  for (const code of codes) {
    if (code === 0) Object.assign(look, { ink: null, bold: false, dim: false, reverse: false });
    else if (code === 1) look.bold = true;
    else if (code === 2) look.dim = true;
    else if (code === 7) look.reverse = true;
    else if (code === 22) Object.assign(look, { bold: false, dim: false });
    else if (code === 27) look.reverse = false;
    else if (code === 39) look.ink = null;
    else if (code >= 30 && code <= 37) look.ink = COLOURS[code - 30];
    else if (code >= 90 && code <= 97) look.ink = COLOURS[code - 90];
  }
}

function svgOf(screen, columns, title) {
  const rows = screen.split('\n');
  const [width, height] = [columns * WIDE + 2 * PAD, rows.length * HIGH + 2 * PAD];
  const look = { ink: null, bold: false, dim: false, reverse: false };
  const body = rows.flatMap((row, y) => {
    let at = 0;
    return partsOf(row, look).map(({ text, ink, bold, dim, reverse }) => {
      const [x, cells] = [PAD + at * WIDE, textWidth(text)];
      at += cells;
      const ground = reverse
        ? `<rect x="${x}" y="${PAD + y * HIGH}" width="${cells * WIDE}" height="${HIGH}" fill="${ink ?? INK}"/>`
        : '';
      if (text.trim() === '') return ground;
      const looks = `${bold ? ' font-weight="bold"' : ''}${dim ? ' opacity=".65"' : ''}`;
      const colour = reverse ? GROUND : (ink ?? INK);
      return `${ground}<text x="${x}" y="${PAD + y * HIGH + 13}" textLength="${cells * WIDE}" fill="${colour}"${looks}>${safe(text).replaceAll(' ', '\u00a0')}</text>`;
    });
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${safe(title)}</title><rect width="${width}" height="${height}" rx="8" fill="${GROUND}"/>`,
    `<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,monospace" font-size="13">`,
    ...body.filter((part) => part !== ''),
    '</g></svg>',
    '',
  ].join('\n');
}

function safe(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function put(name, screen, columns, title) {
  writeFileSync(join(PICTURES, `${name}.svg`), svgOf(screen, columns, title));
}

mkdirSync(PICTURES, { recursive: true });
mkdirSync(join(folder, 'node_modules'));
symlinkSync(ROOT, join(folder, 'node_modules/fsq'));
writeFileSync(join(folder, 'package.json'), '{"name":"shop","type":"module"}');
writeFileSync(join(folder, 'tasks.js'), TASKS);
try {
  fsq('init');
  for (const to of ['ada', 'bob', 'eve', 'joe']) fsq('call', 'send-mail', to);
  fsq('call', 'resize', 'a.png');
  put(
    'drain',
    await screenOf('drain', 'drain -c 2', 92, 14, (rows) => /^\d+ jobs: /m.test(rows)),
    92,
    'fsq drain: a job fails, and the others go on',
  );
  for (let i = 0; i < 4; i++) fsq('call', 'resize', `${i}.png`);
  fsq('call', 'send-mail', 'ada');
  const banner = screenOf(
    'worker',
    'worker -c 2 -l info',
    92,
    20,
    (rows) => (rows.match(/succeeded/g) ?? []).length >= 4,
  );
  put('worker', await banner, 92, 'fsq worker: its banner and its log');
  for (let i = 0; i < 60; i++)
    fsq('call', i % 3 === 0 ? 'report' : 'resize', String(i), '-q', i % 2 === 0 ? 'mail' : 'default');
  tmux('new-session', '-d', '-s', 'behind', '-c', folder, `${process.execPath} ${ROOT}/bin/fsq.js worker -c 3`);
  await sleep(8_000);
  put(
    'top',
    await screenOf('top', 'top', 100, 26, (rows) => !rows.includes('Looking') && /report|resize/.test(rows)),
    100,
    'fsq top: a spool on the whole screen',
  );
} finally {
  try {
    tmux('kill-server');
  } catch {
    // It has ended with its last session.
  }
  rmSync(folder, { recursive: true, force: true });
}
