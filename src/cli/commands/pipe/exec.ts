/** `fsq exec`: a job that runs a command. */
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { createSender } from '../../../app/app.ts';
import type { AsyncResult } from '../../../app/async-result.ts';
import { currentFolder } from '../../../app/project/project.ts';
import { toRequest } from '../../../app/task.ts';
import { mismatchNotice, sentNotice } from '../../../app/telling/runners.ts';
import { countAsTold, newSpoolText } from '../../../app/telling/warnings.ts';
import { CommandError } from '../../../job/ended/command-error.ts';
import { refuse, TimeoutError } from '../../../job/errors.ts';
import { DEFAULT_QUEUE, EXEC_TASK } from '../../../job/names.ts';
import { escape, jsonText } from '../../../job/text.ts';
import { type Command, type Context, duration, type Values } from '../../command.ts';
import { EXIT } from '../../exit.ts';
import { jobId } from '../../lookup.ts';
import { givenByOptions } from '../../setting-options.ts';
import { CALL_OPTIONS, callOptions } from '../call/call-options.ts';

export const exec: Command = {
  name: 'exec',
  usage: 'fsq exec [options] -- PROGRAM [ARG…]',
  examples: [
    ['fsq exec -- make build', 'send one; prints its id'],
    ['fsq exec --wait -- make build', 'print its output as it comes, and exit as it does'],
    ['fsq exec --key build --queue slow --timeout 10m -- make -j4', 'with the options of fsq call'],
    ['fsq exec --env CI=1 --env HOME --cwd /srv/app -- ./deploy.sh', 'variables, and the folder'],
  ],
  args: { least: 1, most: Number.POSITIVE_INFINITY },
  options: {
    wait: { type: 'boolean', help: 'print its output as it comes, and exit with its exit code' },
    timeout: { type: 'string', value: 'TIME', help: 'wait at most so long: 250ms, 3s, 5m, 2h, 1d; implies --wait' },
    cwd: { type: 'string', value: 'DIR', help: 'the folder in which it runs (default: this one)' },
    env: {
      type: 'string',
      value: 'K=V',
      multiple: true,
      help: 'a variable for it; K alone takes the value that it has here (default: only those of the worker)',
    },
    ...CALL_OPTIONS,
    json: { type: 'boolean', help: 'print a JSON document with the id; not with --wait' },
  },
  notes: [
    'No shell is between: for pipes and variables run one, `fsq exec -- sh -c "…"`. A job is run by a worker, or a drain, that was started',
    'with --allow-exec, as its user; until there is one it waits. Who may write to the spool may have any command run then.',
    'With --wait it exits with the exit code of the command, 128 and the number of the signal that ended it, 127 when there is none',
    'of that name, or as `fsq get` does. The values of --env are kept in the file of the job.',
  ],
  run: runExec,
};

async function runExec(context: Context): Promise<number> {
  const { values, args, tell } = context;
  const options = callOptions(values);
  const timeoutMs = duration(values.text('timeout'), 'timeout');
  const line = { command: args, cwd: resolve(currentFolder(), values.text('cwd') ?? '.'), env: variablesOf(context) };
  const sender = createSender(
    { ...givenByOptions(values, ['spool']), alwaysEager: false },
    { notice: tell, newSpool: (settings) => tell(newSpoolText(settings)), restoring: tell },
  );
  try {
    const broker = await sender.broker();
    const after = values.text('after');
    const other = after === undefined ? {} : { after: await jobId(broker, after) };
    const [handle] = await sender.send(toRequest(EXEC_TASK, [[line]], { ...options, ...other }));
    if (handle === undefined) throw new Error('the broker gave no handle');
    if (handle.isDuplicate) tell(`Nothing was sent: job ${handle.id} with this key was there already.`);
    if (!isWaiting(values))
      context.stdout.write(values.flag('json') ? `${jsonText({ id: handle.id })}\n` : `${handle.id}\n`);
    // A script whose commands wait for `fsq drain` need not hear that no worker runs.
    const noticeFor = isWaiting(values) || context.stderr.isTTY ? sentNotice : mismatchNotice;
    tell(noticeFor(await broker.owners(), EXEC_TASK, options.queue ?? DEFAULT_QUEUE, broker.place));
    if (!isWaiting(values)) return EXIT.good;
    countAsTold(broker.place);
    return await follow(handle, timeoutMs, context);
  } finally {
    await sender.close();
  }
}

function isWaiting(values: Values): boolean {
  return values.flag('wait') || values.text('timeout') !== undefined;
}

/** @throws UsageError */
function variablesOf({ values, env }: Context): Readonly<Record<string, string>> {
  return Object.fromEntries(
    values.list('env').map((text): readonly [string, string] => {
      const at = text.indexOf('=');
      const name = at === -1 ? text : text.slice(0, at);
      const value = at === -1 ? env[name] : text.slice(at + 1);
      if (name !== '' && value !== undefined) return [name, value];
      return refuse('--env', name === '' ? 'NAME=VALUE or NAME' : `NAME=VALUE, or a variable that is set here`, text);
    }),
  );
}

/** Prints what it prints, and gives the exit code that it ended with. @throws what `get` throws, but for the end of a command */
async function follow(
  handle: AsyncResult,
  timeoutMs: number | undefined,
  { stdout, stderr, tell }: Context,
): Promise<number> {
  const over = new AbortController();
  const printed = print(handle, over.signal, { stdout, stderr });
  try {
    await handle.get(timeoutMs === undefined ? {} : { timeout: timeoutMs });
    await printed;
    return EXIT.good;
  } catch (error) {
    if (!(error instanceof TimeoutError)) await printed;
    if (!(error instanceof CommandError)) throw error;
    const { exitCode, signal } = error;
    // Of a command that has run, its own words are enough.
    if (exitCode === null || exitCode === 126 || exitCode === 127) tell(error.message);
    if (exitCode !== null) return exitCode;
    const number = Object.entries(constants.signals).find(([name]) => name === signal)?.[1];
    return number === undefined ? EXIT.jobFailed : 128 + number;
  } finally {
    over.abort();
  }
}

/** What fsq keeps is harmless, but any program may have written the file. Never rejects: the outcome counts. */
async function print(
  handle: AsyncResult,
  signal: AbortSignal,
  { stdout, stderr }: Pick<Context, 'stdout' | 'stderr'>,
): Promise<void> {
  try {
    for await (const { stream, text } of handle.logs({ follow: true, signal })) {
      const line = text.split('\t').map(escape).join('\t');
      (stream === 'stdout' ? stdout : stderr).write(`${line}\n`);
      await (stream === 'stdout' ? stdout : stderr).caughtUp();
    }
  } catch {
    // The wait was over first, or the outcome tells the same.
  }
}
