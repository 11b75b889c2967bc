/**
 * The names that come from outside (ids, queues, tasks), the one rule that each must pass before it gets near a path, and how an
 * id is made: a UUIDv7 (RFC 9562 section 5.7), so that the names of files sort by the time of sending.
 */
import { refuse, UsageError } from './errors.ts';
import { format } from './text.ts';

export const DEFAULT_QUEUE = 'default';
export const DEFAULT_PRIORITY = 5;

/** Names of tasks that are fsq's own begin so. */
export const OWN_TASKS = 'fsq:';
/** Runs a command, in workers that allow it. */
export const EXEC_TASK = 'fsq:exec';

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const QUEUE = /^[a-z0-9][a-z0-9_-]{0,63}$/;
/** Device names that Windows gives no file (Microsoft, "Naming Files, Paths, and Namespaces"). */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])$/;
const TASK = /^[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,127}$/;

/** True for a lower-case UUID of any version. */
export function isId(text: string): boolean {
  return ID.test(text);
}

/** True for what may be the id of a job that another program has added to a server, where ids are any text; one that no line can show is none. */
export function isForeignId(text: string): boolean {
  return /^[^\p{Cc}\p{Cs}]{1,200}$/u.test(text);
}

export function isQueueName(text: string): boolean {
  return QUEUE.test(text) && !DEVICE.test(text);
}

/** A task's name never becomes part of a path; the rule keeps it printable and typeable. */
export function isTaskName(text: string): boolean {
  return TASK.test(text);
}

export function isPriority(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 9;
}

/** @throws UsageError */
export function checkQueue(value: unknown): string {
  return typeof value === 'string' && isQueueName(value) ? value : refuseQueue(value);
}

/** @throws UsageError always. @param more ends the message */
export function refuseQueue(value: unknown, what = '`queue`', more = ''): never {
  const wanted = '1 to 64 of a-z, 0-9, _ and -, starting with a letter or digit and not a device name such as con';
  return refuse(what, wanted, value, `${otherLetters(value)}${more}`);
}

/** @throws UsageError */
export function checkPriority(value: unknown): number {
  return isPriority(value) ? value : refuse('`priority`', 'a whole number from 0 (first) to 9 (last)', value);
}

/** @throws UsageError */
export function checkTaskName(value: unknown): string {
  if (typeof value === 'string' && isTaskName(value)) return value;
  throw new UsageError(
    `Expected a task name of 1 to 128 letters, digits and _ . : / -, starting with a letter, digit or _, got ${format(value)}${otherLetters(value)}`,
  );
}

/** What to do with text in letters that no name has. */
function otherLetters(value: unknown): string {
  const isLettered = typeof value === 'string' && /[^\0-\x7f]/.test(value) && /\p{L}/u.test(value);
  return isLettered
    ? '. A name has letters from A to Z only, so that every shell, program and file can say it; arguments may be any text'
    : '';
}

/** @throws UsageError */
export function checkId(value: unknown): string {
  if (typeof value === 'string' && isId(value)) return value;
  throw new UsageError(`Expected a job id such as 0199f3c2-8d1e-7b3a-9c4d-5e6f708192a3, got ${format(value)}`);
}

/** Ids a counter can tell apart within one millisecond: 12 bits, `rand_a` of the RFC. */
const COUNTER_LIMIT = 0x1000;

/**
 * Makes a source of ids that grow strictly within this process, also when the clock steps back (RFC 9562 section 6.2,
 * method 1: `rand_a` counts). More than the counter holds in one millisecond borrows from the next.
 *
 * @param nowMs Unix time in ms
 * @param randomBytes `n` bytes from a cryptographic source
 */
export function createIdSource(
  nowMs: () => number,
  randomBytes: (n: number) => Uint8Array,
): (hasOwnTtl?: boolean) => string {
  let lastMs = 0;
  let counter = 0;
  const codes: number[] = Array.from({ length: ID_LENGTH }, () => DASH);
  return (hasOwnTtl = false) => {
    const ms = nowMs();
    if (ms > lastMs || ++counter === COUNTER_LIMIT) {
      lastMs = Math.max(ms, lastMs + 1);
      counter = 0;
      writeTime(codes, lastMs);
    }
    writeRest(codes, counter, randomBytes(8), hasOwnTtl ? OWN_TTL : PLAIN);
    return String.fromCharCode(...codes);
  };
}

/** The two bits of the variant of the RFC, and one of the bits that it leaves to chance. */
const PLAIN = 0x80;
const OWN_TTL = 0xa0;

/**
 * False when the id says that how long the outcome is kept is for the workers' settings alone, so that nobody has to look into it before
 * that time is over. Ids that other programs made may say true without a reason.
 */
export function mayHaveOwnTtl(id: string): boolean {
  return !isTimed(id) || id[19] === 'a' || id[19] === 'b';
}

/** True for an id that tells when its job was enqueued. */
export function isTimed(id: string): boolean {
  return id[14] === '7';
}

/** When the job with this id was enqueued, in Unix ms; meaningless for an id that is not version 7. */
export function idTimeMs(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

const ID_LENGTH = 36;
const DASH = 0x2d;
const DIGITS: readonly number[] = Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));

/** The id is put together as character codes: of a dozen small strings, two thirds of the time went into joining them. */
function writeTime(codes: number[], ms: number): void {
  const time = ms.toString(16).padStart(12, '0');
  for (let i = 0; i < 12; i++) codes[i < 8 ? i : i + 1] = time.charCodeAt(i);
}

function writeRest(codes: number[], counter: number, random: Uint8Array, variant: number): void {
  writeByte(codes, 14, 0x70 | (counter >> 8));
  writeByte(codes, 16, counter & 0xff);
  writeByte(codes, 19, ((random[0] ?? 0) & 0x1f) | variant);
  writeByte(codes, 21, random[1] ?? 0);
  for (let i = 2; i < 8; i++) writeByte(codes, 20 + 2 * i, random[i] ?? 0);
}

function writeByte(codes: number[], at: number, byte: number): void {
  codes[at] = DIGITS[byte >> 4] ?? DASH;
  codes[at + 1] = DIGITS[byte & 15] ?? DASH;
}
