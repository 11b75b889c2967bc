/**
 * Running a program under strace(1): to see which system calls it makes, and to make one of them fail or kill the process.
 *
 * A program brackets what counts with two calls that are easy to see: access(2) of MARK.begin and of MARK.end. strace counts the
 * calls of each name in each thread; what a runtime does before the first mark is the same in every run, so a call is found
 * again by its number.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** Why a test that needs strace cannot run here; false where it can. */
export const NO_STRACE: string | false =
  process.platform === 'linux' &&
  spawnSync('strace', ['-V']).status === 0 &&
  spawnSync('strace', ['-qq', 'true']).status === 0
    ? false
    : 'strace is not installed or may not trace';

export const MARK = { begin: '/fsq-marker-begin', end: '/fsq-marker-end' } as const;

/** One system call of a program: the `nth` of its name in its thread. */
export interface Call {
  readonly name: string;
  readonly nth: number;
  readonly line: string;
}

/** What is done to a call instead of making it, or before. */
export interface Fault {
  readonly name: string;
  readonly nth: number;
  /** An errno, or the death of the process. */
  readonly effect: string;
  /** Every later call of that name in that thread fails as well. */
  readonly isForGood: boolean;
}

export interface Traced {
  readonly args: readonly string[];
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** It did not end in time and was killed. */
  readonly isTimedOut: boolean;
}

export interface TraceOptions {
  readonly program: string;
  readonly args: readonly string[];
  /** Names of system calls. */
  readonly trace: readonly string[];
  readonly logFile: string;
  readonly fault?: Fault;
  /** Default 90,000. */
  readonly limitMs?: number;
  /** How long the program may go on once the fault has come: on a busy machine it takes seconds to get there. Default: as long as that. */
  readonly limitAfterFaultMs?: number;
}

/** Runs a Node.js program under strace to its end. Its log of calls is in `logFile` then. */
export function traced(asked: TraceOptions): Promise<Traced> {
  const { program, args, trace, logFile, fault, limitMs, limitAfterFaultMs: afterMs } = asked;
  const options = ['-f', '-qq', '-y', '-s', '64', '-o', logFile, '-e', `trace=access,${trace.join(',')}`];
  // Faster, but then no signal is injected (strace 6.1).
  if (fault === undefined || !fault.effect.startsWith('SIG')) options.push('--seccomp-bpf');
  if (fault !== undefined)
    options.push('-e', `inject=${fault.name}:${effectOf(fault)}:when=${fault.nth}${fault.isForGood ? '+' : ''}`);
  const ends = new AbortController();
  const ended = run('strace', [...options, process.execPath, program, ...args], args, limitMs, ends.signal);
  if (afterMs === undefined) return ended;
  let faultAt: number | null = null;
  const timer = setInterval(() => {
    faultAt ??= wasInjected(logFile) ? performance.now() : null;
    if (faultAt !== null && performance.now() - faultAt > afterMs) ends.abort();
  }, LOOK_EVERY_MS);
  return ended.finally(() => clearInterval(timer));
}

const LOOK_EVERY_MS = 50;

/** Whether a fault has come, as the log of calls says. */
export function wasInjected(logFile: string): boolean {
  return existsSync(logFile) && readFileSync(logFile, 'utf8').includes('(INJECTED)');
}

/** The same without strace. */
export function untraced({
  program,
  args,
  limitMs,
}: Pick<TraceOptions, 'program' | 'args' | 'limitMs'>): Promise<Traced> {
  return run(process.execPath, [program, ...args], args, limitMs);
}

/** What has not ended by then hangs, ms. Well above what the slowest step takes under strace on a machine with other work. */
const HUNG_MS = 90_000;

function run(
  command: string,
  commandArgs: readonly string[],
  args: readonly string[],
  limitMs = HUNG_MS,
  ends?: AbortSignal,
): Promise<Traced> {
  const child = spawn(command, commandArgs, {
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // A group of its own: whoever kills strace alone lets the program go on.
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  return new Promise((resolve, reject) => {
    let isTimedOut = false;
    const kill = (): void => {
      isTimedOut = true;
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended at this moment, and `close` is about to come.
      }
    };
    const timer = setTimeout(kill, limitMs);
    ends?.addEventListener('abort', kill);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ args, code, signal, ...output, isTimedOut });
    });
  });
}

/** What the linker of a program that was just started reads. */
const STARTED = '/etc/ld.so.cache';
/** Starting one, libuv waits for the other end of a pipe to close; were a fault injected into that close(2), it would stay open. */
const PIPE = /^\d+ +close\(\d+<pipe:/;

/** The calls between the marks, in the order in which they began, but for those of starting other programs; [] when the first mark is missing. */
export function callsIn(logFile: string): readonly Call[] {
  const counts = new Map<string, number>();
  const calls: Call[] = [];
  const started = new Set<string>();
  let isBetween = false;
  for (const line of readFileSync(logFile, 'utf8').split('\n')) {
    // `<... fsync resumed>` is the second half of a call that was counted already.
    const [, thread, name] = /^(\d+) +(\w+)\(/.exec(line) ?? [];
    if (thread === undefined || name === undefined) continue;
    const nth = (counts.get(`${thread} ${name}`) ?? 0) + 1;
    counts.set(`${thread} ${name}`, nth);
    if (line.includes(MARK.begin)) isBetween = true;
    else if (line.includes(MARK.end)) isBetween = false;
    else if (isBetween) calls.push({ name, nth, line });
    if (isBetween && line.includes(STARTED)) started.add(thread);
  }
  return calls.filter(({ line }) => !PIPE.test(line) && !started.has(/^\d+/.exec(line)?.[0] ?? ''));
}

function effectOf({ effect }: Fault): string {
  return effect.startsWith('SIG') ? `signal=${effect}` : `error=${effect}`;
}

/** One thread for fsync, so that its calls have a fixed order; nothing that would make the runtime do more at its start. */
function environment(): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR, TEST_RUN } = process.env;
  // Node hands NODE_V8_COVERAGE on unless it is set: a program whose calls fail must not write coverage at its end.
  return { PATH, HOME, TMPDIR, TEST_RUN, NODE_V8_COVERAGE: '', UV_THREADPOOL_SIZE: '1' };
}
