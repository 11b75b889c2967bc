/** The app behind the top-level names: its settings come from the environment and fsq.config.*, read at first use. */
import { type App, createApp } from './app.ts';
import type { AsyncResult } from './async-result.ts';
import type { TaskFactory } from './task.ts';

const app: App = createApp();

/**
 * Registers a task: `task(name, fn)` or `task(name, options, fn)`. Arguments and result are inferred from the function.
 *
 * @throws UsageError when the name is malformed, or another task has it (FSQ_DUPLICATE_TASK)
 */
export const task: TaskFactory = app.task;

/** The handle of a job by its id. @throws UsageError when `id` is not an id */
export function result(id: string): AsyncResult {
  return app.result(id);
}
