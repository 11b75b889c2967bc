/** How this process reads TypeScript: with a loader it was started with, with Node's own type stripping, or with tsx. */
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { nameClasses, UsageError } from '../../job/errors.ts';
import { isBuiltIn, isRecord, peek, reasonOf } from '../../job/values/realm.ts';

const { createRequire } = process.getBuiltinModule('node:module');

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

export function isTypeScript(path: string): boolean {
  return /\.[mc]?ts$/.test(path);
}

/** Which of the ways this process has to load a TypeScript module at `path`, which need not exist yet; null when there is none. */
export function findLoader(path: string): 'inherited' | 'node' | 'tsx' | null {
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
export function preloadedModules(): readonly string[] {
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
export function registerTsx(path: string, load: (path: string) => Promise<unknown>): Promise<void> {
  registeredTsx ??= (async () => {
    const esm = resolveTsx(path, './esm/api');
    if (esm === null) return;
    const cjsApi = createRequire(path)('tsx/cjs/api') as { register(): unknown };
    cjsApi.register();
    const esmApi = (await load(esm)) as { register(): unknown };
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
