/**
 * Tells what a value is, whichever realm or copy of a library it comes from. Test runners and node:vm give a file an Error, a Date
 * and a Promise of its own, system errors come from another realm, and `instanceof` is false across them.
 *
 * Nothing here throws, whatever the value is: a revoked proxy, a getter that throws.
 */

/** True for an object that is no array. Of a revoked proxy nobody can say that, so it is none. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  try {
    return !Array.isArray(value);
  } catch {
    return false;
  }
}

/** True for an array of any realm, which a program may have given: a revoked proxy is none, and `Array.isArray` would throw at it. */
export function isArray(value: unknown): value is readonly unknown[] {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

/**
 * True for an object in which somebody may have written options. A promise, a Date, a Map and a Set have no such properties: taken for options
 * they would say nothing, and nobody would hear of it.
 */
export function isOptions(value: unknown): value is Record<string, unknown> {
  if (!isRecord(value)) return false;
  // Nearly every object of options, and asked for every call of a task: the questions below are dear.
  if (isPlainHere(value)) return true;
  return !isThenable(value) && !isDate(value) && !isMap(value) && !isSet(value);
}

function isPlainHere(value: object): boolean {
  try {
    return Object.getPrototypeOf(value) === Object.prototype;
  } catch {
    return false; // A revoked proxy.
  }
}

/** True for a promise, and for what `await` treats like one. */
export function isThenable(value: unknown): boolean {
  return typeof peek(value, 'then') === 'function';
}

/** `value[key]`; undefined where looking at it throws, and for what has no properties. */
export function peek(value: unknown, key: string | symbol): unknown {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
  try {
    return Reflect.get(value, key);
  } catch {
    return undefined; // The value refuses to be looked at.
  }
}

/** True for an error of any realm, and for any other object whose `message` is a text. */
export function isErrorLike(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  return typeof peek(value, 'message') === 'string' || isBuiltIn(value, 'Error');
}

/** An error's message, or the value itself as text, for a sentence. */
export function reasonOf(thrown: unknown): string {
  const message = peek(thrown, 'message');
  if (typeof message === 'string') return message;
  try {
    return String(thrown);
  } catch {
    return 'a value that cannot be shown';
  }
}

/**
 * True if `value` is, or its class extends, what some realm knows as its class `name` of the language: `Error`, `RangeError`,
 * `AggregateError` …. A class of a program that only has such a name is none of these.
 */
export function isBuiltIn(value: unknown, name: string): boolean {
  return prototypesOf(value).some((prototype) => isLanguageClass(peek(prototype, 'constructor'), name));
}

/** True if `value` is the class `name` of the language, of any realm. */
export function isLanguageClass(value: unknown, name: string): boolean {
  return typeof value === 'function' && peek(value, 'name') === name && NATIVE.test(sourceOf(value));
}

/** `value`'s prototypes, the nearest first; as many as could be looked at. */
export function prototypesOf(value: unknown): readonly object[] {
  const found: object[] = [];
  try {
    for (let next = value; found.length < MOST_PROTOTYPES; found.push(next as object)) {
      next = next === null || next === undefined ? null : Object.getPrototypeOf(next);
      if (next === null) break;
    }
  } catch {
    // A proxy refuses to be looked at: the prototypes found before it count.
  }
  return found;
}

/** A proxy can be its own prototype, and so on for ever. */
const MOST_PROTOTYPES = 100;

const NATIVE = /\{\s*\[native code\]\s*\}$/;

function sourceOf(value: object): string {
  try {
    return Function.prototype.toString.call(value);
  } catch {
    return ''; // A revoked proxy.
  }
}

export function isDate(value: unknown): value is Date {
  return accepts(() => Date.prototype.getTime.call(value));
}

export function isMap(value: unknown): value is ReadonlyMap<unknown, unknown> {
  return accepts(() => Map.prototype.has.call(value, null));
}

export function isSet(value: unknown): value is ReadonlySet<unknown> {
  return accepts(() => Set.prototype.has.call(value, null));
}

/** A method of the language that is for one kind only refuses all others, whatever their class says. */
function accepts(method: () => unknown): boolean {
  try {
    method();
    return true;
  } catch {
    return false;
  }
}

/** True for an AbortSignal of Node.js, of jsdom or of a package. */
export function isAbortSignal(value: unknown): value is AbortSignal {
  return typeof peek(value, 'aborted') === 'boolean' && typeof peek(value, 'addEventListener') === 'function';
}
