/**
 * Pages of jobs: the index says which these are, the latest sent first, and each is looked at anew, so that what a page says is true. Where a
 * text in arguments is asked for, jobs are read until the page is full or the time for one answer is over.
 */
import { argsText, errorOf, failureOf } from '../../../app/acting/job-conditions.ts';
import type { Broker, Sighting } from '../../../broker/broker.ts';
import { idsAfter } from '../../../job/edges.ts';
import { refuse, UsageError } from '../../../job/errors.ts';
import { beginning } from '../../../job/text.ts';
import type { JobPage, JobRow } from '../../wire.ts';
import { rootOf } from '../job/job-error.ts';
import { argsPreview } from '../job/shown-json.ts';
import type { JobIndex } from './job-index.ts';
import { type IndexRow, isOrder, isOver, MOST_OF_ERROR, sentAtMsOf, tookMsOf, wordOf } from './index-row.ts';
import { countsOf } from './match-counts.ts';
import { beginsWith, type RowMatcher } from './row-matcher.ts';

/** Jobs of a page. */
const PAGE = 100;
/** Of the arguments of one so much is shown, characters. */
const MOST_OF_ARGS = 80;
/** Jobs that are read together where a text is looked for, and how long one answer may take, ms. */
const SEARCHED_AT_ONCE = 200;
const SEARCH_MS = 250;
/** So many jobs of a page are asked for one by one, where the look for all has not found them. */
const MOST_MISSING = 4;

export interface PageQuestion {
  readonly index: JobIndex;
  readonly matcher: RowMatcher;
  /** The `next` of the page before; null: this is the first. */
  readonly before: string | null;
  readonly hidesArguments: boolean;
}

type Source = Pick<Broker, 'changed' | 'find'>;

/** Whether the index has more than a page of these jobs, as it has them now. */
export function isFull(index: JobIndex, { isMatch }: RowMatcher): boolean {
  let matching = 0;
  for (const row of index.rows()) if (isMatch(row) && ++matching > PAGE) return true;
  return false;
}

/** @throws UsageError for a cursor that is none */
export async function pageOf(broker: Source, question: PageQuestion): Promise<JobPage> {
  const { matcher, before } = question;
  if (before !== null && !isOrder(before)) refuse('`before`', 'the `next` of a page', before);
  const { text } = matcher;
  return text === null ? wholePage(broker, question) : searchedPage(broker, question, text);
}

async function wholePage(broker: Source, { index, matcher, before, hidesArguments }: PageQuestion): Promise<JobPage> {
  const { isMatch } = matcher;
  const { isComplete } = index; // What comes while these are looked at is not among them.
  const rows: IndexRow[] = [];
  let hasMore = false;
  for (const row of index.latest(before)) {
    if (!isMatch(row)) continue;
    hasMore = rows.length === PAGE;
    if (hasMore) break;
    rows.push(row);
  }
  const last = rows.at(-1);
  const jobs = (await lookAgain(broker, index, rows)).filter(({ row }) => isMatch(row));
  return {
    jobs: jobs.map(({ job }) => rowOf(job, index, hidesArguments)),
    next: hasMore ? (last?.order ?? null) : null,
    ...countsOf(index, matcher, null),
    isComplete,
    search: null,
  };
}

/**
 * Of the jobs that match at most `most`, the earliest sent first. Each is looked at anew, since it may have changed before the index has heard of it;
 * where a text is looked for, that is read as well, however long it takes.
 *
 * @throws UsageError while the index is not complete
 */
export async function matchingIds(
  broker: Source,
  index: JobIndex,
  { isMatch, text }: Pick<RowMatcher, 'isMatch' | 'text'>,
  most: number,
): Promise<readonly string[]> {
  if (!index.isComplete)
    throw new UsageError(
      `Not all jobs are read yet, ${index.size} so far: which of them match is not known. Nothing was done; try again in a while`,
    );
  const finds = text === null ? null : index.texts.of(text);
  const rows = [...index.latest(null)].filter((row) => isMatch(row) && finds?.get(row.id) !== false).reverse();
  const ids: string[] = [];
  for (let at = 0; at < rows.length && ids.length < most; at += SEARCHED_AT_ONCE) {
    for (const { job, row } of await lookAgain(broker, index, rows.slice(at, at + SEARCHED_AT_ONCE))) {
      const isMeant = text === null || isFound(row.id, job, text);
      finds?.set(row.id, isMeant);
      if (isMeant && isMatch(row)) ids.push(row.id);
    }
    await new Promise((resolve) => setImmediate(resolve)); // Others have their turn.
  }
  return ids.slice(0, most);
}

