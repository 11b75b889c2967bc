/** Sending jobs to a project's spool from a test, by the name of the task. */
import type { TestContext } from 'node:test';
import { type App, type ApplyOptions, type AsyncResult, createApp } from 'fsq';
import type { Project } from './project.ts';

export interface SenderHandle {
  readonly app: App;
  /** Sends one job; the handle's value is whatever the task returns. */
  send(task: string, args: readonly unknown[], options?: ApplyOptions): Promise<AsyncResult>;
}

export function sender(
  t: TestContext,
  project: Project,
  config: { readonly fsync?: boolean } = { fsync: false },
): SenderHandle {
  const app = createApp({ spool: project.spool, ...config });
  t.after(() => app.close());
  const tasks = new Map<string, ReturnType<typeof app.task<unknown[], unknown>>>();
  const taskOf = (name: string): ReturnType<typeof app.task<unknown[], unknown>> => {
    // One sender for each test: the function is never run here.
    const known = tasks.get(name) ?? app.task(name, (...args: unknown[]): unknown => args);
    tasks.set(name, known);
    return known;
  };
  return { app, send: (name, args, options) => taskOf(name).applyAsync([...args], options) };
}
