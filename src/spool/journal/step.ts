/**
 * The record of one step of a job that a process holds: its end, or that it is sent back. The file is written, the record appended,
 * and one fdatasync is for all steps that wait for it; only then may the file get the name under which others see the step.
 */
import { withRoom } from '../disk/memory.ts';
import type { OpenSegment } from './open-segment.ts';
import { bytesOffset, recordBytes, sealRecord } from './segment.ts';
import type { Segments } from './segments.ts';

/** As `StepJournal.record`. Mostly without a promise of its own: all steps of a moment wait for the same one. */
export function recordStep(
  segments: Segments,
  path: string,
  mostBytes: number,
  fill: (room: Buffer) => number,
): Promise<boolean> {
  const segment = segments.withRoom(recordBytes(path, mostBytes));
  return segment === null ? recordLater(segments, path, mostBytes, fill) : recordNow(segment, path, mostBytes, fill);
}

/** When there is a segment with room. */
async function recordLater(segments: Segments, ...step: [string, number, (room: Buffer) => number]): Promise<boolean> {
  try {
    await segments.advance();
  } catch {
    return false;
  }
  return recordStep(segments, ...step);
}

/** In one turn of the program: nobody frees the segment in between. */
function recordNow(
  segment: OpenSegment,
  path: string,
  mostBytes: number,
  fill: (room: Buffer) => number,
): Promise<boolean> {
  const start = bytesOffset(path);
  const isWritten = withRoom(recordBytes(path, mostBytes), (room) => {
    const bytes = fill(room.subarray(start));
    sealRecord(room, 0, segment.generation, path, bytes);
    return succeeds(() => segment.write(room.subarray(0, recordBytes(path, bytes))));
  });
  // If it fails, the file is fsynced instead, and tells of an error that is its own.
  return isWritten ? segment.flush() : Promise.resolve(false);
}

function succeeds(act: () => void): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}
