/**
 * The record of one step of a job that a process holds: its end, or that it is sent back. The file is written, the record appended,
 * and one fdatasync is for all steps that wait for it; only then may the file get the name under which others see the step.
 */
import { withRoom } from '../disk/memory.ts';
import type { OpenSegment } from './open-segment.ts';
import { bytesOffset, recordBytes, sealRecord } from './segment.ts';
import type { Segments } from './segments.ts';

/** As `StepJournal.record`. */
export async function recordStep(
  segments: Segments,
  path: string,
  mostBytes: number,
  fill: (room: Buffer) => number,
): Promise<boolean> {
  const most = recordBytes(path, mostBytes);
  let segment: OpenSegment | null;
  // What follows an answer is one turn: nobody frees the segment in between.
  while ((segment = segments.withRoom(most)) === null) if (!(await advanced(segments))) return false;
  const { generation } = segment;
  const start = bytesOffset(path);
  const record = (room: Buffer, bytes: number): boolean => {
    sealRecord(room, 0, generation, path, bytes);
    return isWritten(segment, room.subarray(0, recordBytes(path, bytes)));
  };
  if (!withRoom(most, (room) => record(room, fill(room.subarray(start))))) return failed(segments);
  try {
    await segment.flush();
    return true;
  } catch {
    return failed(segments); // The file is fsynced instead, and tells of an error that is its own.
  }
}

async function advanced(segments: Segments): Promise<boolean> {
  try {
    await segments.advance();
    return true;
  } catch {
    return false;
  }
}

function isWritten(segment: OpenSegment, bytes: Buffer): boolean {
  try {
    segment.write(bytes);
    return true;
  } catch {
    return false;
  }
}

/** The segment is never synced again: its pages may count as clean and be nowhere on the disk. */
function failed(segments: Segments): false {
  segments.giveUp();
  return false;
}
