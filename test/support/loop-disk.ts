/**
 * A file system of its own in a file, whose power can be cut: ext4 at any moment, btrfs when all who use it are killed. Needs root
 * and loop devices, and python3 for ext4.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { until } from './conditions.ts';

export type DiskKind = 'ext4' | 'btrfs';

/** Room for some ten thousand jobs of one block each, and small enough to be made and checked in no time; btrfs wants more. */
const SIZE_BYTES = { ext4: 64 * 1024 * 1024, btrfs: 256 * 1024 * 1024 };
/** How long the last process may take to let go of the disk, ms: one of another test that unshared its mounts holds it too. */
const BUSY_MS = 30_000;

/**
 * Cuts the power of the file system at each path it reads: FS_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH (2) drops what is
 * not on the device yet, the journal's unwritten part too, and fails every later call with EIO (linux/fs/ext4/ext4.h).
 * A process that waits, so that a cut does not come a process's start-up time late.
 */
const CUTTER = `
import fcntl, os, struct, sys
print('ready', flush=True)
for line in sys.stdin:
    directory = os.open(line.rstrip('\\n'), os.O_RDONLY)
    fcntl.ioctl(directory, 0x8004587d, struct.pack('I', 2))
    os.close(directory)
    print('cut', flush=True)
`;

export interface LoopDisk {
  /** Where it is mounted. */
  readonly path: string;
  /** From here on nothing reaches the disk any more, and every call fails with EIO. btrfs cannot do that: the cut comes at `restart`. */
  cutPower(): Promise<void>;
  /** Mounts it again, as at the next start of the machine. Every process that used it must have ended, killed if the cut comes now. */
  restart(): Promise<void>;
  /** Unmounts it and removes all that was made for it. Does no harm twice. */
  remove(): Promise<void>;
}

/** Why there can be no such disk here; null when there can. */
export function whyNoLoopDisk(kind: DiskKind = 'ext4'): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs root on Linux, to mount a disk';
  if (!existsSync('/dev/loop-control')) return 'needs loop devices (/dev/loop-control)';
  if (!readFileSync('/proc/filesystems', 'utf8').split(/\s/).includes(kind)) return `needs a kernel with ${kind}`;
  const programs = kind === 'ext4' ? ['mkfs.ext4', 'python3'] : ['mkfs.btrfs'];
  const missing = programs.find((program) => spawnSync('which', [program]).status !== 0);
  return missing === undefined ? null : `needs ${missing}`;
}

export async function loopDisk(kind: DiskKind = 'ext4'): Promise<LoopDisk> {
  const folder = mkdtempSync(join(tmpdir(), 'fsq-power-'));
  const image = join(folder, 'image');
  const path = join(folder, 'disk');
  const fd = openSync(image, 'wx');
  ftruncateSync(fd, SIZE_BYTES[kind]);
  closeSync(fd);
  mkdirSync(path);
  execFileSync(`mkfs.${kind}`, ['-q', kind === 'ext4' ? '-F' : '-f', image], { stdio: 'ignore' });
  mount(kind, image, path);
  const cutter = kind === 'ext4' ? await startCutter() : null;
  let isMounted = true;
  return {
    path,
    cutPower: async () => cutter?.cut(path),
    restart: async () => {
      // What the file system has not sent to its device is not in the copy: unmounting would send it.
      const copy = join(folder, 'copy');
      if (kind === 'btrfs') execFileSync('cp', ['--sparse=always', image, copy]);
      await unmount(image, path);
      if (kind === 'btrfs') renameSync(copy, image);
      mount(kind, image, path);
    },
    remove: async () => {
      cutter?.end();
      if (isMounted) await unmount(image, path);
      isMounted = false;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The loop device belongs to the mount: the kernel frees it with the mount (mount(8), LOOP-DEVICE SUPPORT). */
function mount(kind: DiskKind, image: string, path: string): void {
  execFileSync('mount', ['-t', kind, '-o', 'loop,noatime', image, path]);
}

/**
 * Resolves when the device is free as well. While a process in another mount namespace holds the file system it lives on,
 * dead as it is, and mounting the image would give that one again.
 */
async function unmount(image: string, path: string): Promise<void> {
  await until(() => spawnSync('umount', [path]).status === 0, `${path} can be unmounted`, BUSY_MS);
  await until(
    () => execFileSync('losetup', ['--associated', image], { encoding: 'utf8' }) === '',
    `the loop device of ${image} is free`,
    BUSY_MS,
  );
}

async function startCutter(): Promise<{ readonly cut: (path: string) => Promise<void>; readonly end: () => void }> {
  const child: ChildProcess = spawn('python3', ['-c', CUTTER], { stdio: ['pipe', 'pipe', 'inherit'] });
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('python3 was started without pipes');
  const lines = createInterface(stdout);
  await nextLine(child, lines);
  return {
    cut: async (path) => {
      const cut = nextLine(child, lines);
      stdin.write(`${path}\n`);
      await cut;
    },
    end: () => stdin.end(),
  };
}

async function nextLine(child: ChildProcess, lines: NodeJS.EventEmitter): Promise<void> {
  const stop = new AbortController();
  const { signal } = stop;
  try {
    await Promise.race([
      once(lines, 'line', { signal }),
      once(child, 'exit', { signal }).then(() => Promise.reject(new Error('python3 ended: the power cannot be cut'))),
    ]);
  } finally {
    stop.abort();
  }
}
