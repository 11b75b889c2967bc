/** Loading what may not be installed. */
import { createRequire } from 'node:module';

/**
 * Imports a peer's package.
 *
 * The name is a parameter so that the project's type check, which has to pass without the peers, does not follow it.
 */
export function load(name) {
  return import(name);
}

/** Loads it, in place of looking for it: an addon that was not compiled is found, and fails only then. */
export function canLoad(name) {
  try {
    const loaded = createRequire(import.meta.url)(name);
    if (name === 'better-sqlite3') new loaded(':memory:').close();
    return true;
  } catch (error) {
    // A package of ES modules only is there: require() refuses it by this code.
    return error.code === 'ERR_REQUIRE_ESM';
  }
}
