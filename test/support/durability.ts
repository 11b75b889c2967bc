/** What a power cut would leave: which bytes and which names have reached the disk, by the fsyncs that were made. */
import { fstatSync, lstatSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Files } from '../../src/spool/disk/files.ts';

export interface DurableFiles {
  readonly files: Files;
  /** True if the bytes of the file at `path` would survive. */
  isContentDurable(path: string): boolean;
  /** True if the name itself would survive. */
  isNameDurable(path: string): boolean;
}

/**
 * `inner`, watched. An fsync covers what was written, or renamed, before it began.
 *
 * @param onRename told of each rename, right after it
 */
export function durableFiles(inner: Files, onRename: (to: string, durable: DurableFiles) => void): DurableFiles {
  const dirtyInodes = new Set<number>();
  const lostNames = new Set<string>();
  const directories = new Map<number, string>();
  const written = (fd: number): void => void dirtyInodes.add(fstatSync(fd).ino);
  /** What an fsync that begins now covers; the function it gives marks that as durable. */
  const syncing = (fd: number): (() => void) => {
    const { ino } = fstatSync(fd);
    const directory = directories.get(fd);
    const covered = [...lostNames].filter((path) => dirname(path) === directory);
    return () => {
      if (directory === undefined) dirtyInodes.delete(ino);
      for (const path of covered) lostNames.delete(path);
    };
  };
  const files: Files = {
    ...inner,
    create: (path) => {
      const fd = inner.create(path);
      written(fd);
      lostNames.add(path);
      return fd;
    },
    write: (fd, bytes, position) => {
      inner.write(fd, bytes, position);
      written(fd);
    },
    truncate: (fd, size) => {
      inner.truncate(fd, size);
      written(fd);
    },
    openDirectory: (path) => {
      const fd = inner.openDirectory(path);
      directories.set(fd, path);
      return fd;
    },
    makeDirectory: (path) => {
      inner.makeDirectory(path);
      lostNames.add(path);
    },
    sync: async (fd) => {
      const done = syncing(fd);
      await inner.sync(fd);
      done();
    },
    syncData: async (fd) => {
      const done = syncing(fd);
      await inner.syncData(fd);
      done();
    },
    syncFileSystem: async (path) => {
      const inodes = [...dirtyInodes];
      const names = [...lostNames];
      const isDone = await inner.syncFileSystem(path);
      if (isDone) {
        for (const ino of inodes) dirtyInodes.delete(ino);
        for (const name of names) lostNames.delete(name);
      }
      return isDone;
    },
    syncNow: (fd) => {
      const done = syncing(fd);
      inner.syncNow(fd);
      done();
    },
    close: (fd) => {
      directories.delete(fd);
      inner.close(fd);
    },
    rename: (from, to) => {
      inner.rename(from, to);
      lostNames.delete(from);
      lostNames.add(to);
      onRename(to, durable);
    },
  };
  const durable: DurableFiles = {
    files,
    isContentDurable: (path) => !dirtyInodes.has(lstatSync(path).ino),
    isNameDurable: (path) => !lostNames.has(path) && basename(path) !== '',
  };
  return durable;
}
