/**
 * The only file of fsq that touches the spool's file system: one function per system call, nothing decided here.
 *
 * Calls that stay in the page cache are synchronous: 5 to 20 µs each, less than a trip through the thread pool. Only fsync,
 * which waits for the disk, is asynchronous. Nothing follows a symbolic link, and nothing is opened that could block.
 */
import fs from 'node:fs';
import { constants as os } from 'node:os';
import { peek, reasonOf } from '../../job/values/realm.ts';
import { syncFileSystem } from './fsync.ts';

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY, O_DIRECTORY } = fs.constants;

/** A file without a name, in a directory (open(2)); Node has no name for it. This is its bit on x86, ARM and RISC-V. */
const O_TMPFILE = 0o20000000 | O_DIRECTORY;

/** What a name, or a descriptor, stands for. */
export interface EntryInfo {
  readonly kind: 'file' | 'directory' | 'link' | 'socket' | 'other';
  /** Permissions with the set-id and sticky bits: the lower 12 bits. */
  readonly mode: number;
  /** 0 on systems without users. */
  readonly uid: number;
  readonly gid: number;
  readonly links: number;
  /** The same for all names of one file. */
  readonly inode: number;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
  /** When it was last written, renamed or linked: no program can set it back. */
  readonly changedAtMs: number;
  readonly device: number;
}

/** The file system under a path: statfs(2). */
export interface FileSystemInfo {
  /** Its magic number; see file-system.ts. */
  readonly type: number;
  /** What this user may still write. */
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** 0 where inodes are made as needed, as by btrfs; so is `totalInodes`. */
  readonly freeInodes: number;
  readonly totalInodes: number;
}

/** A running watch; its events are hints that may be late, doubled or lost. */
export interface Watch {
  close(): void;
}

export interface Files {
  /** Creates a file that must not exist (0600, whatever the umask). */
  create(path: string): number;
  /** Opens without following a link or waiting for a FIFO's other end. */
  open(path: string, access: Access): number;
  info(fd: number): EntryInfo;
  /** `sizeBytes` of it from `fromBytes` (default: its beginning) on, or as many as there are; in `room` where that is given. */
  read(fd: number, sizeBytes: number, room?: Buffer, fromBytes?: number): Buffer;
  /** Writes all of `bytes`, however many calls that takes: write(2) may take fewer than asked. Opened to append: at the end of the file. */
  write(fd: number, bytes: Buffer, positionBytes: number): void;
  truncate(fd: number, sizeBytes: number): void;
  sync(fd: number): Promise<void>;
  /** The same without times and, where the size stays, without anything but the bytes: fdatasync(2). */
  syncData(fd: number): Promise<void>;
  /**
   * Brings all that was written to the file system of `path` to the disk, by syncfs(2): a thousand files cost as much as
   * ten. False when that cannot be had here or did not work; then nothing is known, and each file must be synced.
   */
  syncFileSystem(path: string): Promise<boolean>;
  /** The same as sync, for the making of a spool: it happens once and everything waits for it. */
  syncNow(fd: number): void;
  close(fd: number): void;
  rename(from: string, to: string): void;
  unlink(path: string): void;
  /** Gives a socket that this process has made the mode 0600, whatever the umask. */
  restrict(path: string): void;
  /** 0700, whatever the umask. */
  makeDirectory(path: string): void;
  removeDirectory(path: string): void;
  openDirectory(path: string): number;
  /** Throws what listing `path`, or making a name in it, would throw; nothing is changed. */
  tryDirectory(path: string): void;
  list(path: string): string[];
  /** Each name of a directory, in no order, without holding all of them: for what may stop, or pause, between two names. */
  walk(path: string): Iterable<string>;
  exists(path: string): boolean;
  /** What lies at `path` itself, which may be a link; null when nothing does. */
  entry(path: string): EntryInfo | null;
  fileSystem(path: string): FileSystemInfo;
  /** Changes whenever a name in the directory changes: its mtime and inode. */
  directoryStamp(path: string): DirectoryStamp;
  watch(path: string, onEvent: (name: string | null) => void, onError: (error: Error) => void): Watch;
  /** The contents of a small file that is not part of the spool, such as those of /proc. */
  readSystemFile(path: string): string;
  readLink(path: string): string;
  /** The path without links; every part of it must exist. */
  realPath(path: string): string;
}

