/**
 * `node --import ./scripts/strip-types/register.mjs`: TypeScript runs as it stands, as in a Node that does so by itself.
 *
 * For what loads most of src/, as half of the tests do, tsx took twice the processor's time: it maps each name of a module to a file, and writes a
 * source map into each. Here all names are those of files, and no position changes.
 */
import { register } from 'node:module';

register('./hooks.mjs', import.meta.url);
