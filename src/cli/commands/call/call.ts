/** `fsq call`: sends a job, or one for each line of standard input. */
import { createSender } from '../../../app/app.ts';
import { countAsTold, newSpoolText } from '../../../app/telling/warnings.ts';
import { toRequest } from '../../../app/task.ts';
import type { ApplyOptions } from '../../../app/task-options.ts';
import { UsageError } from '../../../job/errors.ts';
import { format, jsonText } from '../../../job/text.ts';
import { checkTaskName, DEFAULT_QUEUE } from '../../../job/names.ts';
import { checkedArguments } from '../../../job/values/payload.ts';
import { type Command, type Context, duration, type Values } from '../../command.ts';
import { EXIT } from '../../exit.ts';
import { livingSending, livingTasks, mismatchNotice, nobodyNotice } from '../../../app/telling/runners.ts';
import { jobId, printValue } from '../../lookup.ts';
import { givenByOptions, settingsOf } from '../../setting-options.ts';
import { callLines } from './call-lines.ts';
import { CALL_OPTIONS, callOptions, parseArgument, parseArguments } from './call-options.ts';

export const call: Command = {
  name: 'call',
  usage: 'fsq call TASK [ARG…] [options]',
  examples: [
    ['fsq call add 1 2', 'send a job; prints its id'],
    ['fsq call add 1 2 --wait', 'and print the value'],
    ['fsq call greet Ada --timeout 10s', 'wait for the value, at most ten seconds'],
    [`fsq call resize '{"width":80}' photo.png`, 'arguments are JSON where they parse, else plain strings'],
    ['fsq call report --countdown 5m --queue slow', 'not before five minutes have passed'],
    ['fsq call fetch URL --retries 5 --expires 1h', 'try again up to five times, within the hour'],
    ['fsq call report --after 0199f3c2', 'when that job has succeeded'],
    ['fsq call report --key daily', 'only if no report with this key is waiting or running'],
    ['seq 100 | fsq call square -', 'a job for each line'],
  ],
  args: { least: 1, most: Number.POSITIVE_INFINITY },
  options: {
    wait: { type: 'boolean', help: 'wait for the value and print it as JSON' },
    timeout: { type: 'string', value: 'TIME', help: 'wait at most so long: 250ms, 3s, 5m, 2h, 1d; implies --wait' },
    ...CALL_OPTIONS,
    args: { type: 'string', value: 'JSON', help: 'all arguments as one JSON array' },
    stdin: {
      type: 'boolean',
      help: 'each line of standard input is a JSON array of arguments, or one argument; prints one id a line',
    },
    json: { type: 'boolean', help: 'print a JSON document: the id, and with --wait the state and the value' },
  },
  notes: [
    'The task need not exist yet: the job waits for a worker that knows it. Exits as `fsq get` does when it waits; when the',
    'time is over it prints the id, for `fsq get`. With --stdin a bad line ends it with 2; the lines before it are sent.',
    'With --key it prints the id of the job that is there already, if there is one. Of the options of task() those for retries and for',
    'keeping the outcome hold here too, and queue, priority and expires while a worker runs that knows the task: it tells them. The',
    'others (onCrash, key and so on) are for its own calls only.',
  ],
  run: runCall,
};

/** A call as it was given, and the sender that it goes through. */
interface Call {
  readonly context: Context;
  readonly sender: ReturnType<typeof createSender>;
  readonly task: string;
  /** The arguments of the command behind the task's name. */
  readonly texts: readonly string[];
  readonly options: ApplyOptions;
  /** Undefined: as long as it takes. */
  readonly timeoutMs: number | undefined;
}

async function runCall(context: Context): Promise<number> {
  const { values } = context;
  const [name, ...texts] = context.args;
  const task = checkTaskName(name);
  const options = callOptions(values);
  const timeoutMs = duration(values.text('timeout'), 'timeout');
  // The command line knows no function to run inline: a job is what was asked for.
  const sender = createSender(
    { ...givenByOptions(values, ['spool']), alwaysEager: false },
    { notice: context.tell, newSpool: (settings) => context.tell(newSpoolText(settings)), restoring: context.tell },
  );
  const after = values.text('after');
  try {
    const other = after === undefined ? {} : { after: await jobId(await sender.broker(), after) };
    const call = { context, sender, task, texts, options: { ...options, ...other }, timeoutMs };
    const isEachLine = values.flag('stdin') || (texts.length === 1 && texts[0] === '-');
    return await (isEachLine ? callEachLine(call) : callOnce(call));
  } finally {
    await sender.close();
  }
}