export interface DirectoryStamp {
  readonly modifiedAtMs: number;
  readonly inode: number;
  readonly device: number;
}

export const nodeFiles: Files = {
  create: (path) => named(() => ownersOnly(opened(fs.openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)))),
  open: (path, access) => named(() => opened(fs.openSync(path, ACCESS_FLAGS[access] | O_NOFOLLOW | O_NONBLOCK))),
  info: (fd) => entryOf(fs.fstatSync(fd)),
  read: (fd, sizeBytes, room, fromBytes = 0) => {
    const bytes = room ?? Buffer.allocUnsafe(sizeBytes);
    let done = 0;
    while (done < sizeBytes) {
      const count = uninterrupted(() => fs.readSync(fd, bytes, done, sizeBytes - done, fromBytes + done));
      if (count === 0) break;
      done += count;
    }
    return bytes.subarray(0, done);
  },
  write: (fd, bytes, positionBytes) => {
    let done = 0;
    named(() => {
      while (done < bytes.length) done += fs.writeSync(fd, bytes, done, bytes.length - done, positionBytes + done);
    });
  },
  truncate: (fd, sizeBytes) => named(() => fs.ftruncateSync(fd, sizeBytes)),
  sync: (fd) => ended((done) => fs.fsync(fd, done)),
  syncData: (fd) => ended((done) => fs.fdatasync(fd, done)),
  syncFileSystem,
  syncNow: (fd) => named(() => fs.fsyncSync(fd)),
  close: (fd) => named(() => fs.closeSync(fd)),
  rename: (from, to) => named(() => fs.renameSync(from, to)),
  unlink: (path) => fs.unlinkSync(path),
  restrict: (path) => fs.chmodSync(path, 0o600),
  makeDirectory: (path) => {
    named(() => void fs.mkdirSync(path, { mode: 0o700 }));
    // The umask may have taken even the owner's rights.
    fs.chmodSync(path, 0o700);
  },
  removeDirectory: (path) => fs.rmdirSync(path),
  openDirectory: (path) => named(() => fs.openSync(path, O_RDONLY | O_DIRECTORY)),
  tryDirectory: (path) => {
    fs.closeSync(fs.openSync(path, O_RDONLY | O_DIRECTORY));
    try {
      if (process.platform === 'linux') return fs.closeSync(fs.openSync(path, O_TMPFILE | O_WRONLY, 0o600));
    } catch (error) {
      // The file system has no such files.
      if (!hasCode(error, 'EOPNOTSUPP', 'EISDIR', 'EINVAL')) throw error;
    }
    fs.accessSync(path, fs.constants.W_OK | fs.constants.X_OK);
  },
  list: (path) => named(() => fs.readdirSync(path)),
  walk: (path) => namesIn(named(() => fs.opendirSync(path, { bufferSize: 1_024 }))),
  exists: (path) => fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined,
  entry: (path) => {
    const stats = fs.lstatSync(path, { throwIfNoEntry: false });
    return stats === undefined ? null : entryOf(stats);
  },
  fileSystem: (path) => {
    const { type, bsize, bavail, blocks, ffree, files } = fs.statfsSync(path);
    return { type, freeBytes: bavail * bsize, totalBytes: blocks * bsize, freeInodes: ffree, totalInodes: files };
  },
  directoryStamp: (path) => {
    const stats = fs.statSync(path);
    return { modifiedAtMs: stats.mtimeMs, inode: stats.ino, device: stats.dev };
  },
  watch: (path, onEvent, onError) => {
    const watcher = fs.watch(path, { persistent: false }, (_event, name) => onEvent(name));
    watcher.on('error', onError);
    return watcher;
  },
  readSystemFile: (path) => uninterrupted(() => fs.readFileSync(path, 'utf8')),
  realPath: (path) => fs.realpathSync.native(path),
  readLink: (path) => fs.readlinkSync(path),
};

