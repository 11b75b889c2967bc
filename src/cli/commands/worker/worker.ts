/** `fsq worker`: runs jobs until it is told to stop. */
import { availableParallelism } from 'node:os';
import { checkImports } from '../../../app/project/load-module.ts';
import { currentFolder, isSameFolder } from '../../../app/project/project.ts';
import type { Settings } from '../../../app/settings/config.ts';
import { placeText, placeVariables } from '../../../app/settings/place.ts';
import { isAddress } from '../../../broker/broker-address.ts';
import { UsageError } from '../../../job/errors.ts';
import { escape, some } from '../../../job/text.ts';
import { createLogger, logFormat, type Logger, lossLogger } from '../../../worker/log.ts';
import { nodeFiles } from '../../../spool/disk/files.ts';
import type { FoundTask } from '../../../worker/messages.ts';
import { Outlet } from '../../../worker/outlet.ts';
import { Relay } from '../../../worker/relay.ts';
import type { Clockwork } from '../../../worker/schedules/clockwork.ts';
import { TaskModules } from '../../../worker/task-modules.ts';
import { Supervisor } from '../../../worker/supervisor.ts';
import type { Command, Context, Values } from '../../command.ts';
import { shortPath } from '../../display.ts';
import { messageText } from '../../exit.ts';
import { findModules, settingOptions, settingsOf } from '../../setting-options.ts';
import { padded, textWidth } from '../../terminal/width.ts';
import type { Exposed } from '../measure/expose.ts';
import type { Notifier } from './notify.ts';
import { parseQueues } from './queue-choice.ts';
import type { ServiceManager } from './service-manager.ts';
import { listenForSignals, lookForOrphans, startOf } from './start.ts';

/** How long the worker's end waits for the reader of its log, ms. */
const LAST_LINES_MS = 1_000;

/** Of a worker that knows no task. */
const NO_TASKS = 'the modules register no task: every job will be parked';

/** What a worker says of itself when it starts. */
interface StartFacts {
  readonly version: string;
  readonly settings: Settings;
  readonly queues: readonly string[] | null;
  readonly concurrency: number;
  readonly tasks: readonly FoundTask[];
  readonly schedules: readonly string[];
}

export const worker: Command = {
  name: 'worker',
  usage: 'fsq worker [options]',
  examples: [
    ['fsq worker', 'run jobs of all queues with a child per processor'],
    ['fsq worker -c 4 -l debug', 'four children, and say when each job starts'],
    ['fsq worker -Q mail=3,default', 'only jobs of these queues, three of mail for one of default'],
    ['fsq worker --burst', 'end when nothing is ready any more, for cron and CI'],
  ],
  options: {
    ...settingOptions('concurrency', 'slots', 'logLevel', 'allowNetworkFs', 'allowUnsafe', 'allowExec'),
    queues: {
      type: 'string',
      short: 'Q',
      value: 'QUEUES',
      help: 'take jobs of these queues only, in turns; A=3,B: three of A for one of B (default: all)',
    },
    'in-order': { type: 'boolean', help: 'take jobs of a queue only when those named before it have none ready' },
    ...settingOptions('tasks', 'import', 'env', 'timeLimit', 'softTimeLimit'),
    ...settingOptions('maxTasksPerChild', 'maxMemoryPerChild', 'shutdownTimeout'),
    watch: { type: 'boolean', help: 'start new children when a task module, or what one imports, has changed' },
    burst: { type: 'boolean', help: 'end when no job is ready or due' },
    notify: {
      type: 'string',
      value: 'COMMAND',
      help: 'run this for each job that has ended, with {id} {task} {state} {attempt} {ms} in its arguments',
    },
    'metrics-port': {
      type: 'string',
      value: 'N',
      help: 'answer GET /metrics on port N of 127.0.0.1, for Prometheus; 0: any that is free',
    },
    'metrics-file': {
      type: 'string',
      value: 'PATH',
      help: 'write the same to PATH every 15 s, for node_exporter; it ends with .prom',
    },
  },
  run: runWorker,
};

