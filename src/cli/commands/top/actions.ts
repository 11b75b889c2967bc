/** What may be done with rows, by the upper-case keys: each asks first, in a line that says what and with how many. Pure. */
import type { NamedPattern } from '../../../app/acting/carry-out.ts';
import { some } from '../../../job/text.ts';
import { type Row, SHORT_ID, type Subject } from './rows.ts';
import { rowsOf } from './sections.ts';
import type { Choice, Effect, Mode, State } from './state.ts';

type JobSubject = Extract<Subject, { kind: 'job' }>;

interface Action {
  /** For the line of keys; depends on the row under the cursor. */
  readonly label: (subject: Subject) => string;
  readonly isFor: (subject: Subject) => boolean;
  /** @param of all that it is for, one at least */
  readonly ask: (of: readonly Subject[]) => { readonly question: string; readonly choices: readonly Choice[] };
}

const ENDED: readonly string[] = ['failed', 'revoked', 'expired', 'succeeded'];

export const ACTIONS: Readonly<Record<string, Action>> = {
  R: {
    label: () => 'retry',
    isFor: (subject) => subject.kind === 'job' && ENDED.includes(subject.state) && subject.state !== 'succeeded',
    ask: (of) => {
      const jobs = of.filter(isJob);
      return { question: `Send ${jobsText(jobs)} back, to run again?`, choices: [yes(actOn('retry', jobs))] };
    },
  },
  K: {
    label: (subject) => (isJob(subject) && subject.state === 'running' ? 'revoke, kill' : 'revoke'),
    isFor: (subject) => subject.kind === 'job' && !ENDED.includes(subject.state),
    ask: (of) => {
      const jobs = of.filter(isJob);
      if (!jobs.some(({ state }) => state === 'running'))
        return { question: `Revoke ${jobsText(jobs)}, to never run?`, choices: [yes(actOn('revoke', jobs))] };
      return {
        question: `Revoke ${jobsText(jobs)}?`,
        choices: [
          { key: 'y', label: 'ask to end', effect: actOn('revoke', jobs) },
          { key: 'k', label: 'kill', effect: actOn('kill', jobs) },
        ],
      };
    },
  },
  D: {
    label: () => 'forget',
    isFor: (subject) => subject.kind === 'job' && ENDED.includes(subject.state),
    ask: (of) => {
      const jobs = of.filter(isJob);
      return { question: `Forget ${jobsText(jobs)}, with outcome and log?`, choices: [yes(actOn('forget', jobs))] };
    },
  },
  P: {
    label: (subject) => ('isPaused' in subject && subject.isPaused ? 'resume' : 'pause'),
    isFor: (subject) => subject.kind === 'queue' || subject.kind === 'schedule',
    ask: askToPause,
  },
  N: {
    label: () => 'run now',
    isFor: (subject) => subject.kind === 'schedule' && subject.isHere,
    ask: (of) => {
      const names = of.filter(isSchedule).map(({ name }) => name);
      const which = names.length === 1 ? `schedule ${names[0]}` : some(names.length, 'schedule');
      return { question: `Send a job of ${which} now?`, choices: [yes({ kind: 'send', schedules: names })] };
    },
  },
};

/** Those that are paused go on if all are; else those that are not are paused. */
function askToPause(of: readonly Subject[]): ReturnType<Action['ask']> {
  const paused = of.every((subject) => 'isPaused' in subject && subject.isPaused);
  const changed = of.filter((subject) => 'isPaused' in subject && subject.isPaused === paused);
  const queues = changed.filter(isQueue).map(({ name }) => name);
  const schedules = changed.filter(isSchedule).map(({ name, pattern }): NamedPattern => ({ name, pattern }));
  const names = [...queues, ...schedules.map(({ name }) => name)];
  const what = queues.length > 0 ? 'queue' : 'schedule';
  const which = names.length === 1 ? `${what} ${names[0]}` : some(names.length, what);
  const effect: Effect =
    queues.length > 0
      ? { kind: 'act', act: { kind: paused ? 'resume' : 'pause', queues } }
      : { kind: 'act', act: { kind: paused ? 'resume-schedules' : 'pause-schedules', schedules } };
  return { question: paused ? `Resume ${which}?` : `Pause ${which}, until it is resumed?`, choices: [yes(effect)] };
}

/** The rows that a key is about: that of the open job, or the marked ones that are shown, or else the one under the cursor. */
export function chosenRows(state: State): readonly Row[] {
  const { mode } = state;
  const rows = rowsOf(state);
  if (mode.kind === 'job') return rows.filter(({ key }) => key === `job:${mode.id}`);
  const marked = rows.filter(({ key }) => state.marked.has(key));
  if (marked.length > 0) return marked;
  const current = rows[cursorIndex(state, rows)];
  return current === undefined ? [] : [current];
}

/** Which of the rows is under the cursor; -1: there are none. */
export function cursorIndex({ places, tab }: State, rows: readonly Row[]): number {
  const { key, index } = places[tab];
  const found = rows.findIndex((row) => row.key === key);
  return found === -1 ? Math.min(index, rows.length - 1) : found;
}

/** What pressing the key leads to: a question, or null where there is nothing that it could be about. */
export function confirmation(state: State, key: string): Extract<Mode, { kind: 'confirm' }> | null {
  const action = Object.hasOwn(ACTIONS, key) ? ACTIONS[key] : undefined;
  const subjects = subjectsFor(state, action);
  if (action === undefined || subjects.length === 0) return null;
  return { kind: 'confirm', back: state.mode, ...action.ask(subjects) };
}

/** The upper-case keys that do something now, with what they do. */
export function actionKeys(state: State): readonly (readonly [key: string, label: string])[] {
  return Object.entries(ACTIONS).flatMap(([key, action]) => {
    const [first] = subjectsFor(state, action);
    return first === undefined ? [] : [[key, action.label(first)] as const];
  });
}

function subjectsFor(state: State, action: Action | undefined): readonly Subject[] {
  if (action === undefined) return [];
  return chosenSubjects(state).filter((subject) => action.isFor(subject));
}

function chosenSubjects(state: State): readonly Subject[] {
  return chosenRows(state).map(({ subject }) => subject);
}

function yes(effect: Effect): Choice {
  return { key: 'y', label: 'yes', effect };
}

function actOn(kind: 'retry' | 'revoke' | 'kill' | 'forget', jobs: readonly JobSubject[]): Effect {
  return { kind: 'act', act: { kind, ids: jobs.map(({ id }) => id) } };
}

/** 'send-mail 0199f3c2-8d1e-7000' of one, or how many. */
function jobsText(jobs: readonly JobSubject[]): string {
  const [first] = jobs;
  if (first === undefined || jobs.length > 1) return some(jobs.length, 'job');
  return `${first.task} ${first.id.slice(0, SHORT_ID)}`;
}

function isJob(subject: Subject): subject is JobSubject {
  return subject.kind === 'job';
}

function isQueue(subject: Subject): subject is Extract<Subject, { kind: 'queue' }> {
  return subject.kind === 'queue';
}

function isSchedule(subject: Subject): subject is Extract<Subject, { kind: 'schedule' }> {
  return subject.kind === 'schedule';
}
