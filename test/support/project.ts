/** A user's project in a temporary folder, and the real command line run in it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { tempDir } from './temp-dir.ts';

export const REPOSITORY: string = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
export const BIN: string = join(REPOSITORY, 'bin/fsq.js');

export interface Project {
  readonly path: string;
  readonly spool: string;
}

/** A project with these files, in which `fsq` and `tsx` are installed; removed after the last test of the file. */
export function tempProject(t: TestContext, files: Readonly<Record<string, string>>): Project {
  const path = tempDir(t);
  mkdirSync(join(path, 'node_modules'));
  symlinkSync(REPOSITORY, join(path, 'node_modules/fsq'));
  symlinkSync(join(REPOSITORY, 'node_modules/tsx'), join(path, 'node_modules/tsx'));
  for (const [name, text] of Object.entries({ 'package.json': '{"name":"project","type":"module"}', ...files })) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
  }
  return { path, spool: join(path, 'spool') };
}

export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Start it in a process group of its own, as a shell does with a command line. Default false. */
  readonly isGroupLeader?: boolean;
  /** A program that runs it, with its arguments, such as ['setpriv', '--reuid=65534']. Only for workers. */
  readonly within?: readonly string[];
  /** The program is killed and the promise rejects after this, ms. Default 60,000. */
  readonly timeoutMs?: number;
}

/** Runs `fsq <args>` in the project to its end. */
export function fsq(project: Project, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return run(project, process.execPath, [BIN, ...args], options);
}

/** Runs a script of the project under tsx to its end, such as 'main.ts'. */
export function runScript(project: Project, script: string, options: RunOptions = {}): Promise<Ran> {
  return run(project, process.execPath, ['--import', 'tsx', script], options);
}

/** Runs any program in the project to its end. */
export function run(
  project: Project,
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ran> {
  const child = spawn(program, args, { cwd: project.path, env: environment(options.env), stdio: 'pipe' });
  const output = gather(child);
  child.stdin.on('error', () => undefined); // It may end without reading its input.
  child.stdin.end(options.input ?? '');
  return new Promise((resolve, reject) => {
    const { timeoutMs = 60_000 } = options;
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(
        new Error(
          `${program} ${args.join(' ')} did not end within ${timeoutMs} ms. It printed:\n${output.stdout}\n${output.stderr}`,
        ),
      );
    }, timeoutMs);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, ...output });
    });
  });
}

export interface WorkerHandle {
  readonly pid: number;
  /** What it has printed to stdout so far. */
  stdout(): string;
  /** What it has printed to stderr so far. */
  stderr(): string;
  /** Resolves when stderr has text that matches; rejects after `timeoutMs` (default 45,000). */
  printed(pattern: RegExp, timeoutMs?: number): Promise<RegExpMatchArray>;
  kill(signal: NodeJS.Signals): void;
  /** Sends SIGTERM and resolves with its end. */
  stop(): Promise<Ran>;
  readonly ended: Promise<Ran>;
}

/** Starts `fsq worker <args>` and resolves when its first child is ready. It is killed after the test if it still runs. */
export async function startWorker(
  t: TestContext,
  project: Project,
  args: readonly string[] = [],
  options: RunOptions = {},
): Promise<WorkerHandle> {
  const env = { FSQ_LOG_FORMAT: 'json', ...options.env };
  const [program = '', ...rest] = [...(options.within ?? []), process.execPath, BIN, 'worker', ...args];
  const child = spawn(program, rest, {
    cwd: project.path,
    env: environment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: options.isGroupLeader === true,
  });
  const output = gather(child);
  const ended = new Promise<Ran>((resolve) =>
    child.on('close', (code, signal) => resolve({ code, signal, ...output })),
  );
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGQUIT');
    await ended;
  });
  const handle: WorkerHandle = {
    pid: child.pid ?? 0,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    printed: (pattern, timeoutMs = 45_000) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(output.stderr);
          if (match !== null) finish(() => resolve(match));
        };
        const timer = setTimeout(
          () =>
            finish(() =>
              reject(new Error(`The worker did not print ${pattern} within ${timeoutMs} ms but:\n${output.stderr}`)),
            ),
          timeoutMs,
        );
        const finish = (settle: () => void): void => {
          clearTimeout(timer);
          child.stderr.off('data', look);
          settle();
        };
        child.stderr.on('data', look);
        look();
      }),
    kill: (signal) => void child.kill(signal),
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
    ended,
  };
  await Promise.race([
    handle.printed(/worker started|^ fsq v\d/m),
    ended.then(({ code, stderr }) =>
      Promise.reject(new Error(`The worker ended with ${code} before it started:\n${stderr}`)),
    ),
  ]);
  return handle;
}

/** This process's environment without what would change the program's behaviour. */
function environment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('FSQ_') && name !== 'NODE_OPTIONS' && name !== 'NODE_TEST_CONTEXT',
  );
  return { ...Object.fromEntries(own), ...extra };
}

function gather(child: ChildProcess): { stdout: string; stderr: string } {
  const output = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  return output;
}
