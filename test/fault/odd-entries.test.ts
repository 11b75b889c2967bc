/**
 * One odd entry of the spool, such as an immutable file, a folder that nobody may enter, or a folder that has the name a job is to
 * get: it costs that entry, is told a few times, and every other job runs.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { describe, type TestContext } from 'node:test';
import { encodeBase } from '../../src/job/document.ts';
import { encodeTail } from '../../src/job/tail.ts';
import { nodeFiles } from '../../src/spool/disk/files.ts';
import { writerName } from '../../src/spool/disk/identity.ts';
import { delayedFileName, jobFileName, type JobName } from '../../src/spool/layout.ts';
import { openSpool } from '../../src/spool/spool.ts';
import { until } from '../support/conditions.ts';
import { jobRecord, nextId } from '../support/factory.ts';
import { lacks } from '../support/needs.ts';
import { plantDeadOwner, someOwner } from '../support/owners.ts';
import { fsq, type Project, startWorker, tempProject } from '../support/project.ts';

const NOBODY = '65534';
const AS_NOBODY = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
const TASKS = `
import { task } from 'fsq';
export const echo = task('echo', (...args) => args);
export const limited = task('limited', { rateLimit: '100/s' }, (...args) => args);
`;
const OLD = new Date(Date.now() - 48 * 3_600_000);

/** What was planted. */
interface Odd {
  /** Jobs that end all the same. */
  readonly ends?: readonly string[];
  /** Told about it, once at least and not again and again; null: there is nothing to tell. */
  readonly told: RegExp | null;
  /** Mends it, and then these jobs end too. */
  readonly mend?: () => readonly string[];
}

type Case = readonly [what: string, plant: (spool: string, t: TestContext) => Odd, args?: readonly string[]];

/** Nobody may change, move or remove it, root included. */
function immutable(t: TestContext, path: string): () => void {
  const release = (): void => void spawnSync('chattr', ['-i', path]);
  execFileSync('chattr', ['+i', path]);
  t.after(release);
  return release;
}

/** Why chattr(1) cannot be used in the temporary folder; false when it can. */
function noChattr(): string | false {
  const missing = lacks('chattr');
  if (missing !== false) return missing;
  const folderOfTry = mkdtempSync(join(tmpdir(), 'fsq-test-'));
  const path = join(folderOfTry, 'try');
  writeFileSync(path, '');
  const isDone = spawnSync('chattr', ['+i', path]).status === 0;
  spawnSync('chattr', ['-i', path]);
  rmSync(folderOfTry, { recursive: true });
  return isDone ? false : 'needs a file system with immutable files';
}

function nameOf(id: string, parts: Partial<JobName> = {}): JobName {
  return { id, queue: 'default', priority: 5, attempt: 0, crashes: 0, ...parts };
}

function plant(spool: string, place: string, text: string, mode = 0o600): string {
  writeFileSync(join(spool, place), text, { mode });
  chmodSync(join(spool, place), mode);
  return join(spool, place);
}

function plantJob(spool: string, parts: Partial<JobName> = {}, task = 'echo', mode = 0o600): string {
  const id = nextId();
  plant(spool, `pending/${jobFileName(nameOf(id, parts))}`, encodeBase(jobRecord({ id, task, args: [1] })), mode);
  return id;
}

function plantDue(spool: string, parts: Partial<JobName> = {}): { readonly id: string; readonly path: string } {
  const id = nextId();
  const place = `delayed/${delayedFileName(1, nameOf(id, parts))}`;
  return { id, path: plant(spool, place, encodeBase(jobRecord({ id, args: [1] }))) };
}

function plantOldOutcome(spool: string): string {
  const id = randomUUID();
  const tail = encodeTail([], { outcome: { state: 'succeeded', value: 1 }, standing: nameOf(id, { attempt: 1 }) });
  const path = plant(spool, `results/${id}.json`, encodeBase(jobRecord({ id })).slice(0, -1) + tail);
  utimesSync(path, OLD, OLD);
  return path;
}

/** A name in tmp/ of a process that has ended. */
function deadDraft(spool: string): string {
  return join(spool, 'tmp', `${writerName(nodeFiles, 9_999_999)}.00000000.0`);
}

function folder(path: string, ...within: readonly string[]): string {
  mkdirSync(path, { mode: 0o700 });
  for (const name of within) writeFileSync(join(path, name), '');
  return path;
}

