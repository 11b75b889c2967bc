/** Why a job is where it is: a row for each reason. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reasonsFor } from '../../../../src/app/explaining/explain.ts';
import type { Facts } from '../../../../src/app/explaining/facts.ts';
import { commandIn, isHolding, type ReasonCode } from '../../../../src/app/explaining/reason.ts';
import type { OwnerInfo } from '../../../../src/broker/broker.ts';
import type { QueueLimits } from '../../../../src/job/queue-limits.ts';
import { owner } from '../../../support/owner-info.ts';
import { sighting } from '../../../support/sighting.ts';

const NOW = 1_000_000_000;
const REDIS = 'bullmq+redis://db1:6379/0';
const A = '0199f3c2-8d1e-7000-9c4d-5e6f708192a3';
const B = '0199f3c2-8d1e-7001-9c4d-5e6f708192a3';
const AT = { priority: 5, queue: 'default', attempt: 0, crashes: 0 };

const child = owner({ pid: 7, tasks: ['add'], parent: '6-0123456789abcdef' });
const worker = owner({ pid: 6, role: 'supervisor', tasks: ['add'] });
const FAILURE = { name: 'TimeoutError', message: 'no answer\nfrom there', code: 'E' };
const NOT_RUN = { name: 'PredecessorError', message: 'Job a was not run: job b failed', code: 'FSQ_PREDECESSOR' };
const LOST = { name: 'WorkerLostError', message: 'died', code: 'FSQ_WORKER_LOST' };

function run(attempt: number, error?: typeof FAILURE): { attempt: number; endedAtMs: number; owner: string } {
  return { attempt, endedAtMs: NOW - 60_000, owner: child.owner, ...(error === undefined ? {} : { error }) };
}

const MOVE = { from: '/srv/spool', to: '/srv/other', isGoing: false, ids: [A] };

function facts(parts: Partial<Facts> = {}): Facts {
  return {
    nowMs: NOW,
    place: '/srv/spool',
    job: sighting({ id: A }),
    owners: [worker, child],
    restoring: null,
    paused: [],
    move: null,
    others: new Map(),
    circle: null,
    root: null,
    running: [],
    ahead: { all: 0, inQueue: 0 },
    endedInAMinute: 0,
    ...parts,
  };
}

/** Children with these limits. */
function limited(kind: 'queues' | 'tasks', name: string, limits: Partial<QueueLimits>): readonly OwnerInfo[] {
  const all = { concurrency: null, rate: null, ...limits };
  const rules = { queues: new Map(), tasks: new Map(), [kind]: new Map([[name, all]]) };
  return [worker, { ...child, slots: 9, limits: rules }];
}

const running = (parts: Parameters<typeof sighting>[0] = {}, of: Parameters<typeof sighting>[1] = {}): Facts['job'] =>
  sighting(
    {
      id: A,
      state: 'running',
      owner: child.owner,
      startedAtMs: NOW - 180_000,
      standing: { ...AT, attempt: 1 },
      ...parts,
    },
    of,
  );
const delayed = (
  dueAtMs: number | null,
  of: Parameters<typeof sighting>[1] = {},
  parts: Parameters<typeof sighting>[0] = {},
): Facts['job'] => sighting({ id: A, state: 'delayed', dueAtMs, ...parts }, of);
const after = (count = 1): Parameters<typeof sighting>[1] => ({ options: { after: count === 1 ? B : [B, A] } });

