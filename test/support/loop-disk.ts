/**
 * A file system of its own in a file, whose power can be cut: ext4 and XFS at any moment, btrfs when all who use it are killed. Needs
 * root and loop devices, and python3 for ext4 and XFS.
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
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { until } from './conditions.ts';

export type DiskKind = 'ext4' | 'xfs' | 'btrfs';

/**
 * What the power cut keeps of that which the device has not got yet. 'nothing': the log of the file system is not written any more.
 * 'names': it is written, the bytes of files are not. btrfs knows the first only.
 */
export type Kept = 'nothing' | 'names';

const MIB = 1024 * 1024;
/** Room for some ten thousand jobs of one block each, and small enough to be made and checked in no time; the others want more. */
const SIZE_BYTES = { ext4: 128 * MIB, xfs: 320 * MIB, btrfs: 256 * MIB };
const MAKING = { ext4: ['-q', '-F'], xfs: ['-q', '-f'], btrfs: ['-q', '-f'] };
/** How long the last process may take to let go of the disk, ms: one of another test that unshared its mounts holds it too. */
const BUSY_MS = 30_000;

/** FS_IOC_SHUTDOWN of ext4 and XFS_IOC_GOINGDOWN are one call with the same flags: LOGFLUSH and NOLOGFLUSH (linux/fs/ext4/ext4.h). */
const GOING_FLAGS = { names: 1, nothing: 2 };
/**
 * Cuts the power of the file system at each path it reads, with the flag before it: drops what is not on the device yet, and fails
 * every later call with EIO. A process that waits, so that a cut does not come a process's start-up time late.
 */
const CUTTER = `
import fcntl, os, struct, sys
print('ready', flush=True)
for line in sys.stdin:
    flag, path = line.rstrip('\\n').split(' ', 1)
    directory = os.open(path, os.O_RDONLY)
    fcntl.ioctl(directory, 0x8004587d, struct.pack('I', int(flag)))
    os.close(directory)
    print('cut', flush=True)
`;

export interface LoopDisk {
  /** Where it is mounted. */
  readonly path: string;
  /** From here on nothing reaches the disk any more, and every call fails with EIO. btrfs cannot do that: the cut comes at `restart`. */
  cutPower(kept?: Kept): Promise<void>;
  /** From here on it is read-only, for files that are open as well, as after an error of the disk: EROFS. ext4 only. */
  refuseWrites(): void;
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
  const programs = kind === 'btrfs' ? ['mkfs.btrfs'] : [`mkfs.${kind}`, 'python3'];
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
  execFileSync(`mkfs.${kind}`, [...MAKING[kind], image], { stdio: 'ignore' });
  mount(kind, image, path);
  const cutter = kind === 'btrfs' ? null : await startCutter();
  let isMounted = true;
  return {
    path,
    cutPower: async (kept = 'nothing') => cutter?.cut(path, kept),
    refuseWrites: () => {
      const device = execFileSync('findmnt', ['-n', '-o', 'SOURCE', path], { encoding: 'utf8' }).trim();
      writeFileSync(`/sys/fs/ext4/${basename(device)}/trigger_fs_error`, 'by a test');
    },
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
  execFileSync('mount', [
    '-t',
    kind,
    '-o',
    kind === 'ext4' ? 'loop,noatime,errors=remount-ro' : 'loop,noatime',
    image,
    path,
  ]);
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

async function startCutter(): Promise<{
  readonly cut: (path: string, kept: Kept) => Promise<void>;
  readonly end: () => void;
}> {
  const child: ChildProcess = spawn('python3', ['-c', CUTTER], { stdio: ['pipe', 'pipe', 'inherit'] });
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('python3 was started without pipes');
  const lines = createInterface(stdout);
  await nextLine(child, lines);
  return {
    cut: async (path, kept) => {
      const cut = nextLine(child, lines);
      stdin.write(`${GOING_FLAGS[kept]} ${path}\n`);
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
