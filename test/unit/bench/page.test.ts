import assert from 'node:assert/strict';
import test from 'node:test';
import { chart } from '../../../bench/chart.mjs';
import { judge } from '../../../bench/figures.mjs';
import { merge, updatePage } from '../../../bench/page.mjs';
import { number, overview, scenarioText } from '../../../bench/table.mjs';

const RUN = {
  command: 'npm run bench',
  date: '2026-01-02 03:04',
  cores: 2,
  cpu: 'a processor',
  memoryGb: 4,
  fileSystem: 'ext4',
  system: 'Linux 6',
  node: 'v20.0.0',
  commit: 'abc',
};
const PAGE =
  'before\n\n<!-- bench: begin (written by `npm run bench -- --update-docs`) -->\n\nold\n\n<!-- bench: end -->\n\nafter\n';

test('a figure is shown with three digits that count', () => {
  assert.deepEqual([12_345.6, 0.123_45, 47.04, 1_000_000, 0].map(number), ['12,300', '0.123', '47', '1,000,000', '0']);
});

test("a scenario's text says what was measured, what was wanted, and why something is missing", () => {
  const text = scenarioText(report('process'));

  assert.match(text, /\| fsq +\| fsq +\| 600 jobs\/s +\| 500 – 700 +\|/);
  assert.match(text, /\| peer +\| peer +\| no server +\| +\|/);
  assert.match(text, /\| at least half +\| 0\.6 × \(0\.5 – 0\.7\) +\| met +\|/);
});

test('the page keeps what stands outside the markers', () => {
  const page = updatePage(PAGE, [report('process')]);

  assert.match(page, /^before\n\n<!-- bench: begin[^\n]+ -->\n\n### Title of process\n/);
  assert.match(page, /`npm run bench`, 2026-01-02 03:04 UTC, commit abc: 2 cores/);
  assert.match(page, /\n\n<!-- bench: end -->\n\nafter\n$/);
  assert.doesNotMatch(page, /old/);
  assert.equal(updatePage(page, [report('process')]), page);
});

test('the table of all queues has their medians: a dash for what has no figures, nothing for who does not take part', () => {
  const rows = [
    { text: 'process', figure: 'rate', unit: 'jobs/s', cells: { fsq: 'fsq', 'bee-queue': 'peer' } },
    { text: 'the limit', figure: 'rate', unit: 'jobs/s', cells: { loop: 'loop' } },
  ];

  const lines = overview([report('none'), { ...report('process'), rows }]);

  assert.deepEqual(
    lines.map((line) => line.split('|').map((cell) => cell.trim())),
    [
      ['', 'median', 'fsq', 'bee-queue', 'loop', ''],
      ['', '-----------------', '---', '---------', '-----', ''],
      ['', 'process, jobs/s', '600', '–', '', ''],
      ['', 'the limit, jobs/s', '', '', '1,000', ''],
    ],
  );
});

test('the page begins with the table of all queues where a scenario has a row in it', () => {
  const row = { text: 'process', figure: 'rate', unit: 'jobs/s', cells: { fsq: 'fsq' } };

  const page = updatePage(PAGE, [{ ...report('process'), rows: [row] }]);

  assert.match(
    page,
    /-->\n\n\| median +\| fsq \|\n\| -+ \| -+ \|\n\| process, jobs\/s \| 600 \|\n\n### Title of process\n/,
  );
});

test('a page without markers is refused', () => {
  assert.throws(() => updatePage('# Performance\n', []), /Expected the page to have the lines/);
});

test('a scenario that was not run keeps its report, and one that is known no more goes', () => {
  const fresh = { ...report('b'), title: 'fresh' };

  const all = merge([report('gone'), report('b'), report('a')], [fresh], ['a', 'b', 'c']);

  assert.deepEqual(
    all.map(({ title }) => title),
    ['Title of a', 'fresh'],
  );
});

test('the chart shows every contestant that has figures, and never NaN', () => {
  const empty = { ...report('empty'), results: [{ name: 'x', kind: 'peer', missing: 'no <server>', rounds: [null] }] };
  const zero = { ...report('zero'), results: [{ name: 'a < b', kind: 'fsq', missing: null, rounds: [{ rate: 0 }] }] };

  const svg = chart([report('process'), empty, zero]);

  assert.doesNotMatch(svg, /NaN|Infinity|undefined|null/);
  assert.match(svg, /^<svg [^>]+>\n[\s\S]*<\/svg>\n$/);
  assert.match(svg, />a &lt; b</);
  assert.equal(svg.match(/<rect /g)?.length, 1 + 3, 'a background and a bar for fsq, the loop and "a < b"');
});

function report(name: string) {
  const results = [
    { name: 'fsq', kind: 'fsq', missing: null, rounds: [{ rate: 700 }, { rate: 500 }, { rate: 600 }] },
    { name: 'loop', kind: 'limit', missing: null, rounds: [{ rate: 1_000 }, { rate: 1_000 }, { rate: 1_000 }] },
    { name: 'peer', kind: 'peer', missing: 'no server', rounds: [null, null, null] },
  ];
  const target = { kind: 'ratio', of: 'fsq', to: 'loop', figure: 'rate', atLeast: 0.5, text: 'at least half' } as const;
  const judgements = judge(name, [target], results);
  return { name, title: `Title of ${name}`, figure: 'rate', unit: 'jobs/s', results, judgements, run: RUN };
}
