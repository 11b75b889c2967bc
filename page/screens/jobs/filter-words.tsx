/** A filter in words, so that one sees what `all that match` means before it is done. */
import type { JSX } from 'preact';
import type { JobQuery } from '../../../src/ui/wire.ts';
import { Name } from '../../parts/text.tsx';

const WORDS: readonly (readonly [keyof JobQuery, string])[] = [
  ['states', 'state'],
  ['tasks', 'task'],
  ['queues', 'queue'],
  ['worker', 'worker'],
  ['key', 'key'],
  ['since', 'within'],
  ['error', 'error with'],
  ['text', 'text'],
];

export function FilterWords({ query }: { readonly query: JobQuery }): JSX.Element {
  const parts = WORDS.flatMap(([name, word]) => {
    const value = query[name];
    if (value === undefined) return [];
    return [{ word, text: typeof value === 'string' ? value : value.join(', ') }];
  });
  return (
    <dl class="facts inline">
      {parts.map(({ word, text }) => (
        <div key={word}>
          <dt>{word}</dt>
          <dd>
            <Name text={text} />
          </dd>
        </div>
      ))}
      {query.group !== undefined && (
        <div>
          <dt>failures</dt>
          <dd>of one kind</dd>
        </div>
      )}
    </dl>
  );
}
