/** `fsq worker`: runs jobs until it is told to stop. */
import { availableParallelism } from 'node:os';
import { checkImports } from '../../../app/project/load-module.ts';
import { currentFolder } from '../../../app/project/project.ts';
import { UsageError } from '../../../job/errors.ts';
import { createLogger, logFormat, type Logger, lossLogger } from '../../../worker/log.ts';
import { nodeFiles } from '../../../spool/files.ts';
import type { FoundTask } from '../../../worker/messages.ts';
import { Outlet } from '../../../worker/outlet.ts';
import { Relay } from '../../../worker/relay.ts';
import { TaskModules } from '../../../worker/task-modules.ts';
import { Supervisor } from '../../../worker/supervisor.ts';
import { bannerText, NO_TASKS } from './banner.ts';
import type { Command, Context } from '../../command.ts';
import { findModules } from '../../modules.ts';
import { elsewhereNotices } from '../../notices.ts';
import { parseQueues } from './queues.ts';
import { messageText } from '../../report.ts';
import { deadOrphans, orphansNotice, type Start, startOf } from './start.ts';
import { settingOptions, settingsOf } from '../../settings.ts';
import { version } from '../../version.ts';

/** How often it is looked whether the npm that started the worker is still there, ms. */
const LAUNCHER_EVERY_MS = 500;

/** How often process 1 looks for the dead whom nobody reaps, ms. */
const ORPHANS_EVERY_MS = 10_000;

/** How long the worker's end waits for who reads its log, ms. */
const LAST_LINES_MS = 1_000;

export const worker: Command = {
  name: 'worker',
  summary: 'run jobs with child processes until told to stop',
  usage: 'fsq worker [options]',
  examples: [
    ['fsq worker', 'run jobs of all queues with a child per processor'],
    ['fsq worker -c 4 -l debug', 'four children, and say when each job starts'],
    ['fsq worker -Q mail=3,default', 'only jobs of these queues, three of mail for one of default'],
    ['fsq worker --burst', 'end when nothing is ready any more, for cron and CI'],
  ],
  options: {
    ...settingOptions('concurrency', 'logLevel', 'allowNetworkFs', 'allowUnsafe'),
    queues: {
      type: 'string',
      short: 'Q',
      value: 'A,B',
      help: 'take jobs of these queues only, in turns; A=3,B: three of A for one of B (default: all)',
    },
    'in-order': { type: 'boolean', help: 'take jobs of a queue only when those named before it have none ready' },
    ...settingOptions('tasks', 'import', 'env', 'timeLimit', 'softTimeLimit'),
    ...settingOptions('maxTasksPerChild', 'maxMemoryPerChild', 'shutdownTimeout'),
    watch: { type: 'boolean', help: 'start new children when a task module, or what one imports, has changed' },
    burst: { type: 'boolean', help: 'end when no job is ready or due' },
  },
  run: runWorker,
};

async function runWorker(context: Context): Promise<number> {
  const { values, env } = context;
  const settings = await settingsOf(context);
  const { files } = findModules(settings);
  checkImports(settings.imports, currentFolder());
  if (values.flag('watch') && values.flag('burst'))
    throw new UsageError('Expected --watch or --burst, got both: a worker that watches does not end');
  const find = values.flag('watch') ? () => findModules(settings).files : null;
  const modules = new TaskModules({ files, imports: settings.imports, find });
  const format = logFormat(process.stderr.isTTY, env);
  // Not the command's outputs: those give up at the first failure, and wait for a slow reader for ever.
  const stderr = new Outlet(process.stderr, (lines, why) => lossLogger(log, 'stderr')(lines, why));
  const stdout = new Outlet(process.stdout, (lines, why) => lossLogger(log, 'stdout')(lines, why));
  const log = createLogger(settings.logLevel, format, (line) => stderr.write(line));
  const concurrency = settings.concurrency ?? availableParallelism();
  const { queues, order } = parseQueues(values.text('queues') ?? null, values.flag('in-order'));
  const onStarted = (tasks: readonly FoundTask[]): void => {
    for (const notice of elsewhereNotices(tasks, settings.spool)) log.warn(notice);
    if (format === 'json') {
      log.info('worker started', {
        version,
        spool: settings.spool,
        concurrency,
        tasks: tasks.map(({ name }) => name).join(','),
      });
      if (tasks.length === 0) log.warn(NO_TASKS);
    } else
      stderr.write(
        bannerText({
          version,
          spool: settings.spool,
          queues,
          concurrency,
          fsync: settings.fsync,
          tasks,
          root: settings.projectRoot,
        }),
      );
  };
  const unset = settings.env?.filter((name) => env[name] === undefined) ?? [];
  if (unset.length > 0) log.info(`not set, so children do not get it either: ${unset.join(', ')}`);
  const supervisor = new Supervisor({
    settings,
    modules,
    concurrency,
    queues,
    order,
    isBurst: values.flag('burst'),
    log,
    relay: new Relay({
      stdout: process.stdout.isTTY ? null : stdout,
      stderr: process.stderr.isTTY ? null : stderr,
    }),
    logFormat: format,
    onStarted,
  });
  const stopListening = listenForSignals(supervisor, startOf(env, nodeFiles));
  const stopLooking = process.pid === 1 ? lookForOrphans(log) : () => undefined;
  try {
    const { exitCode, problem } = await supervisor.run();
    if (problem !== null) stderr.write(messageText('fsq worker', `${problem.message} (${problem.code})`));
    stdout.tellLast();
    const isWritten = await Promise.all([stdout.flush(LAST_LINES_MS), stderr.flush(LAST_LINES_MS)]);
    // What waits for a reader that stands still would keep this process alive.
    if (isWritten.includes(false)) process.exit(exitCode);
    return exitCode;
  } finally {
    stopListening();
    stopLooking();
  }
}

/** As process 1: tells once that there are dead whom nobody reaps. */
function lookForOrphans(log: Logger): () => void {
  let before: ReadonlySet<number> = new Set();
  const timer = setInterval(() => {
    const now = deadOrphans(nodeFiles);
    const notice = orphansNotice(before, now);
    before = now;
    if (notice === null) return;
    clearInterval(timer);
    log.warn(notice);
  }, ORPHANS_EVERY_MS).unref();
  return () => clearInterval(timer);
}

/** One more signal after a forced stop ends the worker as it ends any program: a full disk could hold up the stop. */
function listenForSignals(supervisor: Supervisor, { isWithoutHangup, launcher }: Start): () => void {
  const signals = ['SIGHUP', 'SIGINT', 'SIGTERM', 'SIGQUIT'] as const;
  const listeners = signals.map((signal) => {
    const listener = (): void => {
      if (signal === 'SIGHUP' && isWithoutHangup) return;
      supervisor.onSignal(signal);
      if (supervisor.isStopping) stopListening();
    };
    return [signal, listener] as const;
  });
  const watching =
    launcher === null
      ? undefined
      : setInterval(() => {
          if (launcher.isThere()) return;
          clearInterval(watching);
          // As the end of a terminal: it begins a drain, and is nothing new to a worker that drains.
          supervisor.onSignal('SIGHUP', `${launcher.name}, which had started this worker, has ended`);
        }, LAUNCHER_EVERY_MS).unref();
  const stopListening = (): void => {
    clearInterval(watching);
    for (const [signal, listener] of listeners) process.off(signal, listener);
  };
  for (const [signal, listener] of listeners) process.on(signal, listener);
  return stopListening;
}
