/** Reading what the runs of a job have printed, from any place of its log on. */
import type { LogPart } from '../../broker/broker.ts';
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
 * @throws the system error unchanged when the disk refuses
 */
export function readLog(context: SpoolContext, id: string, position: number): LogPart {
  const { files, layout, trustedUids } = context;
  let fd: number;
  try {
    fd = files.open(besidePath(layout, 'logs', id), 'read');
  } catch (error) {
    // Nobody has printed anything, or what lies there is no file of ours.
    if (hasCode(error, ...NOT_LISTED, 'ENXIO')) return { lines: [], position };
    throw error;
  }
  try {
    const { kind, uid, sizeBytes } = files.info(fd);
    if (kind !== 'file' || trustedUids?.has(uid) === false) return { lines: [], position };
    const from = position > sizeBytes ? 0 : position;
    const wanted = Math.min(sizeBytes - from, MAX_READ_BYTES);
    return withRoom(wanted, (room) => partOf(files.read(fd, wanted, room, from), from));
  } finally {
    files.close(fd);
  }
}

function partOf(bytes: Buffer, from: number): LogPart {
  const end = bytes.lastIndexOf(NEWLINE) + 1;
  const lines = bytes
    .toString('utf8', 0, end)
    .split('\n')
    .map(parseLogText)
    .filter((line): line is LogLine => line !== null);
  // A line without an end that fills all is none of ours.
  return { lines, position: from + (end === 0 && bytes.length === MAX_READ_BYTES ? bytes.length : end) };
}