/** What was read for the text stays known, so one who asks again gets more; its answer may have no job at all, and yet a `next`. */
async function searchedPage(
  broker: Source,
  { index, matcher, before, hidesArguments }: PageQuestion,
  text: string,
): Promise<JobPage> {
  const endAt = performance.now() + SEARCH_MS;
  const { isComplete } = index;
  const finds = index.texts.of(text);
  const asked = [...index.latest(before)].filter(matcher.isMatch);
  const found: IndexRow[] = [];
  let read = 0;
  while (read < asked.length && found.length < PAGE) {
    const part = asked.slice(read, read + SEARCHED_AT_ONCE);
    const unread = part.filter(({ id }) => !finds.has(id));
    if (unread.length > 0 && performance.now() > endAt) break;
    for (const { job } of await lookAgain(broker, index, unread)) finds.set(job.id, isFound(job.id, job, text));
    found.push(...part.filter(({ id }) => finds.get(id) === true));
    read += part.length;
  }
  const isEnd = read === asked.length && found.length <= PAGE;
  const rows = found.slice(0, PAGE);
  const jobs = (await lookAgain(broker, index, rows)).filter(({ row }) => matcher.isMatch(row));
  const last = found.length < PAGE ? asked[read - 1] : rows.at(-1);
  return {
    jobs: jobs.map(({ job }) => rowOf(job, index, hidesArguments)),
    next: isEnd ? null : (last?.order ?? before),
    ...countsOf(index, matcher, finds),
    isComplete: isComplete && (isEnd || found.length >= PAGE),
    search: { read, of: asked.length },
  };
}

function isFound(id: string, { record }: Sighting, text: string): boolean {
  return beginsWith(id, text) || (record !== null && argsText(record.job.args).includes(text));
}

/** Looks at jobs of which the index may know less than somebody who has done something with them. */
export async function refresh(broker: Source, index: JobIndex, ids: readonly string[]): Promise<void> {
  await lookAgain(
    broker,
    index,
    ids.flatMap((id) => index.get(id) ?? []),
  );
}

interface Again {
  readonly job: Sighting;
  /** As the index has it now. */
  readonly row: IndexRow;
}

/** These jobs as they are, in this order; what is gone leaves the index. */
async function lookAgain(broker: Source, index: JobIndex, rows: readonly IndexRow[]): Promise<readonly Again[]> {
  if (rows.length === 0) return [];
  const look = (ids: readonly string[]): ReturnType<Source['changed']> =>
    broker.changed(new Map(ids.map((id) => [id, null])), (id) => index.whereWas(id));
  const before = new Map(rows.map(({ id }) => [id, index.get(id)]));
  const seen = await look([...before.keys()]);
  const missing = rows.filter(({ id }) => !seen.has(id)).map(({ id }) => id);
  // The look may have missed jobs that moved just then. One is soon asked for; of many that are missed twice the feed tells.
  const isFew = missing.length <= MOST_MISSING;
  const seenThen = isFew ? null : await look(missing);
  const found: Again[] = [];
  for (const [id, row] of before) {
    const again = (seen.get(id) ?? seenThen?.get(id))?.sighting;
    if (again === undefined && !isFew) continue;
    const job = again ?? (await broker.find(id));
    if (job !== null) found.push({ job, row: index.putAfter(job, row) });
    else if (index.get(id) === row) index.drop(id);
  }
  return found;
}

export function rowOf(job: Sighting, index: JobIndex, hidesArguments: boolean): JobRow {
  const failure = failureOf(job);
  const { id, standing, dueAtMs, owner, startedAtMs, endedAtMs, progress, record } = job;
  const last = record?.attempts.at(-1);
  const error = errorOf(job);
  return {
    id,
    task: record?.job.task ?? null,
    state: wordOf(job),
    queue: standing.queue,
    priority: standing.priority,
    attempt: standing.attempt,
    key: record?.job.options.key ?? null,
    sentAtMs: sentAtMsOf(job),
    dueAtMs,
    startedAtMs: startedAtMs ?? last?.startedAtMs ?? null,
    endedAtMs,
    tookMs: tookMsOf(job),
    owner: owner ?? last?.owner ?? null,
    error: error === null ? null : beginning(error, MOST_OF_ERROR),
    root: failure === null ? null : rootOf(failure),
    preview: record === null || hidesArguments ? null : argsPreview(record.job.args, MOST_OF_ARGS),
    progress: progress?.value ?? null,
    waitsFor: job.waitsFor ?? waitingOf(job, index),
  };
}

function waitingOf({ state, dueAtMs, record }: Sighting, index: JobIndex): JobRow['waitsFor'] {
  const ids = state === 'delayed' && dueAtMs === null && record !== null ? idsAfter(record.job.options) : [];
  if (ids.length === 0) return null;
  const hasEnded = (id: string): boolean => {
    const other = index.get(id);
    return other !== undefined && isOver(other);
  };
  return { jobs: ids.length, ended: ids.filter(hasEnded).length };
}
