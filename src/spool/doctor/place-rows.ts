/** What the place of a spool is good for. Pure: facts to findings. */
import type { Finding } from './finding.ts';
import type { PlaceFacts } from './place.ts';
import { probeFindings } from './probe-findings.ts';
import { size } from './text.ts';

/** Below this a few jobs more fill the disk, bytes. */
const LITTLE_ROOM = 64e6;
const NO_ROOM = 1e6;
const FEW_INODES = 1_000;
/** Fewer processes than this may watch at a time: the others poll. */
const FEW_INSTANCES = 32;

/** What the settings allow: then it is a warning. */
export interface Allowed {
  readonly allowNetworkFs: boolean;
  readonly allowUnsafe: boolean;
}

export function placeFindings(facts: PlaceFacts, { allowNetworkFs, allowUnsafe }: Allowed): readonly Finding[] {
  return [
    ...kindFindings(facts, allowNetworkFs),
    ...roomFindings(facts),
    ...deviceFindings(facts),
    ...probeFindings(facts.path, facts.probes),
    ...rightsFindings(facts, allowUnsafe),
    ...limitFindings(facts),
  ];
}

function kindFindings({ path, fileSystem }: PlaceFacts, allowNetworkFs: boolean): readonly Finding[] {
  const { name, kind } = fileSystem ?? { name: 'unknown', kind: 'unknown' };
  const local = 'Choose a directory on a local disk with --spool or FSQ_SPOOL';
  switch (kind) {
    case 'network':
      return [
        finding(allowNetworkFs ? 'warning' : 'error', 'network-fs', path, {
          message: `The spool lies on a network file system (${name}): jobs may run twice, and the death of a worker on another machine is not seen.`,
          advice: `${local}${allowNetworkFs ? '.' : ', or accept that with FSQ_ALLOW_NETWORK_FS=1.'}`,
        }),
      ];
    case 'memory':
      return [
        finding('warning', 'memory-fs', path, {
          message: `The spool lies in memory (${name}): a reboot or a power cut loses every job.`,
          advice: `${local} if jobs must survive that.`,
        }),
      ];
    case 'overlay':
      return [
        finding('warning', 'overlay-fs', path, {
          message: `The spool lies in a container's own layer (${name}): it is gone when the container is removed.`,
          advice: 'Put it on a volume.',
        }),
      ];
    case 'fuse':
    case 'unknown':
      return [
        finding('warning', 'unknown-fs', path, {
          message: `Whether the file system (${name}) keeps what fsq relies on is not known: atomic renames, and fsync.`,
          advice: `${local} such as ext4, XFS or Btrfs, unless you know it does.`,
        }),
      ];
    case 'local':
      return [];
  }
}

function roomFindings({ path, fileSystem }: PlaceFacts): readonly Finding[] {
  if (fileSystem === null) return [];
  const { freeBytes, freeInodes, totalInodes } = fileSystem;
  const advice = 'Make room. A worker that finds none waits, and producers are told that their job was not queued.';
  const lacksInodes = totalInodes > 0 && freeInodes < FEW_INODES;
  return [
    ...(freeBytes < LITTLE_ROOM
      ? [
          finding(freeBytes < NO_ROOM ? 'error' : 'warning', 'little-room', path, {
            message: `${size(freeBytes)} are free.`,
            advice,
          }),
        ]
      : []),
    ...(lacksInodes
      ? [
          finding(freeInodes === 0 ? 'error' : 'warning', 'few-inodes', path, {
            message: `${freeInodes} inodes are free: so many files can be made.`,
            advice,
          }),
        ]
      : []),
  ];
}

function deviceFindings({ path, elsewhere }: PlaceFacts): readonly Finding[] {
  return elsewhere.map((place) =>
    finding('error', 'other-device', `${path}/${place}`, {
      message: `${path}/${place} is a mount of its own, or lies on another device than the spool: no file can be renamed into it.`,
      advice: 'The whole spool must be one file system: unmount what is mounted there. Until then it is refused.',
    }),
  );
}

function rightsFindings({ unsafe }: PlaceFacts, allowUnsafe: boolean): readonly Finding[] {
  if (unsafe === null) return [];
  const { path, what, advice } = unsafe;
  return [
    finding(allowUnsafe ? 'warning' : 'error', 'unsafe-place', path, {
      message: `${path} ${what}: whoever can change it can have a worker run any task with any arguments.`,
      advice: `${advice}, or put the spool elsewhere${allowUnsafe ? '' : '. Until then it is refused, unless FSQ_ALLOW_UNSAFE=1 is set'}.`,
      invariant: 'I13',
    }),
  ];
}

function limitFindings({ path, inotify }: PlaceFacts): readonly Finding[] {
  if (inotify === null || inotify.maxInstances >= FEW_INSTANCES) return [];
  return [
    finding('warning', 'few-watches', path, {
      message: `${inotify.maxInstances} processes of a user can watch directories at a time; the others look once a second.`,
      advice: '`sysctl fs.inotify.max_user_instances=512`',
    }),
  ];
}

function finding(
  severity: Finding['severity'],
  code: string,
  location: string,
  rest: Pick<Finding, 'message' | 'advice' | 'invariant'>,
): Finding {
  return { code, severity, location, canRepair: false, ...rest };
}
