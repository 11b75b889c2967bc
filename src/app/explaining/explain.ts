/** Why a job is where it is, and what would move it: sentences, worked out of facts. Pure. What a waiting job waits for is in waiting-reasons.ts. */
import { isAddress } from '../../broker/broker-address.ts';
import type { OwnerInfo, Sighting } from '../../broker/broker.ts';
import type { Failure } from '../../job/errors.ts';
import type { Outcome } from '../../job/job.ts';
import { fineSpan, span, timeShown } from '../../job/text.ts';
import type { Facts } from './facts.ts';
import { circleText, firstLine, named, type Reason, sentence } from './reason.ts';
import { blockedText, isBlocked } from '../telling/blocked.ts';
import { unkilledText } from '../telling/unkilled.ts';
import { livingRunners } from '../telling/runners.ts';
import { orphanText, processText } from '../telling/standstill.ts';
import { waitingReasons } from './waiting-reasons.ts';

/** At least one reason; the one that counts most comes first. */
export function reasonsFor(facts: Facts): readonly Reason[] {
  const { job } = facts;
  switch (job.state) {
    case 'pending':
    case 'delayed':
      return waitingReasons(facts);
    case 'running':
      return runningReasons(facts);
    case 'succeeded':
    case 'failed':
    case 'revoked':
    case 'expired':
      return [endReason(facts, job.record?.outcome ?? null)];
  }
}

function endReason({ job, nowMs, root }: Facts, outcome: Outcome | null): Reason {
  const { id, endedAtMs, location } = job;
  const ago = endedAtMs === null ? '' : ` ${span(nowMs - endedAtMs)} ago`;
  if (outcome === null)
    return { code: 'unreadable', text: `${location} holds no outcome that can be read: \`fsq doctor\` says why.` };
  switch (outcome.state) {
    case 'succeeded':
      return { code: 'succeeded', text: `It has succeeded${ago}, in attempt ${attemptOf(job)}: \`fsq get ${id}\`.` };
    case 'failed':
      return failedReason(job, outcome.error, ago, root);
    case 'revoked':
      return outcome.error.code === 'FSQ_NOT_NEEDED'
        ? { code: 'not-needed', text: `It was not needed${ago}: ${sentence(firstLine(outcome.error))}` }
        : { code: 'revoked', text: `It was revoked${ago}, and does not run: \`fsq retry ${id}\` sends it back.` };
    case 'expired':
      return {
        code: 'expired',
        text: `It expired${ago}, because it had not begun in time: \`fsq retry ${id}\` sends it back, and it does not expire again.`,
      };
  }
}

function failedReason(job: Sighting, error: Failure, ago: string, root: Facts['root']): Reason {
  if (error.code === 'FSQ_PREDECESSOR') {
    if (root === null) return { code: 'predecessor-failed', text: `It has ended${ago}. ${sentence(firstLine(error))}` };
    const which = `job ${root.id}${root.task === null ? '' : ` (${root.task})`}`;
    const how = root.state === 'revoked' ? 'was revoked' : root.state;
    const text = `It was not run, because ${which} ${how}: ${named(root.error)}. \`fsq explain ${root.id}\` tells more of that one.`;
    return { code: 'predecessor-failed', text };
  }
  const runs = attemptOf(job);
  const after = runs <= 1 ? '' : `, after ${runs} attempts`;
  return {
    code: 'failed',
    text: `It failed for good${ago}${after}: ${named(error)}. \`fsq retry ${job.id}\` sends it back.`,
  };
}

function runningReasons(facts: Facts): readonly Reason[] {
  const { job, owners, nowMs } = facts;
  const holder = owners.find(({ owner }) => owner === job.owner);
  const runs = job.startedAtMs === null ? 'It runs' : `It has run for ${fineSpan(nowMs - job.startedAtMs)}`;
  if (job.isForeign === true)
    return [{ code: 'runs-elsewhere', text: `${runs} in a worker of another program, attempt ${attemptOf(job)}.` }];
  if (holder === undefined || holder.verdict === 'dead') return [goneReason(facts, holder)];
  if (holder.verdict === 'unknown')
    return [
      {
        code: 'worker-unproved',
        text: `It cannot be told whether the process that runs it (pid ${processText(holder)}) lives. The job stays there until that is certain: \`fsq doctor\` tells more.`,
      },
    ];
  const left = orphanText(owners, job);
  const run: Reason =
    left === null
      ? { code: 'runs', text: `${runs} in worker process ${processText(holder)}, attempt ${attemptOf(job)}.` }
      : { code: 'runs-without-worker', text: `${left}: it is finished there, and no job after it is begun.` };
  const blocked: readonly Reason[] = isBlocked(holder) ? [{ code: 'blocked', text: blockedText(holder) }] : [];
  return [...revocation(facts), ...awaiting(facts), ...blocked, run, ...timeLimit(job, nowMs)];
}

function goneReason({ job, owners, place }: Facts, holder: OwnerInfo | undefined): Reason {
  const pid = holder === undefined ? /^\d+/.exec(job.owner ?? '')?.[0] : processText(holder);
  const which = pid === undefined ? '' : ` (pid ${pid})`;
  // A server hears nothing of a death: the lock of the job runs out, and a worker looks for such locks every few seconds.
  const soon = isAddress(place) ? 'within 15 s' : 'within a second';
  const next = livingRunners(owners).length > 0 ? `A worker takes it back ${soon}.` : NO_RECOVERER;
  return { code: 'worker-gone', text: `The process that ran it${which} is gone. ${next}` };
}

const NO_RECOVERER = 'No worker is running that would take it back: `fsq worker` starts one.';

function revocation({ job, owners, place }: Facts): readonly Reason[] {
  if (job.isRevoked === undefined) return [];
  const unkilled = unkilledText(owners, job, place);
  const more = unkilled ?? `\`fsq revoke ${job.id} --terminate\` kills its process.`;
  const text = `It is revoked, and was told to end. It runs until its task heeds that${unkilled === null ? ':' : '.'} ${more}`;
  return [{ code: 'revoke-requested', text }];
}

/** Its run waits for other jobs without an end. */
function awaiting({ job: { awaits = [] }, others, circle }: Facts): readonly Reason[] {
  const [id] = awaits;
  if (id === undefined) return [];
  if (circle !== null) return [{ code: 'circle', text: circleText(circle) }];
  const task = others.get(id)?.record?.job.task;
  const which = task === undefined ? `job ${id}` : `job ${id} (${task})`;
  const more = awaits.length === 1 ? '' : ` and of ${awaits.length - 1} more`;
  return [{ code: 'awaits', text: `Its run waits for the end of ${which}${more}: \`fsq explain ${id}\`.` }];
}

/** As the job's file says; what only its task says, no other process knows. */
function timeLimit({ record, startedAtMs }: Sighting, nowMs: number): readonly Reason[] {
  const limitMs = record?.job.options.timeLimitMs;
  if (limitMs === undefined || startedAtMs === null) return [];
  const leftMs = startedAtMs + limitMs - nowMs;
  const text =
    leftMs > 0
      ? `Its time limit ends it in ${span(leftMs)}, at ${timeShown(startedAtMs + limitMs)}.`
      : `Its time limit was reached ${span(-leftMs)} ago: its process is being killed.`;
  return [{ code: 'time-limit', text }];
}

function attemptOf({ standing, record }: Sighting): number {
  return Math.max(standing.attempt, record?.attempts.at(-1)?.attempt ?? 0, 1);
}
