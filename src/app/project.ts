/** The user's project on disk: its root, its configuration file, its task modules. The spool is none of its business. */
import { existsSync, readdirSync, readlinkSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { UsageError } from '../job/errors.ts';

const CONFIG_FILES: readonly string[] = ['ts', 'mts', 'cts', 'js', 'mjs', 'cjs', 'json'].map(
  (extension) => `fsq.config.${extension}`,
);
const MODULE = /\.(?:ts|mts|cts|js|mjs|cjs)$/;
const NOT_A_TASK_MODULE = /\.d\.[mc]?ts$|\.(?:test|spec)\.[mc]?[jt]s$/;
const TASKS_FILE = /^tasks\.(?:ts|mts|js|mjs|cjs)$/;
/** Folders in which nobody keeps the tasks that a worker should run. */
const SKIPPED = new Set([
  'node_modules',
  'test',
  'tests',
  '__tests__',
  'fixtures',
  'examples',
  'docs',
  'bench',
  'coverage',
  'spool',
]);
/** Folders of built code: looked into only when the sources hold no task module. */
const BUILT = new Set(['dist', 'build', 'out', 'lib']);
/** How deep below the project root task modules are looked for. */
const MAX_DEPTH = 3;

/**
 * The current folder. Where it has been removed, the kernel's name for it, which is no folder: what lies above it can still
 * be looked through, and nothing is made in it again.
 */
export function currentFolder(): string {
  try {
    return process.cwd();
  } catch {
    return goneFolder();
  }
}

/** False for one that was removed, as the current folder may be. */
export function isFolderThere(folder: string): boolean {
  return existsSync(folder);
}

function goneFolder(): string {
  try {
    return readlinkSync('/proc/self/cwd');
  } catch {
    return '/(deleted)'; // Without /proc nothing tells what it was.
  }
}

/** The nearest folder upwards from `from` that has a package.json, or null. */
export function packageFolder(from: string): string | null {
  return findUp(from, (folder) => existsSync(join(folder, 'package.json')));
}

/** The nearest configuration file upwards from `from`, or null. */
export function findConfigFile(from: string): string | null {
  const folder = findUp(from, (candidate) => configFilesIn(candidate).length > 0);
  return folder === null ? null : join(folder, configFilesIn(folder)[0] ?? '');
}

/**
 * A sentence for each file in these folders that looks like a configuration and is not read: one beside the one that is, or
 * one of a kind that nobody reads. Not for what tsc made of the one that is.
 *
 * @param read the file that is read, or null
 */
export function unreadConfigFiles(folders: readonly string[], read: string | null): readonly string[] {
  const compiled = read?.replace(/ts$/, 'js');
  const instead =
    read === null ? `Known are ${CONFIG_FILES.join(', ')}.` : `${read} is: put all settings into one file.`;
  return [...new Set(folders)]
    .flatMap((folder) => entriesOf(folder).map(({ name }) => join(folder, name)))
    .filter((path) => /^fsq\.config\.[a-z0-9]+$/i.test(basename(path)) && path !== read && path !== compiled)
    .toSorted()
    .map((path) => `${path} is not read. ${instead}`);
}

function configFilesIn(folder: string): readonly string[] {
  return CONFIG_FILES.filter((name) => existsSync(join(folder, name)));
}

export interface TaskModules {
  /** Absolute paths, sorted. */
  readonly files: readonly string[];
  /** What was looked for and where, for the message when there is none. */
  readonly searched: readonly string[];
}

/**
 * The task modules of a project: `tasks.*` and the modules in `tasks/`, in the root, in src/ and in folders below them, as
 * Celery finds tasks.py. A folder with a package.json of its own is another project.
 */
export function findTaskModules(root: string): TaskModules {
  const sources = search(root, 0, (name) => !SKIPPED.has(name) && !BUILT.has(name));
  const files =
    sources.length > 0
      ? sources
      : [...BUILT].flatMap((name) => search(join(root, name), 1, (inner) => !SKIPPED.has(inner)));
  const searched = [
    `${root}/tasks.{ts,mts,js,mjs,cjs}`,
    `${root}/tasks/*`,
    `the same in src/ and folders below, ${MAX_DEPTH} deep`,
  ];
  return { files: files.sort(), searched };
}

/**
 * The modules that `--tasks` or the configuration names: files, or folders whose modules are all taken.
 *
 * @throws UsageError when one does not exist
 */
export function namedTaskModules(names: readonly string[], base: string): TaskModules {
  const files = names.flatMap((name) => {
    const path = resolve(base, name);
    if (!existsSync(path)) {
      throw new UsageError(
        `Expected a task module or a folder of them, but ${path} does not exist. Check --tasks, FSQ_TASKS or \`tasks\` in fsq.config.`,
        'FSQ_NO_TASKS',
      );
    }
    return statSync(path).isDirectory() ? modulesIn(path) : [path];
  });
  return { files, searched: names };
}

/** Writes a file of the user's project that does not exist yet. @throws the system error unchanged, EEXIST when it does */
export function writeNewFile(path: string, text: string): void {
  writeFileSync(path, text, { flag: 'wx' });
}

/** True if both paths lead to one folder, links followed. */
export function isSameFolder(one: string, other: string): boolean {
  return one === other || real(one) === real(other);
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // It is not there: then only the same name means the same.
  }
}

function search(folder: string, depth: number, isOpen: (name: string) => boolean): string[] {
  const found: string[] = [];
  for (const entry of entriesOf(folder)) {
    const path = join(folder, entry.name);
    if (entry.isFile() && TASKS_FILE.test(entry.name)) found.push(path);
    if (!entry.isDirectory() || entry.name.startsWith('.') || !isOpen(entry.name)) continue;
    if (existsSync(join(path, 'package.json')) || existsSync(join(path, 'fsq.json'))) continue;
    if (entry.name === 'tasks') found.push(...modulesIn(path));
    else if (depth < MAX_DEPTH) found.push(...search(path, depth + 1, isOpen));
  }
  return withoutBuiltTwins(found);
}

function modulesIn(folder: string): string[] {
  const names = entriesOf(folder)
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);
  return names.filter((name) => MODULE.test(name) && !NOT_A_TASK_MODULE.test(name)).map((name) => join(folder, name));
}

/** Where tasks.ts and the tasks.js compiled from it lie side by side, only the source counts: each task is registered once. */
function withoutBuiltTwins(files: readonly string[]): string[] {
  return files.filter((file) => !/\.[mc]?js$/.test(file) || !files.includes(file.replace(/js$/, 'ts')));
}

function entriesOf(folder: string): readonly { readonly name: string; isFile(): boolean; isDirectory(): boolean }[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return []; // Not there, or not readable: no task module can be loaded from it. The banner lists what was found.
  }
}

function findUp(from: string, isFound: (folder: string) => boolean): string | null {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    if (isFound(folder)) return folder;
    if (basename(folder) === '') return null;
  }
}
