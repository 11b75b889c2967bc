/** The bench as a command: it ends in seconds when asked for little, and fails on nothing but ratios. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { REPOSITORY, run, tempProject } from '../support/project.ts';

const BENCH = join(REPOSITORY, 'bench/run.mjs');
const LITTLE = ['--quick', '--only', 'process', '--jobs', '200', '--rounds', '1'];
const KEY = 'process: fsq rate / bare loop (Node)';

test('a small run measures fsq and the bare loop, and leaves nothing behind', { timeout: 120_000 }, async (t) => {
  const at = tempProject(t, {});

  const { code, stdout, stderr } = await bench(
    t,
    ['--dir', at.path, '--json', 'out.json', '--svg', 'out.svg', '--recorded', 'none.json', ...LITTLE],
    at,
  );

  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /\| ≥ 60 % of the bare loop +\| [\d.]+ × /);
  const [report] = JSON.parse(readFileSync(join(at.path, 'out.json'), 'utf8'));
  assert.equal(report.results[0].rounds[0].jobs, 200);
  assert.doesNotMatch(readFileSync(join(at.path, 'out.svg'), 'utf8'), /NaN/);
  assert.deepEqual(
    readdirSync(at.path).filter((name) => name.startsWith('fsq-bench-')),
    [],
  );
});

test('the short form fails when a ratio fell by half, and says which', { timeout: 120_000 }, async (t) => {
  const at = tempProject(t, {});
  writeFileSync(join(at.path, 'recorded.json'), JSON.stringify({ [KEY]: 1_000 }));

  const { code, stdout } = await bench(t, ['--recorded', 'recorded.json', ...LITTLE], at);

  assert.equal(code, 1);
  assert.match(
    stdout,
    /bench: process: fsq rate \/ bare loop \(Node\) is .+, recorded was 1000: twice as bad or worse/,
  );
});

test('Ctrl-C ends the bench, whatever it had started, and removes its folder', { timeout: 120_000 }, async (t) => {
  const at = tempProject(t, {});
  const args = [BENCH, '--dir', at.path, '--only', 'process', '--jobs', '2000', '--rounds', '50', '--quick'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'exit');
  t.after(() => child.kill('SIGKILL'));

  // The second contestant: the first has ended, so there is something to remove.
  for await (const text of child.stderr.setEncoding('utf8')) if (/round 1: bare/.test(String(text))) break;
  child.kill('SIGINT');

  assert.deepEqual(await ended, [130, null]);
  assert.deepEqual(
    readdirSync(at.path).filter((name) => name.startsWith('fsq-bench-')),
    [],
  );
});

test('a scenario that does not exist is refused, with those that do', async (t) => {
  const { code, stderr } = await bench(t, ['--only', 'proces'], tempProject(t, {}));

  assert.equal(code, 2);
  assert.match(stderr, /no scenario 'proces'; there are durable-enqueue, /);
});

test('the first part of several names stands for all of them', { timeout: 240_000 }, async (t) => {
  const at = tempProject(t, {});

  const { code, stderr } = await bench(
    t,
    ['--dir', at.path, '--json', 'out.json', '--quick', '--only', 'durable', '--jobs', '40', '--rounds', '1'],
    at,
  );

  assert.equal(code, 0, stderr);
  const reports: readonly { name: string; results: readonly { missing: string | null }[] }[] = JSON.parse(
    readFileSync(join(at.path, 'out.json'), 'utf8'),
  );
  assert.deepEqual(
    reports.map(({ name }) => name),
    ['durable-enqueue', 'durable-process', 'durable-end-to-end', 'durable-round-trip'],
  );
  for (const { name, results } of reports)
    assert.deepEqual([...new Set(results.map(({ missing }) => missing))], [null], name);
});

function bench(_t: TestContext, args: readonly string[], at: ReturnType<typeof tempProject>) {
  return run(at, process.execPath, [BENCH, ...args], { timeoutMs: 100_000 });
}
