/** What a broker reports on its own, as log lines: event, job, consequence. */
import type { BrokerEvent } from '../broker/worker-side.ts';
import type { Ending, Settlement } from '../job/lifecycle.ts';
import { reasonOf } from '../job/values/realm.ts';
import type { Logger } from './log.ts';
import { seconds } from './run-report.ts';

export function brokerEventLogger(log: Logger): (event: BrokerEvent) => void {
  return (event) => {
    switch (event.kind) {
      case 'recovered':
        return log.warn(`job ${event.id} ${fateOf(event.ending)} (${event.owner}); ${consequence(event.settlement)}`, {
          job: event.id,
        });
      case 'corrupt':
        return log.error(
          `${event.name} is not a job: ${event.reason}; it was moved to corrupt/ and has a failed outcome`,
        );
      case 'foreign':
        return log.warn(`pending/${event.name} is not named like a job; it is left alone and never runs`);
      case 'refused':
        return log.error(
          `${event.name} is left alone (${reasonOf(event.error)}) and tried again in ${seconds(event.againMs)}; all else goes on`,
        );
      case 'cleared':
        return log.warn(`${event.name} was in the way of a job; it was moved to corrupt/`);
      case 'paused':
        return log.error(
          `the spool refuses to be written (${reasonOf(event.error)}); nothing is lost, work goes on when it can`,
        );
      case 'undurable':
        return log.warn(
          `${event.directory} could not be written to disk (${reasonOf(event.error)}); jobs that moved there may run again after a power cut`,
        );
      case 'resumed':
        return log.info('the spool can be written again; work goes on');
      case 'queues-paused':
        return log.info(
          event.queues.length === 0 ? 'no queue is paused any more' : `paused: ${event.queues.join(', ')}`,
        );
      case 'remains':
        return log.warn(`${event.processes} processes that owner ${event.owner} had left running were killed`);
      case 'stood-still':
        return log.warn(`owner ${event.owner} was stopped and its worker is dead; it goes on, and ends after its job`);
      case 'unproved':
        return log.warn(`cannot tell whether owner ${event.owner} lives (${event.reason}); its jobs stay with it`);
      case 'unusable':
        return log.error(`the spool cannot be used: ${reasonOf(event.error)}`);
    }
  };
}

/** True of what gives a job a failed outcome. */
export function endsAJobAsFailed(event: BrokerEvent): boolean {
  if (event.kind !== 'recovered') return event.kind === 'corrupt';
  return event.settlement.kind === 'publish' && event.settlement.outcome.state === 'failed';
}

function fateOf(ending: Ending['kind']): string {
  if (ending === 'timed-out') return 'was killed at its time limit';
  return ending === 'stopped' ? 'was ended with its process' : 'lost its process';
}

function consequence(settlement: Settlement): string {
  switch (settlement.kind) {
    case 'publish':
      return settlement.outcome.state === 'revoked' ? 'it was revoked and ends' : 'it is given up and failed';
    case 'rerun':
      return settlement.delayMs === 0 ? 'it runs again now' : `it runs again in ${seconds(settlement.delayMs)}`;
    case 'park':
      return 'it is parked';
    case 'requeue':
      return 'it is ready again';
  }
}
