/** What ran, held against what was promised: each invariant broken once, and the cases that only look as if. */
import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import type { Finding } from '../../src/spool/doctor/finding.ts';
import type { Journal, JournalRun } from './journal.ts';
import { promiseFindings } from './promises.ts';
import { runFindings } from './runs.ts';
import { valueDigest, type WitnessedContent, type WitnessedJob as JobFile } from './snapshot.ts';

const A = '01a2025d-adaa-7000-bfac-00000000000a';
const B = '01a2025d-adaa-7000-bfac-00000000000b';

function run(parts: Partial<JournalRun> = {}): JournalRun {
  return { id: A, attempt: 1, pid: 1, startedAtMs: 0, endedAtMs: 10, ...parts };
}

/** `code invariant id` of each. */
function told(findings: readonly Finding[]): readonly string[] {
  return findings.map(({ code, invariant, id }) => `${code} ${invariant} ${id === A ? 'A' : 'B'}`);
}

type Readable = Extract<WitnessedContent, { kind: 'job' }>;

function result(id: string, content: Partial<Readable> = {}): JobFile {
  const defaults: Readable = {
    kind: 'job',
    isTorn: false,
    state: 'succeeded',
    value: valueDigest(3),
    attempts: [{ attempt: 1, startedAtMs: 0, endedAtMs: 10, owner: 'one' }],
    etaMs: null,
    expiresAtMs: null,
    retries: null,
    crashes: 0,
    ended: 1,
    again: 0,
    base: 'b',
    digest: 'd',
  };
  const file = {
    place: 'results',
    location: `/s/results/${id}.json`,
    name: null,
    dueAtMs: null,
    holder: null,
    waits: null,
  } as const;
  return { id, ...file, content: { ...defaults, ...content } };
}

describe('runs', () => {
  const fine: readonly [what: string, journal: Journal][] = [
    ['one after the other, of two jobs', { runs: [run(), run({ id: B, startedAtMs: 10, endedAtMs: 20 })] }],
    ['two jobs at a time', { runs: [run(), run({ id: B, pid: 2 })] }],
    [
      'the first without an end, whose process was killed',
      {
        runs: [run({ endedAtMs: null }), run({ attempt: 2, pid: 2, startedAtMs: 5 })],
        deaths: [{ pid: 1, atMs: 5 }],
      },
    ],
    [
      'the first ended, but its process died before the outcome was out',
      {
        runs: [run(), run({ attempt: 2, pid: 2, startedAtMs: 30 })],
        deaths: [{ pid: 1, atMs: 20 }],
      },
    ],
    [
      'a retry that was asked for',
      {
        accepted: [{ id: A, retries: 1 }],
        runs: [run(), run({ attempt: 2, startedAtMs: 30, endedAtMs: 40 })],
      },
    ],
    [
      'a start that a power cut took back',
      {
        runs: [run({ endedAtMs: null }), run({ pid: 2, startedAtMs: 50, endedAtMs: 60 })],
        powerCutsAtMs: [40],
      },
    ],
    [
      'in the order of acceptance',
      {
        isFifo: true,
        accepted: [{ id: A }, { id: B }],
        runs: [run(), run({ id: B, startedAtMs: 11, endedAtMs: 12 })],
      },
    ],
  ];
  for (const [what, journal] of fine) {
    test(`no finding: ${what}`, () => {
      assert.deepEqual(told(runFindings(journal)), []);
    });
  }

  const broken: readonly [what: string, journal: Journal, expected: readonly string[]][] = [
    [
      'two at a time',
      {
        runs: [run(), run({ attempt: 2, pid: 2, startedAtMs: 5, endedAtMs: 20 })],
        deaths: [{ pid: 1, atMs: 20 }],
      },
      ['overlap I6 A'],
    ],
    [
      'a second while the first, of a living process, has no end',
      {
        runs: [run({ endedAtMs: null }), run({ attempt: 2, pid: 2, startedAtMs: 500, endedAtMs: 510 })],
        accepted: [{ id: A, retries: 1 }],
      },
      ['overlap I6 A'],
    ],
    [
      'a second before the first one’s process was killed',
      {
        runs: [run({ endedAtMs: null }), run({ attempt: 2, pid: 2, startedAtMs: 5, endedAtMs: 8 })],
        deaths: [{ pid: 1, atMs: 9 }],
      },
      ['overlap I6 A'],
    ],
    [
      'a death before the run was that of an older process with its pid',
      {
        runs: [run({ startedAtMs: 6, endedAtMs: null }), run({ attempt: 2, pid: 2, startedAtMs: 9, endedAtMs: 12 })],
        deaths: [{ pid: 1, atMs: 5 }],
      },
      ['overlap I6 A', 'too-many-runs I7 A'],
    ],
    [
      'a second run that nothing explains',
      {
        runs: [run(), run({ attempt: 2, startedAtMs: 20, endedAtMs: 30 })],
      },
      ['too-many-runs I7 A'],
    ],
    [
      'a counter that stood still',
      {
        runs: [run(), run({ pid: 2, startedAtMs: 20, endedAtMs: 30 })],
        deaths: [{ pid: 1, atMs: 15 }],
      },
      ['attempts-fall I12 A'],
    ],
    [
      'out of order',
      {
        isFifo: true,
        accepted: [{ id: A }, { id: B }],
        runs: [run({ id: B }), run({ startedAtMs: 20, endedAtMs: 30 })],
      },
      ['out-of-order I15 A'],
    ],
  ];
  for (const [what, journal, expected] of broken) {
    test(`found: ${what}`, () => {
      assert.deepEqual(told(runFindings(journal)), expected);
    });
  }
});

