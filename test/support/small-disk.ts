/** File systems of their own that are quickly full. They need root. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** Why there can be no ext4 of its own here; false when there can. */
export const NO_DISKS: string | false =
  process.platform !== 'linux' || process.getuid?.() !== 0
    ? 'needs root on Linux, to mount a disk'
    : !existsSync('/dev/loop-control') && 'needs loop devices';

export const CAN_MOUNT: boolean = process.getuid?.() === 0;

/** The path of an empty tmpfs of `size`, such as '512k', and with so many inodes; unmounted after the test. */
export function smallDisk(t: TestContext, size: string, inodes = 100_000): string {
  const path = mkdtempSync(join(tmpdir(), 'fsq-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},nr_inodes=${inodes},mode=700`, 'fsq-test', path]);
  t.after(() => {
    // Lazily: a worker that the test left behind is ended by a later hook.
    execFileSync('umount', ['--lazy', path]);
    rmdirSync(path);
  });
  return path;
}

/** An ext4 file system of `size` in a file, with nothing kept back for root; unmounted after the test. */
export function ext4(t: TestContext, options: readonly string[], size = '8M'): string {
  const folder = mkdtempSync(join(tmpdir(), 'fsq-ext4-'));
  const image = join(folder, 'image');
  const path = join(folder, 'disk');
  let isMounted = false;
  t.after(() => {
    // Lazily: a worker that the test left behind is ended by a later hook.
    if (isMounted) execFileSync('umount', ['--lazy', path]);
    rmSync(folder, { recursive: true, force: true });
  });
  execFileSync('truncate', ['-s', size, image]);
  execFileSync('mkfs.ext4', ['-q', '-F', '-m', '0', ...options, image]);
  mkdirSync(path);
  execFileSync('mount', ['-t', 'ext4', '-o', 'loop', image, path]);
  isMounted = true;
  return path;
}

/** Writes into `path` until not one byte more fits. */
export function fill(path: string): void {
  for (const size of [65_536, 4_096, 1]) untilFull(() => writeFileSync(path, Buffer.alloc(size), { flag: 'a' }));
}

/** Writes into a file in `folder` until so many bytes are free, or a few blocks less. */
export function fillBut(folder: string, leftBytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  writeFileSync(join(folder, 'ballast'), Buffer.alloc(bavail * bsize - leftBytes));
}

/** Makes files in `folder` until not one more can be made. */
export function takeInodes(folder: string): void {
  let n = 0;
  untilFull(() => writeFileSync(join(folder, String(n++)), ''));
}

/** Repeats `act` until there is no room. */
export function untilFull(act: () => void): void {
  try {
    for (;;) act();
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
  }
}