/** What is known, the codes that are told, and what the first says. */
const ROWS: readonly (readonly [
  what: string,
  known: Facts,
  codes: readonly ReasonCode[],
  text: RegExp,
  command?: string,
])[] = [
  [
    'has succeeded',
    facts({
      job: sighting(
        { id: A, endedAtMs: NOW - 5_000 },
        { outcome: { state: 'succeeded', value: 1 }, attempts: [run(2)] },
      ),
    }),
    ['succeeded'],
    /^It has succeeded 5 s ago, in attempt 2: /,
    `fsq get ${A}`,
  ],
  [
    'has failed',
    facts({
      job: sighting(
        { id: A, endedAtMs: NOW },
        { outcome: { state: 'failed', error: FAILURE }, attempts: [run(1), run(2)] },
      ),
    }),
    ['failed'],
    /^It failed for good 0 ms ago, after 2 attempts: TimeoutError: no answer\. /,
    `fsq retry ${A}`,
  ],
  [
    'has not run because another failed',
    facts({
      job: sighting({ id: A, endedAtMs: NOW }, { outcome: { state: 'failed', error: NOT_RUN }, ...after() }),
      root: { id: B, task: 'import', state: 'failed', error: FAILURE },
    }),
    ['predecessor-failed'],
    new RegExp(`^It was not run, because job ${B} \\(import\\) failed: TimeoutError: no answer\\. `),
    `fsq explain ${B}`,
  ],
  [
    'has not run because of one that is gone',
    facts({ job: sighting({ id: A, endedAtMs: NOW }, { outcome: { state: 'failed', error: NOT_RUN }, ...after() }) }),
    ['predecessor-failed'],
    /^It has ended 0 ms ago\. Job a was not run: job b failed\.$/,
  ],
  [
    'was not needed',
    facts({
      job: sighting(
        { id: A, endedAtMs: NOW },
        {
          outcome: {
            state: 'revoked',
            error: { name: 'PredecessorError', message: 'all has succeeded', code: 'FSQ_NOT_NEEDED' },
          },
        },
      ),
    }),
    ['not-needed'],
    /^It was not needed 0 ms ago: all has succeeded/,
  ],
  [
    'was revoked',
    facts({ job: sighting({ id: A, endedAtMs: NOW }, { outcome: { state: 'revoked', error: LOST } }) }),
    ['revoked'],
    /^It was revoked/,
    `fsq retry ${A}`,
  ],
  [
    'has expired',
    facts({ job: sighting({ id: A, endedAtMs: NOW }, { outcome: { state: 'expired', error: LOST } }) }),
    ['expired'],
    /^It expired/,
    `fsq retry ${A}`,
  ],
  [
    'has an outcome that cannot be read',
    facts({ job: sighting({ id: A, state: 'failed' }, null) }),
    ['unreadable'],
    /^somewhere holds no outcome/,
    'fsq doctor',
  ],

  ['runs', facts({ job: running() }), ['runs'], /^It has run for 3 m in worker process 7, attempt 1\.$/],
  [
    'has run for a while',
    facts({ job: running(), nowMs: NOW + 47_000 }),
    ['runs'],
    /^It has run for 3 m 47 s in worker process 7/,
  ],
  [
    'runs within a limit',
    facts({ job: running({}, { options: { timeLimitMs: 300_000 } }) }),
    ['runs', 'time-limit'],
    /^It (has run for|runs)/,
  ],
  [
    'has been told to end',
    facts({ job: running({ isRevoked: true }) }),
    ['revoke-requested', 'runs'],
    /^It is revoked/,
    `fsq revoke ${A} --terminate`,
  ],
  [
    'has been told to end in a process that nobody can kill',
    facts({
      job: running({ isRevoked: true }),
      owners: [{ ...child, pulse: { delayMs: 12_400, isBlocked: true } }],
    }),
    ['revoke-requested', 'blocked', 'runs-without-worker'],
    /until its task heeds that\. No process is there to kill it: .* `kill -9 7` ends it by hand/,
    `fsq revoke ${A}`,
  ],
  [
    'runs and waits for another',
    facts({ job: running({ awaits: [B] }), others: new Map([[B, sighting({ id: B })]]) }),
    ['awaits', 'runs'],
    /^Its run waits for the end of job .* \(add\)/,
    `fsq explain ${B}`,
  ],
  [
    'runs and waits in a circle',
    facts({ job: running({ awaits: [B] }), circle: [A, B] }),
    ['circle', 'runs'],
    new RegExp(`job ${A} waits for ${B}, which waits for ${A}\\.`),
  ],
  [
    'runs in a process that it blocks',
    facts({ job: running(), owners: [worker, { ...child, pulse: { delayMs: 12_400, isBlocked: true } }] }),
    ['blocked', 'runs'],
    /^Process 7 has not answered for 12 s or longer: what it runs computes without a pause/,
  ],
  [
    'runs in a process that answers, late or busy',
    facts({ job: running(), owners: [worker, { ...child, pulse: { delayMs: 12_400, isBlocked: false } }] }),
    ['runs'],
    /^It/,
  ],
  [
    'runs in what is left of a worker',
    facts({ job: running(), owners: [child] }),
    ['runs-without-worker'],
    /^The job runs in process 7, whose worker is gone/,
  ],
  [
    'has lost its process while a worker runs',
    facts({ job: running({ owner: '9-0123456789abcdef' }) }),
    ['worker-gone'],
    /^The process that ran it \(pid 9\) is gone\. A worker takes it back/,
  ],
  [
    'has lost its process, as a server finds out',
    facts({ place: REDIS, job: running({ owner: '9-0123456789abcdef' }) }),
    ['worker-gone'],
    /^The process that ran it \(pid 9\) is gone\. A worker takes it back within 15 s\.$/,
  ],
  [
    'has lost a process that left no name',
    facts({ place: REDIS, job: running({ owner: null }) }),
    ['worker-gone'],
    /^The process that ran it is gone\. A worker/,
  ],
  [
    'runs on another machine',
    facts({ place: REDIS, job: running(), owners: [worker, { ...child, host: 'db1' }] }),
    ['runs'],
    /^It has run for 3 m in worker process 7 on db1, attempt 1\.$/,
  ],
  [
    'runs in a worker of another program',
    facts({ place: REDIS, job: running({ owner: null, isForeign: true }) }),
    ['runs-elsewhere'],
    /^It has run for 3 m in a worker of another program, attempt 1\.$/,
  ],
  [
    'waits at a server where no worker runs',
    facts({ place: REDIS, owners: [] }),
    ['no-worker'],
    /^No worker is running on bullmq\+redis:\/\/db1:6379\/0: the job waits/,
    'fsq worker',
  ],
  [
    'has lost its process and nobody is there',
    facts({ job: running(), owners: [{ ...child, verdict: 'dead' }] }),
    ['worker-gone'],
    /No worker is running/,
    'fsq worker',
  ],
  [
    'runs where nobody can tell',
    facts({ job: running(), owners: [{ ...child, verdict: 'unknown' }] }),
    ['worker-unproved'],
    /pid 7/,
    'fsq doctor',
  ],

  [
    'waits for a retry',
    facts({ job: delayed(NOW + 240_000, { attempts: [run(1, FAILURE), run(2, FAILURE)], options: { retries: 5 } }) }),
    ['retry'],
    /^It waits for retry 2 of 5 at .* \(in 4 m\), after TimeoutError: no answer\.$/,
  ],
  [
    'waits after a death',
    facts({ job: delayed(NOW + 500, { attempts: [run(1, LOST)] }) }),
    ['after-crash'],
    /^It lost its process in attempt 1, and runs again at .* \(in 500 ms\)/,
  ],
  ['waits for its time', facts({ job: delayed(NOW + 60_000) }), ['not-before'], /begins at .* \(in 1 m\)\.$/],
  [
    'waits for its time, with a key',
    facts({ job: delayed(NOW + 60_000, { options: { key: 'k' } }) }),
    ['not-before'],
    /Its key is k: where its task debounces/,
  ],
  [
    'was due and nobody is there',
    facts({ job: delayed(NOW - 2_000), owners: [] }),
    ['not-before', 'no-worker'],
    /is due, as it has been for 2 s/,
  ],
  [
    'waits for another that runs',
    facts({
      job: delayed(null, after()),
      others: new Map([
        [B, sighting({ id: B, state: 'running', owner: child.owner, startedAtMs: NOW - 180_000 }, { task: 'import' })],
      ]),
    }),
    ['after'],
    /^It waits for job .* \(task import\), which has run for 3 m in process 7: /,
    `fsq explain ${B}`,
  ],
  [
    'waits for one of two',
    facts({
      job: delayed(null, after(2), { waitsFor: { jobs: 2, ended: 1 } }),
      others: new Map([[B, sighting({ id: B, state: 'delayed' })]]),
    }),
    ['after'],
    /the end of 1 job of 2, such as job .* which waits too/,
  ],
  [
    'waits for one that is ready',
    facts({ job: delayed(null, after()), others: new Map([[B, sighting({ id: B })]]) }),
    ['after'],
    /which is ready in queue default/,
  ],
  [
    'waits for one that is nowhere',
    facts({ job: delayed(null, after()), others: new Map([[B, null]]) }),
    ['after'],
    /which is nowhere/,
  ],
  [
    'waits for none any more',
    facts({ job: delayed(null, after(), { waitsFor: { jobs: 1, ended: 1 } }) }),
    ['after-all'],
    /has ended/,
  ],
  [
    'waits in a circle',
    facts({ job: delayed(null, after()), circle: [A] }),
    ['circle'],
    new RegExp(`job ${A} waits for itself`),
    `fsq revoke ${A}`,
  ],
  [
    'is parked',
    facts({ job: delayed(NOW + 9_000, { task: 'ad', parked: { reason: 'r', sinceMs: NOW - 60_000 } }) }),
    ['parked'],
    /^It has been parked for 1 m\. No running worker knows task ad; did you mean add\?/,
  ],
  [
    'is parked and a worker has come',
    facts({ job: delayed(NOW + 9_000, { parked: { reason: 'r', sinceMs: NOW } }) }),
    ['parked'],
    /a worker that knows its task runs now/,
  ],
  [
    'is parked and nobody is there',
    facts({ job: delayed(NOW + 9_000, { parked: { reason: 'r', sinceMs: NOW } }), owners: [] }),
    ['parked', 'no-worker'],
    /the last worker did not know task add/,
  ],
  [
    'leaves',
    facts({ job: { ...delayed(null), isOnItsWay: true }, move: { ...MOVE, isGoing: true } }),
    ['on-its-way'],
    /to \/srv\/other: a process moves/,
  ],
  [
    'has stopped on its way',
    facts({ job: { ...delayed(null), isOnItsWay: true }, move: MOVE }),
    ['on-its-way'],
    /no process goes on with that: `fsq migrate --from \/srv\/spool --to \/srv\/other` does\./,
  ],
  [
    'has stopped before it arrived',
    facts({ job: { ...delayed(null), isOnItsWay: true }, move: { ...MOVE, from: '/srv/other', to: '/srv/spool' } }),
    ['on-its-way'],
    /^It is on its way here from \/srv\/other: nobody takes it/,
  ],
  ['gets new arguments', facts({ job: delayed(null, { options: { key: 'k' } }) }), ['moving'], /new arguments/],
  ['is a parent in a flow of BullMQ', facts({ job: delayed(null) }), ['after'], /children in a flow of BullMQ/],
  [
    'is on its way, and the note of its move cannot be read',
    facts({ job: { ...delayed(null), isOnItsWay: true, isRevoked: true }, owners: [] }),
    ['on-its-way'],
    /between two places, and no note says which: `fsq doctor`/,
  ],
  [
    'is revoked and waits',
    facts({ job: sighting({ isRevoked: true }) }),
    ['revoke-requested'],
    /does not begin any more/,
  ],
  ['cannot be read', facts({ job: sighting({}, null) }), ['unreadable'], /cannot be read/, 'fsq doctor'],

  [
    'is ready, and another has failed',
    facts({ job: sighting({ id: A }, after()), others: new Map([[B, sighting({ id: B, state: 'failed' })]]) }),
    ['predecessor-failed'],
    /^Job .* \(add\), after which it comes, failed: /,
    `fsq explain ${B}`,
  ],
  [
    'is ready, for the failure of another',
    facts({
      job: sighting({ id: A }, { options: { after: B, takes: 'error' } }),
      others: new Map([[B, sighting({ id: B, state: 'failed' })]]),
    }),
    ['its-turn'],
    /^Nothing/,
  ],
  ['is ready', facts({ job: sighting() }), ['its-turn'], /^Nothing holds it back/],
  [
    'is ready after a power cut',
    facts({ restoring: { segments: 1, pid: 5, sinceMs: 1 } }),
    ['restoring'],
    /process 5 does it now/,
  ],
  ['is ready and nobody is there', facts({ owners: [] }), ['no-worker'], /^No worker is running/, 'fsq worker'],
  ['is ready and no child is', facts({ owners: [worker] }), ['no-worker'], /none of its children is ready/],
  [
    'is ready in a paused queue',
    facts({ paused: ['default'] }),
    ['paused'],
    /^Queue default is paused/,
    'fsq resume default',
  ],
  ['is of a task that nobody knows', facts({ job: sighting({}, { task: 'ad' }) }), ['unserved'], /did you mean add\?/],
  [
    'is in a queue that nobody serves',
    facts({ owners: [worker, { ...child, queues: ['mail'] }] }),
    ['unserved'],
    /takes jobs of queue default/,
    'fsq worker -Q default',
  ],
  [
    'is over the limit of its queue',
    facts({ owners: limited('queues', 'default', { concurrency: 1 }), running: [running({ id: B })] }),
    ['queue-limit'],
    new RegExp(`^The limit of queue default is reached: 1 of 1 run\\. Job ${B} \\(add\\) has run longest, for 3 m\\.$`),
  ],
  [
    'is over the limit of its task',
    facts({ owners: limited('tasks', 'add', { concurrency: 1 }), running: [running({ id: B })] }),
    ['task-limit'],
    /^The limit of task add is reached/,
  ],
  [
    'is over the limit of its key',
    facts({
      job: sighting({}, { options: { limitKey: 'a-7' } }),
      owners: limited('tasks', 'add', { perKey: 1 }),
      running: [running({}, { options: { limitKey: 'a-7' } }), running({}, { options: { limitKey: 'b' } })],
    }),
    ['key-limit'],
    /^The limit of task add with limit key a-7 is reached: 1 of 1 run\./,
  ],
  [
    'is under the limit of its key',
    facts({
      job: sighting({}, { options: { limitKey: 'a-7' } }),
      owners: limited('tasks', 'add', { perKey: 1 }),
      running: [running({}, { options: { limitKey: 'b' } })],
    }),
    ['its-turn'],
    /^Nothing/,
  ],
  [
    'starts at a rate',
    facts({
      owners: limited('queues', 'default', { rate: { count: 10, periodMs: 3_600_000 } }),
      ahead: { all: 4, inQueue: 4 },
    }),
    ['rate-limit', 'behind'],
    /queue default may start 10 jobs in 1 h, and 4 jobs of the queue come before it\. That is at most about 30 m\.$/,
  ],
  [
    'finds all at work',
    facts({ running: [running({ id: B })], ahead: { all: 1_203, inQueue: 3 } }),
    ['busy', 'behind'],
    /^All 1 slot of the workers that take it are busy\. Job/,
  ],
  ['finds the only slot lent', facts({ running: [running({ awaits: [A] })] }), ['its-turn'], /^Nothing/],
  [
    'has killed twice',
    facts({
      job: sighting({ standing: { ...AT, crashes: 2, attempt: 2 } }),
      owners: [worker, { ...child, slots: 4 }],
      running: [running()],
    }),
    ['busy'],
    /^It lost its process 2 times, so it begins only in a process that runs nothing else/,
  ],
  [
    'is behind others that end quickly',
    facts({ ahead: { all: 1_203, inQueue: 3 }, endedInAMinute: 300 }),
    ['behind'],
    /^It waits behind 3 jobs of a higher priority, or sent earlier; 1200 more of other queues that .* may come first\. At the rate of the last minute that is about 4 m\.$/,
  ],
  [
    'is behind others of which too few have ended to tell a rate',
    facts({ ahead: { all: 4, inQueue: 4 }, endedInAMinute: 19 }),
    ['behind'],
    /^It waits behind 4 jobs of a higher priority, or sent earlier\.$/,
  ],
  [
    'may be behind others of other queues',
    facts({ ahead: { all: 4, inQueue: 0 } }),
    ['behind'],
    /^Its workers also take jobs of other queues: 4 jobs of a higher priority, or sent earlier may come first\.$/,
  ],
  ['is behind others', facts({ ahead: { all: 2, inQueue: 2 } }), ['behind'], /^It waits behind 2 jobs/],
  [
    'will expire',
    facts({ job: sighting({}, { options: { expiresAtMs: NOW + 60_000 } }), paused: ['default'] }),
    ['paused', 'expires'],
    /^Queue/,
  ],
  [
    'has expired without a worker',
    facts({ job: sighting({}, { options: { expiresAtMs: NOW - 60_000 } }), owners: [] }),
    ['no-worker', 'expires'],
    /^No worker/,
  ],
];

for (const [what, known, codes, text, command] of ROWS) {
  test(`a job that ${what}: ${codes.join(', ')}`, () => {
    const reasons = reasonsFor(known);

    assert.deepEqual(
      reasons.map(({ code }) => code),
      codes,
    );
    assert.match(reasons[0]?.text ?? '', text);
    if (command !== undefined) assert.equal(commandIn(reasons[0] ?? { text: '' }), command);
    for (const reason of reasons) assert.match(reason.text, /[.?]$/, 'each is a sentence');
  });
}

test('what is only its turn holds nothing up, and what needs a hand or time does', () => {
  const holding = (known: Facts): readonly string[] =>
    reasonsFor(known)
      .filter(isHolding)
      .map(({ code }) => code);

  assert.deepEqual(holding(facts({ ahead: { all: 2, inQueue: 2 } })), []);
  assert.deepEqual(holding(facts({ job: running() })), []);
  assert.deepEqual(holding(facts({ paused: ['default'], job: delayed(NOW + 1) })), ['not-before', 'paused']);
});
