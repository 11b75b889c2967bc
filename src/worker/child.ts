/**
 * The process that runs jobs: forked by a supervisor, an owner of its own in the spool.
 *
 * It is started with its options as arguments, loads the task modules, takes its proof of life, and only then asks
 * for jobs. Its supervisor's end (a disconnect) makes it drain.
 */
import type { LimitKeepers } from '../app/execute.ts';
import type { LogLevel } from '../app/settings/config.ts';
import { readRedact } from '../app/settings/sources.ts';
import type { BrokerEvent, Line } from '../broker/worker-side.ts';
import { type BrokerOptions, openBroker } from '../open.ts';
import { FencedError } from '../job/errors.ts';
import { reasonOf } from '../job/values/realm.ts';
import type { ErrorTexts } from '../job/failure.ts';
import type { QueueLimits } from '../job/queue-limits.ts';
import type { TimeLimits } from '../job/job-options.ts';
import { brokerEventLogger, endsAJobAsFailed } from './broker-events.ts';
import { fromArguments, loadTasks, unloadable } from './load-tasks.ts';
import { createLogger, type LogFormat, lossLogger } from './log.ts';
import { type FoundTask, type FromChild, limitsOf, parseToChild, REPORT_MODULES } from './messages.ts';
import { tame } from './outlet.ts';
import { Retirement, type RetirementRules } from './retirement.ts';
import { Revoked } from './revoked.ts';
import { runJobs } from './runner.ts';
import { Watchdog } from './watchdog.ts';
import { reportUncaught } from './uncaught.ts';

/** What a supervisor tells a child at its start. */
export interface ChildOptions {
  readonly broker: BrokerOptions;
  /** The supervisor's name among owners. */
  readonly parent: string;
  readonly queues: readonly string[] | null;
  /** Limits of queues by name, as a map's entries. */
  readonly queueLimits: readonly (readonly [string, QueueLimits])[];
  /** Absolute paths of the task modules. */
  readonly modules: readonly string[];
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  readonly stacks: boolean;
  /** The configuration file whose `redact` holds; null: no text of an error is redacted. */
  readonly redactFrom: string | null;
  /** Of jobs without limits of their own. */
  readonly limits: TimeLimits;
  readonly retirement: RetirementRules | null;
}

/** Exit codes that a supervisor can tell apart; see cli/exit-codes.ts for the same numbers. */
const EXIT = { good: 0, failure: 1, spoolUnusable: 75, configuration: 78 } as const;

const drain = new AbortController();
const stop = new AbortController();
const watchdog = new Watchdog();
const limitKeepers: LimitKeepers = {
  begun: (run) => {
    say({ type: 'running', ...run });
    watchdog.arm(run.limitMs);
  },
  ended: (isLate) => {
    watchdog.disarm();
    say({ type: 'ended', isLate });
    if (!isLate || !process.connected) return;
    return new Promise((resolve) => (pardon = resolve));
  },
};
let pardon: () => void = () => undefined;
let hear: (word: unknown) => void = () => undefined;
let endLine: () => void = () => undefined;

function say(message: FromChild): void {
  // Without a supervisor nobody listens; the drain has begun then.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

function listen(): void {
  process.on('message', (raw) => {
    const message = parseToChild(raw);
    if (message === null) return;
    switch (message.type) {
      case 'pardon':
        return pardon();
      case 'drain':
        return drain.abort();
      case 'stop':
        stop.abort(new Error('The worker was told to stop at once.'));
        return process.exit(EXIT.good);
      case 'hint':
        return hear(message.word);
    }
  });
  process.on('disconnect', () => {
    // The channel kept this process alive; a task that waits for nothing but a signal would not.
    setInterval(() => undefined, 1_000_000);
    drain.abort();
    endLine();
    pardon();
  });
  // A supervisor that was killed while this process started: its end was told before anybody listened.
  if (!process.connected) drain.abort();
  // The terminal's Ctrl-C is for the supervisor, which passes on what it means.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => drain.abort());
}

async function main(options: ChildOptions): Promise<number> {
  const log = createLogger(options.logLevel, options.logFormat, (line) => process.stderr.write(line));
  for (const name of ['stdout', 'stderr'] as const) tame(process[name], lossLogger(log, name));
  listen();
  const { stacks, redactFrom } = options;
  let texts: ErrorTexts = { redact: null, stacks };
  let tasks: readonly FoundTask[];
  try {
    const onImport = (module: string): void => say({ type: 'importing', module });
    if (redactFrom !== null) {
      onImport(redactFrom);
      texts = { redact: await readRedact(redactFrom), stacks };
    }
    reportUncaught(log, texts);
    tasks = await loadTasks(options.modules, onImport);
    // What tasks start is not asked what it loads.
    delete process.env[REPORT_MODULES];
    say({ type: 'imported' });
  } catch (error) {
    const answer = unloadable(error, texts);
    say(answer);
    return answer.loader === undefined ? EXIT.configuration : EXIT.good;
  }
  const line: Line = {
    say: (word) => say({ type: 'hint', word }),
    listen: (listener, end) => {
      [hear, endLine] = [listener, end];
      if (!process.connected) end();
    },
  };
  const revoked = new Revoked();
  const logEvent = brokerEventLogger(log);
  const onEvent = (event: BrokerEvent): void => {
    logEvent(event);
    if (endsAJobAsFailed(event)) say({ type: 'failed' });
  };
  try {
    // The supervisor has made it: one that is gone was taken away, and must not be made anew by a child that comes late.
    const broker = openBroker({ ...options.broker, mustExist: true });
    const consumer = await broker.consumer({
      queues: options.queues,
      limits: { queues: new Map(options.queueLimits), tasks: limitsOf(tasks) },
      tasks: tasks.map(({ name }) => name),
      parent: options.parent,
      line,
      onRevoked: (ids) => revoked.hear(ids),
      onEvent,
      signal: drain.signal,
    });
    say({ type: 'ready', owner: consumer.owner, tasks });
    await runJobs({
      consumer,
      log,
      texts,
      drain: drain.signal,
      stop: stop.signal,
      revoked,
      limits: options.limits,
      limitKeepers,
      retirement: options.retirement === null ? null : new Retirement(options.retirement),
      onRetire: (why) => say({ type: 'retiring', why }),
      onFailed: () => say({ type: 'failed' }),
    });
    await consumer.close();
    await broker.close();
    return EXIT.good;
  } catch (error) {
    if (error instanceof FencedError) log.error(error.message);
    else if (drain.signal.aborted) log.error(reasonOf(error));
    else say({ type: 'unusable', message: reasonOf(error) });
    return EXIT.spoolUnusable;
  }
}

const code = main(fromArguments() as ChildOptions);
// User code may hold the process open (pools, timers): the work is done, so it ends.
void code.then((value) => {
  if (!process.connected) process.exit(value);
  process.exitCode = value;
  process.send?.({ type: 'bye' } satisfies FromChild, undefined, undefined, () => process.exit(value));
});
