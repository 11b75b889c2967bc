/**
 * `fsq worker --notify`: runs a command for each job that this worker has brought to its end. No shell is between: what stands in braces
 * becomes part of an argument, whatever it holds. Commands may be slow, fail or hang; jobs never wait for them.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { basename } from 'node:path';
import { refuse, UsageError } from '../../../job/errors.ts';
import { escape, format, knownInstead, some } from '../../../job/text.ts';
import { reasonOf } from '../../../job/values/realm.ts';
import type { RanJob } from '../../../worker/child/ran-jobs.ts';
import { howOf, type Logger, seconds } from '../../../worker/log.ts';

/** Commands that run at a time. */
const MOST_AT_ONCE = 4;
/** Ends that wait for their command; of more than these the oldest is not told. */
const MOST_WAITING = 1_000;
/** How long a command may take, ms. */
const LIMIT_MS = 60_000;
/** How long the worker's end waits for commands, ms. */
const LAST_MS = 10_000;

interface NotifierOptions {
  /** Of the commands. */
  readonly env: NodeJS.ProcessEnv;
  readonly log: Logger;
  /** Default: a minute for a command, ten seconds for those that run when the worker ends. */
  readonly limitMs?: number;
  readonly lastMs?: number;
}
/** Starting a process takes the worker a few ms: it may do so for a fifth of the time. */
const COST_FACTOR = 5;
/** How much of what a command says on stderr is told, characters. */
const MOST_SAID = 200;
/** How often failures are told, ms: a command that fails does so each time. */
const TELL_EVERY_MS = 5_000;

const PLACEHOLDERS: Readonly<Record<string, (run: RanJob) => string>> = {
  id: ({ id }) => id,
  task: ({ task }) => task,
  state: ({ state }) => state,
  attempt: ({ attempt }) => String(attempt),
  ms: ({ ms }) => String(ms),
};

const SHELLS: ReadonlySet<string> = new Set(['sh', 'bash', 'dash', 'ash', 'ksh', 'zsh', 'fish', 'busybox']);

/**
 * The words of a command line, as a shell would take it apart that knows quotes only.
 *
 * @throws UsageError for an open quote, an unknown placeholder, and for one within the script of a shell
 */
export function parseNotify(text: string): readonly string[] {
  const words = wordsOf(text);
  const [program = ''] = words;
  if (program === '') return refuse('--notify', "a command, such as 'curl -s https://example.org/{id}/{state}'", text);
  for (const word of words)
    for (const [, name = ''] of word.matchAll(/\{(\w+)\}/g))
      if (!Object.hasOwn(PLACEHOLDERS, name))
        throw new UsageError(
          `Unknown placeholder {${name}} in --notify${knownInstead(name, Object.keys(PLACEHOLDERS))}`,
        );
  const script = SHELLS.has(basename(program)) ? words.findIndex((word) => /^-\w*c$/.test(word)) + 1 : 0;
  if (script > 0 && /\{\w+\}/.test(words[script] ?? ''))
    throw new UsageError(
      `Expected placeholders of --notify behind the script of ${program}, which reads them as $1 and so on, such as ${program} -c 'echo "$1"' notify {id}, got ${format(words[script])}`,
    );
  return words;
}

/** `words` for one end. */
export function argumentsFor(words: readonly string[], run: RanJob): readonly string[] {
  return words.map((word) => word.replace(/\{(\w+)\}/g, (all, name: string) => PLACEHOLDERS[name]?.(run) ?? all));
}

function wordsOf(text: string): readonly string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quote: string | null = null;
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    if (char === '\\' && quote !== "'" && i + 1 < text.length) word = (word ?? '') + text.charAt(++i);
    else if (char === quote) quote = null;
    else if (quote === null && (char === '"' || char === "'")) {
      quote = char;
      word ??= '';
    } else if (quote === null && /\s/.test(char)) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? '') + char;
  }
  if (quote !== null) return refuse('--notify', `a closing ${quote}`, text);
  return word === null ? words : [...words, word];
}

