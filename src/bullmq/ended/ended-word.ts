/**
 * The word that a job has ended: its id, and where Redis tells it in the step that ends the job, how it ended, if that is short. So whoever
 * waits, and has seen the job before, need not ask. Pure.
 */

/** The topic. */
export const ENDED = 'ended';

/** Every process that waits for any job hears the word of each job: what is longer is better asked for by the one that wants it. */
const MOST_CHARACTERS = 4_000;

/** How a job has succeeded, as Redis has it. */
export interface ToldEnd {
  /** Unix ms. */
  readonly finishedOn: number;
  readonly tail: string;
  /** JSON. */
  readonly returnvalue: string;
}

export function endedWord(id: string, { finishedOn, tail, returnvalue }: ToldEnd): string {
  if (tail.length + returnvalue.length > MOST_CHARACTERS) return id;
  return `${id} ${finishedOn} ${tail.length} ${tail}${returnvalue}`;
}

/** `end` is null where the word does not tell it. */
export function parseEndedWord(word: string): { readonly id: string; readonly end: ToldEnd | null } {
  const [head = '', id = '', finishedOn, length] = /^(\S+) (\d+) (\d+) /.exec(word) ?? [];
  if (length === undefined) return { id: word, end: null };
  const split = head.length + Number(length);
  const end = {
    finishedOn: Number(finishedOn),
    tail: word.slice(head.length, split),
    returnvalue: word.slice(split),
  };
  return { id, end: end.returnvalue === '' ? null : end };
}
