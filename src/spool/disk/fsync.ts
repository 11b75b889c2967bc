/**
 * Fewer trips to the disk: one fsync of a directory for all calls that wait for it, and one syncfs(2) for thousands of files. Node has
 * no call for syncfs(2): it is done by sync(1) of the GNU coreutils or busybox, where there is one.
 */
import { release } from 'node:os';

/** What the spool's files can do, as far as directories are synced. */
interface DirectoryFiles {
  openDirectory(path: string): number;
  sync(fd: number): Promise<void>;
  close(fd: number): void;
}

interface Pending {
  running: Promise<void>;
  /** The round after the running one; shared by all calls that come while that runs. */
  next: Promise<void> | null;
}

/**
 * One fsync at a time per directory. A call that comes while one is under way waits for the next, because the running one may
 * have begun before the caller's rename. All calls that wait for the next share it.
 */
export class SyncQueue {
  readonly #files: DirectoryFiles;
  readonly #pending = new Map<string, Pending>();

  constructor(files: DirectoryFiles) {
    this.#files = files;
  }

  /** @throws the system error of the fsync: what was renamed before may not be durable. */
  sync(directory: string): Promise<void> {
    const pending = this.#pending.get(directory);
    if (pending === undefined) return this.#start(directory);
    pending.next ??= pending.running.then(
      () => this.#start(directory),
      () => this.#start(directory),
    );
    return pending.next;
  }

  #start(directory: string): Promise<void> {
    const running = this.#syncNow(directory);
    const entry: Pending = { running, next: null };
    this.#pending.set(directory, entry);
    const done = (): void => {
      if (entry.next === null) this.#pending.delete(directory);
    };
    running.then(done, done);
    return running;
  }

  async #syncNow(directory: string): Promise<void> {
    const fd = this.#files.openDirectory(directory);
    try {
      await this.#files.sync(fd);
    } finally {
      this.#files.close(fd);
    }
  }
}

/** sync(1) where Linux systems keep it; never looked up in PATH, which may lead anywhere. */
const PROGRAMS = ['/usr/bin/sync', '/bin/sync'];
/** The first Linux whose syncfs(2) reports that something could not be written (see its manual page, VERSIONS). */
const FIRST_LINUX = [5, 8] as const;

/** True when everything written before the call is on the disk of `path`; false when that is not sure. */
export async function syncFileSystem(path: string): Promise<boolean> {
  if (process.platform !== 'linux' || !isRecentEnough(release())) return false;
  for (const program of PROGRAMS) {
    const end = await run(program, ['-f', path]);
    if (end !== 'missing') return end === 'done';
  }
  return false;
}

/** Whether a Linux of this release, such as `6.1.0-18-amd64`, reports errors of syncfs(2). */
export function isRecentEnough(linux: string): boolean {
  const [major = 0, minor = 0] = linux.split('.').map((part) => Number.parseInt(part, 10));
  return major > FIRST_LINUX[0] || (major === FIRST_LINUX[0] && minor >= FIRST_LINUX[1]);
}

/** `failed` may also mean that this sync(1) has no option -f. The caller then syncs each file, which tells the error. */
async function run(program: string, args: readonly string[]): Promise<'done' | 'failed' | 'missing'> {
  // Only a call that sends very many jobs at once needs it: a start must not pay for it.
  const { spawn } = process.getBuiltinModule('node:child_process');
  return new Promise((resolve) => {
    try {
      const child = spawn(program, args, { stdio: 'ignore', env: {} });
      child.on('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ENOENT' ? 'missing' : 'failed'));
      child.on('exit', (code) => resolve(code === 0 ? 'done' : 'failed'));
    } catch {
      resolve('failed'); // Node may refuse to start a program.
    }
  });
}
