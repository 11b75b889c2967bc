/**
 * Loads a module of the user's project. TypeScript is loaded by the first of these that is there: a loader that this process was
 * started with, Node's own type stripping, tsx as the module's project has it. Without any, an error names the ways out.
 */
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { importUntouched } from '../../broker/late-code.ts';
import { UsageError } from '../../job/errors.ts';
import { nameClasses } from '../../job/values/class-names.ts';
import { format } from '../../job/text.ts';
import { isBuiltIn, isRecord, peek, reasonOf } from '../../job/values/realm.ts';

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
  if (loader === 'tsx') await registerTsx(path);
  try {
    return await importUntouched(pathToFileURL(path).href);
  } catch (error) {
    throw loader === 'node' && isBeyondStripping(error) ? new StrippingError(path, error) : error;
  }
}

/**
 * The same for a module that this process needs itself. Where Node's own type stripping cannot load it, tsx tries again, under
 * another URL, since the failure under its own may be kept. A module that has run half-way runs again.
 */
export async function loadModuleHere(path: string): Promise<unknown> {
  try {
    return await loadModule(path);
  } catch (error) {
    if (!(error instanceof StrippingError) || error.loader === null) throw error;
    await registerTsx(path);
    return importUntouched(`${pathToFileURL(path).href}?tsx`);
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

/** Node's own type stripping could not load a module; `cause` says why. */
export class StrippingError extends UsageError {
  /** The tsx of the module's project, for `node --import`: it may load the module. Null when there is none. */
  readonly loader: string | null;

  constructor(path: string, cause: unknown) {
    super(
      `Cannot load ${path}: ${reasonOf(cause)}\n` +
        `Node ${process.versions.node} strips types and does no more: enums, imports without an extension, aliases of tsconfig.json and types ` +
        'imported without `type` need a loader. Do one of these: (1) npm install --save-dev tsx, and fsq uses it; ' +
        '(2) name a loader of your own: `import` in fsq.config, FSQ_IMPORT or --import.',
      'FSQ_TYPESCRIPT',
      { cause },
    );
    const loader = tsxLoader(path);
    this.loader = loader === null || preloadedModules().includes(loader) ? null : loader;
  }
}

nameClasses({ StrippingError });

function isTypeScript(path: string): boolean {
  return /\.[mc]?ts$/.test(path);
}

/** Which of the ways this process has to load a TypeScript module at `path`, which need not exist yet; null when there is none. */
function findLoader(path: string): 'inherited' | 'node' | 'tsx' | null {
  const preloaded = preloadedModules();
  if (preloaded.some(isKnownLoader)) return 'inherited';
  if (hasOwnStripping()) return 'node';
  if (resolveTsx(path, './esm/api') !== null) return 'tsx';
  // Something was preloaded: a loader that is not known here, or a tracer, say. Only the import itself can tell.
  return preloaded.length > 0 ? 'inherited' : null;
}

/**
 * True for an error of an import that may come from TypeScript that Node's own stripping cannot do. A missing package looks like
 * an alias, and a mistake like an import of a type: the second try, with tsx, then says which it is.
 */
export function isBeyondStripping(error: unknown): boolean {
  return isBuiltIn(error, 'SyntaxError') || BEYOND_STRIPPING.has(String(peek(error, 'code')));
}

const BEYOND_STRIPPING: ReadonlySet<string> = new Set([
  'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX', // enum, namespace
  'ERR_INVALID_TYPESCRIPT_SYNTAX', // decorators
  'ERR_MODULE_NOT_FOUND', // an alias, or no extension
  'MODULE_NOT_FOUND',
  'ERR_UNSUPPORTED_DIR_IMPORT', // ./lib for ./lib/index.ts
  'ERR_PACKAGE_IMPORT_NOT_DEFINED', // the alias #lib
  'ERR_UNKNOWN_FILE_EXTENSION', // .tsx
  'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING', // a package of the workspace
]);

/** Loaders of TypeScript by the names of their packages. Other preloaded modules (dotenv, tracers) do not load TypeScript. */
const KNOWN_LOADER =
  /^(?:tsx|ts-node|ts-node-maintained|ts-blank-space|tsimp|esbuild-register|jiti|sucrase|@swc-node\/.+|@swc\/register|@esbuild-kit\/.+|@babel\/(?:register|node)|@oxc-node\/.+|@ts-node\/.+)$/;

/** By its package, and not by any other part of its path: /home/tsx/dotenv.mjs is no loader. */
export function isKnownLoader(preloaded: string): boolean {
  const parts = preloaded.replaceAll('\\', '/').split('/node_modules/');
  const inPackage = parts.length > 1 ? parts.at(-1) : /^(?:[./]|[a-z]+:)/i.test(preloaded) ? '' : preloaded;
  const name = /^(?:@[^/]+\/)?[^/]+/.exec(inPackage ?? '')?.[0] ?? '';
  return KNOWN_LOADER.test(name);
}

/** The modules that --import, --loader or --require named when this process was started, here or in NODE_OPTIONS. */
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

/** The tsx of the project of the module at `path`, for `node --import`; null when it has none. */
function tsxLoader(path: string): string | null {
  const loader = resolveTsx(path, '.');
  return loader === null ? null : pathToFileURL(loader).href;
}

let registeredTsx: Promise<void> | null = null;

/** Both of Node's module systems: a project without "type": "module" has its .ts files loaded as CommonJS. */
function registerTsx(path: string): Promise<void> {
  registeredTsx ??= (async () => {
    const esm = resolveTsx(path, './esm/api');
    if (esm === null) return;
    const cjsApi = createRequire(path)('tsx/cjs/api') as { register(): unknown };
    cjsApi.register();
    const esmApi = (await importUntouched(esm)) as { register(): unknown };
    esmApi.register();
  })();
  return registeredTsx;
}

/**
 * The path of this part of tsx as an ES module of the project at `path` would import it, or null. It is read from the package's
 * exports: require's own resolution gives the CommonJS build, which cannot register itself from here.
 */
function resolveTsx(path: string, part: '.' | './esm/api'): string | null {
  const require = createRequire(path);
  try {
    const manifestPath = require.resolve('tsx/package.json');
    const manifest: unknown = require(manifestPath);
    const entry = ['exports', part, 'import', 'default'].reduce<unknown>(
      (value, key) => (typeof value === 'string' ? value : isRecord(value) ? value[key] : undefined),
      manifest,
    );
    return typeof entry === 'string' ? join(dirname(manifestPath), entry) : null;
  } catch {
    return null; // Not installed where the module could import it itself: the caller names the ways out.
  }
}