async function callEachLine(call: Call): Promise<number> {
  const { context, sender, task, texts } = call;
  const { values, stdin, stdout } = context;
  refuseBesideStdin(values, texts);
  const given = await withOptionsOfTask(call);
  const sent = await callLines({
    input: stdin,
    check: (args) => checkedArguments(task, args),
    send: (argsList) => sender.send(toRequest(task, argsList, given)),
    stdout,
  });
  if (stdout.isClosed) {
    context.tell(`Nobody reads the ids any more: it stopped after ${sent} jobs.`);
    return EXIT.outputFailed;
  }
  if (sent > 0) await tellWhoRuns(call, given.queue, false);
  return EXIT.good;
}

async function callOnce(call: Call): Promise<number> {
  const { context, sender, task, texts, options, timeoutMs } = call;
  const { values, stdout, stderr, tell } = context;
  const isWaiting = values.flag('wait') || timeoutMs !== undefined;
  const args = argumentsOf(values, texts);
  toRequest(task, [args], options); // What is refused makes no spool.
  const given = await withOptionsOfTask(call);
  const [handle] = await sender.send(toRequest(task, [args], given));
  if (handle === undefined) throw new Error('the broker gave no handle');
  const { id, isDuplicate } = handle;
  if (isDuplicate && typeof options.unique === 'object')
    tell(`Job ${id} with this key was there and waits: it has these arguments now.`);
  else if (isDuplicate) tell(`Nothing was sent: job ${id} with this key was there already.`);
  const document = options.key === undefined ? { id } : { id, isDuplicate };
  if (!isWaiting) stdout.write(values.flag('json') ? `${jsonText(document)}\n` : `${id}\n`);
  else if (stderr.isTTY && !isDuplicate) tell(`job ${id} is sent`);
  await tellWhoRuns(call, given.queue, isWaiting);
  if (!isWaiting) return EXIT.good;
  countAsTold((await sender.broker()).place);
  await printValue(handle, timeoutMs, values.flag('json'), stdout);
  return EXIT.good;
}

/** The options of the call, and where they say nothing those that living workers tell of its task: a job waits where `.delay()` would send it. */
async function withOptionsOfTask({ sender, task, options }: Call): Promise<ApplyOptions> {
  return { ...livingSending(await (await sender.broker()).owners(), task), ...options };
}

/**
 * Tells why no living worker will run the job now, if that is so; where none runs, also what is likely to be wrong with the name, or the
 * queue. That none runs is no news to a script whose jobs wait for `fsq drain`: it is told when no module here
 * has the task.
 */
async function tellWhoRuns(
  { context, sender, task }: Call,
  queue: string | undefined,
  isWaiting: boolean,
): Promise<void> {
  const broker = await sender.broker();
  const owners = await broker.owners();
  if (livingTasks(owners).length > 0) return context.tell(mismatchNotice(owners, task, queue ?? DEFAULT_QUEUE));
  const { guessOf } = await import('./likely-task.ts');
  const { isUnknown, notice } = await guessOf(broker, () => settingsOf(context), task, queue === undefined);
  if (isWaiting || context.stderr.isTTY || isUnknown) context.tell(nobodyNotice(owners, null, broker.place));
  context.tell(notice);
}

function argumentsOf(values: Values, texts: readonly string[]): readonly unknown[] {
  const json = values.text('args');
  if (json === undefined) return texts.map(parseArgument);
  if (texts.length > 0) throw new UsageError(`Expected arguments or --args, got both: ${format(texts[0])} and --args`);
  return parseArguments(json, '--args');
}

function refuseBesideStdin(values: Values, texts: readonly string[]): void {
  if (values.text('key') !== undefined)
    throw new UsageError('Expected --stdin alone or --key alone, got both: all lines would be duplicates of the first');
  const other = ['wait', 'timeout', 'args', 'json'].find(
    (name) => values.flag(name) || values.text(name) !== undefined,
  );
  if (other !== undefined)
    throw new UsageError(`Expected --stdin alone or --${other} alone, got both: with --stdin only ids are printed`);
  if (texts.length > 0 && texts[0] !== '-')
    throw new UsageError(`Expected the arguments on standard input (--stdin), got ${format(texts[0])} as well`);
}
