/** `fsq tasks`: the tasks a worker would know, and where they are defined. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { checkImports } from '../../app/project/load-module.ts';
import { currentFolder } from '../../app/project/project.ts';
import type { Settings } from '../../app/settings/config.ts';
import { type FsqErrorCode, UsageError } from '../../job/errors.ts';
import { childEnvironment } from '../../worker/launch.ts';
import { type FoundTask, type FromChild, parseFromChild, toArguments } from '../../worker/messages.ts';
import { howOf } from '../../worker/log.ts';
import { whereItEnded } from '../../worker/restart.ts';
import type { Command, Context } from '../command.ts';
import { shortPath, tableText } from '../display.ts';
import { EXIT } from '../exit.ts';
import { findModules, settingOption, settingsOf } from '../setting-options.ts';

export const tasks: Command = {
  name: 'tasks',
  summary: 'list the tasks of the project and where they are defined',
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
  const found = (await load(files, settings.imports, settings)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  if (found.length === 0) {
    throw new UsageError(
      `These modules register no task; call task('name', fn) in one of them:\n${files.join('\n')}`,
      'FSQ_NO_TASKS',
    );
  }
  const rows = found.map(({ name, definedAt }) => [name, shortPath(definedAt, currentFolder())]);
  context.print(found, () => tableText(['TASK', 'DEFINED AT'], rows, context.stdout.columns));
  return EXIT.good;
}

/** @throws UsageError when the modules cannot be loaded */
async function load(
  modules: readonly string[],
  imports: readonly string[],
  settings: Settings,
): Promise<readonly FoundTask[]> {
  const path = fileURLToPath(
    new URL(`./tasks-child${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url),
  );
  const execArgv = [...process.execArgv, ...imports.flatMap((module) => ['--import', module])];
  // What the modules print goes to stderr: stdout is for the list.
  const env = childEnvironment(process.env, settings.env, process.platform === 'win32');
  const child = fork(path, toArguments(modules), { execArgv, env, stdio: ['ignore', 2, 2, 'ipc'] });
  let importing: string | null = null;
  const answer = await new Promise<FromChild | null>((resolve, reject) => {
    child.on('message', (raw) => {
      const message = parseFromChild(raw);
      if (message?.type === 'importing') importing = message.module;
      // The modules may send messages of their own.
      if (message?.type === 'ready' || message?.type === 'unloadable') resolve(message);
    });
    child.on('error', reject);
    // Not 'exit', which may come before the last message.
    child.on('close', () => resolve(null));
  });
  child.kill('SIGKILL');
  if (answer?.type === 'ready') return answer.tasks;
  if (answer?.type === 'unloadable' && answer.loader !== undefined)
    return load(modules, [...imports, answer.loader], settings);
  if (answer?.type === 'unloadable') throw new UsageError(answer.message, codeOf(answer.code));
  throw new UsageError(
    `The process that was to import the task modules ${howOf(child.exitCode, child.signalCode)}${whereItEnded(importing, child.signalCode)}.`,
    'FSQ_IMPORT_FAILED',
  );
}

/** The code that the child sent, if it is one of those that loading can have. */
function codeOf(text: string): FsqErrorCode {
  return LOADING_CODES.find((code) => code === text) ?? 'FSQ_IMPORT_FAILED';
}

const LOADING_CODES: readonly FsqErrorCode[] = ['FSQ_TYPESCRIPT', 'FSQ_DUPLICATE_TASK', 'FSQ_DELAY_AT_IMPORT'];
