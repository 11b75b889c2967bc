/**
 * One piece of memory for all reads and writes, used again and again. With new buffers, a job of a megabyte would spend more time
 * on pages that the kernel hands out than on anything else.
 */
import type { JsonText } from '../../job/values/json.ts';
import type { Files } from './files.ts';

const FIRST_BYTES = 65_536;
/** A read or write that needs more gets memory of its own. */
const KEPT_BYTES = 4 * 1024 * 1024;

/** Null before the first use, and while it is in use: then another use gets memory of its own. */
let kept: Buffer | null = null;

/** Does `act` with room for `bytes` or more; the room must not be used after that, and `act` must not wait. */
export function withRoom<T>(bytes: number, act: (room: Buffer) => T): T {
  const room = kept !== null && kept.length >= bytes ? kept : Buffer.allocUnsafeSlow(roundedUp(bytes));
  kept = null;
  try {
    return act(room);
  } finally {
    if (room.length <= KEPT_BYTES) kept = room;
  }
}

/** Does `act` with `text` in UTF-8, as `withRoom`. */
export function withBytes<T>(text: JsonText, act: (bytes: Buffer) => T): T {
  return withRoom(boundBytes(text), (room) => {
    if (typeof text === 'string') return act(room.subarray(0, room.write(text)));
    let end = 0;
    for (const piece of text) end += room.write(piece, end);
    return act(room.subarray(0, end));
  });
}

/** Writes `text` into an open file at `positionBytes` and cuts what lies behind it. @param sizeBytes of the file before */
export function writeText(files: Files, fd: number, text: JsonText, positionBytes: number, sizeBytes: number): void {
  withBytes(text, (bytes) => {
    files.write(fd, bytes, positionBytes);
    const endBytes = positionBytes + bytes.length;
    if (sizeBytes > endBytes) files.truncate(fd, endBytes);
  });
}

/** Its characters, as JavaScript counts them: each takes three bytes at most. */
export function textUnits(text: JsonText): number {
  return typeof text === 'string' ? text.length : text.reduce((sum, piece) => sum + piece.length, 0);
}

function boundBytes(text: JsonText): number {
  const units = textUnits(text);
  if (3 * units <= KEPT_BYTES) return 3 * units;
  return typeof text === 'string'
    ? Buffer.byteLength(text)
    : text.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0);
}

function roundedUp(bytes: number): number {
  let size = FIRST_BYTES;
  while (size < bytes) size *= 2;
  return size <= KEPT_BYTES ? size : bytes;
}
