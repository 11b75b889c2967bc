/** Many jobs in one child, by the real worker: never more than its slots, each with its own job around it, and only the guilty pays for a death. */
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { ApplyOptions, AsyncResult } from 'fsq';
import { assertAtRest } from '../support/at-rest.ts';
import { until } from '../support/conditions.ts';
import { fsq, type Project, startWorker, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';

const TASKS = `
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { currentJob, task } from 'fsq';
const say = (line) => appendFileSync('journal.txt', line + '\\n');
const gate = async (name) => { while (!existsSync(name)) await wait(5); };
task('hold', { retries: 1, backoff: 0 }, async (name) => {
  const { id, attempt } = currentJob();
  say('begin ' + id + ' ' + process.pid);
  await gate(name);
  say('end ' + id);
  return attempt;
});
task('once', { onCrash: 'fail' }, async () => { say('begin ' + currentJob().id + ' ' + process.pid); await gate('never'); });
const guilty = {
  limit: () => wait(600_000),
  revoked: () => wait(600_000),
  exits: () => process.exit(0),
  throws: () => new Promise(() => setTimeout(() => { throw new Error('nobody catches this'); }, 1)),
  rejects: () => { void Promise.reject(new Error('nobody handles this')); return wait(600_000); },
  killed: () => process.kill(process.pid, 'SIGKILL'),
};
task('guilty', { retries: 0 }, async (how) => {
  say('begin ' + currentJob().id + ' ' + process.pid);
  if (currentJob().attempt === 1) await gate('go');
  await guilty[how]();
});
task('says', async (text) => {
  for (let i = 0; i < 20; i++) {
    console.log(text, i);
    if (i % 5 === 0) console.error(text);
    await wait(1);
  }
  return [currentJob().id, text];
});
task('starts', async () => { spawnSync('echo', ['from a program'], { stdio: 'inherit' }); await wait(50); });
let running = 0;
// Where a claim takes longer than such a run, so many would never meet: the first of them wait for one another.
task('counts', async (ms, most) => {
  running++;
  if (running === most) appendFileSync('full', '');
  await gate('full');
  await wait(ms);
  say('at once ' + running);
  running--;
});
task('soft', async () => {
  const { signal, id } = currentJob();
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
  return [id, signal.reason.code];
});
`;

function project(t: Parameters<typeof tempProject>[0]): Project {
  return tempProject(t, { 'tasks.js': TASKS });
}

function journal(at: Project): readonly string[] {
  const path = join(at.path, 'journal.txt');
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
}

function begun(at: Project): readonly string[] {
  return journal(at).filter((line) => line.startsWith('begin '));
}

function open(at: Project, gate: string): void {
  appendFileSync(join(at.path, gate), '');
}

async function recordsOf(results: readonly AsyncResult[]): Promise<readonly string[]> {
  const infos = await Promise.all(results.map((result) => result.info()));
  return infos.map((info) => {
    const attempts = info?.record?.attempts ?? [];
    const marks = attempts.map((one) => (one.uncounted ? 'uncounted' : one.error === undefined ? 'ended' : 'error'));
    return `${info?.state}, ${info?.record?.kept.crashes ?? 0} crashes: ${marks.join(', ')}`;
  });
}

describe('a child with eight jobs ends because of one: that one counts, and the others go back uncounted and end once', () => {
  const cases: readonly [what: string, how: string, deaths: number, options: ApplyOptions, end: string][] = [
    ['it runs too long', 'limit', 1, { timeLimit: '1s' }, 'failed, 0 crashes: error'],
    ['it is revoked with `terminate`', 'revoked', 1, {}, 'revoked, 0 crashes: error'],
    ['it ends the process', 'exits', 2, {}, 'failed, 4 crashes: error, error, error, error'],
    ['it throws what nobody catches', 'throws', 2, {}, 'failed, 4 crashes: error, error, error, error'],
    ['it rejects what nobody handles', 'rejects', 2, {}, 'failed, 4 crashes: error, error, error, error'],
  ];
  for (const [what, how, deaths, options, end] of cases) {
    test(what, async (t) => {
      const at = project(t);
      const { send } = sender(t, at);
      const worker = await startWorker(t, at, ['-c', '1', '--slots', '8']);
      const others = await Promise.all(Array.from({ length: 7 }, () => send('hold', ['gate'])));
      const guilty = await send('guilty', [how], options);
      // The one with the limit may have ended before this process looks, and the others have begun anew.
      await until(() => begun(at).length >= 8, 'eight jobs begin');

      if (how === 'revoked') await guilty.revoke({ terminate: true });
      open(at, 'go');
      // It meets them once more before it is a suspect, which runs alone.
      const begunAfterwards = (id: string): boolean =>
        begun(at).filter((line) => line.includes(id)).length === deaths + 1;
      await until(() => others.every(({ id }) => begunAfterwards(id)), 'the others begin anew');
      open(at, 'gate');
      const values = await Promise.all(others.map((other) => other.get('20s')));
      await until(() => guilty.ready(), 'the guilty one ends', 20_000);
      await worker.stop();

      assert.deepEqual(
        values,
        Array.from({ length: 7 }, () => deaths + 1),
      );
      const spared = `succeeded, 0 crashes: ${'uncounted, '.repeat(deaths)}ended`;
      assert.deepEqual(await recordsOf([...others, guilty]), [...others.map(() => spared), end]);
      assert.deepEqual(
        others.map(({ id }) => journal(at).filter((line) => line === `end ${id}`).length),
        others.map(() => 1),
      );
      assertAtRest(at.spool, { results: 8 });
    });
  }
});

test('a job that kills its process is found out when it runs alone: the others lose it twice at most, and end', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1', '--slots', '8']);
  const others = await Promise.all(Array.from({ length: 7 }, () => send('hold', ['gate'])));
  const guilty = await send('guilty', ['killed']);
  await until(() => begun(at).length === 8, 'eight jobs begin');

  open(at, 'go');
  await until(() => begun(at).length > 16, 'a suspect begins');
  open(at, 'gate');
  await assert.rejects(guilty.get('30s'), { code: 'FSQ_WORKER_LOST' });
  await Promise.all(others.map((other) => other.get('20s')));
  await worker.stop();

  const records = await recordsOf(others);
  assert.equal((await guilty.info())?.standing.attempt, 4);
  for (const record of records) assert.match(record, /^succeeded, [012] crashes/);
});

