/** The task modules that a command works with. */
import { findTaskModules, namedTaskModules, type TaskModules } from '../app/project/project.ts';
import type { Settings } from '../app/settings/config.ts';
import { UsageError } from '../job/errors.ts';

/** @throws UsageError (FSQ_NO_TASKS) saying where it looked */
export function findModules({ tasks, tasksBase, projectRoot }: Settings): TaskModules {
  const modules = tasks === null ? findTaskModules(projectRoot) : namedTaskModules(tasks, tasksBase);
  if (modules.files.length > 0) return modules;
  throw new UsageError(
    `Found no task module. Looked for:\n${modules.searched.map((place) => `  ${place}`).join('\n')}\n` +
      "Make a tasks.ts that calls task('name', fn), or name a module with --tasks.",
    'FSQ_NO_TASKS',
  );
}
