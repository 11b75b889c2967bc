/** What can be wrong with the place of a spool: its disk, its rights, and the trial of what fsq relies on. Pure. */
import { size } from '../../job/text.ts';
import { type Finding, findingsOf, rows, type Severity } from './finding.ts';
import type { PlaceFacts } from './place.ts';

/** Below this a few jobs more fill the disk, bytes. */
const LITTLE_ROOM = 64e6;
const NO_ROOM = 1e6;
const FEW_INODES = 1_000;
/** Fewer processes than this may watch at a time: the others poll. */
const FEW_INSTANCES = 32;
/** Results expire by the file system's clock; file systems round to 2 s at most. */
const SKEW_MS = 2_000;
/** A producer waits for two fsyncs per job, ms. */
const SLOW_FSYNC_MS = 100;

const LOCAL = 'Choose a directory on a local disk with --spool or FSQ_SPOOL';
const ROOM = 'Make room. A worker that finds none waits, and producers are told that their job was not queued.';

/** What the settings allow: then it is a warning. */
export interface Allowed {
  readonly allowNetworkFs: boolean;
  readonly allowUnsafe: boolean;
}

type Place = PlaceFacts & Allowed;

const DISK_ROWS = rows<Place>({
  'network-fs': {
    severity: ({ allowNetworkFs }) => unlessAllowed(allowNetworkFs),
    wrong: onDisk(
      ['network'],
      (name) =>
        `The spool lies on a network file system (${name}): jobs may run twice, and the death of a worker on another machine is not seen.`,
    ),
    advice: ({ allowNetworkFs }) => `${LOCAL}${allowNetworkFs ? '.' : ', or accept that with FSQ_ALLOW_NETWORK_FS=1.'}`,
  },
  'memory-fs': {
    severity: 'warning',
    wrong: onDisk(['memory'], (name) => `The spool lies in memory (${name}): a reboot or a power cut loses every job.`),
    advice: `${LOCAL} if jobs must survive that.`,
  },
  'overlay-fs': {
    severity: 'warning',
    wrong: onDisk(
      ['overlay'],
      (name) => `The spool lies in a container's own layer (${name}): it is gone when the container is removed.`,
    ),
    advice: 'Put it on a volume.',
  },
  'unknown-fs': {
    severity: 'warning',
    wrong: onDisk(
      ['fuse', 'unknown'],
      (name) => `Whether the file system (${name}) keeps what fsq relies on is not known: atomic renames, and fsync.`,
    ),
    advice: `${LOCAL} such as ext4, XFS or Btrfs, unless you know it does.`,
  },
  'little-room': {
    severity: ({ fileSystem }) => ((fileSystem?.freeBytes ?? 0) < NO_ROOM ? 'error' : 'warning'),
    wrong: ({ fileSystem }) =>
      fileSystem !== null && fileSystem.freeBytes < LITTLE_ROOM ? `${size(fileSystem.freeBytes)} are free.` : null,
    advice: ROOM,
  },
  'few-inodes': {
    severity: ({ fileSystem }) => (fileSystem?.freeInodes === 0 ? 'error' : 'warning'),
    wrong: ({ fileSystem }) =>
      fileSystem !== null && fileSystem.totalInodes > 0 && fileSystem.freeInodes < FEW_INODES
        ? `${fileSystem.freeInodes} inodes are free: so many files can be made.`
        : null,
    advice: ROOM,
  },
});

/** A directory of the spool. */
const ELSEWHERE = rows<string>({
  'other-device': {
    severity: 'error',
    wrong: (path) =>
      `${path} is a mount of its own, or lies on another device than the spool: no file can be renamed into it.`,
    advice: 'The whole spool must be one file system: unmount what is mounted there. Until then it is refused.',
  },
});

/** Nothing else was tried where nothing can be written. */
const NOT_WRITABLE = rows<Place>({
  'not-writable': {
    severity: 'error',
    wrong: ({ probes }) => probes.write,
    advice: 'No job can be sent or run until that is mended.',
  },
});

