/** A task's arguments as they are written on the command line or on a line of standard input. Pure. */
import { UsageError } from '../../../job/errors.ts';
import { alteredNumber, type JsonValue } from '../../../job/values/json.ts';
import { format } from '../../../job/text.ts';

/**
 * One argument: JSON if it parses, else the plain string. So `1` is a number, `Ada` and `2026-01-01` are strings, and
 * `'"1"'` is the string 1.
 *
 * @throws UsageError for a number that would arrive as another
 */
export function parseArgument(text: string): JsonValue {
  const value = tryParse(text);
  if (value === undefined) return text;
  checkNumbers(text, 'An argument');
  return value;
}

/**
 * All arguments as one JSON array.
 *
 * @param where names the text in the message, such as 'line 3'
 * @throws UsageError
 */
export function parseArguments(text: string, where: string): readonly JsonValue[] {
  const value = tryParse(text);
  if (!Array.isArray(value))
    throw new UsageError(`Expected ${where} to be a JSON array of arguments, such as [1,2], got ${format(text)}`);
  checkNumbers(text, where);
  return value as readonly JsonValue[]; // JSON.parse made it.
}

function tryParse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined; // Not JSON; no JSON text parses to undefined.
  }
}

function checkNumbers(text: string, where: string): void {
  const digits = alteredNumber(text);
  if (digits === null) return;
  throw new UsageError(
    `${where} has the number ${digits}, which would arrive as ${Number(digits)}. Send it as a string: '"${digits}"'.`,
  );
}
