/** The modules that the children of a worker import, loaders first, and the watch for changes of them. */
import { fileURLToPath } from 'node:url';
import { stampOf } from '../app/project/project.ts';

/** How often new task modules are looked for while they are watched, ms. */
const FIND_EVERY_MS = 1_000;

/** How often a watch looks at the files, ms. A thousand files take about 5 ms. */
const LOOK_EVERY_MS = 250;

interface TaskModuleOptions {
  /** Absolute paths. */
  readonly files: readonly string[];
  /** As `node --import` takes them. */
  readonly imports: readonly string[];
  /** Finds the modules again; null: they are not watched. An error of it is ignored: the child that loads the modules tells it. */
  readonly find: (() => readonly string[]) | null;
}

export class TaskModules {
  #files: readonly string[];
  readonly #imports: string[];
  readonly #find: TaskModuleOptions['find'];
  #watch: FileWatch | null = null;
  #finding: NodeJS.Timeout | undefined;
  /** What was said of modules that cannot be loaded, since they have changed. */
  readonly #complaints = new Set<string>();

  constructor({ files, imports, find }: TaskModuleOptions) {
    this.#files = files;
    this.#imports = [...imports];
    this.#find = find;
  }

  get files(): readonly string[] {
    return this.#files;
  }

  get imports(): readonly string[] {
    return this.#imports;
  }

  get isWatched(): boolean {
    return this.#find !== null;
  }

  /** Has children import this first from now on. @returns false when they do so already */
  addImport(module: string): boolean {
    const isNew = !this.#imports.includes(module);
    if (isNew) this.#imports.push(module);
    return isNew;
  }

  /** False when another child has said the same of modules that are watched and have not changed meanwhile. */
  isNews(complaint: string): boolean {
    const isNew = !this.isWatched || !this.#complaints.has(complaint);
    this.#complaints.add(complaint);
    return isNew;
  }

  /** Begins to watch, if that was asked for. `onChange` is told a file that has changed, for people. */
  watch(onChange: (what: string) => void): void {
    const find = this.#find;
    if (find === null) return;
    const tell = (paths: readonly string[]): void => {
      this.#complaints.clear();
      const others = paths.length === 1 ? '' : ` and ${paths.length - 1} more`;
      onChange(`${paths[0] ?? ''}${others}`);
    };
    // One that has gone must not be among those that the next children load.
    this.#watch = new FileWatch((changed) => tell([...new Set([...changed, ...this.#refind(find)])]));
    this.#watch.add(this.#files);
    this.#finding = setInterval(() => {
      const changed = this.#refind(find);
      if (changed.length > 0) tell(changed);
    }, FIND_EVERY_MS);
    this.#finding.unref();
  }

  /** @returns those that have come, and those that have gone */
  #refind(find: () => readonly string[]): readonly string[] {
    const before = this.#files;
    const now = findQuietly(find) ?? before;
    const come = now.filter((file) => !before.includes(file));
    const gone = before.filter((file) => !now.includes(file));
    this.#files = now;
    this.#watch?.add(come);
    this.#watch?.forget(gone);
    return [...come, ...gone];
  }

  /** A child has loaded these: paths, or URLs of files. Those of packages stay as they are. */
  loaded(modules: readonly string[]): void {
    const paths = modules.flatMap((module) => pathOf(module) ?? []);
    this.#watch?.add(paths.filter((path) => !/[\\/]node_modules[\\/]/.test(path)));
  }

  close(): void {
    clearInterval(this.#finding);
    this.#watch?.close();
  }
}

/** Null where they cannot be found: the last one is gone, or a link leads nowhere. The child that is to load it tells that. */
function findQuietly(find: () => readonly string[]): readonly string[] | null {
  try {
    return find();
  } catch {
    return null;
  }
}

/** Null for a text that names no file: a task's own message may hold any. */
function pathOf(module: string): string | null {
  if (!module.startsWith('file:')) return module.startsWith('/') || /^[a-z]:\\/i.test(module) ? module : null;
  try {
    return fileURLToPath(module.replace(/[?#].*$/, ''));
  } catch {
    return null;
  }
}

/**
 * Notices when files of the user's project have changed, by looking at them: that works on every file system, in containers too,
 * with editors that put a new file in place of the old one, and through links. For `fsq worker --watch`, at a developer's desk.
 */
export class FileWatch {
  readonly #onChange: (paths: readonly string[]) => void;
  /** The stamp of each file when its change was last told. */
  readonly #told = new Map<string, string>();
  #changed: ReadonlyMap<string, string> = new Map();
  readonly #timer: NodeJS.Timeout;

  /**
   * @param onChange called with the files that have changed, once they stay as they are from one look to the next: a change of
   *   many files, as by a checkout, is one
   */
  constructor(onChange: (paths: readonly string[]) => void) {
    this.#onChange = onChange;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  /** Watches these as well. Add a file before it is read: a change between the reading and this call is not noticed. */
  add(paths: readonly string[]): void {
    for (const path of paths) if (!this.#told.has(path)) this.#told.set(path, stampOf(path));
  }

  /** Stops watching these. */
  forget(paths: readonly string[]): void {
    for (const path of paths) this.#told.delete(path);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const changed = new Map<string, string>();
    for (const [path, told] of this.#told) {
      const stamp = stampOf(path);
      if (stamp !== told) changed.set(path, stamp);
    }
    const isSettled =
      changed.size === this.#changed.size && [...changed].every(([path, stamp]) => this.#changed.get(path) === stamp);
    this.#changed = changed;
    if (changed.size === 0 || !isSettled) return;
    for (const [path, stamp] of changed) this.#told.set(path, stamp);
    this.#changed = new Map();
    this.#onChange([...changed.keys()]);
  }
}
