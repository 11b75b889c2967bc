/** Names of classes of errors, by which each copy of fsq in a program knows the errors of the others. */
import { prototypesOf } from './realm.ts';

/** The key under which a prototype keeps the name of its class: the same in every copy of fsq, and in every realm. */
const CLASS = Symbol.for('fsq.error');

/** Whether `value` is an instance of the class of `prototype`, or of the class of that name in another copy of fsq. */
export function isOfClass(value: unknown, prototype: object): boolean {
  const own = classOf(prototype);
  return prototypesOf(value).some((each) => each === prototype || (own !== undefined && classOf(each) === own));
}

/** The name that a class of fsq carries under that key; undefined for a class that extends one. */
function classOf(prototype: object): string | undefined {
  try {
    const name = Object.getOwnPropertyDescriptor(prototype, CLASS)?.value as unknown;
    return typeof name === 'string' ? name : undefined;
  } catch {
    return undefined; // A proxy that will not be looked at is no class of fsq.
  }
}

/**
 * Writes down the names of classes as text, because a minifier gives each class another name. `error.name` is the name of its
 * class, so that a class of a user's that extends PermanentError has its own; the mark lets other copies of fsq know the class.
 */
export function nameClasses(
  classes: Readonly<Record<string, { readonly name: string; readonly prototype: object }>>,
): void {
  for (const [name, itsClass] of Object.entries(classes)) {
    Object.defineProperty(itsClass, 'name', { value: name });
    Object.defineProperty(itsClass.prototype, CLASS, { value: name });
  }
}
