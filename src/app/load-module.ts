/**
 * Loads a module of the user's project. TypeScript is loaded by what is there: a loader this process was started with,
 * else Node's own type stripping, else tsx as the module's own project has it, else an error that names the ways out.
 */
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { UsageError } from '../job/errors.ts';
import { isRecord } from '../job/tail.ts';

const { createRequire } = process.getBuiltinModule('node:module');

/**
 * Imports the module at an absolute path.
 *
 * @throws UsageError (FSQ_TYPESCRIPT) when it is TypeScript and nothing here can load it; what the module itself throws, unchanged
 */
export async function loadModule(path: string): Promise<unknown> {
  if (path.endsWith('.json')) return { default: createRequire(path)(path) as unknown };
  if (isTypeScript(path) && typeScriptLoader(path) === 'tsx') await registerTsx(path);
  return importUntouched(path);
}

/**
 * import() of a file that is there when the program runs: the comments keep bundlers from looking for it when they build.
 *
 * A test runner that evaluates modules in a context of their own (Jest) may have no import() there. Then Node's own require loads
 * the file, ESM too; it is asked for by name because that of the test runner is another.
 */
async function importUntouched(path: string): Promise<unknown> {
  try {
    const { href } = pathToFileURL(path);
    return await import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ href);
  } catch (error) {
    const code = isRecord(error) ? error['code'] : undefined;
    if (typeof code !== 'string' || !code.startsWith('ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING')) throw error;
    return createRequire(path)(path) as unknown;
  }
}

/** True if `loadModule` could load a TypeScript module at `path`, which need not exist yet. */
export function canLoadTypeScript(path: string): boolean {
  return findLoader(path) !== null;
}

function isTypeScript(path: string): boolean {
  return /\.[mc]?ts$/.test(path);
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

/** Null when there is none. */
function findLoader(path: string): 'inherited' | 'node' | 'tsx' | null {
  const preloaded = preloadedModules();
  if (preloaded.some((option) => KNOWN_LOADER.test(option))) return 'inherited';
  if (hasOwnStripping()) return 'node';
  if (resolveTsx(path) !== null) return 'tsx';
  // Something was preloaded: a loader that is not known here, or a tracer, say. Only the import itself can tell.
  return preloaded.length > 0 ? 'inherited' : null;
}

/** Loaders of TypeScript by the names of their packages; what else is preloaded (dotenv, tracers) says nothing. */
const KNOWN_LOADER = /tsx|ts-node|ts-blank-space|swc|esbuild|sucrase|babel|jiti|oxc/;

/** What this process was started with by --import, --loader or --require, here or in NODE_OPTIONS. */
function preloadedModules(): readonly string[] {
  const options = [...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/)];
  return options.flatMap((option, i) => {
    const match = /^(?:--import|--loader|--experimental-loader|--require|-r)(?:=(.*))?$/.exec(option);
    return match === null ? [] : [match[1] ?? options[i + 1] ?? ''];
  });
}

/** `process.features.typescript` is 'strip' or 'transform' where Node loads TypeScript (added in Node 22.10), else false or absent. */
function hasOwnStripping(): boolean {
  const features = process.features as { readonly typescript?: unknown };
  return typeof features.typescript === 'string';
}

let registeredTsx: Promise<void> | null = null;

/** Both of Node's module systems: a project without "type": "module" has its .ts files loaded as CommonJS. */
function registerTsx(path: string): Promise<void> {
  registeredTsx ??= (async () => {
    const esm = resolveTsx(path);
    if (esm === null) return;
    const cjsApi = createRequire(path)('tsx/cjs/api') as { register(): unknown };
    cjsApi.register();
    const esmApi = (await importUntouched(esm)) as { register(): unknown };
    esmApi.register();
  })();
  return registeredTsx;
}

/**
 * The ESM build of tsx's loader as the module at `path` would find it, or null. Read from the package's exports: require's
 * own resolution gives the CommonJS build, which cannot register itself from here.
 */
function resolveTsx(path: string): string | null {
  const require = createRequire(path);
  try {
    const manifestPath = require.resolve('tsx/package.json');
    const manifest: unknown = require(manifestPath);
    const entry = ['exports', './esm/api', 'import', 'default'].reduce<unknown>(
      (value, key) => (isRecord(value) ? value[key] : undefined),
      manifest,
    );
    return typeof entry === 'string' ? join(dirname(manifestPath), entry) : null;
  } catch {
    return null; // Not installed where the module could import it itself: the caller names the ways out.
  }
}
