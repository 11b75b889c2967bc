/** `fsq tasks`: the tasks a worker would know, and where they are defined. */
import { checkImports } from '../../app/project/load-module.ts';
import { currentFolder } from '../../app/project/project.ts';
import { UsageError } from '../../job/errors.ts';
import type { Command, Context } from '../command.ts';
import { shortPath, tableText } from '../display.ts';
import { EXIT } from '../exit.ts';
import { loadTasks } from '../project-tasks.ts';
import { findModules, settingOption, settingsOf } from '../setting-options.ts';

export const tasks: Command = {
  name: 'tasks',
  usage: 'fsq tasks [options]',
  examples: [
    ['fsq tasks', 'what a worker started here would run'],
    ['fsq tasks --tasks src/jobs.ts', 'of this module only'],
    ['fsq tasks --json', 'for programs'],
  ],
  options: {
    ...settingOption('tasks'),
    ...settingOption('import', 'import this first, as node --import does'),
    json: { type: 'boolean', help: 'print one JSON document: [{ name, definedAt }]' },
  },
  notes: ['Exits 78 when there is no task, saying what was searched.'],
  run: runTasks,
};

async function runTasks(context: Context): Promise<number> {
  const settings = await settingsOf(context);
  const { files } = findModules(settings);
  checkImports(settings.imports, currentFolder());
  const found = (await loadTasks(files, settings.imports, settings)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  if (found.length === 0) {
    throw new UsageError(
      `These modules register no task; call task('name', fn) in one of them:\n${files.join('\n')}`,
      'FSQ_NO_TASKS',
    );
  }
  const rows = found.map(({ name, definedAt }) => [name, shortPath(definedAt, currentFolder())]);
  context.print(found, () => tableText(['TASK', 'DEFINED AT'], rows, context.stdout));
  return EXIT.good;
}
