/** What a page asks, from its URL or the body of its request to the types of wire.ts. Pure; all of it comes from outside. */
import { refuse, UsageError } from '../../job/errors.ts';
import { checkId, checkQueue, isForeignId } from '../../job/names.ts';
import { didYouMean, format } from '../../job/text.ts';
import { readDuration } from '../../job/units.ts';
import type { JsonValue } from '../../job/values/json.ts';
import { isArray, isRecord } from '../../job/values/realm.ts';
import { STATES } from '../desk/index/row-matcher.ts';
import type { Act, JobQuery, StateName } from '../wire.ts';

/** So many values one filter has at most, and so many characters one text. */
const MOST_VALUES = 100;
const MOST_TEXT = 1_000;
/** So many jobs one act names; more are meant by a query. */
const MOST_IDS = 1_000;

/** Each parameter with the part of the query that it is. */
const PARAMETERS = ['state', 'task', 'queue', 'worker', 'key', 'since', 'error', 'text', 'group'] as const;

/** @param others parameters that are no part of the query. @throws UsageError for what is none */
export function queryOf(parameters: URLSearchParams, others: readonly string[] = []): JobQuery {
  const known: readonly string[] = [...PARAMETERS, ...others];
  for (const name of parameters.keys())
    if (!known.includes(name))
      throw new UsageError(`There is no filter ${format(name)}${didYouMean(name, known, `: ${known.join(', ')}`)}`);
  const list = (name: string): readonly string[] =>
    parameters.getAll(name).flatMap((text) => text.split(',').filter((part) => part !== ''));
  const one = (name: string): string | undefined => parameters.getAll(name).at(-1);
  return checkedQuery({
    states: list('state'),
    tasks: list('task'),
    queues: list('queue'),
    worker: one('worker'),
    key: one('key'),
    since: one('since'),
    error: one('error'),
    text: one('text'),
    group: one('group'),
  });
}

/** @throws UsageError */
function checkedQuery(given: Readonly<Record<string, unknown>>): JobQuery {
  const states = texts(given['states'], 'state').map(checkedState);
  const [tasks, queues] = [texts(given['tasks'], 'task'), texts(given['queues'], 'queue')];
  const since = text(given['since'], 'since');
  if (since !== undefined && readDuration(since) === null)
    refuse('`since`', 'a duration with its unit, such as 30m, 2h or 1d', since);
  const parts = Object.fromEntries(
    ['worker', 'key', 'error', 'text', 'group'].flatMap((name) => {
      const value = text(given[name], name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
  return {
    ...(states.length === 0 ? {} : { states }),
    ...(tasks.length === 0 ? {} : { tasks }),
    ...(queues.length === 0 ? {} : { queues }),
    ...(since === undefined ? {} : { since }),
    ...parts,
  };
}

function texts(value: unknown, name: string): readonly string[] {
  if (value === undefined) return [];
  if (!isArray(value) || value.length > MOST_VALUES)
    return refuse(`\`${name}\``, `at most ${MOST_VALUES} texts`, value);
  return value.flatMap((one) => text(one, name) ?? []);
}

/** Undefined for an empty one: that is in every job. */
function text(value: unknown, name: string): string | undefined {
  if (value === undefined || value === '') return undefined;
  if (typeof value !== 'string' || value.length > MOST_TEXT)
    return refuse(`\`${name}\``, `a text of at most ${MOST_TEXT} characters`, value);
  return value;
}

function checkedState(word: string): StateName {
  const found = STATES.find((name) => name === word);
  if (found !== undefined) return found;
  throw new UsageError(`Expected \`state\` to be one of ${STATES.join(', ')}, got ${format(word)}`);
}

/** @throws UsageError for what is no act */
export function actOf(document: unknown): Act {
  if (!isRecord(document)) return refuse('the body', 'a JSON object with `kind`', document);
  const { kind } = document;
  switch (kind) {
    case 'retry':
    case 'revoke':
    case 'kill':
    case 'forget':
      if (document['query'] === undefined) return { kind, ids: idsOf(document['ids']) };
      if (document['ids'] !== undefined)
        throw new UsageError('Expected `ids` or `query`, got both: say in one way which jobs are meant');
      return { kind, query: bodyQuery(document['query']), count: countOf(document['count']) };
    case 'retry-anew':
      return { kind, id: idOf(document['id']), args: argsOf(document['args']) };
    case 'pause':
    case 'resume':
      return { kind, queue: checkQueue(document['queue']) };
    case 'pause-schedule':
    case 'resume-schedule':
    case 'run-schedule':
      return { kind, schedule: scheduleOf(document['schedule']) };
    default:
      return refuse('`kind`', 'an act, such as retry, revoke, kill, forget, pause or resume', kind);
  }
}

function idsOf(value: unknown): readonly string[] {
  if (!isArray(value) || value.length === 0 || value.length > MOST_IDS)
    return refuse('`ids`', `1 to ${MOST_IDS} ids of jobs; more are meant by \`query\``, value);
  return [...new Set(value.map(idOf))];
}

/** Whether jobs have such ids where they are kept, the desk tells. */
function idOf(value: unknown): string {
  return typeof value === 'string' && isForeignId(value) ? value : checkId(value);
}

function bodyQuery(value: unknown): JobQuery {
  if (!isRecord(value)) return refuse('`query`', 'an object of filters', value);
  const known = ['states', 'tasks', 'queues', 'worker', 'key', 'since', 'error', 'text', 'group'];
  // One that is not understood must not be left out: the act would be on more jobs than were meant.
  for (const name of Object.keys(value))
    if (!known.includes(name)) throw new UsageError(`There is no filter ${format(name)}${didYouMean(name, known)}`);
  return checkedQuery(value);
}

function countOf(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
    ? value
    : refuse('`count`', 'how many jobs are meant, as a whole number', value);
}

function argsOf(value: unknown): readonly JsonValue[] {
  // It comes from JSON.
  return isArray(value) ? (value as readonly JsonValue[]) : refuse('`args`', 'the arguments, as an array', value);
}

function scheduleOf(value: unknown): string {
  return typeof value === 'string' && value.length <= MOST_TEXT && value !== ''
    ? value
    : refuse('`schedule`', 'the name of a schedule', value);
}

/** The path of a job below `api/jobs/`: its id, and whether its log is meant; null for what is none. */
export function jobPathOf(path: string): { readonly id: string; readonly isLog: boolean } | null {
  const [, id = '', log] = /^\/api\/jobs\/([^/]+)(\/log)?$/.exec(path) ?? [];
  const asked = decoded(id);
  return asked !== null && isForeignId(asked) ? { id: asked, isLog: log !== undefined } : null;
}

function decoded(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null; // A % that means nothing.
  }
}
