/** One text of a filter: it takes effect a moment after the last key, or at once with Enter. */
import type { JSX } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';

const AFTER_KEY_MS = 350;

interface Props {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly placeholder?: string;
  /** `/` leads here. */
  readonly isMain?: boolean;
  readonly choices?: readonly string[];
}

export function FilterField({ label, value, onChange, placeholder, isMain = false, choices }: Props): JSX.Element {
  const [typed, setTyped] = useState(value);
  const timer = useRef<number | undefined>(undefined);
  // By the time that it takes effect, another field may have changed the filter.
  const latest = useRef(onChange);
  latest.current = onChange;
  const id = useId();
  useEffect(() => {
    setTyped(value);
    return () => clearTimeout(timer.current);
  }, [value]);

  const take = (text: string): void => {
    clearTimeout(timer.current);
    if (text.trim() !== value) latest.current(text.trim());
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
          if (event.key === 'Enter') take(typed);
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
