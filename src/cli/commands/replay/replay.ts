/** `fsq replay`: runs a job once more, here, for whoever looks for what is wrong with it. The spool stays as it is. */
import { once } from 'node:events';
import { checkImports } from '../../../app/project/load-module.ts';
import { currentFolder } from '../../../app/project/project.ts';
import type { Settings } from '../../../app/settings/config.ts';
import { placeVariables } from '../../../app/settings/place.ts';
import type { Broker, Sighting } from '../../../broker/broker.ts';
import { idsAfter, isTaking } from '../../../job/edges.ts';
import { Predecessors } from '../../../job/ended/predecessors.ts';
import { type Failure, SpoolError, UnknownJobError, UnknownTaskError, UsageError } from '../../../job/errors.ts';
import type { Job, Standing } from '../../../job/job.ts';
import type { Ending } from '../../../job/lifecycle.ts';
import { didYouMean, jsonText } from '../../../job/text.ts';
import { LONGEST_MS } from '../../../job/units.ts';
import { isRecord } from '../../../job/values/realm.ts';
import { howOf } from '../../../worker/log.ts';
import { type Command, type Context, wholeNumber } from '../../command.ts';
import { fieldLines } from '../../display.ts';
import { EXIT } from '../../exit.ts';
import { jobId, withSpool } from '../../lookup.ts';
import { startTasks, type TasksProcess } from '../../project-tasks.ts';
import { findModules, settingOptions, settingsOf } from '../../setting-options.ts';
import { parseArguments } from '../call/call-options.ts';
import { failureFields } from '../look/failure-text.ts';
import type { Replayed } from './run-here.ts';

export const replay: Command = {
  name: 'replay',
  usage: 'fsq replay ID [options]',
  examples: [
    ['fsq replay 0199f3c2', 'prints its value as JSON, or its error'],
    ['fsq replay 0199f3c2 --inspect-brk', 'wait for a debugger, and stop before the task'],
    [`fsq replay 0199f3c2 --args '["other.png"]'`, 'the same with other arguments'],
  ],
  args: { least: 1, most: 1 },
  options: {
    args: { type: 'string', value: 'JSON', help: 'these arguments, a JSON array, in place of its own' },
    'inspect-brk': { type: 'boolean', help: 'as node --inspect-brk; no time limit holds' },
    inspect: { type: 'boolean', help: 'as node --inspect; no time limit holds' },
    'inspect-port': { type: 'string', value: 'PORT', help: 'of the debugger (default: 9229; 0 is any)' },
    send: { type: 'boolean', help: 'really send the jobs that the task sends; default: they run here, at once' },
    ...settingOptions('tasks', 'import'),
  },
  notes: [
    'The task really runs, with all it does; only the spool stays as it is: no outcome, no retry, no checkpoint is kept. The task',
    'finds the id, the attempt, the headers and the last checkpoint of the job. What it prints goes to stderr. Exits 0 with a',
    'value, 1 with an error, 3 without such a job or task, 78 when the task modules cannot be loaded.',
  ],
  run: runReplay,
};

async function runReplay(context: Context): Promise<number> {
  const { values, args } = context;
  const settings = await settingsOf(context);
  const own = values.text('args');
  const given = own === undefined ? null : parseArguments(own, '--args');
  const execArgv = debugging(context);
  const found = await withSpool(context, async (broker) => {
    const id = await jobId(broker, args[0] ?? '');
    const sighting = await broker.find(id);
    if (sighting === null) throw new UnknownJobError(id, broker.place);
    const job = await jobToRun(broker, sighting, given);
    const checkpoint = await broker.checkpointed(id);
    return { sighting, job, checkpoint: checkpoint === undefined ? [] : [checkpoint] };
  });
  if (found.sighting.state === 'running')
    context.tell('The job runs in a worker at this moment: this runs it a second time, beside it.');
  const { files } = findModules(settings);
  checkImports(settings.imports, currentFolder());
  const sends = values.flag('send');
  const env = { ...placeVariables(settings), ...(sends ? {} : { FSQ_ALWAYS_EAGER: '1' }) };
  const started = await startTasks(files, settings.imports, settings, { replays: true, execArgv, env });
  const stop = endWith(started);
  try {
    checkTask(found.job.task, started);
    const isDebugged = execArgv.length > 0;
    const { sighting, checkpoint, job } = found;
    const word = { type: 'replay', standing: standingOf(sighting), checkpoint, isDebugged, sends } as const;
    const ending = await endingOf(started, { ...word, ...limited(job, settings, isDebugged) });
    return tellEnding(context, ending, started);
  } finally {
    stop();
  }
}

