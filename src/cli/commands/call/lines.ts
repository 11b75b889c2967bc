/** Lines of a byte stream, as they come in. */
import { UsageError } from '../../../job/errors.ts';

export interface Line {
  /** 1 for the first. */
  readonly number: number;
  readonly text: string;
}

/**
 * The lines of each piece of input, together: who takes them knows that no further line is there yet. A last line without
 * a newline counts.
 *
 * @param maxLength characters a line may have
 * @throws UsageError naming the line, when it is too long or not UTF-8
 */
export async function* linesOf(
  input: AsyncIterable<Buffer | string>,
  maxLength: number,
): AsyncGenerator<readonly Line[]> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let number = 0;
  let rest = '';
  const decode = (chunk?: Buffer | string): string => {
    try {
      if (typeof chunk === 'string') return chunk;
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
    } catch (error) {
      throw new UsageError(`Expected UTF-8, got other bytes at line ${number + 1} or soon after it`, 'FSQ_USAGE', {
        cause: error,
      });
    }
  };
  for await (const chunk of input) {
    const parts = (rest + decode(chunk)).split('\n');
    rest = parts.pop() ?? '';
    if (rest.length > maxLength)
      throw new UsageError(`Line ${number + parts.length + 1} has more than ${maxLength} characters`, 'FSQ_TOO_LARGE');
    yield parts.map((text) => ({ number: ++number, text }));
  }
  rest += decode();
  if (rest !== '') yield [{ number: ++number, text: rest }];
}
