// What the programs of the power-cut test have heard, and when, one line each: `<id> <ns> <what>`, outside the disk that is cut.
import { createHash } from 'node:crypto';
import { appendFileSync } from 'node:fs';

export function note(kind, id, what) {
  appendFileSync(`${process.env.NOTES}/${kind}`, `${id} ${process.hrtime.bigint()} ${what}\n`);
}

export function noteError(text) {
  appendFileSync(`${process.env.NOTES}/errors`, `${text.replaceAll('\n', ' ')}\n`);
}

export function digest(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}