/** @throws UsageError */
function debugging({ values }: Context): readonly string[] {
  const port = wholeNumber(values.text('inspect-port'), 'inspect-port', 0, 65_535);
  const [waits, listens] = [values.flag('inspect-brk'), values.flag('inspect')];
  if (waits && listens) throw new UsageError('Expected --inspect or --inspect-brk, got both');
  if (port !== undefined && !waits && !listens)
    throw new UsageError('Expected --inspect or --inspect-brk with --inspect-port, got neither');
  if (!waits && !listens) return [];
  return [`--inspect${waits ? '-brk' : ''}=${port ?? 9229}`];
}

/** The job with the arguments that it had, or would have. @throws SpoolError, UsageError */
async function jobToRun(broker: Broker, { id, record, location }: Sighting, given: Job['args'] | null): Promise<Job> {
  if (record === null)
    throw new SpoolError(
      'FSQ_CORRUPT_JOB',
      `${location} cannot be read, so nobody knows what job ${id} is. \`fsq doctor\` says more`,
    );
  const { expiresAtMs: _, ...options } = record.job.options;
  const job: Job = { ...record.job, options };
  if (given !== null) return { ...job, args: given };
  if (!isTaking(options)) return job;
  const found = new Predecessors(job);
  for (const other of idsAfter(options)) {
    const ended = await broker.outcome(other);
    found.add(
      other,
      ended === null || ended.outcome === null ? null : { outcome: ended.outcome, task: ended.job.task },
    );
  }
  const verdict = found.verdict();
  if ('job' in verdict) return verdict.job;
  const why =
    verdict.settlement.kind === 'publish' && 'error' in verdict.settlement.outcome
      ? ` ${verdict.settlement.outcome.error.message}`
      : '';
  throw new UsageError(
    `Job ${id} (${job.task}) takes values of the jobs that it comes after, and these are not there.${why} Give all its arguments, with what it takes in front: --args '[…]'`,
  );
}

/** The attempt that it is in, or had last; of a job that waits the next one. */
function standingOf({ state, standing }: Sighting): Standing {
  const isWaiting = state === 'pending' || state === 'delayed';
  return { ...standing, attempt: Math.max(1, standing.attempt + (isWaiting ? 1 : 0)) };
}

/** Under a debugger a run stands still, so its limits are as far away as can be. */
function limited(job: Job, settings: Settings, isDebugged: boolean): Pick<Replayed, 'job' | 'timeLimits'> {
  const { timeLimitMs, softTimeLimitMs } = settings;
  if (!isDebugged) return { job, timeLimits: { timeLimitMs, softTimeLimitMs } };
  const none = { timeLimitMs: LONGEST_MS, softTimeLimitMs: LONGEST_MS };
  return { job: { ...job, options: { ...job.options, ...none } }, timeLimits: none };
}

function checkTask(task: string, { tasks }: TasksProcess): void {
  const names = tasks.map(({ name }) => name);
  if (names.includes(task)) return;
  const known = names.length === 0 ? '; there is none' : `; there are ${names.slice(0, 10).join(', ')}`;
  throw new UnknownTaskError(`The task modules of this project have no task ${task}${didYouMean(task, names, known)}`);
}

/** A child that stands at a breakpoint does not notice that this process is gone. */
function endWith({ child }: TasksProcess): () => void {
  const end = (signal: NodeJS.Signals): void => {
    child.kill('SIGKILL');
    process.kill(process.pid, signal);
  };
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) process.once(signal, end);
  return () => {
    child.kill('SIGKILL');
    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) process.off(signal, end);
  };
}

/** How the run ended; null: its process did before. */
async function endingOf({ child }: TasksProcess, word: Replayed): Promise<Ending | null> {
  const ending = new Promise<Ending | null>((resolve) => {
    child.on('message', (message) => {
      // Our own process sent it.
      if (isRecord(message) && message['type'] === 'replayed') resolve(message['ending'] as Ending);
    });
    void once(child, 'close').then(() => resolve(null));
  });
  child.send(word);
  return ending;
}

function tellEnding({ stdout, stderr, tell }: Context, ending: Ending | null, { child }: TasksProcess): number {
  if (ending?.kind === 'returned') {
    stdout.write(`${jsonText(ending.value ?? null)}\n`);
    return EXIT.good;
  }
  if (ending === null)
    tell(`The process of the task ${howOf(child.exitCode, child.signalCode)} before the task had ended.`);
  else if (ending.kind === 'timed-out')
    tell(`The task ran longer than its time limit of ${ending.limitMs} ms, at which a worker kills it.`);
  else if (ending.kind === 'retry-asked') tell('The task asked to be run again (retry()).');
  if (ending !== null && 'error' in ending) stderr.write(`${errorLines(ending.error).join('\n')}\n`);
  return EXIT.jobFailed;
}

function errorLines(error: Failure): readonly string[] {
  return fieldLines(failureFields('error', error, { root: currentFolder(), fsq: '', isWhole: true }), 9);
}