async function runWorker(context: Context): Promise<number> {
  const { values, env, version } = context;
  const settings = await settingsOf(context);
  const modules = modulesFor(settings, values);
  const form = logFormat(context.stderr.isTTY, context.stderr.hasColours, env);
  // Not the command's outputs: those give up at the first failure, and wait for a slow reader for ever.
  const stderr = new Outlet(process.stderr, (lines, why) => lossLogger(log, 'stderr')(lines, why));
  const stdout = new Outlet(process.stdout, (lines, why) => lossLogger(log, 'stdout')(lines, why));
  const log = createLogger(settings.logLevel, form, (line) => stderr.write(line));
  const concurrency = settings.concurrency ?? availableParallelism();
  const { queues, order } = parseQueues(values.text('queues') ?? null, values.flag('in-order'));
  const unset = settings.env?.filter((name) => env[name] === undefined) ?? [];
  if (unset.length > 0) log.info(`not set, so children do not get it either: ${unset.join(', ')}`);
  const manager = await serviceManagerOf(env, log);
  const exposed = await exposedOf(context, settings, log);
  const notifier = await notifierOf(values.text('notify'), { log, env: { ...env, ...placeVariables(settings) } });
  const clockwork = await clockworkOf(context, settings, log);
  const supervisor = new Supervisor({
    settings,
    clockwork,
    modules,
    concurrency,
    queues,
    order,
    isBurst: values.flag('burst'),
    log,
    relay: new Relay(
      { stdout: process.stdout.isTTY ? null : stdout, stderr: process.stderr.isTTY ? null : stderr },
      settings.jobLogBytes > 0,
    ),
    logFormat: form,
    ...(notifier === null ? {} : { tellsRuns: true, onRan: (run) => notifier.hear(run) }),
    onStarted: (tasks, problem) => {
      const facts = { version, settings, queues, concurrency, tasks, schedules: clockwork?.names ?? [] };
      tellStart(facts, log, form === 'json' ? null : stderr);
      manager?.ready(`${childrenText(facts)}, queues: ${queuesText(facts)}`, problem);
    },
  });
  const heard = {
    get isStopping() {
      return supervisor.isStopping;
    },
    onSignal: (...signal: Parameters<Supervisor['onSignal']>) => {
      supervisor.onSignal(...signal);
      manager?.ending();
    },
  };
  const stopListening = listenForSignals(heard, startOf(env, nodeFiles));
  const stopLooking = process.pid === 1 ? lookForOrphans(log) : () => undefined;
  try {
    return await ended(supervisor, notifier, stdout, stderr);
  } finally {
    stopListening();
    stopLooking();
    manager?.close();
    await exposed?.close();
  }
}

/** Null where nobody waits for a word: then nothing of it is loaded. */
async function serviceManagerOf(env: NodeJS.ProcessEnv, log: Logger): Promise<ServiceManager | null> {
  if ((env['NOTIFY_SOCKET'] ?? '') === '' && process.send === undefined) return null;
  const { ServiceManager } = await import('./service-manager.ts');
  return new ServiceManager(env, log);
}

/** Null where nobody asks for metrics: then nothing of them is loaded. @throws UsageError */
async function exposedOf({ values, version }: Context, settings: Settings, log: Logger): Promise<Exposed | null> {
  const [port, file] = [values.text('metrics-port'), values.text('metrics-file')];
  if (port === undefined && file === undefined) return null;
  const { exposeSpool } = await import('../measure/exposed-spool.ts');
  return exposeSpool(settings, { port, file, version }, log);
}

/** Undefined where there are no schedules: then nothing of them is loaded. @throws UsageError (FSQ_CONFIG) */
async function clockworkOf({ values, env }: Context, settings: Settings, log: Logger): Promise<Clockwork | undefined> {
  if (Object.keys(settings.schedules).length === 0) return undefined;
  const { Clockwork } = await import('../../../worker/schedules/clockwork.ts');
  // The configuration says which schedules there are, and which task modules; who names other modules has split the work.
  const isPartial = values.list('tasks').length > 0 || (env['FSQ_TASKS'] ?? '') !== '';
  return Clockwork.read(settings, { log, isPartial });
}

/** @throws UsageError */
async function notifierOf(
  command: string | undefined,
  options: ConstructorParameters<typeof Notifier>[1],
): Promise<Notifier | null> {
  if (command === undefined) return null;
  const { Notifier, parseNotify } = await import('./notify.ts');
  return new Notifier(parseNotify(command), options);
}

