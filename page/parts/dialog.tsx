/** Dialogs: the browser's own, which keep the focus inside and give it back; and the question before what cannot be taken back. */
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { isTyped } from '../plain/acts.ts';
import { count, plural } from '../plain/format.ts';

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
  readonly isWide?: boolean;
}

export function Dialog({ title, onClose, children, isWide = false }: DialogProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} class={isWide ? 'wide' : ''} aria-labelledby={id} onClose={onClose}>
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}

export interface Question {
  readonly title: string;
  readonly body: ComponentChildren;
  /** On the button that does it. */
  readonly verb: string;
  readonly isDanger: boolean;
  /** This number has to be typed first; null: none. */
  readonly typed: number | null;
  readonly act: () => void;
}

export function Confirm({
  question,
  onClose,
}: {
  readonly question: Question;
  readonly onClose: () => void;
}): JSX.Element {
  const [typed, setTyped] = useState('');
  const id = useId();
  const isReady = question.typed === null || isTyped(typed, question.typed);
  const submit = (event: Event): void => {
    event.preventDefault();
    if (!isReady) return;
    onClose();
    question.act();
  };
  return (
    <Dialog title={question.title} onClose={onClose}>
      <form onSubmit={submit}>
        <div class="body">{question.body}</div>
        {question.typed !== null && (
          <p class="dim">
            Jobs come and go until you confirm. Those that match then are taken, but no more than{' '}
            {plural(question.typed, 'job')}: if more match by then, those that were sent last stay as they are.
          </p>
        )}
        {question.typed !== null && (
          <p class="field">
            <label for={id}>
              Type <strong class="number">{count(question.typed)}</strong> to confirm
            </label>
            <input
              id={id}
              class="number"
              inputMode="numeric"
              autocomplete="off"
              value={typed}
              onInput={(event) => setTyped(event.currentTarget.value)}
            />
          </p>
        )}
        <p class="buttons">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class={question.isDanger ? 'danger' : 'primary'} disabled={!isReady}>
            {question.verb}
          </button>
        </p>
      </form>
    </Dialog>
  );
}

/** A place for one question at a time. */
export function useConfirm(): { readonly ask: (question: Question) => void; readonly dialog: JSX.Element | null } {
  const [question, setQuestion] = useState<Question | null>(null);
  const dialog = question === null ? null : <Confirm question={question} onClose={() => setQuestion(null)} />;
  return { ask: setQuestion, dialog };
}
