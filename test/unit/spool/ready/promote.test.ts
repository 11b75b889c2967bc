/** Delayed jobs become ready soon after their time and never before, and those whose time is far off cost nothing. */
import assert from 'node:assert/strict';
import { readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { encodeBase } from '../../../../src/job/document.ts';
import { type Files, nodeFiles } from '../../../../src/spool/disk/files.ts';
import { delayedFileName, parseDelayedFileName } from '../../../../src/spool/layout.ts';
import { until } from '../../../support/conditions.ts';
import { job, jobRecord, nextId } from '../../../support/factory.ts';
import { type TempSpool, tempSpool } from '../../../support/temp.ts';

const HOUR_MS = 3_600_000;
/** What is promised, for the half of the jobs: on a loaded machine any single one may wait for a processor. */
const PROMPT_MS = 50;
const BEAT_MS = 5;

test('half of the delayed jobs are ready within 50 ms of their time, and none before', async (t) => {
  const lateMs: number[] = [];
  const lateBeats: number[] = [];
  // How late they are is told by a timer: a machine that stands still adds nothing to it.
  const beats: number[] = [];
  const heart = setInterval(() => beats.push(Date.now()), BEAT_MS);
  t.after(() => clearInterval(heart));
  const spool = tempSpool(t, {
    files: {
      ...nodeFiles,
      rename: (from, to) => {
        const due = parseDelayedFileName(from.slice(from.lastIndexOf('/') + 1));
        if (due !== null && from.includes('/delayed/')) {
          lateMs.push(Date.now() - due.dueAtMs);
          lateBeats.push(beats.filter((atMs) => atMs > due.dueAtMs).length);
        }
        nodeFiles.rename(from, to);
      },
    },
    fsync: false,
  });
  await keeperOf(t, spool);
  const soonMs = Date.now() + 250;
  const dueAtMs = Array.from({ length: 40 }, (_, i) => soonMs + 23 * i);

  await spool.broker.enqueue(dueAtMs.toSorted(() => 0.5 - Math.random()).map((etaMs) => job({ etaMs })));

  await until(() => lateMs.length === dueAtMs.length, 'all are promoted');
  assert.ok(Math.min(...lateMs) >= 0, `one was promoted ${-Math.min(...lateMs)} ms before its time`);
  const sorted = lateBeats.toSorted((a, b) => a - b);
  const told = `late by ${lateMs.join(', ')} ms, in beats by ${sorted.join(', ')}`;
  assert.ok((sorted[sorted.length / 2] ?? Infinity) <= PROMPT_MS / BEAT_MS, told);
});

test('a job that is due before all others is heard of at once', async (t) => {
  const spool = tempSpool(t, { fsync: false });
  plantDelayed(spool.path, 10);
  await keeperOf(t, spool);
  const dueAtMs = Date.now() + 200;

  await spool.broker.enqueue([job({ etaMs: dueAtMs })]);

  await until(() => readdirSync(join(spool.path, 'pending')).length === 1, 'it is promoted', 10_000);
  assert.ok(Date.now() >= dueAtMs);
  assert.equal(readdirSync(join(spool.path, 'delayed')).length, 10);
});

test('10,000 delayed jobs cost an idle worker one stat a look, and no listing after the first', async (t) => {
  const calls: string[] = [];
  const spool = tempSpool(t, { files: told(calls), fsync: false });
  const delayed = join(spool.path, 'delayed');
  plantDelayed(spool.path, 10_000);
  // Names that have just changed are looked at again, as the clock of a directory is coarse.
  utimesSync(delayed, 1, 1);
  calls.length = 0;
  await keeperOf(t, spool);
  const looks = (): number => calls.filter((call) => call === `directoryStamp ${delayed}`).length;

  await until(() => looks() >= 6, 'it has looked six times', 20_000);

  const seen = calls.filter((call) => call.includes(delayed) && !call.startsWith('directoryStamp '));
  assert.deepEqual(seen, [`watch ${delayed}`, `walk ${delayed}`]);
});

async function keeperOf(t: TestContext, { broker }: TempSpool): Promise<void> {
  const keeper = await broker.keeper({ queues: null });
  t.after(() => keeper.close());
}

/** Jobs that are due in an hour. */
function plantDelayed(path: string, count: number): void {
  const text = encodeBase(jobRecord());
  for (let i = 0; i < count; i++) {
    const name = { id: nextId(), queue: 'default', priority: 5, attempt: 0, crashes: 0 };
    writeFileSync(join(path, 'delayed', delayedFileName(Date.now() + HOUR_MS + i, name)), text, { mode: 0o600 });
  }
}

/** Files that tell of every call that names a path. */
function told(calls: string[]): Files {
  return new Proxy(nodeFiles, {
    get: (target, key: keyof Files) => {
      const real = target[key] as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => {
        for (const path of args.filter((arg) => typeof arg === 'string')) calls.push(`${key} ${path}`);
        return real(...args);
      };
    },
  });
}
