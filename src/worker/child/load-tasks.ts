/** Imports the task modules: in a worker's child, and in the child of a command that lists the tasks. */
import { loadModule, StrippingError } from '../../app/project/load-module.ts';
import { registry } from '../../app/registry.ts';
import { FsqError } from '../../job/errors.ts';
import { type ErrorTexts, toFailure } from '../../job/failure.ts';
import type { FoundTask, FromChild } from '../messages.ts';

/** The options of this process, from its arguments: see `toArguments`. */
export function fromArguments(argv: readonly string[] = process.argv): unknown {
  return JSON.parse(argv.slice(2).join(''));
}

/**
 * Imports the modules one after the other and returns the tasks they register. A `delay()` meanwhile is refused.
 *
 * @param modules absolute paths
 * @param onImport called with each before it is imported
 * @throws the error of a module; UsageError
 */
export async function loadTasks(
  modules: readonly string[],
  onImport: (module: string) => void = () => undefined,
): Promise<readonly FoundTask[]> {
  for (const file of modules) {
    registry().loading = file;
    onImport(file);
    await loadModule(file);
  }
  registry().loading = null;
  return [...registry().tasks.values()].map(({ name, definedAt, queueLimits, sending, spool }) => ({
    name,
    definedAt,
    ...(queueLimits === undefined ? {} : { limits: queueLimits }),
    ...(sending === undefined || Object.keys(sending).length === 0 ? {} : { sending }),
    ...(spool === undefined ? {} : { spool }),
  }));
}

/** An error of `loadTasks` as the message to a parent. A module's own error comes with its stack, which names the line. */
export function unloadable(error: unknown, texts: ErrorTexts): Extract<FromChild, { readonly type: 'unloadable' }> {
  const { name, message, stack, cause } = toFailure(error, texts);
  if (error instanceof StrippingError) {
    // The stack of its cause names the place in the module, before the frames of Node.js.
    const lines = cause?.stack?.split('\n').filter((line) => !/^\s+at .*node:/.test(line)) ?? [];
    const text = lines.length > 1 ? `${message}\n${lines.join('\n')}` : message;
    const { code, loader } = error;
    return { type: 'unloadable', code, message: text, ...(loader === null ? {} : { loader }) };
  }
  if (error instanceof FsqError) return { type: 'unloadable', code: error.code, message };
  const text = stack ?? `${registry().loading ?? 'a task module'} cannot be imported: ${name}: ${message}`;
  return { type: 'unloadable', code: 'FSQ_IMPORT_FAILED', message: text };
}
