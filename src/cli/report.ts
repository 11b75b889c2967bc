/** What a command threw, as a message for people: what was wanted, what came, what to do. */
import { FsqError, TaskError, TimeoutError } from '../job/errors.ts';
import { escape } from '../job/text.ts';
import { isErrorLike, peek, reasonOf } from '../job/values/realm.ts';
import { spoolError } from '../spool/trouble.ts';
import { isSystemError } from './exit-codes.ts';

/**
 * The message, ending in a newline. Lines after the first are indented, so that text from a job's file cannot pass for a
 * message of fsq; what a terminal would obey is escaped.
 *
 * @param who such as 'fsq call'
 * @param withStack also where it was thrown (FSQ_DEBUG=1)
 */
export function reportText(who: string, error: unknown, withStack: boolean): string {
  const { text, code } = describe(error);
  const stack = withStack && isErrorLike(error) ? `\n${String(peek(error, 'stack') ?? '')}` : '';
  return messageText(who, `${text} (${code})${stack}`);
}

/** `text` as a message of `who`, safe to print, with its further lines indented. */
export function messageText(who: string, text: string): string {
  return `${who}: ${text.split('\n').map(escape).join('\n  ')}\n`;
}

function describe(error: unknown): { readonly text: string; readonly code: string } {
  if (error instanceof TaskError) return { text: failureText(error), code: error.code };
  if (error instanceof TimeoutError) {
    return {
      text: `Job ${error.id} has no outcome yet; it goes on. \`fsq get ${error.id}\` waits for it.`,
      code: error.code,
    };
  }
  if (error instanceof FsqError) return { text: error.message, code: error.code };
  if (isSystemError(error)) return describe(spoolError(error, 'The spool cannot be read'));
  const text = isErrorLike(error) ? `${String(peek(error, 'name'))}: ${reasonOf(error)}` : reasonOf(error);
  return { text: `Something went wrong that fsq did not foresee: ${text}. FSQ_DEBUG=1 shows where.`, code: 'FSQ_BUG' };
}

function failureText({ id, attempts, remoteName, message }: TaskError): string {
  const runs = attempts === 1 ? '' : ` after ${attempts} attempts`;
  return `Job ${id} failed${runs}: ${remoteName}: ${message}\n\`fsq show ${id}\` shows its stack.`;
}
