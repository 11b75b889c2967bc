/** What came of the last act, in words: it goes by itself when it was good, and stays until it is read when it was not. */
import type { JSX } from 'preact';
import { useCallback, useEffect, useState } from 'preact/hooks';
import type { Answer } from '../../src/ui/wire.ts';
import { Icon } from '../parts/icon.tsx';
import { Sentence } from '../parts/text.tsx';
import { jobAt } from '../plain/place.ts';

const SHOWN_MS = 8_000;

export function useAnswers(): { answer: Answer | null; say: (answer: Answer) => void; dismiss: () => void } {
  const [answer, setAnswer] = useState<Answer | null>(null);
  useEffect(() => {
    if (answer === null || !answer.isGood) return undefined;
    const timer = setTimeout(() => setAnswer(null), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [answer]);
  const dismiss = useCallback(() => setAnswer(null), []);
  return { answer, say: setAnswer, dismiss };
}

interface Props {
  readonly answer: Answer | null;
  readonly onDismiss: () => void;
}

export function Answers({ answer, onDismiss }: Props): JSX.Element | null {
  if (answer === null) return null;
  return (
    <div class={`answer ${answer.isGood ? 'good' : 'bad'}`}>
      <Icon name={answer.isGood ? 'check' : 'warning'} />
      <p>
        <Sentence text={answer.text} />
        {answer.id !== undefined && (
          <>
            {' '}
            <a href={jobAt(answer.id)}>Open the new job</a>
          </>
        )}
      </p>
      <button type="button" class="quiet icon" aria-label="Dismiss" onClick={onDismiss}>
        <Icon name="cross" />
      </button>
    </div>
  );
}