/** In the way, whoever the user is. */
const IN_THE_WAY: readonly Case[] = [
  ...([[], ['x']] as const).map((within): Case => {
    const what = within.length === 0 ? 'an empty folder' : 'a folder that is not empty';
    return [
      `${what} has the name of an outcome`,
      (spool) => {
        const id = plantJob(spool);
        folder(join(spool, `results/${id}.json`), ...within);
        return { ends: [id], told: /results\/.* was in the way of a job; it was moved to corrupt/ };
      },
    ];
  }),
  [
    'a folder has the name that a due job gets',
    (spool) => {
      const { id } = plantDue(spool);
      folder(join(spool, 'pending', jobFileName(nameOf(id))), 'x');
      return { ends: [id], told: /pending\/.* was in the way of a job/ };
    },
  ],
  [
    'a folder has the name of the outcome of a dead process’s job',
    (spool) => {
      const id = nextId();
      const tail = encodeTail([{ attempt: 1, endedAtMs: 2, owner: someOwner() }], {
        outcome: { state: 'succeeded', value: 1 },
        standing: nameOf(id, { attempt: 1 }),
      });
      const text = encodeBase(jobRecord({ id })).slice(0, -1) + tail;
      plantDeadOwner(spool, someOwner(), { [jobFileName(nameOf(id, { attempt: 1 }))]: text });
      folder(join(spool, `results/${id}.json`), 'x');
      return { ends: [id], told: /results\/.* was in the way of a job/ };
    },
  ],
  [
    'a folder has the name of the outcome of what is no job',
    (spool) => {
      const id = nextId();
      plant(spool, `pending/${jobFileName(nameOf(id))}`, 'garbage');
      folder(join(spool, `results/${id}.json`), 'x');
      return { ends: [id], told: /results\/.* was in the way of a job/ };
    },
  ],
  [
    'a file has the name of a rate’s folder',
    (spool) => {
      plant(spool, 'limits/task.limited.100-1000', '');
      return { ends: [plantJob(spool, {}, 'limited')], told: /limits\/.* was in the way of a job/ };
    },
  ],
  ...([plantJob, (spool: string, parts: Partial<JobName>) => plantDue(spool, parts).id] as const).map(
    (plantOne, i): Case => [
      `a job that ${i === 0 ? 'waits' : 'is due'} has the largest attempt that a name can hold`,
      (spool) => ({ ends: [plantOne(spool, { attempt: 999_999_999 })], told: null }),
    ],
  ),
];

