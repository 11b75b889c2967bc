/** What an event of a job says besides its time and its kind, on one line. Not escaped yet. Pure. */
import type { SpoolEvent } from '../../../app/following/spool-events.ts';
import { progressText } from '../../../job/values/progress.ts';
import { timeText } from '../../display.ts';

/** As wide as a time, also where nobody knows it. */
export function eventTime({ atMs, isTimeUnknown }: Pick<SpoolEvent, 'atMs' | 'isTimeUnknown'>): string {
  const text = timeText(atMs);
  return isTimeUnknown === true ? '?'.padEnd(text.length) : text;
}

export function eventDetail(event: Omit<SpoolEvent, 'id' | 'task'>): string {
  const { kind, queue, attempt, owner, value = 0, done, total, stream, text, reason, error } = event;
  const run = attempt === undefined ? '' : `attempt ${attempt}`;
  const cause = error === undefined ? '' : `${error.name}: ${error.message}`;
  switch (kind) {
    case 'accepted':
      return `in queue ${queue}`;
    case 'started':
      return `${run} by ${owner}`;
    case 'progress':
      return progressText({ value, ...(done === undefined || total === undefined ? {} : { done, total }) });
    case 'log':
      return `${stream}: ${text}`;
    case 'parked':
      return reason ?? '';
    case 'recovered':
      if (error === undefined)
        return `${run} was interrupted${event.isTimeUnknown === true ? ', when is not kept' : ''}`;
      return `${run}: ${cause}`;
    case 'retried':
    case 'sent-back':
      return cause === '' ? run : `${run}: ${cause}`;
    case 'succeeded':
    case 'failed':
    case 'revoked':
    case 'expired':
      return cause;
  }
}
