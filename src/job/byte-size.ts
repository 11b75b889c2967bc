/** Sizes of memory as people write them: a number of bytes, or '512KB' '200MB' '2GB'. */
import { UsageError } from './errors.ts';
import { format } from './format.ts';

/** A number of bytes, or a decimal number with a unit. A KB has 1,024 bytes here, as where Linux and Node.js tell memory. */
export type ByteSize = number | `${number}KB` | `${number}MB` | `${number}GB`;

const UNIT_BYTES: Readonly<Record<string, number>> = { KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 };

/**
 * Bytes of `size`, rounded to whole ones.
 *
 * @param name the option's name, for the message
 * @throws UsageError unless it is more than nothing
 */
export function byteSize(size: unknown, name: string): number {
  const bytes = readByteSize(size);
  if (bytes !== null) return bytes;
  throw new UsageError(
    `Expected \`${name}\` to be a number of bytes >= 1 or a string like '512KB', '200MB', '2GB', got ${format(size)}`,
  );
}

/** The same, for callers with a message of their own: null where it is no size. */
export function readByteSize(size: unknown): number | null {
  const bytes = typeof size === 'string' ? parse(size) : size;
  return typeof bytes === 'number' && bytes >= 1 && bytes <= Number.MAX_SAFE_INTEGER ? Math.round(bytes) : null;
}

function parse(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(KB|MB|GB)$/.exec(text);
  return match === null ? Number.NaN : Number(match[1]) * (UNIT_BYTES[match[2] ?? ''] ?? Number.NaN);
}
