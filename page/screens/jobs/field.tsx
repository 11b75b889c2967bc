/** One text of a filter: it takes effect a moment after the last key, or at once with Enter. */
import type { JSX } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';

const AFTER_KEY_MS = 350;

interface Props {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly placeholder?: string;
  /** `/` leads here. */
  readonly isMain?: boolean;
  readonly choices?: readonly string[];
  /** Several, with commas between them. */
  readonly isList?: boolean;
}

export function FilterField(props: Props): JSX.Element {
  const { label, value, onChange, placeholder, isMain = false, choices, isList = false } = props;
  const [typed, setTyped] = useState(value);
  const timer = useRef<number | undefined>(undefined);
  // By the time that it takes effect, another field may have changed the filter.
  const latest = useRef(onChange);
  latest.current = onChange;
  // What somebody goes on to type, or a blank at its end, is not undone by what they typed before.
  const own = useRef(value);
  const id = useId();
  // In the same turn as the new filter: what is typed from then on is meant for that one.
  useLayoutEffect(() => {
    if (value === own.current) return;
    own.current = value;
    clearTimeout(timer.current);
    setTyped(value);
  }, [value]);
  useEffect(() => () => clearTimeout(timer.current), []);

  const take = (text: string): void => {
    clearTimeout(timer.current);
    const meant = isList ? listOf(text).join(',') : text.trim();
    if (meant === own.current) return;
    own.current = meant;
    latest.current(meant);
  };
  return (
    <div class={isMain ? 'filter main' : 'filter'}>
      <label for={id}>{label}</label>
      <input
        id={id}
        type="search"
        autocomplete="off"
        spellcheck={false}
        placeholder={placeholder}
        list={choices === undefined ? undefined : `${id}-choices`}
        data-filter={isMain ? '' : undefined}
        value={typed}
        onInput={(event) => {
          const text = event.currentTarget.value;
          setTyped(text);
          clearTimeout(timer.current);
          timer.current = setTimeout(() => take(text), AFTER_KEY_MS);
        }}
        onKeyDown={(event) => {
          // `typed` is as it was drawn last: a quick hand is faster.
          if (event.key === 'Enter') take(event.currentTarget.value);
        }}
      />
      {choices !== undefined && (
        <datalist id={`${id}-choices`}>
          {choices.map((choice) => (
            <option key={choice} value={choice} />
          ))}
        </datalist>
      )}
    </div>
  );
}

export function listOf(text: string): readonly string[] {
  return text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
}
