/** Tells a script whether it was started, or only imported by a test. */
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * @param {string} url the module's `import.meta.url`
 * @returns {boolean} whether node was started with that module
 */
export function isMain(url) {
  return process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(url);
}
