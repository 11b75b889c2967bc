/** `fsq doctor` as people and programs use it: what it prints, how it exits, and that it may run beside workers. */
import assert from 'node:assert/strict';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { until } from '../support/conditions.ts';
import { nextId } from '../support/factory.ts';
import { namesIn } from '../support/invariants.ts';
import { plantDeadOwner, someOwner } from '../support/owners.ts';
import { jobText, plant } from '../support/planted.ts';
import { fsq, type Project, startWorker, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';
import { CAN_MOUNT, smallDisk } from '../support/small-disk.ts';

const TASKS = {
  'tasks.mjs': `import { task } from 'fsq';\nexport const echo = task('echo', (value) => value);\n`,
};

async function projectWithSpool(t: TestContext): Promise<Project> {
  const project = tempProject(t, TASKS);
  await fsq(project, ['init']);
  return project;
}

interface Report {
  readonly spool: string;
  readonly place: { readonly fileSystem: { readonly name: string }; readonly probes: { readonly write: null } };
  readonly jobs: Readonly<Record<string, number>>;
  readonly owners: Readonly<Record<string, number>>;
  readonly repaired: readonly { readonly code: string }[];
  readonly findings: readonly Readonly<Record<string, unknown>>[];
  readonly more: { readonly findings: readonly unknown[] };
}

test('a spool that is well: the facts of its place, no error, exit 0', async (t) => {
  const project = await projectWithSpool(t);

  const { code, stdout, stderr } = await fsq(project, ['doctor']);

  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /^spool +\/.*\/spool\ndisk +\S+ \(\w+\), .* free\nfsync +on, .* ms\nwatch +works/);
  assert.match(stdout, /0 errors|^The spool is sound; `fsq status/m);
  assert.equal(stderr, '');
});

test('--json is one document that a program can read', async (t) => {
  const project = await projectWithSpool(t);
  await sender(t, project).send('echo', [1]);

  const { code, stdout } = await fsq(project, ['doctor', '--json']);

  const report = JSON.parse(stdout) as Report;
  assert.equal(code, 0);
  assert.equal(report.spool, report.spool.startsWith('/') ? report.spool : '');
  assert.deepEqual(report.jobs, { pending: 1, delayed: 0, running: 0, results: 0, corrupt: 0 });
  assert.deepEqual(report.repaired, []);
  assert.equal(report.place.probes.write, null);
  assert.ok(report.place.fileSystem.name !== '');
});

test('jobs that wait without a worker are a warning; delayed ones that are not due are none', async (t) => {
  const project = await projectWithSpool(t);
  await fsq(project, ['call', 'echo', '1', '--countdown', '1h']);
  const later = await fsq(project, ['doctor']);
  await fsq(project, ['call', 'echo', '1']);

  const now = await fsq(project, ['doctor']);
  const worker = await startWorker(t, project, ['-c', '1']);
  const withWorker = await fsq(project, ['doctor']);
  await worker.stop();

  assert.match(
    now.stdout,
    /! 1 job waits and no worker is running on this spool\. \(no-worker\)\n +`fsq worker` starts one\./,
  );
  assert.deepEqual([later.code, now.code], [0, 0]);
  for (const { stdout } of [later, withWorker]) assert.doesNotMatch(stdout, /no-worker/);
});

test('an error exits 1 and says what to do; --repair does it; then all is well', async (t) => {
  const project = await projectWithSpool(t);
  const [broken, held] = [nextId(), nextId()];
  plant(project.spool, `pending/5.${broken}.default.0.0.json`, '{"task":');
  plantDeadOwner(project.spool, someOwner(), { [`5.${held}.default.1.0.json`]: jobText({ id: held }) });
  rmSync(join(project.spool, 'spare'), { recursive: true });

  const sick = await fsq(project, ['doctor']);
  const mended = await fsq(project, ['doctor', '--repair']);
  const well = await fsq(project, ['doctor', '--json']);

  assert.equal(sick.code, 1, sick.stderr);
  assert.match(
    sick.stdout,
    /Errors:\n[^]*is not a job[^]*\(unreadable, I4\)\n {4}`fsq doctor --repair` moves it[^]*Warnings:\n[^]*dead-holder/,
  );
  assert.equal(mended.code, 0, mended.stdout + mended.stderr);
  assert.match(
    mended.stdout,
    /Repaired:\n {2}\* made .*\/spare\n {2}\* took job .* it will run again\n(?: {2}\* .*\n)* {2}\* set .* aside: it is not JSON/,
  );
  assert.deepEqual(
    (JSON.parse(well.stdout) as Report).findings.filter(({ severity }) => severity === 'error'),
    [],
  );
  assert.deepEqual(namesIn(project.spool, 'corrupt'), [`5.${broken}.default.0.0.json`]);
  const { code, stderr } = await fsq(project, ['get', broken]);
  assert.equal(code, 1);
  assert.match(stderr, /is not a job/);
});

test('of many findings of one kind a hundred are told, and how many more there are', async (t) => {
  const project = await projectWithSpool(t);
  for (let i = 0; i < 130; i++) plant(project.spool, `pending/5.${nextId()}.default.0.0.json`, 'x');

  const text = await fsq(project, ['doctor']);
  const json = await fsq(project, ['doctor', '--json']);
  const mended = await fsq(project, ['doctor', '--repair']);

  const { findings, more } = JSON.parse(json.stdout) as Report;
  assert.deepEqual([text.code, json.code, mended.code], [1, 1, 0]);
  assert.equal(text.stdout.match(/\(unreadable, I4\)/g)?.length, 100);
  assert.match(text.stdout, /\n {2}and 30 more \(unreadable\)\n[^]*\n130 errors, 1 warning\./);
  assert.equal(findings.filter(({ code }) => code === 'unreadable').length, 100);
  assert.deepEqual(more.findings, [{ code: 'unreadable', severity: 'error', canRepair: true, count: 30 }]);
  assert.match(mended.stdout, /Repaired:\n(?: {2}\* set .* aside: .*\n){100} {2}and 30 more \(unreadable\)\n/);
});

test('what cannot be repaired is named; a spool that would be refused exits with 75', async (t) => {
  const project = await projectWithSpool(t);
  chmodSync(join(project.spool, 'pending'), 0o777);

  const { code, stdout } = await fsq(project, ['doctor', '--repair']);
  const allowed = await fsq(project, ['doctor'], { env: { FSQ_ALLOW_UNSAFE: '1' } });

  const alsoAllowed = await fsq(project, ['doctor', '--allow-unsafe']);

  assert.equal(code, 75);
  assert.deepEqual([allowed.code, alsoAllowed.code], [1, 1], 'the mode stays an error');
  assert.match(alsoAllowed.stdout, /Warnings:\n.*\(unsafe-place, I13\)/);
  assert.match(stdout, /\/pending has mode 0777[^]*chmod 0700/);
});

test('names and texts from the spool cannot reach the terminal as commands', async (t) => {
  const project = await projectWithSpool(t);
  plant(project.spool, 'pending/\u001b]52;c;x\u0007', 'x');

  const { code, stdout } = await fsq(project, ['doctor']);

  assert.equal(code, 0);
  assert.ok(stdout.includes('(foreign)'));
  assert.ok(!stdout.includes('\u001b'));
});

test('while a worker runs jobs nothing is found, with and without --repair', async (t) => {
  const project = await projectWithSpool(t);
  const { send } = sender(t, project);
  const worker = await startWorker(t, project, ['-c', '2']);
  const stop = new AbortController();
  const load = (async () => {
    for (let i = 0; !stop.signal.aborted; i++) await (await send('echo', [i])).get('20s');
  })();

  const reports = [await fsq(project, ['doctor', '--json']), await fsq(project, ['doctor', '--json', '--repair'])];
  stop.abort();
  await load;
  await worker.stop();

  for (const { code, stdout } of reports) {
    const { findings, repaired, owners } = JSON.parse(stdout) as Report;
    assert.equal(code, 0, stdout);
    assert.deepEqual(
      findings.filter(({ severity, invariant }) => severity === 'error' || invariant !== undefined),
      [],
    );
    assert.deepEqual(repaired, []);
    assert.ok((owners['alive'] ?? 0) >= 2, stdout); // The worker and its first child at least.
  }
});

test('a worker that does not recover its dead children is found, and --repair does it in its place', async (t) => {
  const project = tempProject(t, {
    'tasks.mjs': TASKS['tasks.mjs'].replace('(value) => value', '() => new Promise(() => {})'),
  });
  const worker = await startWorker(t, project, ['-c', '1']);
  await sender(t, project).send('echo', []);
  const child = await until(() => holderOf(project), 'the job is claimed');

  worker.kill('SIGSTOP');
  const [sick, mended] = await (async () => {
    try {
      process.kill(child, 'SIGKILL');
      return [await fsq(project, ['doctor']), await fsq(project, ['doctor', '--repair'])] as const;
    } finally {
      worker.kill('SIGCONT'); // A stopped worker would not end after the test.
    }
  })();

  assert.equal(sick.code, 1, sick.stdout + sick.stderr);
  assert.match(sick.stdout, /holds 1 job of a process that is dead, for more than 2 s[^]*\(dead-holder, I8\)/);
  assert.equal(mended.code, 0, mended.stdout + mended.stderr);
  assert.match(mended.stdout, /took job .* back from .*; it will run again/);
});

/** The pid of the process that holds a job; null while none does. */
function holderOf({ spool }: Project): number | null {
  const owner = namesIn(spool, 'running').find((name) => namesIn(spool, `running/${name}`).length > 0);
  return owner === undefined ? null : Number(owner.split('-')[0]);
}

test('exit 75: no spool, and one of another format', async (t) => {
  const project = tempProject(t, TASKS);

  const none = await fsq(project, ['doctor']);
  await fsq(project, ['init']);
  writeFileSync(join(project.spool, 'fsq.json'), '{"format":99}');
  const other = await fsq(project, ['doctor']);

  assert.equal(none.code, 75);
  assert.match(none.stderr, /FSQ_NO_SPOOL/);
  assert.equal(other.code, 75);
  assert.match(other.stderr, /FSQ_SPOOL_FORMAT/);
});

test(
  'a spool in memory is a warning: exit 0; a full one cannot be used: exit 75',
  { skip: CAN_MOUNT ? false : 'needs root to mount' },
  async (t) => {
    const project = tempProject(t, TASKS);
    const spool = join(smallDisk(t, '512k'), 'spool');
    await fsq(project, ['init', '--spool', spool]);

    const inMemory = await fsq(project, ['doctor', '--json', '--spool', spool]);
    writeFileSync(join(spool, '../filler'), Buffer.alloc(1), { flag: 'a' });
    fill(join(spool, '../filler'));
    const full = await fsq(project, ['doctor', '--json', '--spool', spool]);

    const codes = (JSON.parse(inMemory.stdout) as Report).findings.map(({ code }) => code);
    assert.ok(codes.includes('memory-fs'), inMemory.stdout);
    assert.equal(full.code, 75, full.stdout + full.stderr);
    assert.match(full.stdout, /not-writable/);
  },
);

/** Writes until the disk is full. */
function fill(path: string): void {
  const block = Buffer.alloc(4096);
  for (;;) {
    try {
      writeFileSync(path, block, { flag: 'a' });
    } catch {
      return; // ENOSPC: that is what was wanted.
    }
  }
}
