/** What `fsq migrate` says in the end. Pure. */
import type { Migrated } from '../../../app/migrating/migrate.ts';
import { some } from '../../../job/text.ts';

interface About {
  readonly from: string;
  readonly to: string;
  readonly isDryRun: boolean;
  /** All outcomes were to go along. */
  readonly results: boolean;
}

/** How many jobs that were refused are named. */
const MOST_NAMED = 10;

export function summaryText(migrated: Migrated, about: About): string {
  const lines = [...movedLines(migrated, about), ...leftLines(migrated, about)];
  return lines.length === 0
    ? `There is nothing to move in ${about.from}.\n`
    : lines.map((line) => `${line}\n`).join('');
}

function movedLines(
  { moved, results, schedules, pausedQueues }: Migrated,
  { from, to, isDryRun }: About,
): readonly string[] {
  const parts = [
    [moved, some(moved, 'job')],
    [results, some(results, 'outcome')],
    [schedules, `what is known of ${some(schedules, 'schedule')}`],
    [pausedQueues, `that ${some(pausedQueues, 'queue is', 'queues are')} paused`],
  ] as const;
  const said = parts.filter(([count]) => count > 0).map(([, text]) => text);
  return said.length === 0 ? [] : [`${isDryRun ? 'would move' : 'moved'} from ${from} to ${to}: ${said.join(', ')}`];
}

function leftLines({ left, isInterrupted }: Migrated, about: About): readonly string[] {
  const { running, held, refused, results } = left;
  const stay = (count: number): string => (about.isDryRun ? 'would stay' : count === 1 ? 'stays' : 'stay');
  const again = isInterrupted ? 'It was interrupted: run it again, and it goes on.' : null;
  const runs =
    running.length === 0
      ? null
      : `${some(running.length, 'job')} ${stay(running.length)}, because a worker runs or holds ${running.length === 1 ? 'it' : 'them'}: stop the workers, or use --wait, and run it again. \`fsq doctor --repair\` sends back what a dead worker held`;
  const hold =
    held.length === 0
      ? null
      : `${some(held.length, 'job')} ${stay(held.length)}, because ${held.length === 1 ? 'it hangs' : 'they hang'} together with others that stay, or came meanwhile: run it again`;
  const named = [...refused.values()].slice(0, MOST_NAMED).map(({ message, code }) => `${message} (${code})`);
  const more = refused.size > MOST_NAMED ? `So do ${refused.size - MOST_NAMED} others.` : null;
  const outcomes =
    results === 0
      ? null
      : about.results
        ? `${some(results, 'outcome')} ${stay(results)}: ${results === 1 ? 'a job that stays needs it, or it was' : 'jobs that stay need them, or they were'} recorded a moment ago`
        : `${some(results, 'outcome')} ${stay(results)}: --results takes all along`;
  return [again, runs, hold, ...named, more, outcomes].filter((line) => line !== null);
}

export function jsonOf({ left, isInterrupted, ...counts }: Migrated, { from, to, isDryRun }: About): object {
  const refused = [...left.refused].map(([id, { code, message }]) => ({ id, code, message }));
  return { from, to, dryRun: isDryRun, interrupted: isInterrupted, ...counts, left: { ...left, refused } };
}
