/** An error as a page shows it: each with its causes and the errors that it is made of, and not hundreds of them. Pure. */
import type { Failure } from '../../../job/errors.ts';
import { beginning } from '../../../job/text.ts';
import type { JobError } from '../../wire.ts';

/** Of each text of an error so much is shown, characters. */
const MOST_OF_TEXT = 32_768;
/** So many errors are shown of one attempt: itself, its causes, the errors in it and theirs. fsq keeps fewer; others may write files. */
const MOST_ERRORS = 32;

export function jobErrorOf(failure: Failure): JobError {
  return errorOf(failure, { left: MOST_ERRORS - 1 });
}

/** @param room for all errors below this one, which share it: its own come first, then what is below each */
function errorOf({ name, message, code, stack, cause, errors = [] }: Failure, room: { left: number }): JobError {
  const own = [...(cause === undefined ? [] : [cause]), ...errors];
  const kept = own.slice(0, room.left);
  room.left -= kept.length;
  const shown = kept.map((one) => errorOf(one, room));
  return {
    name: shortened(name),
    message: shortened(message),
    code: code === undefined ? null : shortened(code),
    stack: stack === undefined ? null : shortened(stack),
    cause: cause === undefined ? null : (shown[0] ?? null),
    errors: cause === undefined ? shown : shown.slice(1),
    leftOut: own.length - kept.length,
  };
}

/** Of what lies below an error so much is told beside it, characters. */
const MOST_OF_ROOT = 200;

/**
 * The last cause below an error, or of an error that is made of others the first, as 'Name: message' with its code where the message lacks it;
 * null where it has none.
 */
export function rootOf(failure: Failure): string | null {
  let root = failure;
  for (let next = below(root); next !== undefined; next = below(root)) root = next;
  if (root === failure) return null;
  const { name, message, code } = root;
  const told = code === undefined || message.includes(code) ? message : `${code} ${message}`;
  return beginning(`${name}: ${told}`, MOST_OF_ROOT);
}

function below({ cause, errors }: Failure): Failure | undefined {
  return cause ?? errors?.[0];
}

function shortened(text: string): string {
  return text.length <= MOST_OF_TEXT ? text : `${beginning(text, MOST_OF_TEXT)}…`;
}
