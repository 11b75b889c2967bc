/** What the bench reads in /proc, and the two scenarios that it is read for, in small. */
import assert from 'node:assert/strict';
import { mkdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { cpuNs, hasProc, memoryMb, watches } from '../../bench/contestants/usage.mjs';
import { REPOSITORY } from '../support/project.ts';
import { tempDir } from '../support/temp-dir.ts';
import { runPeer } from './run-peer.ts';

const skip = hasProc ? false : 'needs Linux: /proc';

test('CPU, memory and watches of a process are read in /proc', { skip }, (t) => {
  const before = { cpu: cpuNs(process.pid), watches: watches(process.pid) };
  const folders = ['a', 'b'].map((name) => join(tempDir(t), name));
  for (const folder of folders) mkdirSync(folder);
  const watchers = folders.map((folder) => watch(folder));
  t.after(() => watchers.forEach((watcher) => watcher.close()));
  const endAt = performance.now() + 50;
  while (performance.now() < endAt); // Uses CPU.

  const memory = memoryMb(process.pid);

  assert.ok(cpuNs(process.pid) - before.cpu > 1e6);
  assert.ok(Math.abs(memory.rss - process.memoryUsage().rss / 2 ** 20) < 20, JSON.stringify(memory));
  assert.ok(memory.own > 1 && memory.own < memory.rss, JSON.stringify(memory));
  assert.equal(watches(process.pid) - before.watches, 2);
});

test('callers in two processes get their values, with a watch each at most', { skip, timeout: 120_000 }, async (t) => {
  const run = await runPeer(join(REPOSITORY, 'bench/contestants/fsq-waiting.mjs'), {
    dir: tempDir(t),
    processes: 2,
    results: 20,
    settleMs: 100,
    idleMs: 100,
  });

  assert.equal(run.code, 0, run.stderr);
  assert.equal(run.line?.['results'], 40);
  assert.ok(Number(run.line?.['cpuUs']) > 0 && Number(run.line?.['watches']) <= 1, JSON.stringify(run.line));
});

for (const program of ['fsq-idle', 'bare-idle']) {
  test(`${program} gives what an idle process uses`, { skip, timeout: 120_000 }, async (t) => {
    const run = await runPeer(join(REPOSITORY, `bench/contestants/${program}.mjs`), {
      dir: tempDir(t),
      children: 2,
      minutes: 0.005,
      settleMs: 100,
    });

    assert.equal(run.code, 0, run.stderr);
    assert.ok(
      Number(run.line?.['corePercent']) >= 0 && Number(run.line?.['childRssMb']) > 10,
      JSON.stringify(run.line),
    );
  });
}
