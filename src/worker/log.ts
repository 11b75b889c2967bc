/** The log of a worker: its format, for terminals and as JSON in the shape of pino, and its lines. Never a job's arguments or value. */
import { hostname } from 'node:os';
import type { LogLevel } from '../app/settings/config.ts';
import type { BrokerEvent, Claim } from '../broker/worker-side.ts';
import type { Failure } from '../job/errors.ts';
import type { Ending, Settlement } from '../job/lifecycle.ts';
import { escape, jsonText, some } from '../job/text.ts';
import { reasonOf } from '../job/values/realm.ts';

export interface Logger {
  debug(text: string, fields?: LogFields): void;
  info(text: string, fields?: LogFields): void;
  warn(text: string, fields?: LogFields): void;
  error(text: string, fields?: LogFields): void;
}

/** For programs that read the log, such as `{ job, task, ms }`. `stack` is shown to people, too. */
type LogFields = Readonly<Record<string, string | number>>;

export type LogFormat = 'text' | 'colour' | 'json';

/** Numbers as pino gives them. */
const NUMBERS: Readonly<Record<LogLevel, number>> = { debug: 20, info: 30, warn: 40, error: 50, silent: 100 };
const COLOURS: Readonly<Record<string, string>> = {
  debug: '\u001b[2m',
  info: '\u001b[32m',
  warn: '\u001b[33m',
  error: '\u001b[31m',
};
const RESET = '\u001b[0m';

