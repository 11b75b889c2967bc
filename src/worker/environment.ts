/** Which variables of the environment a child gets where the setting `env` names them. Pure. */

/**
 * What fsq, Node.js and the tools that loaders use need to work as they do in the worker. Not every NODE_*: npm keeps its
 * token in NODE_AUTH_TOKEN. No proxies: their addresses hold passwords.
 */
const NEEDED: ReadonlySet<string> = new Set(
  [
    'PATH HOME USER LOGNAME SHELL TERM TZ LANG LANGUAGE TMPDIR TMP TEMP LD_LIBRARY_PATH NO_COLOR FORCE_COLOR',
    'NODE_ENV NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS NODE_ICU_DATA NODE_NO_WARNINGS NODE_DEBUG',
    'UV_THREADPOOL_SIZE NODE_COMPILE_CACHE NODE_DISABLE_COMPILE_CACHE NODE_V8_COVERAGE',
    'SYSTEMROOT SYSTEMDRIVE WINDIR COMSPEC PATHEXT USERPROFILE APPDATA LOCALAPPDATA',
  ].flatMap((names) => names.split(' ')),
);
const NEEDED_PREFIXES: readonly string[] = ['FSQ_', 'LC_'];

/**
 * What a child gets of `env`.
 *
 * @param allowed names besides those that are needed; null: everything
 * @param ignoresCase true where names of variables are the same in any case, as on Windows
 */
export function childEnvironment(
  env: NodeJS.ProcessEnv,
  allowed: readonly string[] | null,
  ignoresCase: boolean,
): NodeJS.ProcessEnv {
  if (allowed === null) return { ...env };
  const inCase = (name: string): string => (ignoresCase ? name.toUpperCase() : name);
  const named = new Set(allowed.map(inCase));
  const isKept = (name: string): boolean =>
    named.has(name) || NEEDED.has(name) || NEEDED_PREFIXES.some((prefix) => name.startsWith(prefix));
  return Object.fromEntries(Object.entries(env).filter(([name]) => isKept(inCase(name))));
}
