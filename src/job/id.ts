/** Job ids: UUIDv7 (RFC 9562 section 5.7), so that names sort by the time of enqueueing. */

/** Ids a counter can tell apart within one millisecond: 12 bits, `rand_a` of the RFC. */
const COUNTER_LIMIT = 0x1000;

/**
 * Makes a source of ids that grow strictly within this process, also when the clock steps back (RFC 9562 section 6.2,
 * method 1: `rand_a` counts). More than the counter holds in one millisecond borrows from the next.
 *
 * @param nowMs Unix time in ms
 * @param randomBytes `n` bytes from a cryptographic source
 */
export function createIdSource(nowMs: () => number, randomBytes: (n: number) => Uint8Array): () => string {
  let lastMs = 0;
  let counter = 0;
  return () => {
    const ms = nowMs();
    if (ms > lastMs) {
      lastMs = ms;
      counter = 0;
    } else if (++counter === COUNTER_LIMIT) {
      lastMs += 1;
      counter = 0;
    }
    return formatId(lastMs, counter, randomBytes(8));
  };
}

/** When the job with this id was enqueued, in Unix ms; meaningless for an id that is not version 7. */
export function idTimeMs(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** Each byte as two digits. */
const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

function formatId(ms: number, counter: number, random: Uint8Array): string {
  const time = ms.toString(16).padStart(12, '0');
  let tail = HEX[((random[0] ?? 0) & 0x3f) | 0x80] ?? '';
  for (let i = 1; i < 8; i++) tail += HEX[random[i] ?? 0] ?? '';
  const version = (0x7000 | counter).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-${version}-${tail.slice(0, 4)}-${tail.slice(4)}`;
}
