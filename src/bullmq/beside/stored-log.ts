/**
 * The log of a job: BullMQ's own list of its log lines, so that whoever shows BullMQ's jobs shows it, and it goes with its job. A line is as
 * fsq writes it into a file: its time, its stream, and what was printed. Lines go there together while earlier ones are on their way.
 */
import type { LogEnd, LogPart } from '../../broker/broker.ts';
import { type LogLine, logText, parseLogText } from '../../job/values/log-lines.ts';
import { laterRunText, type LogSink, PrintedLog, roomOfEarlierRuns } from '../../job/values/printed-log.ts';
import { some } from '../../job/text.ts';
import type { Engine } from '../engine.ts';
import type { Place, RawJob } from '../store.ts';

/** A task that never lets others have their turn sends its lines all the same, no more often, ms. */
const EVERY_MS = 50;

interface PrintingRun {
  readonly id: string;
  readonly attempt: number;
  readonly maxBytes: number;
  /** Where the job is; null: it is gone. */
  readonly place: Place | Promise<Place | null>;
}

/** The log of one run, and what to wait for at its end. */
export interface RunLog {
  readonly log: PrintedLog;
  /** All that was printed is there, or lost. */
  written(): Promise<void>;
}

export function storedLog(engine: Engine, run: PrintingRun): RunLog {
  const onFailed = (error: unknown): void => engine.onEvent({ kind: 'unlogged', id: run.id, error });
  const sink = new StoredLog(engine, run, onFailed);
  const log = new PrintedLog(sink, { maxBytes: run.maxBytes, nowMs: engine.nowMs, onFailed });
  return { log, written: () => sink.written() };
}

class StoredLog implements LogSink {
  readonly #engine: Engine;
  readonly #run: PrintingRun;
  readonly #onFailed: (error: unknown) => void;
  /** Lines that were not sent yet; null: nothing more is. */
  #waiting: string[] | null;
  /** Of the log as it was told last, and of what has come for it since. */
  #bytes: { stored: number; ahead: number };
  #sending: Promise<void> | null = null;
  #sentAt = Number.NEGATIVE_INFINITY;

  constructor(engine: Engine, run: PrintingRun, onFailed: (error: unknown) => void) {
    this.#engine = engine;
    this.#run = run;
    this.#onFailed = onFailed;
    this.#waiting = [];
    // Until it is told what earlier runs have left, that may be as much as they may leave.
    this.#bytes = { stored: run.attempt > 1 ? roomOfEarlierRuns(run.maxBytes) : 0, ahead: 0 };
    if (run.attempt > 1) this.#sayFirst(laterRunText(run.attempt, 0));
  }

  sizeBytes(): number {
    return this.#bytes.stored + this.#bytes.ahead;
  }

  append(text: string): void {
    this.#bytes.ahead += Buffer.byteLength(text);
    this.#waiting?.push(...text.split('\n').slice(0, -1));
    if (this.#sending === null || performance.now() - this.#sentAt > EVERY_MS) this.#send();
  }

  close(): void {
    // Nothing is open: `written` tells when all is there.
  }

  async written(): Promise<void> {
    while (this.#sending !== null) await this.#sending;
  }

  #sayFirst(text: string): void {
    const line = this.#said(text);
    this.#bytes.ahead += bytesOf(line);
    this.#waiting?.unshift(line);
  }

  #said(text: string): string {
    return logText({ atMs: this.#engine.nowMs(), stream: 'fsq', text });
  }

  #send(): void {
    const lines = this.#waiting ?? [];
    if (lines.length === 0) return;
    this.#waiting = [];
    const isFirst = this.#sentAt === Number.NEGATIVE_INFINITY;
    this.#sentAt = performance.now();
    const before = this.#sending;
    const sending: Promise<void> = Promise.all([before, this.#append(lines, isFirst)])
      .then(() => undefined)
      .catch((error: unknown) => {
        if (this.#waiting !== null) this.#onFailed(error);
        this.#waiting = null;
      })
      .finally(() => {
        if (this.#sending !== sending) return;
        this.#sending = null;
        this.#send();
      });
    this.#sending = sending;
  }

  async #append(lines: readonly string[], isFirst: boolean): Promise<void> {
    const { attempt, maxBytes: mostBytes, place: at } = this.#run;
    // A place that is known is used in this turn: the run may never let another one come.
    const place = 'then' in at ? await at : at;
    if (place === null) return;
    const clearAboveBytes = isFirst && attempt > 1 ? roomOfEarlierRuns(mostBytes) : null;
    const came = await this.#engine.store.appendLog(place, lines, { mostBytes, clearAboveBytes });
    for (const line of lines) this.#bytes.ahead -= bytesOf(line);
    this.#bytes.stored = came.sizeBytes;
    if (came.clearedBytes > 0) this.#sayFirst(laterRunText(attempt, came.clearedBytes));
    if (came.taken < lines.length) await this.#tellLost(place, lines.length - came.taken);
  }

  /** Others have filled the log meanwhile. */
  async #tellLost(place: Place, count: number): Promise<void> {
    if (this.#waiting === null) return;
    this.#waiting = null;
    const line = this.#said(`${some(count, 'line')} left out here, and all that follow: the log is full`);
    await this.#engine.store.appendLog(place, [line], { mostBytes: Number.MAX_SAFE_INTEGER, clearAboveBytes: null });
  }
}

/** With its end. */
function bytesOf(line: string): number {
  return Buffer.byteLength(line) + 1;
}

/** See `Broker.log`. A position is a number of lines. What another program has added is a line of stdout. */
export async function readStoredLog(engine: Engine, id: string, position: number): Promise<LogPart> {
  const [raw = null] = await engine.queues.look([id]);
  if (raw === null || (raw.logged === 0 && position === 0)) return { lines: [], position };
  const { lines, from } = await engine.store.log(raw, position);
  return { lines: shownLines(raw, lines), position: from + lines.length };
}

/** So many lines are the last of a log. */
const LAST_LINES = 500;

/** See `Broker.logEnd`. */
export async function readStoredEnd(engine: Engine, id: string): Promise<LogEnd> {
  const [raw = null] = await engine.queues.look([id]);
  if (raw === null || raw.logged === 0) return { lines: [], isWhole: true };
  const { lines, from } = await engine.store.log(raw, Math.max(0, raw.logged - LAST_LINES));
  return { lines: shownLines(raw, lines), isWhole: from === 0 };
}

function shownLines({ processedOn, timestamp }: RawJob, lines: readonly string[]): readonly LogLine[] {
  return lines.map((line) => parseLogText(line) ?? { atMs: processedOn ?? timestamp, stream: 'stdout', text: line });
}
