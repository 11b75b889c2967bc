/** Warnings for a program that sends jobs, where nothing is an error: each goes to stderr once. */
import { type BrokerEvent, CHILD_MARK } from '../../broker/worker-side.ts';
import { some } from '../../job/text.ts';
import type { Settings } from '../settings/config.ts';

/** The part of a program that passes warnings on to its user. */
export interface Hearer {
  /** A sentence about the settings. */
  notice(text: string): void;
  /** The app has just made the spool that it sends to. */
  newSpool(settings: Pick<Settings, 'spool' | 'spoolFrom'>): void;
  /** A sentence about jobs that are restored after a power cut. */
  restoring(text: string): void;
}

/** For programs that import the library: warnings of the process. A spool that a setting names is made without a warning. */
export const warn: Hearer = {
  notice: (text) => warnOnce(text, 'FSQ_SETTINGS'),
  newSpool: (settings) => {
    if (settings.spoolFrom !== 'setting') warnOnce(newSpoolText(settings), 'FSQ_NEW_SPOOL');
  },
  restoring: (text) => warnOnce(text, 'FSQ_RESTORING'),
};

/** That a spool was made, and how to have it elsewhere where nothing but a folder decided it. */
export function newSpoolText({ spool, spoolFrom }: Pick<Settings, 'spool' | 'spoolFrom'>): string {
  if (spoolFrom === 'setting') return `Made a new spool: ${spool}.`;
  const why =
    spoolFrom === 'package'
      ? 'beside the nearest package.json'
      : 'in the current folder, because no package.json, no fsq.config and no absolute path says where';
  return `Made a new spool: ${spool}, ${why}. Only a worker of the same spool runs its jobs; \`spool\` in fsq.config, or FSQ_SPOOL with an absolute path, names one for all.`;
}

/** What a program that sends or looks should hear of a replay at `place`: one that takes long, or jobs that may be lost; else null. */
export function restoringText(event: BrokerEvent, place: string): string | null {
  if (event.kind === 'replaying') {
    const who = event.pid === null || event.pid === process.pid ? '' : ` by process ${event.pid}`;
    return `After a power cut the jobs of ${place} are restored first${who} (${some(event.segments, 'segment')} of the journal): this waits for it.`;
  }
  if (event.kind !== 'replayed' || event.odd.length === 0) return null;
  return `After a power cut not all of the journal of ${place} could be read, so jobs sent shortly before may be lost; moved to corrupt/: ${event.odd.join('; ')}.`;
}

const warned = new Set<string>();

/** For the command line, which tells by itself. */
export function countAsTold(subject: string): void {
  warned.add(subject);
}

/** Once for each subject. Not in a worker's children: the worker has told it. */
export function warnOnce(text: string, code: string, subject: string = text): void {
  if (warned.has(subject) || process.env[CHILD_MARK] !== undefined) return;
  warned.add(subject);
  process.emitWarning(text, { type: 'FsqWarning', code });
}