function ended(act: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => act((error) => (error === null ? resolve() : reject(withName(error)))));
}

function* namesIn(directory: fs.Dir): Generator<string> {
  try {
    for (;;) {
      const entry = named(() => directory.readSync());
      if (entry === null) return;
      yield entry.name;
    }
  } finally {
    directory.closeSync();
  }
}

/** Repeats what a signal interrupted: libuv does so by itself for every call but read(2). */
function uninterrupted<T>(act: () => T): T {
  for (;;) {
    try {
      return act();
    } catch (error) {
      if (!hasCode(error, 'EINTR')) throw error;
    }
  }
}

/** Does what may open, make or write a file, and so meet a full quota. */
function named<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw withName(error);
  }
}

/** The same error; one of a full quota, for which libuv and Node have no name (uv.h, UV_ERRNO_MAP), now says EDQUOT. */
export function withName<T>(error: T): T {
  if (peek(error, 'errno') === -os.errno.EDQUOT) {
    // `UNKNOWN: unknown error, write` or `Unknown system error -122: Unknown system error -122, open '…'`.
    const message = reasonOf(error).replace(/^[^:]*: [^,]*/, 'EDQUOT: disk quota exceeded');
    Object.assign(error as object, { code: 'EDQUOT', message });
  }
  return error;
}

/** True when `error` is a system error with one of these codes, of any realm: that of a test file is not that of Node.js. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  const code = peek(error, 'code');
  return typeof code === 'string' && codes.includes(code);
}

/**
 * A descriptor that was just opened, unless its number is that of this process's channel to its parent: then a task has closed
 * the channel behind Node's back, and what Node sends there would be written into the file. Makes no system call.
 *
 * @throws a system error EBADF: the process is of no use any more
 */
function opened(fd: number): number {
  if (process.connected !== true || fd !== channelDescriptor()) return fd;
  fs.closeSync(fd);
  const message = `EBADF: descriptor ${fd}, the channel to the parent of this process, was closed by code that it runs`;
  throw Object.assign(new Error(message), { code: 'EBADF', syscall: 'open' });
}

/** -1 where Node does not tell. */
function channelDescriptor(): number {
  const channel: unknown = process.channel;
  const fd: unknown = typeof channel === 'object' && channel !== null && 'fd' in channel ? channel.fd : null;
  return typeof fd === 'number' ? fd : -1;
}

/**
 * The umask may take even the owner's rights, and a program may change it at any time: an accepted job that no worker may
 * read would be lost. Asking for the umask first would set it, for all threads, for a moment.
 */
function ownersOnly(fd: number): number {
  try {
    fs.fchmodSync(fd, 0o600);
    return fd;
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

type Access = 'read' | 'write' | 'append' | 'read-write';
const ACCESS_FLAGS: Readonly<Record<Access, number>> = {
  read: O_RDONLY,
  write: O_WRONLY,
  append: O_WRONLY | O_APPEND,
  'read-write': O_RDWR,
};

function entryOf(stats: fs.Stats): EntryInfo {
  return {
    kind: kindOf(stats),
    mode: stats.mode & 0o7777,
    uid: stats.uid,
    gid: stats.gid,
    links: stats.nlink,
    inode: stats.ino,
    sizeBytes: stats.size,
    modifiedAtMs: stats.mtimeMs,
    changedAtMs: stats.ctimeMs,
    device: stats.dev,
  };
}

function kindOf(stats: fs.Stats): EntryInfo['kind'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'link';
  return stats.isSocket() ? 'socket' : 'other';
}
