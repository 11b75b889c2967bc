/** What a program that sends jobs should know and no error tells: it goes to stderr, once. */
import { CHILD_MARK } from '../broker/broker.ts';
import type { Settings } from './config.ts';

/** Who is told. */
export interface Hearer {
  /** A sentence about the settings. */
  notice(text: string): void;
  /** The app has just made the spool that it sends to. */
  newSpool(settings: Pick<Settings, 'spool' | 'spoolFrom'>): void;
}

/** For who imports the library: warnings of the process. A spool that a setting names is made without a word. */
export const warn: Hearer = {
  notice: (text) => warnOnce(text, 'FSQ_SETTINGS'),
  newSpool: (settings) => {
    if (settings.spoolFrom !== 'setting') warnOnce(newSpoolText(settings), 'FSQ_NEW_SPOOL');
  },
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

/** For who waits at `place`. */
export function nobodyText(place: string): string {
  return `No worker is running on ${place}: get() waits until one starts. \`fsq worker\` starts one.`;
}

const warned = new Set<string>();

/** For the command line, which tells by itself. */
export function countAsTold(text: string): void {
  warned.add(text);
}

/** Not in a worker's children: the worker has told it. */
export function warnOnce(text: string, code: string): void {
  if (warned.has(text) || process.env[CHILD_MARK] !== undefined) return;
  warned.add(text);
  process.emitWarning(text, { type: 'FsqWarning', code });
}
