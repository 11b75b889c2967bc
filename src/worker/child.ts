/**
 * The process that runs jobs: forked by a supervisor, an owner of its own.
 *
 * It is started with its options as arguments, loads the task modules, takes its proof of life, and only then asks
 * for jobs. When its supervisor ends (a disconnect), it drains.
 */
import type { Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { LogLevel } from '../app/settings/config.ts';
import { RunningJob } from '../app/current-job.ts';
import { registry } from '../app/registry.ts';
import { withLogin } from '../app/settings/place.ts';
import { readRedact } from '../app/settings/sources.ts';
import type { Broker } from '../broker/broker.ts';
import { sendingOfTasks } from '../broker/task-sending.ts';
import type { Consumer, QueueOrder } from '../broker/worker-side.ts';
import { FencedError, SpoolError } from '../job/errors.ts';
import { type ErrorTexts, toFailure } from '../job/failure.ts';
import type { TimeLimits } from '../job/job-options.ts';
import type { QueueLimits } from '../job/queue-limits.ts';
import { reasonOf } from '../job/values/realm.ts';
import { type BrokerOptions, openBroker } from '../open.ts';
import { Channel, killGroup } from './child/channel.ts';
import { fromArguments, loadTasks, unloadable } from './child/load-tasks.ts';
import { Prints } from './child/prints.ts';
import { CountedRuns, figuresOfEnded } from './child/counted-runs.ts';
import { RanJobs } from './child/ran-jobs.ts';
import { Retirement, type RetirementRules } from './child/retirement.ts';
import { Revoked, runJobs } from './child/runner.ts';
import { Slots } from './child/slots.ts';
import { brokerEventLogger, createLogger, endsAJobAsFailed, type LogFormat, type Logger, lossLogger } from './log.ts';
import { type FoundTask, limitsOf, REPORT_MODULES } from './messages.ts';
import { tame } from './outlet.ts';
import type { OwnDescriptors } from './relay.ts';

/** What a supervisor tells a child at its start. */
export interface ChildOptions {
  readonly broker: BrokerOptions;
  /** The supervisor's name among owners. */
  readonly parent: string;
  readonly queues: readonly string[] | null;
  /** Weights and limits of queues by name, as a map's entries. */
  readonly order: { readonly kind: QueueOrder['kind']; readonly weights: readonly (readonly [string, number])[] };
  readonly queueLimits: readonly (readonly [string, QueueLimits])[];
  /** Absolute paths of the task modules. */
  readonly modules: readonly string[];
  /** Jobs at once. */
  readonly slots: number;
  /** Commands of `fsq exec` are run. */
  readonly allowsExec: boolean;
  /** How much of what a job prints is kept, bytes; 0: nothing. */
  readonly logBytes: number;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  readonly stacks: boolean;
  /** The configuration file whose `redact` holds; null: no text of an error is redacted. */
  readonly redactFrom: string | null;
  /** Of jobs without limits of their own. */
  readonly timeLimits: TimeLimits;
  readonly retirement: RetirementRules | null;
  /** The worker counts what becomes of the jobs. */
  readonly tellsRuns: boolean;
  /** No further job is taken once one has failed for good here. */
  readonly stopsAtFailure: boolean;
}

/** How long the worker may take to kill a child that must end, ms. */
const FENCED_GRACE_MS = 500;

/** How long a child waits before it asks again for a server that was away at its start, ms. */
const BEGIN_AGAIN_MS = 500;

/** With what only the process is given that starts it. */
type StartOptions = ChildOptions & { readonly own: OwnDescriptors };

/** Exit codes that a supervisor can tell apart; cli/exit.ts has the same numbers. */
const EXIT = { good: 0, failure: 1, spoolUnusable: 75, configuration: 78 } as const;

async function main(options: StartOptions, channel: Channel): Promise<number> {
  const prints = options.logBytes === 0 ? null : printsThrough(channel, options.slots);
  const log: Logger = createLogger(options.logLevel, options.logFormat, (line) => toStderr(line));
  const print = (name: 'stdout' | 'stderr'): ((line: string | Uint8Array) => void) =>
    tame(process[name], lossLogger(log, name), streamOf(options.own[name]), (chunk) => prints?.hear(name, chunk));
  print('stdout');
  const toStderr = print('stderr');
  channel.open();
  let texts: ErrorTexts = { redact: null, stacks: options.stacks };
  let tasks: readonly FoundTask[];
  try {
    if (options.redactFrom !== null) {
      channel.say({ type: 'importing', module: options.redactFrom });
      texts = { ...texts, redact: await readRedact(options.redactFrom) };
    }
    reportUncaught(log, texts);
    if (options.allowsExec) await allowExec(options.slots, channel);
    tasks = await loadTasks(options.modules, (module) => channel.say({ type: 'importing', module }));
    // Programs that tasks start must not report the modules they load.
    delete process.env[REPORT_MODULES];
    channel.say({ type: 'imported' });
  } catch (error) {
    const answer = unloadable(error, texts);
    channel.say(answer);
    return answer.loader === undefined ? EXIT.configuration : EXIT.good;
  }
  try {
    await work(options, channel, { log, texts, tasks, prints });
    return EXIT.good;
  } catch (error) {
    if (error instanceof FencedError) log.error(error.message);
    else if (channel.drain.aborted) log.error(reasonOf(error));
    else channel.say({ type: 'unusable', message: reasonOf(error) });
    return EXIT.spoolUnusable;
  }
}

/** Its module is loaded where it is used: few workers do. */
async function allowExec(slots: number, channel: Channel): Promise<void> {
  const { registerExec } = await import('./child/command.ts');
  registerExec({
    print: (stream, chunk) => process[stream].write(chunk),
    terminateGroup: slots === 1 ? () => channel.terminateGroup() : null,
  });
}

interface WorkParts {
  readonly log: Logger;
  readonly texts: ErrorTexts;
  readonly tasks: readonly FoundTask[];
  readonly prints: Prints | null;
}

function printsThrough(channel: Channel, slots: number): Prints {
  const prints = new Prints({
    begun: (job) => channel.say({ type: 'prints', ...job }),
    ended: () => channel.printed(),
  });
  // Where several jobs work at once nobody can tell whose process has printed.
  if (slots > 1) return prints;
  prints.listen();
  channel.onSayRuns = () => prints.tellAll();
  return prints;
}

/** Undefined for null: where the process prints is then its stdout, or stderr. */
function streamOf(fd: number | null): Socket | undefined {
  if (fd === null) return;
  const { Socket } = process.getBuiltinModule('node:net');
  return new Socket({ fd, readable: false, writable: true });
}

/** Runs jobs until there is a reason to end. @throws FencedError, SpoolError */
async function work(options: ChildOptions, channel: Channel, { log, texts, tasks, prints }: WorkParts): Promise<void> {
  const revoked = new Revoked();
  const slots = new Slots(options.slots);
  // The supervisor has made it: one that is gone was taken away, and must not be made anew by a child that comes late.
  const broker = openBroker({ ...withLogin(options.broker, process.env), mustExist: true });
  const counted = new CountedRuns((figures) => channel.say({ type: 'counted', figures }));
  const consumer = await begun(channel, () =>
    consumerOf(broker, options, channel, { log, tasks, revoked, slots, counted }),
  );
  process.on('exit', () => {
    counted.flush();
    nameTheGuilty(channel);
  });
  channel.say({ type: 'ready', owner: consumer.owner, tasks });
  const ran = options.tellsRuns ? new RanJobs((runs) => channel.say({ type: 'ran', runs })) : null;
  await runJobs({
    consumer,
    log,
    texts,
    drain: channel.drain,
    stop: channel.stop,
    revoked,
    prints,
    slots,
    timeLimits: options.timeLimits,
    limitKeepers: channel.limitKeepers,
    retirement: options.retirement === null ? null : new Retirement(options.retirement),
    onRetire: (why) => channel.say({ type: 'retiring', why }),
    onFailed: () => failed(options, channel),
    onCounted: (run) => counted.add(run),
    // Who counts the runs hears of it with them.
    onParked: ran === null ? (news) => channel.say({ type: 'parked', ...news }) : undefined,
    onRan: ran === null ? undefined : (run) => ran.add(run),
  });
  ran?.flush();
  counted.flush();
  await consumer.close();
  await broker.close();
}

/** A child that starts while a server is away waits for it: its worker does, which was there before. @throws SpoolError */
async function begun(channel: Channel, begin: () => Promise<Consumer>): Promise<Consumer> {
  for (;;) {
    try {
      return await begin();
    } catch (error) {
      if (!(error instanceof SpoolError) || error.code !== 'FSQ_BROKER' || channel.drain.aborted) throw error;
      await wait(BEGIN_AGAIN_MS, undefined, { signal: channel.drain }).catch(() => undefined); // Aborted: one last try.
    }
  }
}

function consumerOf(
  broker: Broker,
  options: ChildOptions,
  channel: Channel,
  {
    log,
    tasks,
    revoked,
    slots,
    counted,
  }: Pick<WorkParts, 'log' | 'tasks'> & {
    readonly revoked: Revoked;
    readonly slots: Slots;
    readonly counted: CountedRuns;
  },
): Promise<Consumer> {
  const { queues, order, queueLimits, parent, logBytes, slots: size } = options;
  const logEvent = brokerEventLogger(log, 'address' in options.broker ? 'broker' : 'spool');
  return broker.consumer({
    queues,
    order: { kind: order.kind, weights: new Map(order.weights) },
    limits: { queues: new Map(queueLimits), tasks: limitsOf(tasks) },
    tasks: tasks.map(({ name }) => name),
    sending: sendingOfTasks(tasks),
    slots: size,
    parent,
    line: channel.line,
    logBytes,
    alone: () => slots.alone(),
    onRevoked: (ids) => revoked.hear(ids),
    onTerminate: (ids) => {
      const id = revoked.runningOf(ids);
      if (id !== undefined) endTerminated(log, id);
    },
    onFenced: (why) => endFenced(log, why),
    onEvent: (event) => {
      // Each child would say it: the worker does so once.
      if (event.kind === 'unlogged')
        return channel.say({ type: 'unlogged', id: event.id, reason: reasonOf(event.error) });
      logEvent(event);
      const run = figuresOfEnded(event);
      if (run !== null) counted.add(run);
      if (endsAJobAsFailed(event)) failed(options, channel);
    },
    signal: channel.drain,
  });
}

/** The worker was told, and kills this process with all it has started; where it cannot, because it is stopped or dead, this does. */
function endFenced(log: Logger, why: string): void {
  setTimeout(() => {
    log.error(`${why}: this process ends with all it has started`);
    killGroup();
  }, FENCED_GRACE_MS);
}

/** The worker is gone that would have killed this process. Whoever finds it dead ends the job as revoked, as after any other death. */
function endTerminated(log: Logger, id: string): void {
  log.warn(`job ${id} is revoked: this process, whose worker is gone, ends with all it has started`, { job: id });
  killGroup();
}

/** A job has failed for good, with a run of this process or without one. The worker is told before this process can say that it ends. */
function failed({ stopsAtFailure }: ChildOptions, channel: Channel): void {
  channel.say({ type: 'failed' });
  if (stopsAtFailure) channel.takeNoMore();
}

/**
 * Where texts are to be redacted or stacks left out, the log tells of an uncaught error in place of Node.js, which would print
 * all of it. Code of the tasks that listens for such errors itself goes first: then this does nothing.
 */
function reportUncaught(log: Logger, texts: ErrorTexts): void {
  if (texts.redact === null && texts.stacks) return;
  process.on('uncaughtException', (error: unknown) => {
    if (process.listenerCount('uncaughtException') > 1) return;
    const { name, message, stack } = toFailure(error, texts);
    log.error(`nobody caught ${stack ?? `${name}: ${message}`}; this process ends`);
    process.exit(EXIT.failure);
  });
}

/**
 * The process ends, and code of a job is what ends it: by an error that nobody caught, or by `process.exit()`. The others in this process
 * are innocent then. A process that is killed, or runs out of memory, has no such last word.
 */
function nameTheGuilty(channel: Channel): void {
  const job = registry().current.getStore();
  if (job !== undefined && !RunningJob.hasEnded(job)) channel.say({ type: 'blamed', id: job.id });
}

const channel = new Channel();
// User code may hold the process open (pools, timers): the work is done, so it ends.
void main(fromArguments() as StartOptions, channel).then((code) => {
  process.exitCode = code;
  channel.say({ type: 'bye' }, () => process.exit(code));
});