const PROBE_ROWS = rows<Place>({
  'no-rename': {
    severity: 'error',
    wrong: ({ probes: { renameFile, renameDirectory } }) => {
      const reason = renameFile ?? renameDirectory;
      if (reason === null) return null;
      return `A ${renameFile === null ? 'directory' : 'file'} cannot be renamed from tmp/ to logs/: ${reason}.`;
    },
    advice:
      'Every step of a job is a rename: choose a directory that is one plain file system, not the lower layer of an overlay.',
  },
  'no-fsync': {
    severity: 'error',
    wrong: ({ probes: { fsync } }) => (fsync === null ? null : `fsync fails: ${fsync}.`),
    advice: 'No job is accepted without it: look at the disk and at the log of the kernel.',
  },
  'slow-fsync': {
    severity: 'info',
    wrong: ({ probes: { fsyncMs } }) =>
      fsyncMs === null || fsyncMs <= SLOW_FSYNC_MS
        ? null
        : `One fsync took ${Math.round(fsyncMs)} ms; sending a job takes two.`,
    advice: 'Send many jobs at a time (delayMany): they share it. FSQ_FSYNC=0 gives up surviving a power cut.',
  },
  'no-watch': {
    severity: 'warning',
    wrong: ({ probes: { watch } }) => (watch === null ? null : `Changes of a directory are not heard of: ${watch}.`),
    advice:
      'fsq looks by itself up to once a second, so jobs start later. Raise fs.inotify.max_user_instances if that is why.',
  },
  'clock-skew': {
    severity: 'warning',
    wrong: ({ probes: { clockSkewMs } }) =>
      clockSkewMs === null || Math.abs(clockSkewMs) <= SKEW_MS
        ? null
        : `The clock of the file system is ${Math.abs(clockSkewMs)} ms ${clockSkewMs > 0 ? 'ahead of' : 'behind'} that of this process.`,
    advice: 'Results expire by it: set the clocks right (NTP).',
  },
});

const UNSAFE = rows<NonNullable<PlaceFacts['unsafe']> & Allowed>({
  'unsafe-place': {
    severity: ({ allowUnsafe }) => unlessAllowed(allowUnsafe),
    invariant: 'I13',
    wrong: ({ path, what }) =>
      `${path} ${what}: whoever can change it can have a worker run any task with any arguments.`,
    advice: ({ advice, allowUnsafe }) =>
      `${advice}, or put the spool elsewhere${allowUnsafe ? '' : '. Until then it is refused, unless FSQ_ALLOW_UNSAFE=1 is set'}.`,
  },
});

const FEW_WATCHES = rows<Place>({
  'few-watches': {
    severity: 'warning',
    wrong: ({ inotify }) =>
      inotify === null || inotify.maxInstances >= FEW_INSTANCES
        ? null
        : `${inotify.maxInstances} processes of a user can watch directories at a time; the others look once a second.`,
    advice: '`sysctl fs.inotify.max_user_instances=512`',
  },
});

export function placeFindings(facts: PlaceFacts, allowed: Allowed): readonly Finding[] {
  const place = { ...facts, ...allowed };
  const { path, elsewhere, unsafe, probes } = facts;
  const devices = elsewhere.map((directory) => `${path}/${directory}`);
  return [
    ...findingsOf(DISK_ROWS, place, path),
    ...devices.flatMap((device) => findingsOf(ELSEWHERE, device, device)),
    ...findingsOf(probes.write === null ? PROBE_ROWS : NOT_WRITABLE, place, path),
    ...(unsafe === null ? [] : findingsOf(UNSAFE, { ...unsafe, ...allowed }, unsafe.path)),
    ...findingsOf(FEW_WATCHES, place, path),
  ];
}

/** A row's `wrong` for file systems of these kinds; one that the system does not tell is unknown. */
function onDisk(kinds: readonly string[], text: (name: string) => string): (place: Place) => string | null {
  return ({ fileSystem }) => {
    const { name, kind } = fileSystem ?? { name: 'unknown', kind: 'unknown' };
    return kinds.includes(kind) ? text(name) : null;
  };
}

function unlessAllowed(isAllowed: boolean): Severity {
  return isAllowed ? 'warning' : 'error';
}
