/** Changes that somebody has asked for, carried out, and in a sentence what came of them. */
import type { Broker } from '../../broker/broker.ts';
import { FsqError, type FsqErrorCode } from '../../job/errors.ts';
import { some } from '../../job/text.ts';
import { unkilledAmong } from '../telling/unkilled.ts';
import { reasonOf } from '../../job/values/realm.ts';
import { failedAfter, heldAmong, heldText, type Linked, linkedEnds } from './jobs-beside.ts';

/** A change that somebody has asked for, and confirmed. */
export type Act =
  | { readonly kind: JobAct; readonly ids: readonly string[] }
  | { readonly kind: 'pause' | 'resume'; readonly queues: readonly string[] }
  | { readonly kind: 'pause-schedules' | 'resume-schedules'; readonly schedules: readonly NamedPattern[] };

/** What may be done with jobs. `kill`: revoke, and kill the process of one that runs. */
export type JobAct = 'retry' | 'revoke' | 'kill' | 'forget';

export interface NamedPattern {
  readonly name: string;
  readonly pattern: string;
}

/** What came of an act. */
export interface Done {
  readonly text: string;
  /** Not all that was asked for was done. */
  readonly isBad: boolean;
  /** Of the first refusal; null where none has one. */
  readonly code: FsqErrorCode | null;
  /** Jobs that are forgotten now; absent: none is. */
  readonly gone?: readonly string[];
}

/** Jobs that are dealt with in one call: so that a large change shows its effect, and can be interrupted. */
const AT_ONCE = 1_000;

/** Never throws. */
export async function carryOut(broker: Broker, act: Act, nowMs: number): Promise<Done> {
  try {
    return await done(broker, act, nowMs);
  } catch (error) {
    return { text: reasonOf(error), isBad: true, code: error instanceof FsqError ? error.code : null };
  }
}

/**
 * Calls `act` for some ids at a time, and gives all of its answers.
 *
 * @throws what `act` throws; where some were dealt with before, an error of the same code that says so
 */
export async function inParts<T>(
  ids: readonly string[],
  act: (some: readonly string[]) => Promise<ReadonlyMap<string, T>>,
): Promise<ReadonlyMap<string, T>> {
  const { answers, tried, stop } = await partByPart(ids, act);
  if (stop !== null)
    throw new FsqError(
      stop.code ?? 'FSQ_SPOOL',
      `${tried.length} of ${ids.length} jobs were dealt with. Then: ${stop.text}`,
      { cause: stop.error },
    );
  return answers;
}

/** How far a change of many jobs came. */
interface Parts<T> {
  readonly answers: ReadonlyMap<string, T>;
  /** The ids of the calls that came to an end. */
  readonly tried: readonly string[];
  /** Why the next call did not; null: there was none. */
  readonly stop: (Undone & { readonly error: unknown }) | null;
}

/** @throws what the first call throws: nothing was done before it */
async function partByPart<T>(
  ids: readonly string[],
  act: (some: readonly string[]) => Promise<ReadonlyMap<string, T>>,
): Promise<Parts<T>> {
  const answers = new Map<string, T>();
  for (let from = 0; from < ids.length; from += AT_ONCE) {
    const part = ids.slice(from, from + AT_ONCE);
    try {
      for (const [id, answer] of await act(part)) answers.set(id, answer);
    } catch (error) {
      if (from === 0) throw error;
      const left = ids.length - from - part.length;
      const untried = left === 0 ? '' : `. ${some(left, 'job was', 'jobs were')} not tried`;
      const text = `of ${some(part.length, 'job')} this is not certain: ${withoutStop(reasonOf(error))}${untried}`;
      const code = error instanceof FsqError ? error.code : null;
      return { answers, tried: ids.slice(0, from), stop: { text, code, error } };
    }
  }
  return { answers, tried: ids, stop: null };
}

/** A message ends with a full stop or without one. */
function withoutStop(text: string): string {
  return text.replace(/\.$/, '');
}

function done(broker: Broker, act: Act, nowMs: number): Promise<Done> {
  switch (act.kind) {
    case 'retry':
      return retried(broker, act.ids);
    case 'revoke':
    case 'kill':
      return revoked(broker, act.ids, act.kind === 'kill');
    case 'forget':
      return forgotten(broker, act.ids);
    case 'pause':
    case 'resume':
      return queuesChanged(broker, act.queues, act.kind === 'pause');
    case 'pause-schedules':
    case 'resume-schedules':
      return schedulesChanged(broker, act.schedules, act.kind === 'pause-schedules', nowMs);
  }
}

/** The jobs after them that failed for them go with them: whoever sends a step of a chain back wants its end. */
async function retried(broker: Broker, ids: readonly string[]): Promise<Done> {
  const asked = await sentBack(broker, ids);
  const next = asked.stop === null ? (await failedAfter(broker, asked.sent)).map(({ id }) => id) : [];
  // What was sent back before is told, whatever comes of these.
  const also = next.length === 0 ? null : await sentBack(broker, next).catch(noneSentBack);
  const refused = [...asked.refused, ...(also?.refused ?? [])];
  const [first] = refused;
  const told = sentence(
    [sentBackText(asked.sent.length, also?.sent.length ?? 0)],
    [
      first === undefined ? null : { text: `${refused.length} refused: ${first.message}`, code: first.code },
      missing(asked.tried, asked.answers),
      asked.stop,
      also?.stop ?? null,
    ],
  );
  return withHeld(broker, told, [...asked.sent, ...(also?.sent ?? [])]);
}

interface SentBack extends Parts<FsqError | null> {
  readonly sent: readonly Linked[];
  readonly refused: readonly FsqError[];
}

