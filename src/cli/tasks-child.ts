/**
 * The process that imports the task modules for commands, as a worker's child would: one of its own, because what a module opens, prints or
 * exits must not reach the command. Its arguments: see `ChildTask`. For `fsq replay` it runs one job then.
 */
import { ALL_TEXTS } from '../job/failure.ts';
import { fromArguments, loadTasks, unloadable } from '../worker/child/load-tasks.ts';
import type { FromChild } from '../worker/messages.ts';
import type { ChildTask } from './project-tasks.ts';

const { modules, replays } = fromArguments() as ChildTask;

let answer: FromChild;
try {
  // It listens before it says that it is ready.
  if (replays) (await import('./commands/replay/run-here.ts')).runWhenTold();
  answer = {
    type: 'ready',
    owner: '',
    tasks: await loadTasks(modules, (module) => say({ type: 'importing', module })),
  };
} catch (error) {
  answer = unloadable(error, ALL_TEXTS);
}
// The modules may hold the process open (pools, timers): the parent ends it.
say(answer);

function say(message: FromChild): void {
  process.send?.(message, undefined, undefined, () => undefined);
}
