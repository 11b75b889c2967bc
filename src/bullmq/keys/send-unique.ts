/**
 * Accepting a job only if no other stands for its key. One step of the datastore changes who holds the key and adds the job, if the key is
 * held as it was looked at: of many that come together one gets it, and a producer that dies has done both or neither.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { NewJob, StandIn } from '../../broker/new-job.ts';
import { CallsInTurn } from '../../broker/unique/debounced-calls.ts';
import type { Debounce, Uniqueness } from '../../job/job-options.ts';
import { place, standInLines } from '../after/lines.ts';
import type { Engine } from '../engine.ts';
import { jobJson } from '../jobs/send-jobs.ts';
import type { RawJob } from '../store.ts';
import { KEYS, keyField, type KeyHolder, parseHolders, stageOf, verdictOf, writeHolders } from './key-holders.ts';
import { giveArguments } from './new-arguments.ts';

/** So long after its claim a job that is over a limit waits again, ms, unless its process stands still. */
const HELD_BACK_AFTER_MS = 10;

interface Call {
  readonly sent: NewJob;
  readonly uniqueness: Uniqueness;
  readonly debounce: Debounce;
}

/** Gives a call's arguments to the job that stands for it; false when that cannot take them: it stands for this call no more. */
type Give = (id: string) => Promise<boolean>;

/** Sends jobs with keys; the debounced calls of one key in turn. */
export class UniqueJobs {
  readonly #engine: Engine;
  readonly #debounced = new CallsInTurn<Call>((call) => this.#sendDebounced(call));

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** See `Broker.enqueueUnique`. */
  send(sent: NewJob, uniqueness: Uniqueness): Promise<StandIn> {
    const { debounce, key } = uniqueness;
    if (debounce === undefined) return sendUnique(this.#engine, sent, uniqueness, null);
    return this.#debounced.call(keyField(sent.job.task, key), { sent, uniqueness, debounce });
  }

  #sendDebounced({ sent, uniqueness, debounce }: Call): Promise<StandIn> {
    const { job } = sent;
    const etaMs = this.#engine.nowMs() + debounce.waitMs;
    const first = { ...sent, job: { ...job, options: { ...job.options, etaMs } } };
    return sendUnique(this.#engine, first, uniqueness, (id) => giveArguments(this.#engine, id, sent, debounce));
  }
}

/** @throws the datastore's error: then it may be accepted, unless the key is another's */
async function sendUnique(
  engine: Engine,
  sent: NewJob,
  { key, until }: Uniqueness,
  give: Give | null,
): Promise<StandIn> {
  const { job, queue } = sent;
  const field = keyField(job.task, key);
  const passed = new Set<string>();
  await engine.queues.tell([queue]);
  for (;;) {
    const before = await engine.store.field(KEYS, field);
    const { blocker, open } = await judge(engine, parseHolders(before), { until, passed, isLast: give !== null });
    // What was sent again because the answer was lost is its own stand-in.
    if (blocker === job.id) return { id: job.id, isDuplicate: false };
    if (blocker !== null) {
      if (give === null || (await give(blocker))) return { id: blocker, isDuplicate: true };
      passed.add(blocker);
      continue;
    }
    const mine = { id: job.id, untilMs: typeof until === 'object' ? (await engine.store.clockMs()) + until.ms : null };
    const after = writeHolders([...open, mine]) ?? '';
    if (await accept(engine, sent, { table: KEYS, field, before, after })) return { id: job.id, isDuplicate: false };
  }
}

/** False when the fact was another. */
async function accept(engine: Engine, sent: NewJob, fact: Parameters<Engine['store']['sendIf']>[0]): Promise<boolean> {
  const waiting = await standInLines(engine, [sent]);
  const job = jobJson(sent, engine.nowMs(), waiting.has(sent.job.id));
  const { delay = 0 } = job;
  const isAccepted = await engine.store.sendIf(fact, sent.queue, job, delay > 0 ? job.timestamp + delay : null);
  if (waiting.size > 0) await place(engine, [...waiting.values()]);
  return isAccepted;
}

interface Terms {
  readonly until: Uniqueness['until'];
  /** Jobs that stand for the key and not for this call. */
  readonly passed: ReadonlySet<string>;
  /** Of jobs that are given new arguments the last counts: those before it have begun. */
  readonly isLast: boolean;
}

interface Judged {
  /** The job that stands for the call; null: none. */
  readonly blocker: string | null;
  /** The holders that stand for other calls yet. */
  readonly open: readonly KeyHolder[];
}

export async function judge(
  engine: Engine,
  holders: readonly KeyHolder[],
  { until, passed, isLast }: Terms,
): Promise<Judged> {
  if (holders.length === 0) return { blocker: null, open: [] };
  // Their times are only asked for where one has any.
  const nowMs = holders.some(({ untilMs }) => untilMs !== null) ? await engine.store.clockMs() : 0;
  const found = await settledLook(engine, holders, until);
  const open = holders.flatMap((holder, i) => {
    const verdict = verdictOf(holder, stageOf(found[i] ?? null), until, nowMs);
    return verdict === 'free' ? [] : [{ ...holder, blocks: verdict === 'blocks' && !passed.has(holder.id) }];
  });
  const blocker = (isLast ? open.toReversed() : open).find(({ blocks }) => blocks)?.id ?? null;
  return { blocker, open };
}

/** A job that a limit holds back is claimed for a moment and put back: whether one has begun is seen by a second look. */
async function settledLook(
  engine: Engine,
  holders: readonly KeyHolder[],
  until: Uniqueness['until'],
): Promise<readonly (RawJob | null)[]> {
  const ids = holders.map(({ id }) => id);
  const found = await engine.queues.look(ids);
  if (until !== 'started' || found.every((raw) => raw?.state !== 'active')) return found;
  await wait(HELD_BACK_AFTER_MS);
  return engine.queues.look(ids);
}
