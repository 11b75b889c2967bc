/**
 * Loads a module of the user's project. TypeScript is loaded by the first of these that is there: a loader that this process was
 * started with, Node's own type stripping, tsx as the module's project has it. Without any, an error names the ways out.
 */
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { UsageError } from '../../job/errors.ts';
import { format } from '../../job/text.ts';
import { isRecord, peek } from '../../job/values/realm.ts';
import {
  findLoader,
  isBeyondStripping,
  isTypeScript,
  preloadedModules,
  registerTsx,
  StrippingError,
} from './typescript.ts';

const { createRequire } = process.getBuiltinModule('node:module');

/**
 * Imports the module at an absolute path.
 *
 * @throws UsageError (FSQ_TYPESCRIPT) when it is TypeScript and nothing here can load it; StrippingError when a process that is
 *   started with a loader may; what the module itself throws, unchanged
 */
export async function loadModule(path: string): Promise<unknown> {
  if (path.endsWith('.json')) return { default: createRequire(path)(path) as unknown };
  const loader = isTypeScript(path) ? typeScriptLoader(path) : null;
  if (loader === 'tsx') await registerTsx(path, importUntouched);
  try {
    return await importUntouched(path);
  } catch (error) {
    throw loader === 'node' && isBeyondStripping(error) ? new StrippingError(path, error) : error;
  }
}

/**
 * The same for a module that this process needs itself: a module that Node's own type stripping cannot load is tried again with tsx, under
 * another URL, since the failure under its own may be kept. A module that has run half-way runs again.
 */
export async function loadModuleHere(path: string): Promise<unknown> {
  try {
    return await loadModule(path);
  } catch (error) {
    if (!(error instanceof StrippingError) || error.loader === null) throw error;
    await registerTsx(path, importUntouched);
    return importUntouched(path, '?tsx');
  }
}

/** True if `loadModule` could load a TypeScript module at `path`, which need not exist yet. */
export function canLoadTypeScript(path: string): boolean {
  return findLoader(path) !== null;
}

/**
 * Refuses the first module of `--import` where Node, started in `folder`, surely cannot find it. A loader that is imported before
 * may resolve the names of the others in its own way: only their import can tell.
 *
 * @throws UsageError (FSQ_CONFIG)
 */
export function checkImports(
  [first]: readonly string[],
  folder: string,
  preloaded: readonly string[] = preloadedModules(),
): void {
  if (first === undefined || preloaded.length > 0 || canBeFound(first, folder)) return;
  const path = first.startsWith('file:') ? fileURLToPath(first) : null;
  throw new UsageError(
    path === null
      ? `Found no module ${format(first)} to import first, from ${folder} upwards. Install it, or write a path with ./ or /: \`import\` in fsq.config, FSQ_IMPORT or --import.`
      : `Found no module to import first at ${path}. Check \`import\` in fsq.config, FSQ_IMPORT or --import.`,
    'FSQ_CONFIG',
  );
}

function canBeFound(name: string, folder: string): boolean {
  try {
    const path = name.startsWith('file:') ? fileURLToPath(name) : name;
    // Of another scheme, such as node: or data:, Node has its own idea.
    if (!URL.canParse(path)) createRequire(join(folder, '_')).resolve(path);
    return true;
  } catch (error) {
    // Whatever else is wrong, such as no entry for require(): the import may be fine.
    return peek(error, 'code') !== 'MODULE_NOT_FOUND';
  }
}

/** Which of the ways this process has to load the TypeScript module at `path`. @throws UsageError when none */
function typeScriptLoader(path: string): 'inherited' | 'node' | 'tsx' {
  const loader = findLoader(path);
  if (loader !== null) return loader;
  throw new UsageError(
    `Cannot load ${path}: Node ${process.versions.node} does not read TypeScript. Do one of these: ` +
      '(1) npm install --save-dev tsx, and fsq uses it; (2) run Node 22.18 or newer, which strips types itself; ' +
      `(3) ${compiled(path)}.`,
    'FSQ_TYPESCRIPT',
  );
}

/** The way out without a loader: a configuration is found by its name, and read before any loader of --import is there. */
function compiled(path: string): string {
  if (basename(path).startsWith('fsq.config.'))
    return 'write it in JavaScript: fsq.config.mjs, or fsq.config.json; its types can stand in a comment';
  return 'compile it and name the result with --tasks, or give a loader of your own with --import';
}

/**
 * import() of a file that is there when the program runs: the comments keep bundlers from looking for it when they build.
 *
 * A test runner that evaluates modules in a context of their own (Jest) has no import() there, and puts other functions in the place
 * of Node's require() and getBuiltinModule(). Those of the main context load the file, ESM too.
 */
async function importUntouched(path: string, query = ''): Promise<unknown> {
  try {
    const href = pathToFileURL(path).href + query;
    return await import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ href);
  } catch (error) {
    const code = isRecord(error) ? error['code'] : undefined;
    if (typeof code !== 'string' || !code.startsWith('ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING')) throw error;
    const main = process.getBuiltinModule('node:vm').runInThisContext('process') as NodeJS.Process;
    return main.getBuiltinModule('node:module').createRequire(path)(path) as unknown;
  }
}
