/** examples/monitoring: the alerts are proved by promtool, and the dashboard asks for figures that there are. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { NO_HISTORY } from '../../src/broker/figures/history.ts';
import { metricsOf } from '../../src/cli/commands/measure/metrics-of.ts';
import { lacksProgram } from '../support/needs.ts';
import { REPOSITORY } from '../support/project.ts';
import { tempDir } from '../support/temp.ts';

const FOLDER = join(REPOSITORY, 'examples/monitoring');
const read = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');
const NAMES = metricsOf({
  version: '0',
  statistics: { tasks: [], crashes: {}, restarts: 0, sinceMs: null, history: NO_HISTORY },
  queues: [],
  longestRunMs: 0,
  workers: 0,
  slots: { busy: 0, idle: 0 },
  schedules: [{ schedule: 'x', lateMs: 0 }],
  room: { usedBytes: 0, freeBytes: 0, freeInodes: 0 },
}).map(({ name }) => name);

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
}
const expressions = (): readonly string[] =>
  (JSON.parse(read('dashboard.json')) as Dashboard).panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));

/** The figures that a text asks for. */
const asked = (text: string): readonly string[] =>
  [...new Set(text.match(/\bfsq_[a-z_]+/g))].map((name) => name.replace(/_(?:bucket|sum|count)$/, ''));

test('the dashboard, the alerts and the page ask for figures that there are, and the page has them all', () => {
  const page = readFileSync(join(REPOSITORY, 'docs/observing.md'), 'utf8');

  assert.deepEqual(
    [...asked(expressions().join('\n')), ...asked(read('alerts.yml')), ...asked(page)].filter(
      (name) => !NAMES.includes(name),
    ),
    [],
  );
  assert.deepEqual(
    NAMES.filter((name) => !asked(page).includes(name)),
    [],
  );
});

test('promtool takes the alerts, and each of them says what its test says', { skip: lacksProgram('promtool') }, () => {
  for (const args of [
    ['check', 'rules', 'alerts.yml'],
    ['test', 'rules', 'alerts.test.yml'],
  ]) {
    const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: FOLDER, encoding: 'utf8' });
    assert.equal(status, 0, `${stdout}\n${stderr}`);
  }
});

test('promtool takes every question of the dashboard', { skip: lacksProgram('promtool') }, (t) => {
  const path = join(tempDir(t), 'dashboard.yml');
  const rules = expressions().map((expr, i) => ({
    record: `dashboard:${i}`,
    expr: expr.replaceAll('$__rate_interval', '5m'),
  }));
  writeFileSync(path, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));

  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', path], { encoding: 'utf8' });

  assert.equal(status, 0, `${stdout}\n${stderr}`);
  assert.ok(rules.length > 15);
});
