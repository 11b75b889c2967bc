/** Log lines of a worker: readable on a terminal, pino-shaped JSON elsewhere. Never a job's arguments or value. */
import { hostname } from 'node:os';
import type { LogLevel } from '../app/settings/config.ts';
import { escape, jsonText } from '../job/text.ts';

export interface Logger {
  debug(text: string, fields?: LogFields): void;
  info(text: string, fields?: LogFields): void;
  warn(text: string, fields?: LogFields): void;
  error(text: string, fields?: LogFields): void;
}

/** What a program reading the log wants apart from the text, such as `{ job, task, ms }`. `stack` is shown to people, too. */
export type LogFields = Readonly<Record<string, string | number>>;

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

/** Tells of lines that could not be written to `stream`. */
export function lossLogger(log: Logger, stream: 'stdout' | 'stderr'): (lines: number, why: string) => void {
  return (lines, why) =>
    log.warn(
      `${lines} ${lines === 1 ? 'line' : 'lines'} could not be written to ${stream} and ${lines === 1 ? 'is' : 'are'} lost: ${why}`,
      { lost: lines },
    );
}

/** How the log goes to a stream: by what reads it. NO_COLOR as on no-color.org. */
export function logFormat(isTerminal: boolean, env: NodeJS.ProcessEnv): LogFormat {
  const wanted = env['FSQ_LOG_FORMAT'];
  if (wanted === 'json' || wanted === 'text' || wanted === 'colour') return wanted;
  if (!isTerminal) return 'json';
  return (env['NO_COLOR'] ?? '') === '' ? 'colour' : 'text';
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
