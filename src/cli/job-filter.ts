/**
 * Which of many jobs are meant: the options that `fsq ls`, `retry`, `revoke`, `forget` and `purge` share, parsed once into the places where
 * such jobs lie and one question to each. Pure.
 */
import { type Chooser, filterOf, STATE_WORDS, type StateWord } from '../app/acting/job-conditions.ts';
import { refuse, UsageError } from '../job/errors.ts';
import { checkQueue, checkTaskName } from '../job/names.ts';
import { didYouMean, format } from '../job/text.ts';
import { type OptionSpec, someTime, type Values } from './command.ts';

export interface JobFilter extends Chooser {
  /** The options that were given, such as '--task'; none: every job that the command may take is meant. */
  readonly given: readonly string[];
}

/** The states that a command may take, and those that it takes when none is named. */
export interface StateChoice {
  readonly known: readonly StateWord[];
  readonly byDefault: readonly StateWord[];
  /** Why another state cannot be taken, for a word that is one: the end of a sentence. */
  readonly others?: string;
}

export function filterOptions({ known, byDefault }: StateChoice): Readonly<Record<string, OptionSpec>> {
  const start =
    byDefault.length === 0 || byDefault.length === known.length ? '' : ` (default: ${byDefault.join(', ')})`;
  return {
    state: {
      type: 'string',
      short: 's',
      value: 'STATE',
      among: known,
      multiple: true,
      help: `${known.join(', ')}${start}`,
    },
    task: { type: 'string', value: 'TASKS', multiple: true, help: 'only jobs of these tasks' },
    queue: { type: 'string', short: 'Q', value: 'QUEUES', multiple: true, help: 'only jobs of these queues' },
    since: {
      type: 'string',
      value: 'TIME',
      help: 'only those that ended, or else started, or else were sent within the last 30m, 2h, 1d',
    },
    until: { type: 'string', value: 'TIME', help: 'only those of which that is longer ago than 30m, 2h, 1d' },
    error: { type: 'string', value: 'TEXT', help: "only those with this text in their error, as in 'Error: message'" },
    text: { type: 'string', value: 'TEXT', help: 'only those with this text in the JSON of their arguments' },
  };
}

/** @throws UsageError */
export function readFilter(values: Values, choice: StateChoice, nowMs: number): JobFilter {
  const named = values.names('state').map((word) => checkState(word, choice));
  const agoMs = (name: string): number | undefined => {
    const ms = someTime(values.text(name), name);
    return ms === undefined ? undefined : nowMs - ms;
  };
  const [sinceMs, untilMs] = [agoMs('since'), agoMs('until')];
  if (sinceMs !== undefined && untilMs !== undefined && untilMs < sinceMs)
    throw new UsageError(
      `Expected --until to be less long ago than --since, got --since ${values.text('since')} --until ${values.text('until')}: nothing lies between them`,
    );
  const [error, text] = [someText(values, 'error'), someText(values, 'text')];
  const filter = filterOf({
    states: named.length === 0 ? choice.byDefault : named,
    tasks: values.names('task').map(checkTaskName),
    queues: values.names('queue').map(checkQueue),
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(untilMs === undefined ? {} : { untilMs }),
    ...(error === undefined ? {} : { error }),
    ...(text === undefined ? {} : { text }),
  });
  return { ...filter, given: givenOptions(values) };
}

/** The options of the filter that were given, as in '--task'. */
export function givenOptions(values: Values): readonly string[] {
  const names = ['state', 'task', 'queue', 'since', 'until', 'error', 'text'];
  return names.filter((name) => values.list(name).length > 0).map((name) => `--${name}`);
}

/** An empty text is in every job: that is asked by leaving the option out. @throws UsageError */
function someText(values: Values, name: string): string | undefined {
  const text = values.text(name);
  return text === '' ? refuse(`--${name}`, 'some text', text) : text;
}

/** @throws UsageError */
function checkState(word: string, { known, others }: StateChoice): StateWord {
  const found = STATE_WORDS.find((one) => one === word);
  if (found !== undefined && known.includes(found)) return found;
  const why = found !== undefined && others !== undefined ? `: ${others}` : didYouMean(word, known);
  throw new UsageError(`Expected --state to be one of ${known.join(', ')}, got ${format(word)}${why}`);
}
