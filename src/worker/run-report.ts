/** What the log says of a run: job, ending, consequence. */
import type { Claim } from '../broker/worker-side.ts';
import type { Failure } from '../job/errors.ts';
import type { Settlement } from '../job/lifecycle.ts';
import type { Logger } from './log.ts';

export function report(
  { job }: Claim,
  settlement: Settlement,
  ms: number,
  log: Logger,
  fields: { job: string; task: string; attempt: number },
): void {
  const who = `${job.task} ${job.id}`;
  const timed = { job: fields.job, task: fields.task, attempt: fields.attempt, ms };
  switch (settlement.kind) {
    case 'publish':
      if (settlement.outcome.state === 'succeeded') log.info(`${who} succeeded in ${seconds(ms)}`, timed);
      else if (settlement.outcome.state === 'revoked')
        log.warn(`${who} was revoked and ended after ${seconds(ms)}`, timed);
      else if (settlement.outcome.state === 'expired') log.warn(`${who} has expired; it is not started`, fields);
      else {
        const { error } = settlement.outcome;
        log.error(`${who} failed in ${seconds(ms)}: ${errorText(error)}`, { ...timed, ...stackOf(error) });
      }
      return;
    case 'park':
      log.warn(
        `${who} is parked: ${settlement.parked.reason}; it is looked at again in ${seconds(settlement.delayMs)}`,
        fields,
      );
      return;
    case 'rerun':
      log.warn(
        `${who} failed in attempt ${fields.attempt}: ${errorText(settlement.error)}; it runs again in ${seconds(settlement.delayMs)}`,
        { ...fields, ...stackOf(settlement.error) },
      );
      return;
    case 'requeue':
      log.warn(`${who} is ready again`, fields);
      return;
  }
}

/** Where it was thrown; nothing where the setting `stacks` keeps that back. */
function stackOf({ stack }: Failure): { readonly stack?: string } {
  return stack === undefined ? {} : { stack };
}

function errorText({ name, message }: Failure): string {
  return `${name}: ${message}`;
}

/** Whole milliseconds for people: '12 ms', '3.0 s'. */
export function seconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

/** How a process ended. */
export function howOf(code: number | null, signal: NodeJS.Signals | null): string {
  return signal === null ? `exited with ${code}` : `was killed by ${signal}`;
}
