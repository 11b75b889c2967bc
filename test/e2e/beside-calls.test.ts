/** What a job pays for progress and checkpoints: nothing where it uses none, and a few system calls for each where it does. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { REPOSITORY, run, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';
import { NO_STRACE } from '../support/strace.ts';

const TASKS = `import { currentJob, task } from 'fsq';
export const nothing = task('nothing', async () => null);
export const tells = task('tells', async () => { for (let i = 0; i < 100; i++) currentJob().progress(i / 100); });
export const keeps = task('keeps', async () => { await currentJob().checkpoint({ row: 1 }); });
`;
const FEW = 40;
const MANY = 140;
const MOST_OF_PROGRESS = 13;

interface Calls {
  /** Upon anything in the spool but the journal: how many jobs share one of its writes depends on the machine's pace. */
  readonly all: number;
  /** Of these, those that name what lies beside a job. */
  readonly beside: number;
  readonly fsyncs: number;
}

for (const fsync of ['0', '1']) {
  test(`with FSQ_FSYNC=${fsync}`, { skip: NO_STRACE, timeout: 240_000 }, async (t) => {
    const nothing = await perJob(t, 'nothing', fsync);
    const once = await perJob(t, 'tells', fsync);
    // A worker that is slowed down makes more of its rounds meanwhile, and these are counted too: what a report costs is the lesser of two.
    const tells = once.all - nothing.all <= MOST_OF_PROGRESS ? once : await perJob(t, 'tells', fsync);
    const keeps = await perJob(t, 'keeps', fsync);

    t.diagnostic(`calls of a job: ${JSON.stringify({ nothing, tells, keeps })}`);
    assert.equal(nothing.beside, 0, 'a job that uses none of it makes no call for it');
    // Twice a look, a draft and a rename: of a hundred reports the first and the last are written.
    assert.ok(tells.beside <= 2.5, `${tells.beside} calls name progress/`);
    assert.ok(tells.all - nothing.all <= MOST_OF_PROGRESS, `progress costs ${tells.all - nothing.all} calls`);
    // A rename and a removal, and with fsync the name is synced.
    assert.ok(keeps.beside <= 5.5, `${keeps.beside} calls name checkpoints/`);
    assert.ok(keeps.all - nothing.all <= 17, `a checkpoint costs ${keeps.all - nothing.all} calls`);
  });
}

test('a spool whose jobs use none of it looks as before', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { send } = sender(t, at);
  await send('nothing', []);

  const bin = join(REPOSITORY, 'bin/fsq.js');
  const { code, stderr } = await run(at, process.execPath, [bin, 'worker', '--burst', '-c', '1']);

  assert.equal(code, 0, stderr);
  assert.deepEqual([existsSync(join(at.spool, 'progress')), existsSync(join(at.spool, 'checkpoints'))], [false, false]);
});

/** What many jobs need more than few: the start of the program is in both. */
async function perJob(t: TestContext, task: string, fsync: string): Promise<Calls> {
  const few = await callsOf(t, task, fsync, FEW);
  const many = await callsOf(t, task, fsync, MANY);
  const each = (key: keyof Calls): number => Math.round((100 * (many[key] - few[key])) / (MANY - FEW)) / 100;
  return { all: each('all'), beside: each('beside'), fsyncs: each('fsyncs') };
}

async function callsOf(t: TestContext, task: string, fsync: string, jobs: number): Promise<Calls> {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { app } = sender(t, at);
  await app.task(task, (): null => null).delayMany(Array.from({ length: jobs }, (): [] => []));
  const log = join(at.path, 'calls');
  writeFileSync(log, '');
  const worker = [process.execPath, join(REPOSITORY, 'bin/fsq.js'), 'worker', '--burst', '-c', '1', '-l', 'warn'];
  const trace = 'trace=%file,close,fstat,read,pread64,write,pwrite64,fchmod,fsync,fdatasync,ftruncate';
  const { code, stderr } = await run(at, 'strace', ['-f', '-qq', '-y', '-e', trace, '-o', log, ...worker], {
    env: { FSQ_FSYNC: fsync },
    timeoutMs: 90_000,
  });
  assert.equal(code, 0, stderr);
  const lines = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line.includes(`${at.spool}/`) && !line.includes(' resumed>'));
  const count = (pattern: RegExp): number => lines.filter((line) => pattern.test(line)).length;
  const all = lines.filter((line) => !line.includes(`${at.spool}/journal`)).length;
  return { all, beside: count(/spool\/(progress|checkpoints)/), fsyncs: count(/ f(data)?sync\(/) };
}