describe('promises', () => {
  const promises: readonly [what: string, journal: Journal, jobs: readonly JobFile[], expected: readonly string[]][] = [
    [
      'kept',
      {
        accepted: [{ id: A, dueAtMs: 0, expiresAtMs: 5 }],
        runs: [run()],
        outcomes: [{ id: A, state: 'succeeded', value: 3 }],
      },
      [result(A)],
      [],
    ],
    ['a job that is lost', { accepted: [{ id: A }, { id: B }] }, [result(A)], ['lost I1 B']],
    [
      'an outcome that was seen with another value',
      { outcomes: [{ id: A, state: 'succeeded', value: 4 }] },
      [result(A)],
      ['outcome-changed I3 A'],
    ],
    [
      'an outcome that was seen in another state',
      { outcomes: [{ id: A, state: 'failed' }] },
      [result(A)],
      ['outcome-changed I3 A'],
    ],
    [
      'an outcome that was seen and is not there',
      { outcomes: [{ id: A, state: 'succeeded' }] },
      [],
      ['outcome-changed I3 A'],
    ],
    ['an outcome that was seen and may have expired', { outcomes: [{ id: A, state: 'succeeded' }], gone: [A] }, [], []],
    [
      'an outcome of an attempt after which another began',
      {
        runs: [run({ endedAtMs: null }), run({ attempt: 2, pid: 2, startedAtMs: 20, endedAtMs: 30 })],
      },
      [result(A)],
      ['late-outcome I5 A'],
    ],
    [
      'an outcome of an owner that had been fenced',
      { fences: [{ owner: 'one', atMs: 5 }] },
      [result(A)],
      ['late-outcome I5 A'],
    ],
    ['an outcome from before its owner was fenced', { fences: [{ owner: 'one', atMs: 15 }] }, [result(A)], []],
    [
      'a recoverer’s failed outcome for an owner that is dead',
      { fences: [{ owner: 'one', atMs: 5 }] },
      [
        result(A, {
          state: 'failed',
          attempts: [
            { attempt: 1, endedAtMs: 10, owner: 'one', error: { name: 'E', message: 'm', code: 'FSQ_WORKER_LOST' } },
          ],
        }),
      ],
      [],
    ],
    ['a rejected job that lies there', { rejected: [A] }, [result(A)], ['rejected-but-there I10 A']],
    ['a rejected job that ran', { rejected: [A], runs: [run()] }, [], ['rejected-but-there I10 A']],
    ['a rejected job that is nowhere', { rejected: [A] }, [result(B)], []],
    ['a run before it was due', { accepted: [{ id: A, dueAtMs: 1 }], runs: [run()] }, [result(A)], ['too-early I11 A']],
    [
      'a run after it had expired',
      { accepted: [{ id: A, expiresAtMs: -1 }], runs: [run()] },
      [result(A)],
      ['too-late I11 A'],
    ],
    [
      'a run after it was revoked',
      { accepted: [{ id: A, revokedAtMs: -1 }], runs: [run()] },
      [result(A)],
      ['ran-revoked I11 A'],
    ],
  ];
  for (const [what, journal, jobs, expected] of promises) {
    test(what, () => {
      assert.deepEqual(told(promiseFindings(journal, { jobs })), expected);
    });
  }
});
