/**
 * Code that is loaded when it is needed. The parts of fsq that few programs use lie in files of their own, which bundlers leave where they are: a
 * bundle without them needs no setting, and is smaller.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { UsageError } from '../job/errors.ts';
import { format } from '../job/text.ts';
import { isRecord, peek } from '../job/values/realm.ts';

/** Of package.json; the build writes it here. From src/ none is known. */
declare const FSQ_VERSION: string | undefined;
export const VERSION: string | null = typeof FSQ_VERSION === 'string' ? FSQ_VERSION : null;

/** Where they lie as seen from dist/shared/, dist/testing/ and src/broker/; and from dist/index.cjs. */
const BESIDE = ['../', './'];
/** What a path leads to that is not there, as import() and require() say it; in a context without import() the package is looked for. */
const NOT_BESIDE = /^(?:ERR_MODULE_NOT_FOUND|MODULE_NOT_FOUND|ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING\w*)$/;

/**
 * A part of fsq: from beside this file; in a bundle, which has none, from the package fsq that the program would import.
 *
 * @param file its path in dist/, which is that of its source, such as 'bullmq/bull-broker.js'
 * @throws UsageError (FSQ_PEER) saying what to install, where a bundle finds no such package of its own version
 */
export async function partOfFsq(file: string): Promise<unknown> {
  for (const way of BESIDE) {
    try {
      return await importUntouched(way + file);
    } catch (error) {
      if (!NOT_BESIDE.test(String(peek(error, 'code')))) throw error;
    }
  }
  return importUntouched(pathToFileURL(join(installedFsq(), 'dist', file)).href);
}

/**
 * import() of a file that is there when the program runs: the comments keep bundlers from looking for it when they build.
 *
 * A test runner that evaluates modules in a context of their own (Jest) has no import() there, and puts other functions in the place
 * of Node's require() and getBuiltinModule(). Those of the main context load a file with a URL, ESM too.
 *
 * @param specifier a URL, or a path from where this module lies
 */
export async function importUntouched(specifier: string): Promise<unknown> {
  try {
    return await import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ specifier);
  } catch (error) {
    const code = isRecord(error) ? error['code'] : undefined;
    if (typeof code !== 'string' || !code.startsWith('ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING')) throw error;
    if (!specifier.startsWith('file:')) throw error;
    const path = fileURLToPath(specifier);
    return requireFrom(path)(path) as unknown;
  }
}

/** Node's own, also under such a test runner. */
function requireFrom(place: string): NodeJS.Require {
  const main = process.getBuiltinModule('node:vm').runInThisContext('process') as NodeJS.Process;
  return main.getBuiltinModule('node:module').createRequire(place);
}

/** The folder of the package fsq, as the program that runs finds it, or the current folder. @throws UsageError (FSQ_PEER) */
function installedFsq(): string {
  const found = programs().flatMap((place) => packageFrom(place));
  const fitting = found.find(({ version }) => VERSION === null || version === VERSION);
  if (fitting !== undefined) return fitting.folder;
  const got = found[0] === undefined ? 'no package fsq is installed there' : `found ${format(found[0].version)} there`;
  throw new UsageError(
    `This program is a bundle with fsq ${VERSION} in it, but without the code of fsq for what was asked of it: that is read from the package fsq, ` +
      `of the same version, where the program runs; ${got}. Run there: npm install fsq@${VERSION}`,
    'FSQ_PEER',
  );
}

function packageFrom(place: string): readonly { readonly folder: string; readonly version: string }[] {
  try {
    const require = requireFrom(place);
    const path = require.resolve('fsq/package.json');
    return [{ folder: dirname(path), version: String(peek(require(path), 'version')) }];
  } catch {
    return []; // Not there, or no package.
  }
}

/** Files from which the packages of the program are looked for: the program that runs, and one in the current folder. */
export function programs(): string[] {
  const program = process.argv[1];
  const places = program === undefined ? [] : [program];
  try {
    places.push(`${process.cwd()}/fsq`);
  } catch {
    // The current folder has been removed.
  }
  return places;
}
