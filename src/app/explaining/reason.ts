/** Reasons why jobs are where they are: their codes, and what of a reason matters to programs. Pure. */
import type { Failure } from '../../job/errors.ts';
import { beginning } from '../../job/text.ts';

/** For programs: what each means does not change, while the sentences may. */
export type ReasonCode =
  // It has ended.
  | 'succeeded'
  | 'failed'
  | 'predecessor-failed'
  | 'not-needed'
  | 'revoked'
  | 'expired'
  // It runs.
  | 'runs'
  | 'runs-elsewhere'
  | 'runs-without-worker'
  | 'awaits'
  | 'blocked'
  | 'revoke-requested'
  | 'time-limit'
  | 'worker-gone'
  | 'worker-unproved'
  // It waits, and time, another job or a person moves it.
  | 'moving'
  | 'on-its-way'
  | 'not-before'
  | 'retry'
  | 'after-crash'
  | 'after'
  | 'after-all'
  | 'behind'
  | 'busy'
  | 'its-turn'
  | 'expires'
  // It waits, and is held back.
  | 'restoring'
  | 'paused'
  | 'queue-limit'
  | 'task-limit'
  | 'key-limit'
  | 'rate-limit'
  // It waits, and somebody has to do something.
  | 'circle'
  | 'no-worker'
  | 'parked'
  | 'unserved'
  | 'unreadable';

export interface Reason {
  readonly code: ReasonCode;
  /** A sentence or two, with what would move the job; commands stand in backticks. */
  readonly text: string;
}

/** Codes of reasons that are no trouble: the job goes on, or has ended. */
const FINE: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
  'succeeded',
  'runs',
  'runs-elsewhere',
  'time-limit',
  'moving',
  'behind',
  'busy',
  'its-turn',
  'expires',
]);

/** True of a reason that somebody who waits for the job wants to hear of. */
export function isHolding({ code }: Reason): boolean {
  return !FINE.has(code);
}

/** The command in a reason's text that would move the job; null where it names none. */
export function commandIn({ text }: Pick<Reason, 'text'>): string | null {
  return /`(fsq [^`]+)`/.exec(text)?.[1] ?? null;
}

/** That these jobs wait for one another. */
export function circleText(ids: readonly string[]): string {
  const [first = '', ...others] = ids;
  const way = others.length === 0 ? 'itself' : `${[...others, first].join(', which waits for ')}`;
  return `It can never run: job ${first} waits for ${way}. Nobody breaks such a circle but you: \`fsq revoke ${first}\`.`;
}

/** The first line of what an error says. */
export function named(error: Failure): string {
  return `${error.name}: ${firstLine(error)}`.replace(/[.\s]+$/, '');
}

const MOST_TEXT = 300;

/** Cut where it is long. */
export function firstLine({ message }: Failure): string {
  const [line = ''] = message.slice(0, MOST_TEXT + 1).split('\n');
  return line.length > MOST_TEXT ? `${beginning(line, MOST_TEXT - 1)}…` : line;
}

/** With a full stop, unless it has an end. */
export function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
