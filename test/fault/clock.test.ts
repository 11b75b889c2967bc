/** A wall clock that jumps ten years either way: nothing is lost, deleted or declared dead; only what is due by it moves. */
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { AttemptRun } from '../../src/broker/worker-side.ts';
import { encodeBase } from '../../src/job/document.ts';
import { encodeTail } from '../../src/job/tail.ts';
import { createIdSource } from '../../src/job/names.ts';
import { clock } from '../support/clock.ts';
import { type ClockShim, clockShim, HAS_COMPILER } from '../support/clock-shim.ts';
import { until, within } from '../support/conditions.ts';
import { job, jobRecord, nextId, returned } from '../support/factory.ts';
import { assertSound } from '../support/invariants.ts';
import { type Project, startWorker, tempProject, type WorkerHandle } from '../support/project.ts';
import { sender, type SenderHandle } from '../support/sender.ts';
import { tempSpool } from '../support/temp.ts';

const HOUR_MS = 3_600_000;
const TEN_YEARS_MS = 10 * 365.25 * 24 * HOUR_MS;
const TASKS = `
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { currentJob, task } from 'fsq';
export const hold = task('hold', async () => {
  appendFileSync('journal.txt', 'begin ' + process.pid + '\\n');
  while (!existsSync('gate')) await wait(5);
  return currentJob().attempt;
});
export const now = task('now', () => Date.now());
export const once = task('once', () => { if (currentJob().attempt === 1) process.exit(1); return currentJob().attempt; });
`;

describe('in one process, by an injected clock', () => {
  test('ids grow strictly however the clock jumps', () => {
    const time = clock();
    const next = createIdSource(time.nowMs, (n) => new Uint8Array(n));
    const ids: string[] = [];
    for (const jump of [0, TEN_YEARS_MS, -2 * TEN_YEARS_MS, 1, TEN_YEARS_MS, -1]) {
      time.advance(jump);
      for (let i = 0; i < 5_000; i++) ids.push(next());
    }

    assert.deepEqual(ids, ids.toSorted());
    assert.equal(new Set(ids).size, ids.length);
  });

  test('a job claimed before a jump is settled after it; a delayed one is due early, or waits until the clock is right', async (t) => {
    for (const jump of [TEN_YEARS_MS, -TEN_YEARS_MS]) {
      const time = clock();
      const { path, broker } = tempSpool(t, { nowMs: time.nowMs, fsync: false });
      const keeper = await broker.keeper({ queues: null });
      const consumer = await broker.consumer({ queues: null, tasks: [] });
      t.after(async () => {
        await consumer.close();
        await keeper.close();
      });
      const run = (): AttemptRun => ({ startedAtMs: time.nowMs(), endedAtMs: time.nowMs() });
      const held = job();
      const delayed = job({ etaMs: time.nowMs() + HOUR_MS });
      await broker.enqueue([held, delayed]);
      const claim = await within(consumer.next(new AbortController().signal), 'a job');

      time.advance(jump);
      const next = job();
      await broker.enqueue([next]);
      await claim?.settle(returned(1), run());
      const second = await within(consumer.next(new AbortController().signal), 'a job');
      await second?.settle(returned(2), run());
      if (jump < 0) {
        assert.equal((await broker.find(delayed.job.id))?.state, 'delayed');
        time.advance(-jump + 2 * HOUR_MS);
      }
      const third = await within(consumer.next(new AbortController().signal), 'a job');
      await third?.settle(returned(3), run());

      assert.equal(claim?.job.id, held.job.id);
      assert.deepEqual(new Set([second?.job.id, third?.job.id]), new Set([next.job.id, delayed.job.id]));
      assertSound(path, [held.job.id, delayed.job.id, next.job.id]);
      assert.equal((await broker.counts()).results, 3);
    }
  });
});

interface Scene extends SenderHandle {
  readonly at: Project;
  readonly shim: ClockShim;
  readonly start: () => Promise<WorkerHandle>;
}

