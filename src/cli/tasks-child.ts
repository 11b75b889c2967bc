/**
 * The process that imports the task modules for `fsq tasks` and `fsq schedule run`, as a worker's child would. One of its own, because what a module
 * opens, prints or exits must not reach the command. Its arguments: the modules' paths.
 */
import { ALL_TEXTS } from '../job/failure.ts';
import { fromArguments, loadTasks, unloadable } from '../worker/child/load-tasks.ts';
import type { FromChild } from '../worker/messages.ts';

const modules = fromArguments() as readonly string[];

let answer: FromChild;
try {
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
