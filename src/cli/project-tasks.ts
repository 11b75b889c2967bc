/** The tasks that the project's modules register, for commands: they are imported in a process of their own. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Settings } from '../app/settings/config.ts';
import { type FsqErrorCode, UsageError } from '../job/errors.ts';
import { childEnvironment } from '../worker/launch.ts';
import { howOf } from '../worker/log.ts';
import { type FoundTask, type FromChild, parseFromChild, toArguments } from '../worker/messages.ts';
import { whereItEnded } from '../worker/restart.ts';

/** The tasks that these modules register, in a process of their own. @throws UsageError when they cannot be loaded */
export async function loadTasks(
  modules: readonly string[],
  imports: readonly string[],
  settings: Settings,
): Promise<readonly FoundTask[]> {
  const path = fileURLToPath(
    new URL(`../cli/tasks-child${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url),
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
    return loadTasks(modules, [...imports, answer.loader], settings);
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
