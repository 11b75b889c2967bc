/** The text of a job's attempts, kept short enough that a thousand retries cannot make its file too large to be read. */
import type { Failure } from './errors.ts';
import type { Attempt } from './job.ts';

/** Longest text of all attempts, characters: half of what a file may have beside arguments and value. */
const MAX_TEXT = 131_072;
/** What is kept of the messages of earlier attempts when they are too many, characters, the first that fits. */
const SHORTER = [1_000, 200, 40];

/** As JSON. When it would be too long, the attempts before the last lose their stacks, causes and inner errors, then most of their messages. */
export function encodeAttempts(attempts: readonly Attempt[]): string {
  let text = `[${attempts.map(encodeAttempt).join(',')}]`;
  for (const length of SHORTER) {
    if (text.length <= MAX_TEXT) break;
    const last = attempts.length - 1;
    text = JSON.stringify(attempts.map((attempt, i) => (i === last ? attempt : shortened(attempt, length))));
  }
  return text;
}

/** As JSON.stringify writes it. Nearly all ended well; what a file says of earlier ones may be any number and any text. */
function encodeAttempt(run: Attempt): string {
  const { attempt, startedAtMs, endedAtMs, owner, error } = run;
  if (error !== undefined || startedAtMs === undefined || !Number.isFinite(attempt + startedAtMs + endedAtMs))
    return JSON.stringify(run);
  return `{"attempt":${attempt},"startedAtMs":${startedAtMs},"endedAtMs":${endedAtMs},"owner":${JSON.stringify(owner)}}`;
}

function shortened({ error, ...rest }: Attempt, length: number): Attempt {
  return error === undefined ? rest : { ...rest, error: shortFailure(error, length) };
}

function shortFailure({ name, message, code }: Failure, length: number): Failure {
  return {
    name: name.slice(0, length),
    message: message.slice(0, length),
    ...(code === undefined ? {} : { code: code.slice(0, length) }),
  };
}
