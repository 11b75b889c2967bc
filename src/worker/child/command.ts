/**
 * The task of `fsq exec`: runs a command, with its arguments and without a shell, for a worker that allows it. Whoever can write to the
 * spool says which command, so nothing of this is there where the worker's owner has not said so.
 *
 * The command stays in this process's group: what kills the job kills the command and all that it has started.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { currentJob } from '../../app/execute.ts';
import { registry } from '../../app/registry.ts';
import { after } from '../../app/timers.ts';
import { CommandError, type CommandEnd } from '../../job/ended/command-error.ts';
import { PermanentError } from '../../job/errors.ts';
import { EXEC_TASK } from '../../job/names.ts';
import { format } from '../../job/text.ts';
import { isRecord, peek, reasonOf } from '../../job/values/realm.ts';

/** What a job of `fsq exec` is to run. */
export interface CommandLine {
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** An absolute path. */
  readonly cwd: string;
  /** Beside the variables of the worker's child. */
  readonly env: Readonly<Record<string, string>>;
}

/** How long what a command has printed is waited for when it has ended: a process that it left behind may hold its output open, ms. */
const REST_MS = 500;
/** As shells say it: not found, and found but not started. */
const EXIT = { notFound: 127, notStarted: 126 } as const;

/** What a command needs of the process that runs it. */
export interface CommandHost {
  /** Prints what the command has printed: so it is kept with the job. */
  readonly print: (stream: 'stdout' | 'stderr', chunk: Buffer) => void;
  /**
   * Sends SIGTERM to all processes of this one's group but this; null where other jobs run here too: then only the command itself
   * gets it.
   */
  readonly terminateGroup: (() => void) | null;
}

/** Registers the task. */
export function registerExec(host: CommandHost): void {
  registry().tasks.set(EXEC_TASK, {
    name: EXEC_TASK,
    fn: (given) => runCommand(commandLineIn(given), host),
    definedAt: 'fsq itself (--allow-exec)',
  });
}

/** @throws PermanentError: another run would not give another answer */
export function commandLineIn(given: unknown): CommandLine {
  const { command, cwd, env = {} } = isRecord(given) ? given : {};
  const isText = (value: unknown): value is string => typeof value === 'string' && !value.includes('\0');
  if (!Array.isArray(command) || !command.every(isText) || command[0] === undefined || command[0] === '')
    throw new PermanentError(
      `Expected { command: ["make", "build"], cwd: "/…" } for ${EXEC_TASK}, got ${format(given)}`,
    );
  if (!isText(cwd) || !cwd.startsWith('/'))
    throw new PermanentError(`Expected an absolute path as cwd of ${EXEC_TASK}, got ${format(cwd)}`);
  if (!isRecord(env) || !Object.entries(env).flat().every(isText))
    throw new PermanentError(`Expected texts as env of ${EXEC_TASK}, got ${format(env)}`);
  return { command, cwd, env: env as Readonly<Record<string, string>> }; // As was just seen.
}

async function runCommand(line: CommandLine, { print, terminateGroup }: CommandHost): Promise<CommandEnd> {
  const { signal } = currentJob();
  signal.throwIfAborted();
  const child = start(line, print);
  const onAbort = (): void => {
    if (terminateGroup === null) child.kill('SIGTERM');
    else terminateGroup();
  };
  signal.addEventListener('abort', onAbort);
  try {
    const end = await ended(child, line);
    // A command that was told to end may well end with 0.
    signal.throwIfAborted();
    if (end.exitCode === 0) return end;
    const how = end.signal === null ? `ended with exit code ${end.exitCode}` : `was ended by ${end.signal}`;
    throw failed(`${shown(line)} ${how}`, end);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function start({ command: [program = '', ...args], cwd, env }: CommandLine, print: CommandHost['print']): ChildProcess {
  const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.on('data', (chunk: Buffer) => print('stdout', chunk));
  child.stderr.on('data', (chunk: Buffer) => print('stderr', chunk));
  return child;
}

/** @throws CommandError where it could not be started */
function ended(child: ChildProcess, line: CommandLine): Promise<CommandEnd> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(notStarted(error, line)));
    child.once('exit', (exitCode, signal) => {
      const rest = after(REST_MS, () => {
        child.stdout?.destroy();
        child.stderr?.destroy();
      });
      child.once('close', () => {
        rest.cancel();
        resolve({ exitCode, signal });
      });
    });
  });
}

function notStarted(error: unknown, line: CommandLine): CommandError {
  const isMissing = peek(error, 'code') === 'ENOENT';
  const why = isMissing ? `there is no such command, or no folder ${line.cwd} on the worker` : reasonOf(error);
  return failed(`${shown(line)} could not be started: ${why}`, {
    exitCode: isMissing ? EXIT.notFound : EXIT.notStarted,
    signal: null,
  });
}

/** Where fsq found out says nothing of the command. */
function failed(message: string, end: CommandEnd): CommandError {
  const error = new CommandError(message, end);
  delete error.stack;
  return error;
}

function shown({ command }: CommandLine): string {
  return format(command.join(' ')).slice(1, -1);
}