/** A project whose workers have a clock of their own and keep outcomes for longer than a test takes, and less than an hour. */
function scene(t: TestContext): Scene {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const shim = clockShim(at.path);
  const start = (): Promise<WorkerHandle> =>
    startWorker(t, at, ['-c', '1'], { env: { ...shim.env, FSQ_RESULT_TTL: '30m' } });
  return { at, shim, start, ...sender(t, at) };
}

/**
 * Waits for a round of expiry: an outcome that is an hour old by the workers' clock goes. It is planted with that age, so
 * no step can explain it.
 */
async function expiryRound(at: Project, clockMs: number): Promise<void> {
  const id = nextId();
  const path = join(at.spool, 'results', `${id}.json`);
  const standing = job();
  const tail = encodeTail([], {
    outcome: { state: 'succeeded', value: 1 },
    standing: { ...standing, attempt: 1, crashes: 0 },
  });
  writeFileSync(path, encodeBase(jobRecord({ id })).slice(0, -1) + tail, { mode: 0o600 });
  utimesSync(path, new Date(clockMs - HOUR_MS), new Date(clockMs - HOUR_MS));
  await until(() => !existsSync(path), 'an old outcome expires');
}

describe('whole workers', { skip: !HAS_COMPILER && 'needs gcc and Linux' }, () => {
  test('ten years forward: the running job goes on, a delayed one fires early, no outcome is purged, nobody is declared dead', async (t) => {
    const { at, shim, app, send, start } = scene(t);
    const worker = await start();
    const early = await send('now', []);
    const trueMs = await early.get('10s');
    const delayed = await send('now', [], { countdown: '1d' });
    const held = await send('hold', []);
    await until(() => existsSync(join(at.path, 'journal.txt')), 'the job runs');
    const other = await start();

    shim.move(TEN_YEARS_MS);
    const jumpedMs = await delayed.get('10s');
    await expiryRound(at, Date.now() + TEN_YEARS_MS);
    appendFileSync(join(at.path, 'gate'), '');
    const attempt = await held.get('10s');

    assert(Number(jumpedMs) - Number(trueMs) > TEN_YEARS_MS / 2, 'the clock has jumped');
    assert.equal(attempt, 1);
    // A handle of its own: one that has its outcome does not look again.
    assert.equal(await app.result(early.id).get(0), trueMs);
    assert.equal(readFileSync(join(at.path, 'journal.txt'), 'utf8').split('\n').length, 2);
    for (const { stderr } of [worker, other]) assert.doesNotMatch(stderr(), /lost its process/);
  });

  test('ten years forward while no worker runs: the next one purges nothing that is younger than it looks', async (t) => {
    const { at, shim, app, send, start } = scene(t);
    const first = await start();
    const result = await send('now', []);
    const value = await result.get('10s');
    await first.stop();

    shim.move(TEN_YEARS_MS);
    await start();
    await expiryRound(at, Date.now() + TEN_YEARS_MS);

    assert.equal(await app.result(result.id).get(0), value);
  });

  test('ten years back: jobs run, a crashed one runs again, a delayed one waits until the clock is right', async (t) => {
    const { shim, send, start } = scene(t);
    await start();
    await (await send('now', [])).get('10s');

    shim.move(-TEN_YEARS_MS);
    const delayed = await send('now', [], { countdown: 1 });
    const pastMs = await (await send('now', [])).get('10s');
    const attempt = await (await send('once', [])).get('20s');
    const state = await delayed.state();
    shim.move(0);
    const trueMs = await delayed.get('10s');

    assert(Number(pastMs) < Date.now() - TEN_YEARS_MS / 2, 'the clock has jumped');
    assert.equal(attempt, 2);
    assert.equal(state, 'delayed');
    assert(Number(trueMs) > Date.now() - HOUR_MS);
  });
});
