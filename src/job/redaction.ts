/** Which texts of errors may leave the process that met them: `redact` is asked about each, and stacks may stay behind. */

/** Takes a text of an error and gives what may be kept and shown of it. */
export type Redact = (text: string) => string;

/** What may be kept of errors. */
export interface ErrorTexts {
  /** Null: every text as it is. */
  readonly redact: Redact | null;
  readonly stacks: boolean;
}

/** For errors that only the person who causes them sees. */
export const ALL_TEXTS: ErrorTexts = { redact: null, stacks: true };

/** Stands for a text that `redact` could not deal with: the text might be what must not be shown. */
export const REMOVED = '(removed: the setting `redact` threw, or gave no string)';

/** `text` as `redact` wants it shown. Never throws, and never gives back what `redact` has not answered for. */
export function redacted(text: string, redact: Redact | null): string {
  if (redact === null) return text;
  try {
    const answer: unknown = redact(text);
    if (typeof answer === 'string') return answer;
    // Of an async function it is a promise, whose rejection nobody else would handle: that ends a process.
    Promise.resolve(answer).catch(() => undefined);
  } catch {
    // What it threw may hold the text itself.
  }
  return REMOVED;
}
