/** The screen of `fsq top` without a terminal: states of which a test says only what matters to it, and screens kept as text. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NO_HISTORY } from '../../src/broker/figures/history.ts';
import { addTime, emptyHistogram } from '../../src/broker/figures/histogram.ts';
import type { Statistics, TaskFigures } from '../../src/broker/statistics.ts';
import type { Facts, JobSight } from '../../src/cli/commands/top/looker/reports.ts';
import { type Event, next } from '../../src/cli/commands/top/model.ts';
import { lineText } from '../../src/cli/commands/top/screen/line.ts';
import { type Effect, initialState, type Known, type State } from '../../src/cli/commands/top/state.ts';
import { frameLines } from '../../src/cli/commands/top/frame.ts';
import { painter } from '../../src/cli/terminal/colour.ts';
import { owner } from './owner-info.ts';

export const NOW = Date.UTC(2026, 2, 1, 9, 30);
const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** An id as jobs have them, with `n` in its time. */
export function idOf(n: number): string {
  return `0199f3c2-8d${n.toString(16).padStart(2, '0')}-7000-8000-00000000000${n % 10}`;
}

export function jobSeen(n: number, parts: Partial<JobSight> = {}): JobSight {
  return {
    id: idOf(n),
    task: 'send-mail',
    queue: 'default',
    state: 'pending',
    attempt: 1,
    sentAtMs: NOW - n * MINUTE,
    dueAtMs: null,
    startedAtMs: null,
    endedAtMs: null,
    owner: null,
    error: null,
    progress: null,
    parked: null,
    after: 0,
    ...parts,
  };
}

export function runningJob(n: number, parts: Partial<JobSight> = {}): JobSight {
  return jobSeen(n, { state: 'running', startedAtMs: NOW - n * 7 * SECOND, owner: '101-0123456789abcdef', ...parts });
}

export function failedJob(n: number, parts: Partial<JobSight> = {}): JobSight {
  const error = 'TimeoutError: no answer from mail.example.com:25';
  return jobSeen(n, { state: 'failed', endedAtMs: NOW - n * 20 * SECOND, error, ...parts });
}

/** Jobs that ended in the last minute, a few more each second. */
export function statistics(): Statistics {
  const seconds = Array.from({ length: 58 }, (_, i) => {
    const [wait, run] = [emptyHistogram(), emptyHistogram()];
    for (let job = 0; job <= i % 9; job++) addTime(wait, 4 + (i % 5) * 20);
    for (let job = 0; job <= i % 9; job++) addTime(run, 100 + i * 3);
    const at = Math.floor(NOW / SECOND) - 60 + i;
    return { at, ended: 1 + (i % 9), failed: i % 20 === 0 ? 1 : 0, wait: wait.buckets, run: run.buckets };
  });
  const fiveMinutes = [{ at: Math.floor(NOW / (5 * MINUTE)), ended: 1_234, failed: 3, wait: [], run: [] }];
  const tasks = [figures('default', 1_000, 3), figures('mail', 234, 0)];
  return {
    tasks,
    crashes: {},
    restarts: 0,
    sinceMs: NOW - 60 * MINUTE,
    history: { ...NO_HISTORY, seconds, fiveMinutes },
  };
}

function figures(queue: string, succeeded: number, failed: number): TaskFigures {
  const [wait, run] = [emptyHistogram(), emptyHistogram()];
  for (const ms of [40, 200]) addTime(wait, ms);
  for (const ms of [150, 700]) addTime(run, ms);
  return { queue, task: 'send-mail', ended: { succeeded, failed, revoked: 0, expired: 0 }, retried: 0, wait, run };
}

export function factsSeen(parts: Partial<Facts> = {}): Facts {
  const supervisor = owner({ pid: 100, role: 'supervisor', startedAtMs: NOW - 90 * MINUTE });
  const child = { parent: supervisor.owner, startedAtMs: NOW - 90 * MINUTE, tasks: ['resize-image', 'send-mail'] };
  return {
    atMs: NOW,
    owners: [supervisor, owner({ pid: 101, ...child }), owner({ pid: 102, ...child })],
    paused: [],
    restoring: null,
    statistics: statistics(),
    running: {
      jobs: [runningJob(1), runningJob(2, { task: 'resize-image', progress: '45 % (9 of 20)' })],
      isAll: true,
    },
    ...parts,
  };
}

