/** All that a page shows of one job. */
import { type FactSource, factsOf } from '../../../app/explaining/facts.ts';
import { reasonsFor } from '../../../app/explaining/explain.ts';
import { stretchWords } from '../../../app/explaining/stretch-words.ts';
import { hadEnded, type Stretch, timelineOf } from '../../../app/explaining/timeline.ts';
import type { Broker, Sighting } from '../../../broker/broker.ts';
import { OWN_TASKS } from '../../../job/names.ts';
import type { JobDetail, JobStretch, StateName } from '../../wire.ts';
import { wordOf } from '../index/index-row.ts';
import type { JobIndex } from '../index/job-index.ts';
import { rowOf } from '../index/pages-of-jobs.ts';
import { familyOf } from './job-family.ts';
import { attemptsOf } from './job-attempts.ts';
import { commandsFor, textAt } from './job-commands.ts';
import { optionWords } from './option-words.ts';
import { payloadOf } from './shown-json.ts';

export interface DetailOptions {
  readonly index: JobIndex;
  readonly hidesArguments: boolean;
  readonly nowMs: number;
}

/** So many headers are shown, and stretches of the job's life, the latest: what would be more, no browser draws in time. */
const MOST_HEADERS = 200;
const MOST_STRETCHES = 200;

/** Null: there is no such job. */
export async function detailOf(broker: Broker, id: string, options: DetailOptions): Promise<JobDetail | null> {
  const { index, hidesArguments, nowMs } = options;
  const job = await broker.find(id, index.whereWas(id));
  if (job === null) return null;
  const { standing, record, progress, location } = job;
  const checkpoint = job.checkpoint === undefined || hidesArguments ? undefined : await broker.checkpointed(id);
  const reasons = reasonsFor(await factsOf(sourceOf(broker, index), job, nowMs));
  const acts = actsOn(job);
  const timeline = timelineOf(job);
  const { stretches } = timeline ?? {};
  const attempts = await attemptsOf(broker, job, timeline);
  const payload = hidesArguments ? { cut: {} } : payloadOf(record, checkpoint);
  const headers = Object.entries(record?.job.headers ?? {});
  const shownHeaders = headers.slice(0, MOST_HEADERS);
  return {
    ...rowOf(job, index, hidesArguments),
    crashes: standing.crashes,
    location,
    commands: commandsFor(id, acts, broker.place, payload.args ?? null),
    reasons: reasons.map(({ text }) => textAt(broker.place, text)),
    timeline: stretches?.slice(-MOST_STRETCHES).map(stretchOf) ?? null,
    waitedMs: timeline === null ? null : lengthOf(timeline.stretches, 'waited', nowMs),
    ranMs: timeline === null ? null : lengthOf(timeline.stretches, 'ran', nowMs),
    totalMs: timeline === null ? null : Math.max(0, (timeline.end?.atMs ?? nowMs) - timeline.sentAtMs),
    attempts,
    leftOut: {
      attempts: (record?.attempts.length ?? 0) - attempts.filter(({ endedAtMs }) => endedAtMs !== null).length,
      stretches: Math.max(0, (stretches?.length ?? 0) - MOST_STRETCHES),
      headers: headers.length - shownHeaders.length,
    },
    parked: record?.parked?.reason ?? null,
    isRevoked: job.isRevoked ?? false,
    ...payload,
    headers: Object.fromEntries(shownHeaders),
    options: record === null ? [] : optionWords(record.job.options),
    progressDetail:
      progress === null
        ? null
        : {
            done: progress.done ?? null,
            total: progress.total ?? null,
            ...(hidesArguments || progress.detail === undefined ? {} : { detail: progress.detail }),
          },
    ...(await familyOf(broker, job, index)),
    acts,
  };
}

/** Where the index knows all jobs that have not ended, nobody has to look for them. */
function sourceOf(broker: Broker, index: JobIndex): FactSource {
  return {
    place: broker.place,
    owners: (patienceMs) => broker.owners(patienceMs),
    paused: () => broker.paused(),
    restoring: () => broker.restoring(),
    statistics: () => broker.statistics(),
    unfinishedMove: () => broker.unfinishedMove(),
    find: (id) => broker.find(id, index.whereWas(id)),
    changed: (seen) => broker.changed(seen, (id) => index.whereWas(id)),
    list: (...asked) => broker.list(...asked),
    unended: async () => (index.isComplete ? [...index.unended()] : broker.unended()),
  };
}

const RETRIED: ReadonlySet<StateName> = new Set<StateName>(['failed', 'revoked', 'expired']);
const UNENDED: ReadonlySet<StateName> = new Set<StateName>(['pending', 'delayed', 'parked', 'running']);

function actsOn(job: Sighting): JobDetail['acts'] {
  const state = wordOf(job);
  const isOpen = UNENDED.has(state);
  const task = job.record?.job.task;
  return [
    ...(RETRIED.has(state) ? (['retry'] as const) : []),
    ...(task === undefined || task.startsWith(OWN_TASKS) ? [] : (['retry-anew'] as const)),
    ...(isOpen && job.isRevoked !== true ? (['revoke'] as const) : []),
    ...(state === 'running' && job.isForeign !== true ? (['kill'] as const) : []),
    ...(isOpen ? [] : (['forget'] as const)),
  ];
}

function stretchOf(stretch: Stretch): JobStretch {
  const text = stretchWords(stretch);
  if (stretch.kind === 'untold') return { text, kind: 'untold', end: null, fromMs: null, toMs: null };
  const { kind, fromMs, toMs } = stretch;
  return {
    text,
    kind: hadEnded(stretch) ? 'ended' : kind,
    end: stretch.kind === 'ran' ? stretch.end : null,
    fromMs,
    toMs,
  };
}

/** Of those stretches whose beginning is known. */
function lengthOf(stretches: readonly Stretch[], kind: 'waited' | 'ran', nowMs: number): number | null {
  const all = stretches.flatMap((stretch) => (stretch.kind === kind && !hadEnded(stretch) ? [stretch] : []));
  const known = all.flatMap(({ fromMs, toMs }) => (fromMs === null ? [] : Math.max(0, (toMs ?? nowMs) - fromMs)));
  return all.length > 0 && known.length === 0 ? null : known.reduce((sum, ms) => sum + ms, 0);
}
