/** The tasks that the project's modules register, for commands: they are imported in a process of their own. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type ReadSchedule, unknownTaskText } from '../app/schedules/read-schedules.ts';
import type { Settings } from '../app/settings/config.ts';
import { type FsqErrorCode, UsageError } from '../job/errors.ts';
import { childEnvironment } from '../worker/launch.ts';
import { howOf } from '../worker/log.ts';
import { type FoundTask, type FromChild, parseFromChild, toArguments } from '../worker/messages.ts';
import { whereItEnded } from '../worker/restart.ts';
import { findModules } from './setting-options.ts';

/** What the process is to do. */
export interface ChildTask {
  /** Absolute paths of the task modules. */
  readonly modules: readonly string[];
  /** It waits for a job then, and runs it. */
  readonly replays: boolean;
}

/** A process that has imported the task modules. */
export interface TasksProcess {
  readonly child: ChildProcess;
  readonly tasks: readonly FoundTask[];
}

interface StartOptions {
  readonly replays?: boolean;
  /** Of Node.js, besides those of this process. */
  readonly execArgv?: readonly string[];
  /** Besides those that the settings let through. */
  readonly env?: NodeJS.ProcessEnv;
}

/** The tasks that these modules register, in a process of their own. @throws UsageError when they cannot be loaded */
export async function loadTasks(
  modules: readonly string[],
  imports: readonly string[],
  settings: Settings,
): Promise<readonly FoundTask[]> {
  const { child, tasks } = await startTasks(modules, imports, settings);
  child.kill('SIGKILL');
  return tasks;
}

/** The task of a schedule, loaded as by a worker: it knows to which queue its jobs go. @throws UsageError where the modules do not have it */
export async function scheduledTask(schedule: ReadSchedule, settings: Settings): Promise<FoundTask> {
  const tasks = await loadTasks(findModules(settings).files, settings.imports, settings);
  const task = tasks.find(({ name }) => name === schedule.task);
  if (task !== undefined) return task;
  const known = tasks.map(({ name }) => name);
  throw new UsageError(unknownTaskText(schedule, known), 'FSQ_CONFIG');
}

/** Starts such a process; whoever asks for it ends it. @throws UsageError when they cannot be loaded */
export async function startTasks(
  modules: readonly string[],
  imports: readonly string[],
  settings: Settings,
  options: StartOptions = {},
): Promise<TasksProcess> {
  const path = fileURLToPath(
    new URL(`../cli/tasks-child${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url),
  );
  const { replays = false, execArgv: own = [], env: ownEnv = {} } = options;
  const execArgv = [...process.execArgv, ...imports.flatMap((module) => ['--import', module]), ...own];
  const env = { ...childEnvironment(process.env, settings.env, process.platform === 'win32'), ...ownEnv };
  const task: ChildTask = { modules, replays };
  // What the modules print goes to stderr: stdout is for the list.
  const child = fork(path, toArguments(task), { execArgv, env, stdio: [replays ? 0 : 'ignore', 2, 2, 'ipc'] });
  const { answer, importing } = await firstAnswer(child);
  if (answer?.type === 'ready') return { child, tasks: answer.tasks };
  await ended(child);
  if (answer?.type === 'unloadable' && answer.loader !== undefined)
    return startTasks(modules, [...imports, answer.loader], settings, options);
  if (answer?.type === 'unloadable') throw new UsageError(answer.message, codeOf(answer.code));
  throw new UsageError(
    `The process that was to import the task modules ${howOf(child.exitCode, child.signalCode)}${whereItEnded(importing, child.signalCode)}.`,
    'FSQ_IMPORT_FAILED',
  );
}

async function firstAnswer(
  child: ChildProcess,
): Promise<{ readonly answer: FromChild | null; readonly importing: string | null }> {
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
  return { answer, importing };
}

/** Ends the process, and resolves when it has: the port of its debugger is free then. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

/** The code that the child sent, if it is one of those that loading can have. */
function codeOf(text: string): FsqErrorCode {
  return LOADING_CODES.find((code) => code === text) ?? 'FSQ_IMPORT_FAILED';
}

const LOADING_CODES: readonly FsqErrorCode[] = ['FSQ_TYPESCRIPT', 'FSQ_DUPLICATE_TASK', 'FSQ_DELAY_AT_IMPORT'];
