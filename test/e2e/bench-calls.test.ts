/** The bench's limit is honest only while its bare loop makes the system calls that fsq makes for a job. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { fill, makeSpool } from '../../bench/limit/spool.mjs';
import { type Project, REPOSITORY, run, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';
import { NO_STRACE } from '../support/strace.ts';

const CALLS = ['rename', 'openat', 'close', 'fstat', 'read', 'write'] as const;
/** fsq's events and signs of life are calls too; on so many jobs they are few. */
const FEW = 50;
const MANY = 300;

const UNFINISHED = ' <unfinished ...>';

type Counts = Record<(typeof CALLS)[number], number>;

test('the bare loop makes the system calls that a job costs', { skip: NO_STRACE, timeout: 200_000 }, async (t) => {
  const fsq = await perJob((jobs) => callsOfFsq(t, jobs));
  const loop = await perJob((jobs) => callsOfLoop(t, jobs));

  t.diagnostic(`fsq ${JSON.stringify(fsq)}, bare loop ${JSON.stringify(loop)}`);
  for (const name of CALLS)
    assert.equal(
      Math.round(fsq[name]),
      loop[name],
      `${name}: change bench/limit/bare-loop.mjs and bare-loop.c with fsq`,
    );
});

/** What many jobs need more than few: the start of the program is in both. */
async function perJob(count: (jobs: number) => Promise<Counts>): Promise<Counts> {
  const few = await count(FEW);
  const many = await count(MANY);
  return Object.fromEntries(CALLS.map((name) => [name, (many[name] - few[name]) / (MANY - FEW)])) as Counts;
}

async function callsOfFsq(t: TestContext, jobs: number): Promise<Counts> {
  const at = tempProject(t, {
    'tasks.js': `import { task } from 'fsq';\nexport const noop = task('noop', async () => null);`,
  });
  const { app } = sender(t, at);
  await app.task('noop', (): null => null).delayMany(Array.from({ length: jobs }, (): [] => []));
  const bin = join(REPOSITORY, 'bin/fsq.js');

  return traced(at, [process.execPath, bin, 'worker', '--burst', '-c', '1', '-l', 'warn']);
}

async function callsOfLoop(t: TestContext, jobs: number): Promise<Counts> {
  const at = tempProject(t, {});
  const dir = join(at.path, 'bare');
  mkdirSync(dir);
  makeSpool(dir);
  fill(dir, jobs);
  const loop = join(REPOSITORY, 'bench/limit/bare-loop.mjs');

  return traced(at, [process.execPath, loop, dir, '0', '1', '0', '0', String(jobs)]);
}

/** How often the program made each call upon a file of the spool. */
async function traced(at: Project, command: readonly string[]): Promise<Counts> {
  const log = join(at.path, 'calls');
  const trace = 'trace=rename,openat,close,fstat,statx,read,pread64,write,pwrite64';
  writeFileSync(log, '');
  const { code, stderr } = await run(at, 'strace', ['-f', '-qq', '-y', '-e', trace, '-o', log, ...command], {
    input: 'go\n',
    env: { FSQ_FSYNC: '0' },
    timeoutMs: 90_000,
  });
  assert.equal(code, 0, stderr);
  const lines = callsIn(readFileSync(log, 'utf8'));
  const count = (pattern: RegExp): number => lines.filter((line) => pattern.test(line)).length;
  return {
    rename: count(/ rename\(.*= 0$/),
    openat: count(/ openat\(.*running\/.*= \d/),
    close: count(/ close\(\d+<.*running\//),
    fstat: count(/ (fstat|statx)\(\d+<.*running\//),
    read: count(/ p?read(64)?\(\d+<.*running\//),
    write: count(/ p?write(64)?\(\d+<.*running\//),
  };
}

/** One line for each call: strace tells one in two where a call of another process or thread comes in between. */
function callsIn(log: string): readonly string[] {
  const begun = new Map<string, string>();
  return log.split('\n').flatMap((line) => {
    const [pid = ''] = line.split(' ', 1);
    if (line.endsWith(UNFINISHED)) {
      begun.set(pid, line.slice(0, -UNFINISHED.length));
      return [];
    }
    return [line.replace(/^\d+ +<\.\.\. \w+ resumed>/, () => begun.get(pid) ?? '')];
  });
}
