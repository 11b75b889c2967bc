/** The modules that the children of a worker import, loaders first, and the watch for changes of them. */
import { fileURLToPath } from 'node:url';
import { FileWatch } from '../app/project/file-watch.ts';

/** How often new task modules are looked for while they are watched, ms. */
const FIND_EVERY_MS = 1_000;

export interface TaskModuleOptions {
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
