/**
 * Where in the user's program a function of fsq was called. It is read from a stack trace, and the program may change its text by
 * Error.prepareStackTrace. So a place is best effort: null where it cannot be told, and nothing here ever throws.
 */
import { fileURLToPath } from 'node:url';

/** A call in the user's program. */
export interface CallSite {
  /** Absolute path, or the URL of a module that has none; without the query with which it was imported once more. */
  readonly file: string;
  /** `file:line`, for people. */
  readonly text: string;
  /** `file:line:column` of this call and of the calls that led to it, innermost first, as far as the module that was loaded. */
  readonly trace: readonly string[];
}

/** Deep enough for the helpers through which a module registers its tasks. */
const MAX_FRAMES = 20;

/** Where the innermost call of `called`, which must be running, stands; null when that cannot be told. */
export function callSiteOf(called: (...args: never[]) => unknown): CallSite | null {
  const frames: Frame[] = [];
  for (const line of linesBelow(called)) {
    const frame = parseFrame(line);
    if (frame?.file.startsWith('node:') === true && frames.length > 0) break; // What loads modules.
    if (frame !== null && !frame.file.startsWith('node:')) frames.push(frame);
  }
  const [first] = frames;
  if (first === undefined) return null;
  return {
    file: first.file,
    text: `${first.file}:${first.line}`,
    trace: frames.map(({ file, line, column }) => `${file}:${line}:${column}`),
  };
}

/**
 * The lines of the stack from the caller of `called` on. V8 leaves out `called` and what it has called, so that nothing has to
 * tell fsq's own files from others: in a bundle they are one file.
 */
function linesBelow(called: (...args: never[]) => unknown): readonly string[] {
  const holder: { stack?: unknown } = {};
  const limit = Error.stackTraceLimit;
  try {
    Reflect.set(Error, 'stackTraceLimit', MAX_FRAMES); // False where Error is frozen: then as many frames as there are.
    Error.captureStackTrace(holder, called);
    const { stack } = holder;
    if (Array.isArray(stack)) return stack.map(String);
    return typeof stack === 'string' ? stack.split('\n') : [];
  } catch {
    return []; // Error.prepareStackTrace is the user's code too.
  } finally {
    Reflect.set(Error, 'stackTraceLimit', limit);
  }
}

interface Frame {
  readonly file: string;
  readonly line: string;
  readonly column: string;
}

/** `at name (place:1:2)`, `at place:1:2`, or the same without `at`. A place is an absolute path or a URL, and may hold any character. */
function parseFrame(text: string): Frame | null {
  const match = /(?:^|^.*? \()((?:\/|\w:\\|[\w-]+:).*):(\d+):(\d+)\)?$/.exec(
    text.trim().replace(/^at (?:async )?/, ''),
  );
  const [, place = '', line = '', column = ''] = match ?? [];
  if (match === null || place.includes('<anonymous>')) return null; // Code of eval(): its caller follows.
  return { file: fileOf(place), line, column };
}

/** In a path `?` and `#` are letters; in a URL they end the part that names the file. */
function fileOf(place: string): string {
  if (/^(?:\/|\w:\\)/.test(place)) return place;
  try {
    return place.startsWith('file:') ? fileURLToPath(place) : place.replace(/\?.*$/, '');
  } catch {
    return place; // A URL that names no file of this machine.
  }
}
