/** The user's project on disk: its root, its configuration file, its task modules. The spool's files are touched elsewhere. */
import {
  type Dirent,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { UsageError } from '../../job/errors.ts';
import { isRecord } from '../../job/values/realm.ts';

const CONFIG_FILES: readonly string[] = ['ts', 'mts', 'cts', 'js', 'mjs', 'cjs', 'json'].map(
  (extension) => `fsq.config.${extension}`,
);
const MODULE = /\.(?:ts|mts|cts|js|mjs|cjs)$/;
const NOT_A_TASK_MODULE = /\.d\.[mc]?ts$|\.(?:test|spec)\.[mc]?[jt]s$/;
const TASKS_FILE = /^tasks\.(?:ts|mts|js|mjs|cjs)$/;
/** Folders that usually hold no tasks for a worker. */
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
/** Folders that are followed where they are links: any other may lead out of the project, or round in circles. */
const LINKED = new Set(['tasks', 'src']);
/** How deep below the project root task modules are looked for. */
const MAX_DEPTH = 3;

/**
 * The current folder. Where it has been removed, the kernel's name for it, which is no folder: the folders above it can still
 * be searched, and nothing is made in it again.
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

/** The nearest configuration file upwards from `from`, or null. @throws UsageError when it is a link that leads nowhere */
export function findConfigFile(from: string): string | null {
  const folder = findUp(from, (candidate) => configFilesIn(candidate).length > 0);
  if (folder === null) return null;
  const path = join(folder, configFilesIn(folder)[0] ?? '');
  refuseLost(path, 'FSQ_CONFIG');
  return path;
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
  return CONFIG_FILES.filter((name) => kindOf(join(folder, name)) !== 'nothing');
}

export interface TaskModules {
  /** Absolute paths, sorted. */
  readonly files: readonly string[];
  /** What was looked for and where, for the message when there is none. */
  readonly searched: readonly string[];
}

/**
 * The task modules of a project: `tasks.*` and the modules in `tasks/`, in the root, in src/ and in folders below them, as
 * Celery finds tasks.py. A folder with a package.json of its own is another project. A link counts as what it leads to.
 *
 * @throws UsageError when a link with the name of a task module leads nowhere
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
    refuseLost(path, 'FSQ_NO_TASKS');
    const kind = kindOf(path);
    if (kind === 'nothing') {
      throw new UsageError(
        `Expected a task module or a folder of them, but ${path} does not exist. Check --tasks (once for each path), FSQ_TASKS or \`tasks\` in fsq.config.`,
        'FSQ_NO_TASKS',
      );
    }
    return kind === 'directory' ? modulesIn(path) : [path];
  });
  return { files, searched: names };
}

/** The text of a module; empty where it has more bytes than that. @throws the system error */
export function moduleText(path: string, mostBytes: number): string {
  return statSync(path).size > mostBytes ? '' : readFileSync(path, 'utf8');
}

/** Whether the project restarts its programs with nodemon, and whether it has told nodemon anything yet. */
export function nodemonOf(root: string): { readonly isUsed: boolean; readonly isConfigured: boolean } {
  const manifest = readManifest(root);
  const used = ['scripts', 'dependencies', 'devDependencies'].map((key) => JSON.stringify(manifest[key] ?? {}));
  return {
    isUsed: used.some((text) => /\bnodemon\b/.test(text)),
    isConfigured: manifest['nodemonConfig'] !== undefined || kindOf(join(root, 'nodemon.json')) !== 'nothing',
  };
}

/** package.json; empty where there is none, or none that can be read: npm says so better. */
function readManifest(root: string): Record<string, unknown> {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    return isRecord(manifest) ? manifest : {};
  } catch {
    return {};
  }
}

/** Makes an empty folder that only this user may enter. */
export function makeTemporaryFolder(): string {
  return mkdtempSync(join(realpathSync(tmpdir()), 'fsq-'));
}

/** With all that is in it; a process may still be writing there. */
export function removeFolder(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
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

/** Changes when the file does, when another is put in its place, and when it comes or goes. */
export function stampOf(path: string): string {
  try {
    const { mtimeMs, size, ino, dev } = statSync(path);
    return `${mtimeMs} ${size} ${ino} ${dev}`;
  } catch {
    return 'gone'; // Not there, or not to be read: a change when it is again.
  }
}

function search(folder: string, depth: number, isOpen: (name: string) => boolean): string[] {
  const found: string[] = [];
  for (const entry of entriesOf(folder)) {
    const { name } = entry;
    const path = join(folder, name);
    if (TASKS_FILE.test(name) && isModule(entry, path)) found.push(path);
    if (name.startsWith('.') || !isOpen(name) || !leadsIntoFolder(entry, path)) continue;
    if (existsSync(join(path, 'package.json')) || existsSync(join(path, 'fsq.json'))) continue;
    if (name === 'tasks') found.push(...modulesIn(path));
    else if (depth < MAX_DEPTH) found.push(...search(path, depth + 1, isOpen));
  }
  return withoutBuiltTwins(found);
}

/** Names that begin with a dot are left out: editors and other systems keep locks and notes beside a file under such names. */
function modulesIn(folder: string): string[] {
  return entriesOf(folder)
    .filter(({ name }) => MODULE.test(name) && !NOT_A_TASK_MODULE.test(name) && !name.startsWith('.'))
    .filter((entry) => isModule(entry, join(folder, entry.name)))
    .map(({ name }) => join(folder, name));
}

/** Kubernetes mounts each file of a ConfigMap as a link. @throws UsageError for one that leads nowhere: its tasks would be missing */
function isModule(entry: Entry, path: string): boolean {
  if (!entry.isSymbolicLink()) return entry.isFile();
  refuseLost(path, 'FSQ_NO_TASKS');
  return kindOf(path) === 'file';
}

function leadsIntoFolder(entry: Entry, path: string): boolean {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  return LINKED.has(entry.name) && kindOf(path) === 'directory';
}

/** Where tasks.ts and the tasks.js compiled from it lie side by side, only the source counts: each task is registered once. */
function withoutBuiltTwins(files: readonly string[]): string[] {
  return files.filter((file) => !/\.[mc]?js$/.test(file) || !files.includes(file.replace(/js$/, 'ts')));
}

/** What lies at `path`, links followed; 'lost' is a link that leads nowhere, or in a circle. */
function kindOf(path: string): 'file' | 'directory' | 'other' | 'lost' | 'nothing' {
  try {
    const stats = statSync(path);
    return stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other';
  } catch {
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true ? 'lost' : 'nothing';
  }
}

function refuseLost(path: string, code: 'FSQ_CONFIG' | 'FSQ_NO_TASKS'): void {
  if (kindOf(path) !== 'lost') return;
  throw new UsageError(
    `${path} is a link to ${readlinkSync(path)}, where nothing can be read: mend the link or remove it.`,
    code,
  );
}

type Entry = Pick<Dirent, 'name' | 'isFile' | 'isDirectory' | 'isSymbolicLink'>;

function entriesOf(folder: string): readonly Entry[] {
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
