/** A file system that writes down every call that changes it, so that test/support/disk-states.ts can tell what a power cut leaves. */
import {
  fstatSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join, relative } from 'node:path';
import type { Files } from '../../src/spool/disk/files.ts';
import type { Disk, DiskCall } from './disk-states.ts';

export interface Recording {
  readonly files: Files;
  /** Forgets what was recorded: all of it is durable from here on. */
  restart(): void;
  /** From here on the disk must keep `what`. */
  promise(what: string): void;
  /** What lay under the root at the last `restart`. */
  readonly disk: Disk;
  readonly calls: readonly DiskCall[];
}

/**
 * @param root what lies elsewhere is not recorded; paths are relative to it
 * @param syncsAll whether the whole file system can be synced; who is refused it syncs each file
 */
export function recordingFiles(root: string, inner: Files, syncsAll = false): Recording {
  const calls: DiskCall[] = [];
  const directories = new Map<number, string>();
  /** A number for each file: the kernel uses those of removed files again. */
  const files = new Map<number, number>();
  let nextFile = 1;
  let disk: Disk = { names: new Map(), contents: new Map() };
  const fileOf = (inode: number): number => {
    const known = files.get(inode) ?? nextFile++;
    files.set(inode, known);
    return known;
  };
  const fileAt = (path: string): number | null => {
    const stats = lstatSync(path);
    return stats.isDirectory() ? null : fileOf(stats.ino);
  };
  const named = (path: string): string => relative(root, path);
  const syncing = (fd: number): (() => void) => {
    const began = calls.length;
    const path = directories.get(fd);
    const file = path === undefined ? fileOf(fstatSync(fd).ino) : 0;
    return () =>
      calls.push(path === undefined ? { call: 'fsync', file, began } : { call: 'fsync directory', path, began });
  };
  const recorded: Files = {
    ...inner,
    create: (path) => {
      const fd = inner.create(path);
      files.delete(fstatSync(fd).ino);
      calls.push({ call: 'create', path: named(path), file: fileOf(fstatSync(fd).ino) });
      return fd;
    },
    write: (fd, bytes, at) => {
      // Before the call: one that fails may have written a part.
      calls.push({ call: 'write', file: fileOf(fstatSync(fd).ino), at, bytes: Buffer.from(bytes) });
      inner.write(fd, bytes, at);
    },
    truncate: (fd, size) => {
      inner.truncate(fd, size);
      calls.push({ call: 'truncate', file: fileOf(fstatSync(fd).ino), size });
    },
    openDirectory: (path) => {
      const fd = inner.openDirectory(path);
      directories.set(fd, named(path));
      return fd;
    },
    close: (fd) => {
      directories.delete(fd);
      inner.close(fd);
    },
    sync: async (fd) => {
      const done = syncing(fd);
      await inner.sync(fd);
      done();
    },
    // Of a file whose size stays, the same.
    syncData: async (fd) => {
      const done = syncing(fd);
      await inner.syncData(fd);
      done();
    },
    syncFileSystem: async () => {
      if (syncsAll) calls.push({ call: 'sync all', began: calls.length });
      return syncsAll;
    },
    syncNow: (fd) => {
      const done = syncing(fd);
      inner.syncNow(fd);
      done();
    },
    rename: (from, to) => {
      const stats = lstatSync(from, { throwIfNoEntry: false });
      // A socket gets its first name from bind(2), which does not come by here.
      const isNew = stats?.isSocket() === true && !files.has(stats.ino);
      inner.rename(from, to);
      const file = fileAt(to);
      if (isNew && file !== null) calls.push({ call: 'create', path: named(from), file });
      calls.push({ call: 'rename', path: named(from), to: named(to), file });
    },
    unlink: (path) => {
      const file = lstatSync(path, { throwIfNoEntry: false });
      inner.unlink(path);
      if (file !== undefined) calls.push({ call: 'unlink', path: named(path), file: fileOf(file.ino) });
    },
    makeDirectory: (path) => {
      inner.makeDirectory(path);
      calls.push({ call: 'mkdir', path: named(path) });
    },
    removeDirectory: (path) => {
      inner.removeDirectory(path);
      calls.push({ call: 'rmdir', path: named(path) });
    },
  };
  const recording = {
    files: recorded,
    calls,
    get disk() {
      return disk;
    },
    promise: (what: string) => void calls.push({ call: 'promise', what }),
    restart: () => {
      calls.length = 0;
      disk = takeDisk(root, fileOf);
    },
  };
  recording.restart();
  return recording;
}

function takeDisk(root: string, fileOf: (inode: number) => number): Disk {
  const names = new Map<string, number | 'directory'>();
  const contents = new Map<number, Buffer>();
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) names.set(relative(root, path), 'directory');
    else {
      const file = fileOf(lstatSync(path).ino);
      names.set(relative(root, path), file);
      if (entry.isFile()) contents.set(file, readFileSync(path));
    }
  }
  return { names, contents };
}

/** Makes the disk real under `root`, an empty folder. Sockets are as those of dead processes: they refuse connections. */
export async function materialise({ names, contents }: Disk, root: string): Promise<void> {
  const made = new Map<number, string>();
  const sockets = new Set([...names].flatMap(([path, file]) => (path.endsWith('.sock') ? [file] : [])));
  for (const [path, file] of [...names].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const target = join(root, path);
    if (file === 'directory') {
      mkdirSync(target, { mode: 0o700 });
      continue;
    }
    const first = made.get(file);
    made.set(file, first ?? target);
    if (first !== undefined) linkSync(first, target);
    else if (sockets.has(file)) await makeDeadSocket(target);
    else writeFileSync(target, contents.get(file) ?? '', { mode: 0o600 });
  }
}

async function makeDeadSocket(path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(`${path}~`, resolve));
  renameSync(`${path}~`, path); // Closing removes the name that it was given.
  await new Promise((resolve) => server.close(resolve));
}