/** A spool in which much goes on. */
export function busy(): Partial<Known> {
  const backlog = { oldestAtMs: NOW - 4 * MINUTE, queues: { default: 149_900, mail: 100 }, foreign: [] };
  return {
    facts: factsSeen({ paused: ['mail'] }),
    counted: {
      atMs: NOW,
      backlog,
      counts: { pending: 150_000, delayed: 1_200, running: 2, results: 98_765, corrupt: 0 },
    },
    verdict: {
      status: 'warning',
      text: '3 failures within 10 m, most: send-mail TimeoutError; a queue is paused: 100 jobs of queue mail',
      advice: ['Queue mail is paused and 100 jobs of it wait: `fsq resume mail`.'],
    },
    pending: { jobs: [jobSeen(3, { attempt: 0 }), jobSeen(4, { queue: 'mail', attempt: 0 })], isAll: false },
    delayed: {
      jobs: [
        jobSeen(5, { state: 'delayed', dueAtMs: NOW + 90 * SECOND, error: 'Error: HTTP 503' }),
        jobSeen(6, {
          state: 'delayed',
          dueAtMs: NOW - SECOND,
          task: 'send-mial',
          parked: 'no worker knows task send-mial',
        }),
        jobSeen(7, { state: 'delayed', after: 3 }),
      ],
      isAll: true,
    },
    failed: {
      jobs: [
        failedJob(1),
        failedJob(2, { task: 'resize-image', error: '画像が壊れている 🎉: no picture' }),
        failedJob(3, { state: 'expired', error: 'ExpiredError: it did not start in time' }),
      ],
      isAll: true,
    },
    schedules: [
      {
        record: {
          name: 'nightly',
          doneMs: NOW - 6 * 60 * MINUTE,
          pattern: '0 3 * * * UTC',
          last: { atMs: NOW - 6 * 60 * MINUTE, id: idOf(9) },
          isPaused: false,
        },
        lastState: 'succeeded',
      },
      { record: { name: 'old', doneMs: null, pattern: 'every 1h', last: null, isPaused: true }, lastState: null },
    ],
    configured: [
      {
        name: 'nightly',
        task: 'report',
        patternText: '0 3 * * * UTC',
        times: { next: () => NOW + 17 * 60 * MINUTE + 30 * MINUTE },
      },
    ],
  };
}

export function stateOf(known: Partial<Known> = {}, size: Partial<Pick<State, 'columns' | 'rows'>> = {}): State {
  const start = initialState({ place: '/srv/shop/spool', configured: [] }, { columns: 80, rows: 24, ...size }, NOW);
  return { ...start, known: { ...start.known, ...known } };
}

/** The state after these keys, written as 'j', 'enter' …, or other events, and what was to be done on the way. */
export function after(
  state: State,
  ...events: readonly (string | Event)[]
): { state: State; effects: readonly Effect[] } {
  let now = { state, effects: [] as readonly Effect[] };
  for (const event of events) {
    const step = next(now.state, typeof event === 'string' ? { kind: 'key', key: event } : event);
    now = { state: step.state, effects: [...now.effects, ...step.effects] };
  }
  return now;
}

/** What stands on the screen. */
export function screenOf(state: State, hasColours = false): string {
  const lines = frameLines(state).map((line) => lineText(line, state.columns, painter(hasColours)));
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

/** The screen without what tells colours and the cursor's line. */
export function plainScreenOf(state: State): string {
  // eslint-disable-next-line no-control-regex -- colours begin with one
  const plain = screenOf(state).replaceAll(/\u001b\[[0-9;]*m/g, '');
  return plain
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Compares a screen with the one that is kept; KEEP_SCREENS=1 keeps it instead. ESC is shown as ␛. */
export function assertScreen(name: string, screen: string): void {
  const path = fileURLToPath(new URL(`../unit/cli/commands/top/screens/${name}.txt`, import.meta.url));
  const text = screen.replaceAll('\u001b', '␛');
  if (process.env['KEEP_SCREENS'] === '1') {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  assert.equal(text, readFileSync(path, 'utf8'), `the screen ${name}; KEEP_SCREENS=1 keeps it as it is now`);
}