async function sentBack(broker: Broker, ids: readonly string[]): Promise<SentBack> {
  const sent: Linked[] = [];
  const parts = await partByPart(ids, async (some) => {
    // Before: a job that was sent back has no outcome.
    const ends = await linkedEnds(broker, some);
    const answers = await broker.retry(some);
    for (const [id, answer] of answers)
      if (answer === null) sent.push(ends.get(id) ?? { id, task: null, after: [], next: [] });
    return answers;
  });
  return { ...parts, sent, refused: [...parts.answers.values()].filter((answer) => answer !== null) };
}

function noneSentBack(error: unknown): Pick<SentBack, 'sent' | 'refused' | 'stop'> {
  const text = `of the jobs after them none is certain: ${withoutStop(reasonOf(error))}`;
  return { sent: [], refused: [], stop: { text, code: error instanceof FsqError ? error.code : null, error } };
}

function sentBackText(asked: number, after: number): string {
  const text = `${some(asked, 'job')} sent back`;
  if (after === 0) return text;
  return asked === 1
    ? `${text}, and ${after} after it that had failed for that`
    : `${text}, and ${after} after them that had failed for that`;
}

/** What was sent back and fails again at once is no good news. */
async function withHeld(broker: Broker, told: Done, sent: readonly Linked[]): Promise<Done> {
  const held = await heldAmong(broker, sent);
  const [first] = held;
  if (first === undefined) return told;
  const others = held.length === 1 ? '' : ` So it is with ${some(held.length - 1, 'other job')}.`;
  const text = `${withoutStop(told.text)}. ${heldText(first)}${others}`;
  return { text, isBad: true, code: told.code ?? 'FSQ_PREDECESSOR' };
}

async function revoked(broker: Broker, ids: readonly string[], terminate: boolean): Promise<Done> {
  const { answers, tried, stop } = await partByPart(ids, (some) => broker.revoke(some, { terminate }));
  const count = counter(answers);
  const requested = [...answers].flatMap(([id, answer]) => (answer === 'requested' ? [id] : []));
  const unkilled = terminate ? await unkilledAmong(broker, requested) : new Map<string, string>();
  const told = requested.length - unkilled.size;
  const [why] = unkilled.values();
  return sentence(
    [
      count('revoked') === 0 ? null : `${some(count('revoked'), 'job')} revoked`,
      told === 0 ? null : `${some(told, 'job')} ${terminate ? 'being killed' : 'told to end'}`,
    ],
    [
      why === undefined ? null : { text: `${some(unkilled.size, 'job')} not killed. ${why}`, code: null },
      count('ended') === 0 ? null : { text: `${some(count('ended'), 'job')} had ended before`, code: null },
      missing(tried, answers),
      stop,
    ],
  );
}

async function forgotten(broker: Broker, ids: readonly string[]): Promise<Done> {
  const { answers, tried, stop } = await partByPart(ids, (some) => broker.forget(some));
  const count = counter(answers);
  const gone = ids.filter((id) => answers.get(id) === 'forgotten');
  const told = sentence(
    [`${some(count('forgotten'), 'job')} forgotten`],
    [
      count('unfinished') === 0
        ? null
        : { text: `${some(count('unfinished'), 'job has', 'jobs have')} not ended`, code: 'FSQ_NOT_ENDED' },
      count('recorded') === 0
        ? null
        : { text: `${count('recorded')} still in the journal: again in a few seconds`, code: 'FSQ_NOT_FORGOTTEN' },
      missing(tried, answers),
      stop,
    ],
  );
  return { ...told, gone };
}

async function queuesChanged(broker: Broker, queues: readonly string[], paused: boolean): Promise<Done> {
  for (const queue of queues) await (paused ? broker.pause(queue) : broker.resume(queue));
  return sentence([changeText(queues, 'queue', paused)]);
}

async function schedulesChanged(
  { schedules: store }: Broker,
  schedules: readonly NamedPattern[],
  paused: boolean,
  nowMs: number,
): Promise<Done> {
  for (const { name, pattern } of schedules) {
    // What was due while it was paused, and no worker ran, is no missed instant.
    if (!paused) await store.pass({ schedule: name, atMs: nowMs, pattern });
    await (paused ? store.pause(name) : store.resume(name));
  }
  return sentence([
    changeText(
      schedules.map(({ name }) => name),
      'schedule',
      paused,
    ),
  ]);
}

function changeText(names: readonly string[], what: string, paused: boolean): string {
  const which = names.length === 1 ? `${what} ${names[0]}` : some(names.length, what);
  return paused ? `${which} paused` : `${which} resumed`;
}

function counter<T>(answers: ReadonlyMap<string, T>): (wanted: T) => number {
  return (wanted) => [...answers.values()].filter((answer) => answer === wanted).length;
}

/** A part of what somebody has asked for that was not done. */
type Undone = Pick<Done, 'text' | 'code'>;

function missing(ids: readonly string[], answers: ReadonlyMap<string, unknown>): Undone | null {
  const count = ids.length - answers.size;
  return count <= 0 ? null : { text: `${some(count, 'job is', 'jobs are')} there no more`, code: 'FSQ_UNKNOWN_JOB' };
}

function sentence(good: readonly (string | null)[], bad: readonly (Undone | null)[] = []): Done {
  const undone = bad.filter((part) => part !== null);
  const texts = [...good.filter((part) => part !== null), ...undone.map(({ text }) => text)];
  return { text: texts.join(', '), isBad: undone.length > 0, code: undone[0]?.code ?? null };
}