/** @param write takes one whole line with its newline */
export function createLogger(
  level: LogLevel,
  format: LogFormat,
  write: (line: string) => void,
  nowMs: () => number = Date.now,
): Logger {
  const host = hostname();
  const at =
    (own: 'debug' | 'info' | 'warn' | 'error') =>
    (text: string, fields: LogFields = {}) => {
      if (NUMBERS[own] < NUMBERS[level]) return;
      if (format === 'json') {
        write(
          `${jsonText({ level: NUMBERS[own], time: nowMs(), pid: process.pid, hostname: host, ...fields, msg: text })}\n`,
        );
        return;
      }
      const label = own.toUpperCase().padEnd(5);
      const shown = format === 'colour' ? `${COLOURS[own]}${label}${RESET}` : label;
      write(`${clock(nowMs())} ${shown} ${escape(text)}\n${stackLines(fields['stack'])}`);
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** A log on stderr, for people. */
export function stderrLogger(level: LogLevel): Logger {
  return createLogger(level, 'text', (line) => process.stderr.write(line));
}

/** Tells of lines that could not be written to `stream`. */
export function lossLogger(log: Logger, stream: 'stdout' | 'stderr'): (lines: number, why: string) => void {
  return (lines, why) =>
    log.warn(
      `${some(lines, 'line')} could not be written to ${stream} and ${lines === 1 ? 'is' : 'are'} lost: ${why}`,
      { lost: lines },
    );
}

/** The format for a stream, by its reader. @param hasColours whether that reader wants them, if it is a terminal */
export function logFormat(isTerminal: boolean, hasColours: boolean, env: NodeJS.ProcessEnv): LogFormat {
  const wanted = env['FSQ_LOG_FORMAT'];
  if (wanted === 'json' || wanted === 'text' || wanted === 'colour') return wanted;
  if (!isTerminal) return 'json';
  return hasColours ? 'colour' : 'text';
}

/** A stack under its line: each of its own lines escaped and indented, so that none passes for a line of the log. */
function stackLines(stack: string | number | undefined): string {
  if (typeof stack !== 'string') return '';
  const lines = stack.split('\n');
  // What comes before the first place is the message, which the line above has told.
  const places = Math.max(
    0,
    lines.findIndex((line) => /^\s*at /.test(line)),
  );
  return lines
    .slice(places)
    .map((line) => `    ${escape(line.trim())}\n`)
    .join('');
}

function clock(ms: number): string {
  const date = new Date(ms);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}

/** Writes the events of a broker: event, job, consequence. */
export function brokerEventLogger(log: Logger, store: 'spool' | 'broker' = 'spool'): (event: BrokerEvent) => void {
  let isUnusable = false;
  return (event) => {
    switch (event.kind) {
      case 'recovered':
        return log.warn(
          `job ${event.job.id} ${fateOf(event.ending)} (${event.owner}); ${consequence(event.settlement)}`,
          {
            job: event.job.id,
          },
        );
      case 'not-run':
        // The message names the job. That a handler of failures is not needed is no news.
        if (event.outcome.state === 'failed') log.warn(event.outcome.error.message, { job: event.job.id });
        return;
      case 'corrupt':
        return log.error(
          `${event.name} is not a job: ${event.reason}; it was moved to corrupt/ and has a failed outcome`,
        );
      case 'foreign':
        return log.warn(`pending/${event.name} is not named like a job; it is left alone and never runs`);
      case 'refused':
        return log.error(
          `${event.name} is left alone (${reasonOf(event.error)}) and tried again in ${seconds(event.againMs)}; all else goes on`,
        );
      case 'unreadable':
        return log.error(`${event.name} cannot be read (${event.reason}) and counts for nothing: its job begins anew`);
      case 'unlogged':
        return logUnlogged(log, event.id, reasonOf(event.error));
      case 'cleared':
        return log.warn(`${event.name} was in the way of a job; it was moved to corrupt/`);
      case 'disk-wait':
        return log.error(
          `the ${store} refuses to be written (${reasonOf(event.error)}); nothing is lost, work goes on when it can`,
        );
      case 'undurable':
        return log.warn(
          `${event.directory} could not be written to disk (${reasonOf(event.error)}); jobs that moved there may run again after a power cut`,
        );
      case 'disk-wait-over':
        return log.info(`the ${store} can be written again; work goes on`);
      case 'clock-off':
        return log.warn(
          `the clock of this machine is ${(Math.abs(event.aheadMs) / 1_000).toFixed(1)} s ${event.aheadMs > 0 ? 'ahead of' : 'behind'} that of the ${store}: delayed jobs run early or late, and a dead worker is found late; set both clocks`,
        );
      case 'queues-paused':
        return log.info(
          event.queues.length === 0 ? 'no queue is paused any more' : `paused: ${event.queues.join(', ')}`,
        );
      case 'remains':
        return log.warn(`${event.processes} processes that owner ${event.owner} had left running were killed`);
      case 'stood-still':
        return log.warn(`owner ${event.owner} was stopped and its worker is dead; it goes on, and ends after its job`);
      case 'replaying':
        return log.warn(replayingText(event));
      case 'replayed':
        return logReplay(log, event);
      case 'unproved':
        return log.warn(`cannot tell whether owner ${event.owner} lives (${event.reason}); its jobs stay with it`);
      case 'unusable':
        if (isUnusable) return; // The worker ends, and finds the same until it has.
        isUnusable = true;
        return log.error(`the ${store} cannot be used: ${reasonOf(event.error)}`);
    }
  };
}

const toldUnlogged = new WeakSet<Logger>();

/** Once: each job that prints would be a line of the log. */
export function logUnlogged(log: Logger, job: string, reason: string): void {
  if (toldUnlogged.has(log)) return;
  toldUnlogged.add(log);
  log.warn(
    `what job ${job} prints is not kept (${reason}), and perhaps that of others; jobs run on as if nothing were`,
    {
      job,
    },
  );
}

/** A job that no worker of its queue knows the task of. */
export interface ParkedNews {
  readonly id: string;
  readonly task: string;
  readonly reason: string;
}

/** How long nothing more is said of a task, ms. */
const PARKED_TOLD_MS = 3_600_000;
/** Of more tasks all are news again: their names come from outside. */
const MOST_PARKED = 1_000;
const toldParked = new WeakMap<Logger, Map<string, number>>();

/** A parked job is looked at again every minute, and may be one of thousands: each task is told of once, and once an hour. */
export function logParked(log: Logger, { id, task, reason }: ParkedNews, atMs: number = performance.now()): void {
  const told = toldParked.get(log) ?? new Map<string, number>();
  toldParked.set(log, told);
  const isNews = atMs - (told.get(task) ?? Number.NEGATIVE_INFINITY) >= PARKED_TOLD_MS;
  const text = `${task} ${id} is parked: ${reason}`;
  if (!isNews) return log.debug(text, { job: id, task });
  if (told.size >= MOST_PARKED) told.clear();
  told.set(task, atMs);
  log.warn(`${text}; it is looked at again every minute. Other jobs of this task are told of in an hour`, {
    job: id,
    task,
  });
}

function replayingText({ segments, pid }: Extract<BrokerEvent, { kind: 'replaying' }>): string {
  const who = pid === null || pid === process.pid ? '' : ` by process ${pid}`;
  return `the jobs that the journal records (${some(segments, 'segment')}) are restored${who} after the machine stopped; no job begins before that`;
}

function logReplay(log: Logger, { restored, dropped, odd, tookMs }: Extract<BrokerEvent, { kind: 'replayed' }>): void {
  log.info(
    `the machine stopped while jobs were sent; the journal was read in ${seconds(tookMs)}: jobs restored: ${restored}, broken files removed of jobs that were never accepted: ${dropped}`,
  );
  for (const what of odd) log.warn(`what lay in the journal cannot be read and was moved to corrupt/: ${what}`);
}

/** True if the event gave a job a failed outcome. */
export function endsAJobAsFailed(event: BrokerEvent): boolean {
  if (event.kind === 'not-run') return event.outcome.state === 'failed';
  if (event.kind !== 'recovered') return event.kind === 'corrupt';
  return event.settlement.kind === 'publish' && event.settlement.outcome.state === 'failed';
}

function fateOf(ending: Ending['kind']): string {
  if (ending === 'timed-out') return 'was killed at its time limit';
  if (ending === 'interrupted') return 'was ended with its process, because of another job';
  return ending === 'stopped' ? 'was ended with its process' : 'lost its process';
}

function consequence(settlement: Settlement): string {
  switch (settlement.kind) {
    case 'publish':
      return settlement.outcome.state === 'revoked' ? 'it was revoked and ends' : 'it is given up and failed';
    case 'rerun':
      return settlement.delayMs === 0 ? 'it runs again now' : `it runs again in ${seconds(settlement.delayMs)}`;
    case 'park':
      return 'it is parked';
    case 'requeue':
      return 'it is ready again';
  }
}

/** Writes the end of a run: job, ending, consequence. */
export function report(
  { job }: Claim,
  settlement: Settlement,
  ms: number,
  log: Logger,
  fields: { job: string; task: string; attempt: number },
): void {
  const who = `${job.task} ${job.id}`;
  const timed = { job: fields.job, task: fields.task, attempt: fields.attempt, ms };
  switch (settlement.kind) {
    case 'publish':
      if (settlement.outcome.state === 'succeeded') log.info(`${who} succeeded in ${seconds(ms)}`, timed);
      else if (settlement.outcome.state === 'revoked')
        log.warn(`${who} was revoked and ended after ${seconds(ms)}`, timed);
      else if (settlement.outcome.state === 'expired') log.warn(`${who} has expired; it is not started`, fields);
      else {
        const { error } = settlement.outcome;
        log.error(`${who} failed in ${seconds(ms)}: ${errorText(error)}`, { ...timed, ...stackOf(error) });
      }
      return;
    case 'park':
      return; // Its task is news, to the whole worker: `logParked`.
    case 'rerun':
      log.warn(
        `${who} failed in attempt ${fields.attempt}: ${errorText(settlement.error)}; it runs again in ${seconds(settlement.delayMs)}`,
        { ...fields, ...stackOf(settlement.error) },
      );
      return;
    case 'requeue':
      log.warn(`${who} is ready again`, fields);
      return;
  }
}

/** Where it was thrown; nothing where the setting `stacks` keeps that back. */
function stackOf({ stack }: Failure): { readonly stack?: string } {
  return stack === undefined ? {} : { stack };
}

function errorText({ name, message }: Failure): string {
  return `${name}: ${message}`;
}

/** Whole milliseconds for people: '12 ms', '3.0 s'. */
export function seconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

/** How a process ended. */
export function howOf(code: number | null, signal: NodeJS.Signals | null): string {
  return signal === null ? `exited with ${code}` : `was killed by ${signal}`;
}
