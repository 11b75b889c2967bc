/** A button that copies a text, also where the page comes over plain HTTP and the browser has no clipboard for it. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { visible } from '../plain/marks.ts';
import { Icon } from './icon.tsx';

interface Props {
  readonly text: string;
  /** For its name: 'Copy the id'. */
  readonly what: string;
  /** Without a word beside the picture. */
  readonly isSmall?: boolean;
}

export function CopyButton({ text, what, isSmall = false }: Props): JSX.Element {
  const [came, setCame] = useState<'copied' | 'failed' | null>(null);
  useEffect(() => {
    if (came === null) return undefined;
    const timer = setTimeout(() => setCame(null), 2_000);
    return () => clearTimeout(timer);
  }, [came]);

  const word = came === 'copied' ? 'Copied' : came === 'failed' ? 'Not copied' : 'Copy';
  return (
    <button
      type="button"
      class={isSmall ? 'quiet icon' : 'quiet'}
      title={`${word}: ${what}`}
      aria-label={`${word} ${visible(what).slice(0, 80)}`}
      onClick={() => void copy(text).then((isDone) => setCame(isDone ? 'copied' : 'failed'))}
    >
      <Icon name={came === 'copied' ? 'check' : came === 'failed' ? 'cross' : 'copy'} />
      {!isSmall && <span>{word}</span>}
    </button>
  );
}

async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/** The old way, which needs no HTTPS. The text goes beside the button, since an open dialog keeps the focus inside. */
function copyBySelection(text: string): boolean {
  const before = document.activeElement;
  const field = document.createElement('textarea');
  field.value = text;
  field.className = 'unseen';
  (before?.parentElement ?? document.body).append(field);
  field.select();
  const isDone = document.execCommand('copy');
  field.remove();
  if (before instanceof HTMLElement) before.focus();
  return isDone;
}
