/** What the log tells of schedules. */
import type { ScheduleEvent } from '../../app/schedules/ticker.ts';
import { timeShown } from '../../job/text.ts';
import { reasonOf } from '../../job/values/realm.ts';
import type { Logger } from '../log.ts';

export function logSchedule(log: Logger, event: ScheduleEvent): void {
  switch (event.kind) {
    case 'sent':
      return log.debug(`schedule ${event.schedule} has sent job ${event.id} for ${timeShown(event.atMs)}`);
    case 'skipped': {
      const { schedule, instants, hasMore } = event;
      const [first = 0, last = first] = [instants[0], instants.at(-1)];
      const span = first === last ? timeShown(first) : `${timeShown(first)} to ${timeShown(last)}`;
      const count = `${hasMore ? 'more than ' : ''}${instants.length}`;
      return log.warn(`schedule ${schedule} was not run at ${count} of its times, and gets no job for them: ${span}`);
    }
    case 'turned-back': {
      const { schedule, doneMs } = event;
      return log.warn(
        `schedule ${schedule} was run up to ${timeShown(doneMs)}: the clock was set back, it counts from now on`,
      );
    }
    case 'refused':
      return log.warn(
        `schedule ${event.schedule} cannot send its job, and tries again each second: ${reasonOf(event.error)}`,
      );
  }
}
