/** What a job has printed, for programs that read or follow it. */
import type { Unlogged } from '../registry.ts';
import { lendingSlot } from './waiting.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Broker } from '../../broker/broker.ts';
import { refuse, UnknownJobError, UsageError } from '../../job/errors.ts';
import { format } from '../../job/text.ts';
import type { LogLine } from '../../job/values/log-lines.ts';
import { isAbortSignal, isOptions } from '../../job/values/realm.ts';
import { tellWhileWaiting } from '../telling/standstill.ts';
import { throwIfAborted } from '../timers.ts';

export interface LogsOptions {
  /** Go on until the job has ended. Default false. */
  readonly follow?: boolean;
  /** Stops the reading: it throws the signal's reason. */
  readonly signal?: AbortSignal;
}

/** How often a log that is followed is looked at, ms. */
const EVERY_MS = 200;

type LogSource = Pick<Broker, 'place' | 'find' | 'outcome' | 'log' | 'owners'> & Unlogged;

/** @throws UsageError at once; UnknownJobError from the reading */
export function logLines(
  id: string,
  source: () => Promise<LogSource>,
  options: unknown,
): AsyncGenerator<LogLine, void, undefined> {
  return read(id, source, checked(options));
}

async function* read(
  id: string,
  open: () => Promise<LogSource>,
  { follow, signal }: { readonly follow: boolean; readonly signal: AbortSignal | undefined },
): AsyncGenerator<LogLine, void, undefined> {
  throwIfAborted(signal);
  const source = await open();
  if ((await source.find(id)) === null) throw new UnknownJobError(id, source.place);
  if (source.whyNoLog !== undefined) throw source.whyNoLog(id);
  const beQuiet = follow ? tellWhileWaiting(source, id) : null;
  try {
    for (let position = 0; ;) {
      // Asked before the reading: what was printed is there no later than the outcome.
      const isOver = !follow || (await source.outcome(id)) !== null || (await source.find(id)) === null;
      for (;;) {
        const part = await source.log(id, position);
        position = part.position;
        if (part.lines.length === 0) break;
        for (const line of part.lines) {
          throwIfAborted(signal);
          yield line;
        }
      }
      if (isOver) return;
      await lendingSlot(id, () => pause(signal));
    }
  } finally {
    beQuiet?.();
  }
}

async function pause(signal: AbortSignal | undefined): Promise<void> {
  throwIfAborted(signal);
  await sleep(EVERY_MS, undefined, signal === undefined ? {} : { signal }).catch((error: unknown) => {
    throwIfAborted(signal);
    throw error;
  });
}

function checked(options: unknown): { readonly follow: boolean; readonly signal: AbortSignal | undefined } {
  if (!isOptions(options)) return refuse('options of logs()', 'an object', options);
  const { follow = false, signal, ...rest } = options;
  const extra = Object.keys(rest)[0];
  if (extra !== undefined) throw new UsageError(`Unknown option ${format(extra)} of logs(); known are follow, signal`);
  if (typeof follow !== 'boolean') return refuse('`follow`', 'true or false', follow);
  if (signal !== undefined && !isAbortSignal(signal)) return refuse('`signal`', 'an AbortSignal', signal);
  return { follow, signal };
}

/** What comes to the log of a job. */
export class NewLines {
  readonly #source: Pick<Broker, 'log'>;
  readonly #id: string;
  #position = 0;
  #lines: LogLine[] = [];

  constructor(source: Pick<Broker, 'log'>, id: string) {
    this.#source = source;
    this.#id = id;
  }

  async read(): Promise<void> {
    for (;;) {
      const { lines, position } = await this.#source.log(this.#id, this.#position);
      this.#position = position;
      if (lines.length === 0) return;
      this.#lines.push(...lines);
    }
  }

  /** Those up to a look at the job: later ones may be of a run that it did not see, and a next look follows. */
  take(untilMs: number): readonly LogLine[] {
    const later = this.#lines.findIndex(({ atMs }) => atMs > untilMs);
    return this.#lines.splice(0, later === -1 ? this.#lines.length : later);
  }
}
