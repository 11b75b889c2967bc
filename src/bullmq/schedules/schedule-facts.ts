/**
 * Schedules: one fact for each says up to which instant it is done. An instant's job is sent together with the change of that fact, in one
 * step of the datastore: so of many who send it one does, and nobody can die, or stand still, between the two.
 */
import type { NewJob, StandIn } from '../../broker/new-job.ts';
import {
  isScheduleName,
  type ScheduledInstant,
  type ScheduleRecord,
  type ScheduleStore,
} from '../../broker/schedules.ts';
import { isId } from '../../job/names.ts';
import { isRecord } from '../../job/values/realm.ts';
import type { Engine } from '../engine.ts';
import { jobJson } from '../jobs/send-jobs.ts';

/** The table of what is done, and that of schedules that are paused. */
const SCHEDULES = 'schedules';
const PAUSED = 'schedules-paused';

/** How a broker answers questions, and lets itself be changed: with errors of fsq. */
export interface Access {
  look<T>(act: () => Promise<T>): Promise<T>;
  change<T>(done: string, act: () => Promise<T>): Promise<T>;
}

export function scheduleFacts(engine: Engine, { look, change }: Access): ScheduleStore {
  return {
    find: (schedule) => look(() => find(engine, schedule)),
    list: () => look(() => list(engine)),
    send: (instant, job) => change('sent', () => send(engine, instant, job)),
    pass: (instant) => change('kept', () => mark(engine, instant, (doneMs) => doneMs < instant.atMs)),
    turnBack: (instant) => change('kept', () => mark(engine, instant, (doneMs) => doneMs > instant.atMs)),
    pause: (schedule) => change('paused', () => pause(engine, schedule)),
    resume: (schedule) => change('resumed', () => resume(engine, schedule)),
  };
}

/** The entry names this call: what is sent twice, because its answer was lost, is answered as it was done. */
async function pause({ store, ...engine }: Engine, schedule: string): Promise<boolean> {
  const entry = `${engine.nowMs()} ${engine.ownerName()}`;
  if (await store.setField(PAUSED, schedule, entry, { ifAbsent: true })) return true;
  return (await store.field(PAUSED, schedule)) === entry;
}

/** One that was paused and is not any more counts as resumed by this call where its answer may have been lost. */
async function resume(engine: Engine, schedule: string): Promise<boolean> {
  const entry = await engine.store.field(PAUSED, schedule);
  if (entry === null) return false;
  const cuts = engine.cuts();
  return (await engine.store.swapField(PAUSED, schedule, entry, null)) || engine.cuts() !== cuts;
}

async function find({ store }: Engine, name: string): Promise<ScheduleRecord> {
  const [text, pausedAtMs] = await Promise.all([store.field(SCHEDULES, name), store.field(PAUSED, name)]);
  return { name, ...parse(text), isPaused: pausedAtMs !== null };
}

async function list({ store }: Engine): Promise<readonly ScheduleRecord[]> {
  const [facts, paused] = await Promise.all([store.fields(SCHEDULES), store.fields(PAUSED)]);
  return [...new Set([...facts.keys(), ...paused.keys()])]
    .filter(isScheduleName)
    .toSorted()
    .map((name) => ({ name, ...parse(facts.get(name) ?? null), isPaused: paused.has(name) }));
}

async function send(engine: Engine, instant: ScheduledInstant, sent: NewJob): Promise<StandIn | null> {
  const { schedule: field, atMs, pattern } = instant;
  const { job, queue } = sent;
  const { etaMs = 0 } = job.options;
  await engine.queues.tell([queue]);
  for (;;) {
    const before = await engine.store.field(SCHEDULES, field);
    const { doneMs, last } = parse(before);
    // Whoever has sent it may not have heard of that: its connection was cut.
    if (doneMs === atMs && last?.id === job.id) return { id: job.id, isDuplicate: false };
    if (doneMs !== null && doneMs >= atMs) return null;
    const nowMs = engine.nowMs();
    const after = textOf({ doneMs: atMs, pattern, last: { atMs, id: job.id } });
    const dueAtMs = etaMs > nowMs ? etaMs : null;
    const fact = { table: SCHEDULES, field, before, after };
    if (await engine.store.sendIf(fact, queue, jobJson(sent, nowMs), dueAtMs)) {
      return { id: job.id, isDuplicate: false };
    }
  }
}

/** Nothing is changed where the schedule is done so far already, as `isToChange` says of its instant; one of which nothing is known is new. */
async function mark(
  { store }: Engine,
  { schedule, atMs, pattern }: ScheduledInstant,
  isToChange: (doneMs: number) => boolean,
): Promise<void> {
  for (;;) {
    const before = await store.field(SCHEDULES, schedule);
    const { doneMs, last } = parse(before);
    if (doneMs !== null && !isToChange(doneMs)) return;
    if (await store.swapField(SCHEDULES, schedule, before, textOf({ doneMs: atMs, pattern, last }))) return;
  }
}

type Done = Pick<ScheduleRecord, 'doneMs' | 'pattern' | 'last'>;
const NOTHING: Done = { doneMs: null, pattern: null, last: null };

function textOf({ doneMs, pattern, last }: Done): string {
  return JSON.stringify({ v: 1, doneMs, pattern, last, by: process.pid });
}

/** What makes no sense counts as absent: the instant is then sent once more, rather than never. */
function parse(text: string | null): Done {
  let value: unknown;
  try {
    value = JSON.parse(text ?? 'null');
  } catch {
    return NOTHING;
  }
  if (!isRecord(value)) return NOTHING;
  const { doneMs, pattern, last } = value;
  return {
    doneMs: typeof doneMs === 'number' && Number.isFinite(doneMs) ? doneMs : null,
    pattern: typeof pattern === 'string' ? pattern : null,
    last: lastIn(last),
  };
}

function lastIn(value: unknown): Done['last'] {
  if (!isRecord(value)) return null;
  const { atMs, id } = value;
  return typeof atMs === 'number' && Number.isFinite(atMs) && typeof id === 'string' && isId(id) ? { atMs, id } : null;
}
