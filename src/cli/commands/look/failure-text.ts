/** An error that a job's file keeps, as fields for people: its message, the program's own frames, its causes and the errors in it. Pure. */
import { readableStack } from '../../../app/explaining/readable-stack.ts';
import { beginning, jsonText } from '../../../job/text.ts';
import type { Failure } from '../../../job/errors.ts';
import type { Field } from '../../display.ts';

/** Lines of a message, and characters of a line: a job may keep megabytes of them. */
const MOST_LINES = 40;
const MOST_LENGTH = 2_000;

export interface FailureOptions {
  /** The folder of the program: paths below it are shown as seen from there. */
  readonly root: string;
  /** The folder of fsq itself, as it ends with a slash. */
  readonly fsq: string;
  /** Every frame and every line as it is. */
  readonly isWhole: boolean;
}

export function failureFields(label: string, failure: Failure, options: FailureOptions): readonly Field[] {
  const { cause, errors = [], code } = failure;
  const [first = '', ...rest] = linesOf(failure, options);
  return [
    [label, first],
    ...rest.map((line): Field => ['', line]),
    ...(code === undefined ? [] : [['code', code] as const]),
    ...(cause === undefined ? [] : failureFields('cause', cause, options)),
    ...errors.flatMap((error, i) => failureFields(`errors[${i}]`, error, options)),
  ];
}

/** A stack begins with the name and the message where it has them. */
function linesOf({ name, message, stack }: Failure, { root, fsq, isWhole }: FailureOptions): readonly string[] {
  const text = stack ?? `${name}: ${message}`;
  if (isWhole) return text.split('\n');
  const lines = readableStack(text, root, fsq).map(({ text: line }) => shortened(line));
  if (lines.length <= MOST_LINES) return lines;
  return [...lines.slice(0, MOST_LINES), `… ${lines.length - MOST_LINES} more lines; --full shows all`];
}

function shortened(line: string): string {
  return line.length <= MOST_LENGTH
    ? line
    : `${beginning(line, MOST_LENGTH)}… (${line.length} characters; --full shows all)`;
}

/** A value of a job, on one line. */
export function valueText(value: unknown, isWhole: boolean): string {
  const text = jsonText(value);
  return isWhole ? text : shortened(text);
}
