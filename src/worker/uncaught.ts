/** What is told of an error that nobody caught: it ends the process either way, and its texts are as secret as a task's. */
import { type ErrorTexts, toFailure } from '../job/failure.ts';
import type { Logger } from './log.ts';

/** What Node.js exits with after such an error. */
const UNCAUGHT_EXIT = 1;

/**
 * Where texts are to be redacted or stacks left out, the log tells of an uncaught error in place of Node.js, which would print
 * all of it. Code of the tasks that listens for such errors itself goes first: then this does nothing.
 */
export function reportUncaught(log: Logger, texts: ErrorTexts): void {
  if (texts.redact === null && texts.stacks) return;
  process.on('uncaughtException', (error: unknown) => {
    if (process.listenerCount('uncaughtException') > 1) return;
    const { name, message, stack } = toFailure(error, texts);
    log.error(`nobody caught ${stack ?? `${name}: ${message}`}; this process ends`);
    process.exit(UNCAUGHT_EXIT);
  });
}