/** Immutable. */
const IMMUTABLE: readonly Case[] = [
  [
    'a due job',
    (spool, t) => {
      const { id, path } = plantDue(spool);
      const release = immutable(t, path);
      return { told: /delayed\/.* is left alone \(EPERM/, mend: () => (release(), [id]) };
    },
  ],
  [
    'a job that waits',
    (spool, t) => {
      const id = plantJob(spool);
      const release = immutable(t, join(spool, 'pending', jobFileName(nameOf(id))));
      return { told: /pending\/.* is left alone \(EPERM/, mend: () => (release(), [id]) };
    },
  ],
  [
    'an outcome whose time is over',
    (spool, t) => {
      immutable(t, plantOldOutcome(spool));
      const other = plantOldOutcome(spool);
      return { told: /results\/.* is left alone \(EPERM/, mend: () => (assert(!existsSync(other)), []) };
    },
  ],
  [
    'a draft of a dead process',
    (spool, t) => {
      const path = deadDraft(spool);
      writeFileSync(path, '');
      immutable(t, path);
      return { told: /tmp\/.* is left alone \(EPERM/ };
    },
  ],
  [
    'what a dead process held',
    (spool, t) => {
      const [odd, other] = [nextId(), nextId()];
      const held = Object.fromEntries(
        [odd, other].map((id) => [jobFileName(nameOf(id, { attempt: 1 })), encodeBase(jobRecord({ id }))]),
      );
      plantDeadOwner(spool, someOwner(), held);
      const release = immutable(t, join(spool, 'running', someOwner(), jobFileName(nameOf(odd, { attempt: 1 }))));
      // Its path has changed with the fence; what holds the file does not matter to chattr(1).
      const path = (): string => {
        const [owner = ''] = readdirSync(join(spool, 'running')).filter((name) => name.startsWith(someOwner()));
        return join(spool, 'running', owner, jobFileName(nameOf(odd, { attempt: 1 })));
      };
      t.after(() => void spawnSync('chattr', ['-i', path()]));
      return {
        ends: [other],
        told: /running\/.* is left alone \(EPERM/,
        mend: () => (release(), execFileSync('chattr', ['-i', path()]), [odd]),
      };
    },
  ],
];

/** A folder that nobody but root may enter, or a file that its user may only read. */
const CLOSED: readonly Case[] = [
  ['a job’s file is read-only', (spool) => ({ ends: [plantJob(spool, {}, 'echo', 0o444)], told: null })],
  [
    'an outcome that a dead process wrote is read-only',
    (spool) => {
      const id = nextId();
      const tail = encodeTail([{ attempt: 1, endedAtMs: 2, owner: someOwner() }], {
        outcome: { state: 'succeeded', value: 1 },
        standing: nameOf(id, { attempt: 1 }),
      });
      const name = jobFileName(nameOf(id, { attempt: 1 }));
      plantDeadOwner(spool, someOwner(), { [name]: encodeBase(jobRecord({ id })).slice(0, -1) + tail });
      chmodSync(join(spool, 'running', someOwner(), name), 0o444);
      return { ends: [id], told: null };
    },
  ],
  [
    'a folder in tmp/ that a dead process left',
    (spool) => (chmodSync(folder(deadDraft(spool), 'x'), 0), { told: /tmp\/.* is left alone \(EACCES/ }),
  ],
  [
    'a folder of a key',
    (spool) => (
      chmodSync(folder(join(spool, 'keys', 'a'.repeat(64)), 'x'), 0),
      { told: /keys\/.* is left alone \(EACCES/ }
    ),
  ],
  [
    'a folder of a dead process',
    (spool) => {
      plantDeadOwner(spool, someOwner(), {});
      chmodSync(join(spool, 'running', someOwner()), 0);
      return { told: /running\/.* is left alone \(EACCES/ };
    },
  ],
  [
    'the folder of a rate',
    (spool) => {
      chmodSync(folder(join(spool, 'limits/task.limited.100-1000'), 'x'), 0);
      const id = plantJob(spool, { priority: 0 }, 'limited');
      return {
        told: /limits\/.* is left alone \(EACCES/,
        mend: () => (chmodSync(join(spool, 'limits/task.limited.100-1000'), 0o700), [id]),
      };
    },
  ],
  [
    'a folder named like a job that is due',
    (spool) => {
      const { path } = plantDue(spool);
      rmSync(path);
      chmodSync(folder(path, 'x'), 0);
      return { told: /delayed\/.* is left alone \(EACCES/ };
    },
  ],
  [
    'a folder named like a job that waits',
    (spool) => {
      chmodSync(folder(join(spool, 'pending', jobFileName(nameOf(nextId()))), 'x'), 0);
      return { told: /pending\/.* is left alone \(EACCES/ };
    },
  ],
  [
    'a folder named like an outcome whose time is over',
    (spool) => {
      const path = folder(join(spool, `results/${randomUUID()}.json`), 'x');
      utimesSync(path, OLD, OLD);
      chmodSync(path, 0);
      return { told: /results\/.* is left alone \(EACCES/ };
    },
  ],
];

describe('in the way of a job', () => {
  for (const [what, plantOne] of IN_THE_WAY) test(what, (t) => costsOnlyItself(t, plantOne));
});
describe('immutable', { skip: noChattr() }, () => {
  for (const [what, plantOne] of IMMUTABLE) test(what, (t) => costsOnlyItself(t, plantOne));
});
describe('closed to a worker that is not root', { skip: lacks('setpriv', 'chown') }, () => {
  for (const [what, plantOne] of CLOSED) test(what, (t) => costsOnlyItself(t, plantOne, AS_NOBODY));
});

test(
  'a directory of the spool itself that is immutable is the spool’s trouble: the worker ends, and says so once',
  { skip: noChattr() },
  async (t) => {
    const at = tempProject(t, { 'tasks.js': TASKS });
    await openSpool({ path: at.spool }).close();
    plantDue(at.spool);
    immutable(t, join(at.spool, 'delayed'));

    const { code, stderr } = await fsq(at, ['worker', '-c', '1']);

    assert.equal(code, 75, stderr);
    assert.equal(stderr.match(/the spool cannot be used/g)?.length, 1, stderr);
  },
);

async function costsOnlyItself(t: TestContext, plantOdd: Case[1], within: readonly string[] = []): Promise<void> {
  const at = tempProject(t, { 'tasks.js': TASKS });
  await openSpool({ path: at.spool }).close();
  const { ends = [], told, mend } = plantOdd(at.spool, t);
  own(at, within);

  const worker = await startWorker(t, at, ['-c', '1'], { within });
  const first = send(at, within);
  await ended(at, [first, ...ends]);
  if (told !== null) await worker.printed(told);
  const afterwards = mend?.() ?? [];
  await ended(at, [send(at, within), ...afterwards]);
  const { code, stderr } = await worker.stop();

  assert.equal(code, 0, stderr);
  if (told === null) assert.doesNotMatch(stderr, /"level":"(?:error|warn)"/);
  const lines = stderr.split('\n').filter((line) => told?.test(line) === true);
  assert(lines.length <= 5, `told ${lines.length} times:\n${lines.join('\n')}`);
}

/** The spool belongs to who works in it. */
function own({ path, spool }: Project, within: readonly string[]): void {
  if (within.length === 0) return;
  chmodSync(path, 0o755);
  execFileSync('chown', ['-R', '--no-dereference', `${NOBODY}:${NOBODY}`, path, spool]);
}

function send({ spool }: Project, within: readonly string[]): string {
  const id = nextId();
  const draft = plant(spool, `tmp/${id}`, encodeBase(jobRecord({ id, args: [1] })));
  if (within.length > 0) execFileSync('chown', [`${NOBODY}:${NOBODY}`, draft]);
  execFileSync('mv', [draft, join(spool, 'pending', jobFileName(nameOf(id)))]);
  return id;
}

async function ended({ spool }: Project, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const path = join(spool, `results/${id}.json`);
    const isFile = (): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true;
    await until(() => isFile() && readFileSync(path, 'utf8').includes('"state"'), `job ${id} has ended`);
  }
}