export class Notifier {
  readonly #words: readonly string[];
  readonly #options: NotifierOptions;
  readonly #running = new Set<ChildProcess>();
  readonly #waiting: RanJob[] = [];
  #timer: NodeJS.Timeout | null = null;
  /** What went wrong since it was told last. */
  readonly #failures = { count: 0, last: '', toldAt: Number.NEGATIVE_INFINITY };
  #onIdle: (() => void) | null = null;

  constructor(words: readonly string[], options: NotifierOptions) {
    this.#words = words;
    this.#options = options;
  }

  /** A run has ended. Those after which the job goes on are no ends. */
  hear(run: RanJob): void {
    if (run.state === 'retried' || run.state === 'parked') return;
    if (this.#waiting.length >= MOST_WAITING) {
      this.#waiting.shift();
      this.#fail(`more than ${MOST_WAITING} ends wait: the oldest is not told`);
    }
    this.#waiting.push(run);
    this.#next();
  }

  /** Waits for the commands, but not for ever. */
  async close(): Promise<void> {
    const { lastMs = LAST_MS } = this.#options;
    if (this.#running.size + this.#waiting.length > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, lastMs);
        this.#onIdle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const left = this.#running.size + this.#waiting.splice(0).length;
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const child of this.#running) child.kill('SIGKILL');
    if (left > 0) this.#fail(`${some(left, 'end')} not told within ${seconds(lastMs)} after the worker's`);
    this.#tell();
  }

  #next(): void {
    if (this.#timer !== null || this.#running.size >= MOST_AT_ONCE) return;
    const run = this.#waiting.shift();
    if (run === undefined) return;
    const startedAt = performance.now();
    this.#start(run);
    const cost = performance.now() - startedAt;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#next();
      this.#endIfIdle();
    }, COST_FACTOR * cost);
  }

  #start(run: RanJob): void {
    const [program = '', ...args] = argumentsFor(this.#words, run);
    const about = `${run.task} ${run.id}`;
    const { env, limitMs = LIMIT_MS } = this.#options;
    try {
      // Detached: Ctrl-C in the worker's terminal is for the worker, whose last jobs are told as well.
      const child = spawn(program, args, {
        env,
        detached: true,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      // Not its option `timeout`: of a program that is not there, Node.js would wait for it.
      const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
      const end = (problem: string | null): void => {
        clearTimeout(timer);
        child.stderr.destroy();
        this.#ended(child, problem);
      };
      this.#running.add(child);
      let said = '';
      child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-MOST_SAID)));
      child.on('error', (error) => end(`${about}: ${reasonOf(error)}`));
      // Not its 'close': what it has started may hold stderr open for ever.
      child.on('exit', (code, signal) =>
        setImmediate(() => {
          const words = said.trim() === '' ? '' : `, and said ${escape(said.trim())}`;
          end(code === 0 ? null : `${about}: ${program} ${howOf(code, signal)}${words}`);
        }),
      );
    } catch (error) {
      this.#fail(`${about}: ${reasonOf(error)}`);
    }
  }

  /** A process that could not be started has an error and no end, or both. */
  #ended(child: ChildProcess, problem: string | null): void {
    if (!this.#running.delete(child)) return;
    if (problem !== null) this.#fail(problem);
    this.#next();
    this.#endIfIdle();
  }

  #endIfIdle(): void {
    if (this.#running.size + this.#waiting.length === 0) this.#onIdle?.();
  }

  #fail(problem: string): void {
    this.#failures.count++;
    this.#failures.last = problem;
    if (performance.now() - this.#failures.toldAt >= TELL_EVERY_MS) this.#tell();
  }

  #tell(): void {
    const { count, last } = this.#failures;
    if (count === 0) return;
    this.#failures.count = 0;
    this.#failures.toldAt = performance.now();
    const more = count === 1 ? '' : ` (and ${some(count - 1, 'other')} since the last such line)`;
    this.#options.log.warn(`--notify failed for ${last}${more}`);
  }
}