/** Runs the worker to its end, and brings its last lines out. */
async function ended(
  supervisor: Supervisor,
  notifier: Notifier | null,
  stdout: Outlet,
  stderr: Outlet,
): Promise<number> {
  const { exitCode, problem } = await supervisor.run();
  await notifier?.close();
  if (problem !== null) stderr.write(messageText('fsq worker', `${problem.message} (${problem.code})`));
  stdout.tellLast();
  const isWritten = await Promise.all([stdout.flush(LAST_LINES_MS), stderr.flush(LAST_LINES_MS)]);
  // Lines that wait for a reader that stands still would keep this process alive.
  if (isWritten.includes(false)) process.exit(exitCode);
  return exitCode;
}

function modulesFor(settings: Settings, values: Values): TaskModules {
  const { files } = findModules(settings);
  checkImports(settings.imports, currentFolder());
  if (values.flag('watch') && values.flag('burst'))
    throw new UsageError('Expected --watch or --burst, got both: a worker that watches does not end');
  const find = values.flag('watch') ? () => findModules(settings).files : null;
  return new TaskModules({ files, imports: settings.imports, find });
}

/** Names tasks whose app sends their jobs to another spool, where this worker does not see them. */
function elsewhereNotices(tasks: readonly FoundTask[], own: string): readonly string[] {
  const elsewhere = new Map<string, string[]>();
  for (const { name, spool: other } of tasks)
    if (other !== undefined && !isSameFolder(other, own)) elsewhere.set(other, [...(elsewhere.get(other) ?? []), name]);
  return [...elsewhere].map(
    ([other, names]) =>
      `${names.slice(0, 5).join(', ')}${names.length > 5 ? ', …' : ''}: createApp() sends these jobs to ${other}, and this worker runs those in ${own}. ${isAddress(other) ? `A worker with this address in FSQ_BROKER` : `\`fsq worker --spool ${other}\``} runs them.`,
  );
}

/** @param banner where people see it; null: programs read the log */
function tellStart(facts: StartFacts, log: Logger, banner: Outlet | null): void {
  for (const notice of elsewhereNotices(facts.tasks, placeText(facts.settings))) log.warn(notice);
  if (banner === null) logStart(log, facts);
  else banner.write(bannerText(facts));
}

function logStart(log: Logger, { version, settings, concurrency, tasks }: StartFacts): void {
  const place = { [settings.broker === null ? 'spool' : 'broker']: placeText(settings) };
  const { slots } = settings;
  log.info('worker started', { version, ...place, concurrency, slots, tasks: tasks.map(({ name }) => name).join(',') });
  if (tasks.length === 0) log.warn(NO_TASKS);
}

function queuesText({ queues }: StartFacts): string {
  return queues === null ? 'all' : queues.join(', ');
}

function childrenText({ concurrency, settings: { slots } }: StartFacts): string {
  const children = some(concurrency, 'child', 'children');
  return slots === 1 ? children : `${children}, ${slots} jobs at once in each`;
}

function bannerText(facts: StartFacts): string {
  const { version, settings, tasks, schedules } = facts;
  const { broker, fsync, projectRoot } = settings;
  const place = escape(placeText(settings));
  const width = Math.max(0, ...tasks.map(({ name }) => textWidth(name)));
  const taskLines = tasks.map(
    ({ name, definedAt }) => `  . ${padded(name, width)}   ${escape(shortPath(definedAt, projectRoot))}`,
  );
  return [
    '',
    ` fsq v${version}`,
    '',
    broker === null
      ? `  .> spool:        ${place}${fsync ? '' : '   (fsync off: a power cut may lose jobs)'}`
      : `  .> broker:       ${place}`,
    `  .> queues:       ${queuesText(facts)}`,
    `  .> concurrency:  ${childrenText(facts)}`,
    ...(schedules.length > 0 ? [`  .> schedules:    ${schedules.join(', ')}`] : []),
    '',
    ' [tasks]',
    ...(taskLines.length > 0 ? taskLines : [`  (${NO_TASKS})`]),
    '',
    '',
  ].join('\n');
}