test('a job that must not run twice fails with the process that a job beside it has ended', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  await startWorker(t, at, ['-c', '1', '--slots', '2']);
  const once = await send('once', [], { onCrash: 'fail' });
  const guilty = await send('guilty', ['revoked']);
  await until(() => begun(at).length === 2, 'both begin');

  await guilty.revoke({ terminate: true });

  await assert.rejects(once.get('20s'), /ended because of another job/);
  assert.equal(begun(at).length, 2);
});

test('a child runs as many jobs at once as it has slots, and never more; a drain lets all of them end', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '2', '--slots', '5']);

  const all = await Promise.all(Array.from({ length: 200 }, (_, i) => send('counts', [5 + (i % 7), 5])));
  await all[0]?.get('20s');
  const { code } = await worker.stop();

  const counts = journal(at).map((line) => Number(line.slice('at once '.length)));
  assert.equal(Math.max(...counts), 5);
  const running = (await Promise.all(all.map((one) => one.state()))).filter((state) => state === 'running');
  assert.deepEqual([code, running.length], [0, 0]);
  assert.equal(counts.length, (await Promise.all(all.map((one) => one.successful()))).filter(Boolean).length);
});

test('each job prints into its own log, and has its own `currentJob()`; what programs print is in none', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1', '--slots', '8']);

  const program = await send('starts', []);
  const all = await Promise.all(Array.from({ length: 8 }, (_, i) => send('says', [`job ${i}`])));
  const values = await Promise.all(all.map((one) => one.get('20s')));
  await program.get('20s');
  const { stdout } = await worker.stop();

  assert.deepEqual(
    values,
    all.map(({ id }, i) => [id, `job ${i}`]),
  );
  for (const [i, one] of all.entries()) {
    const texts: string[] = [];
    for await (const { text } of one.logs()) texts.push(text);
    assert.deepEqual([texts.length, texts.filter((text) => !text.startsWith(`job ${i}`))], [24, []]);
  }
  const printed: unknown[] = [];
  for await (const line of program.logs()) printed.push(line);
  assert.deepEqual(printed, []);
  assert.match(stdout, /from a program/);
});

test('soft limits and plain revocations reach the run that they are of', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  await startWorker(t, at, ['-c', '1', '--slots', '4']);

  const bystander = await send('hold', ['gate']);
  const limited = await send('soft', [], { softTimeLimit: '50ms' });
  const revoked = await send('soft', []);
  const value = await limited.get('20s');
  await until(async () => (await revoked.state()) === 'running', 'it runs');
  await revoked.revoke();
  await assert.rejects(revoked.get('20s'), { code: 'FSQ_REVOKED' });
  open(at, 'gate');

  assert.deepEqual(value, [limited.id, 'FSQ_TIME_LIMIT']);
  assert.equal(await bystander.get('20s'), 1);
});

test('a limit of a queue holds over all slots', async (t) => {
  const config = `export default { queues: { narrow: { concurrency: 3 } } };`;
  const at = tempProject(t, { 'tasks.js': TASKS, 'fsq.config.js': config });
  const { send } = sender(t, at);
  await startWorker(t, at, ['-c', '1', '--slots', '20']);

  const all = await Promise.all(Array.from({ length: 60 }, () => send('counts', [5, 3], { queue: 'narrow' })));
  await Promise.all(all.map((one) => one.get('30s')));

  const counts = journal(at).map((line) => Number(line.slice('at once '.length)));
  assert.deepEqual([Math.max(...counts), counts.length], [3, 60]);
});

test('a child that retires after so many jobs lets all of them end first, and counts exactly', async (t) => {
  const at = project(t);
  const { send } = sender(t, at);
  await startWorker(t, at, ['-c', '1', '--slots', '4', '--max-tasks-per-child', '6']);

  const all = await Promise.all(Array.from({ length: 24 }, () => send('hold', ['gate'])));
  await until(() => begun(at).length === 4, 'four jobs begin');
  open(at, 'gate');
  await Promise.all(all.map((one) => one.get('30s')));

  const pids = begun(at).map((line) => line.split(' ')[2]);
  assert.deepEqual(
    [...new Set(pids)].map((pid) => pids.filter((one) => one === pid).length),
    [6, 6, 6, 6],
  );
});

describe('slots that are no number from 1 to 1,000 are refused with what was wanted', () => {
  for (const [args, env, config] of [
    [['--slots', '0'], {}, '{}'],
    [['--slots', '10000'], {}, '{}'],
    [['--slots', 'many'], {}, '{}'],
    [[], { FSQ_SLOTS: '1001' }, '{}'],
    [[], {}, '{ slots: 1.5 }'],
  ] as const) {
    test([...args, ...Object.values(env), config].join(' '), async (t) => {
      const at = tempProject(t, { 'tasks.js': TASKS, 'fsq.config.js': `export default ${config};` });

      const { code, stderr } = await fsq(at, ['worker', ...args], { env });

      assert.match(stderr, /slots.* to be a whole number from 1 to 1000/i);
      assert.equal(code, args.length > 0 ? 2 : 78);
    });
  }
});
