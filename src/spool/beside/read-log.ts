/** Reading what the runs of a job have printed, from any place of its log on. */
import type { LogEnd, LogPart } from '../../broker/broker.ts';
import { type LogLine, parseLogText } from '../../job/values/log-lines.ts';
import type { SpoolContext } from '../disk/context.ts';
import { hasCode } from '../disk/files.ts';
import { NOT_LISTED } from '../disk/if-there.ts';
import { withRoom } from '../disk/memory.ts';
import { besidePath } from '../layout.ts';

/** What is read at a time, bytes; a line is shorter. */
const MAX_READ_BYTES = 256 * 1024;
const NEWLINE = 10;

/**
 * The lines from `position` on that are whole, at most some thousands. The log of a later attempt may begin anew: then from there on.
 *
 * @param unreadable codes with which there is no log: by default also where this user may not read it
 * @throws the system error unchanged when the disk refuses
 */
export function readLog(
  context: SpoolContext,
  id: string,
  position: number,
  unreadable: readonly string[] = NOT_LISTED,
): LogPart {
  const part = readFrom(context, id, (sizeBytes) => (position > sizeBytes ? 0 : position), partOf, unreadable);
  return part ?? { lines: [], position };
}

/** See `Broker.logEnd`: what one reading gives. @throws the system error unchanged when the disk refuses */
export function readLogEnd(context: SpoolContext, id: string): LogEnd {
  const end = readFrom(context, id, (sizeBytes) => Math.max(0, sizeBytes - MAX_READ_BYTES), endOf);
  return end ?? { lines: [], isWhole: true };
}

/** Null where nothing was printed, or what lies there is no file of ours. */
function readFrom<T>(
  context: SpoolContext,
  id: string,
  fromOf: (sizeBytes: number) => number,
  interpret: (bytes: Buffer, from: number) => T,
  unreadable: readonly string[] = NOT_LISTED,
): T | null {
  const { files, layout, trustedUids } = context;
  let fd: number;
  try {
    fd = files.open(besidePath(layout, 'logs', id), 'read');
  } catch (error) {
    if (hasCode(error, ...unreadable, 'ENXIO')) return null;
    throw error;
  }
  try {
    const { kind, uid, sizeBytes } = files.info(fd);
    if (kind !== 'file' || trustedUids?.has(uid) === false) return null;
    const from = fromOf(sizeBytes);
    const wanted = Math.min(sizeBytes - from, MAX_READ_BYTES);
    return withRoom(wanted, (room) => interpret(files.read(fd, wanted, room, from), from));
  } finally {
    files.close(fd);
  }
}

function partOf(bytes: Buffer, from: number): LogPart {
  const end = bytes.lastIndexOf(NEWLINE) + 1;
  // A line without an end that fills all is none of ours.
  const next = end === 0 && bytes.length === MAX_READ_BYTES ? bytes.length : end;
  return { lines: linesIn(bytes.toString('utf8', 0, end)), position: from + next };
}

function endOf(bytes: Buffer, from: number): LogEnd {
  // It begins somewhere in a line.
  const begin = from === 0 ? 0 : bytes.indexOf(NEWLINE) + 1;
  const end = bytes.lastIndexOf(NEWLINE) + 1;
  return { lines: linesIn(bytes.toString('utf8', begin, end)), isWhole: from === 0 };
}

function linesIn(text: string): readonly LogLine[] {
  return text
    .split('\n')
    .map(parseLogText)
    .filter((line): line is LogLine => line !== null);
}
