/** What stands there instead of the page: a question for the token, or that the server does not answer. */
import type { JSX } from 'preact';
import { useId, useState } from 'preact/hooks';
import { Sentence } from '../parts/text.tsx';
import { tokenIn } from '../plain/place.ts';
import { login } from '../server/api.ts';

const WRONG = 'That token is wrong, or of an earlier start.';

interface Props {
  /** The token of the address was no good. */
  readonly wasWrong: boolean;
  readonly onOpen: () => void;
}

export function TokenWanted({ wasWrong, onOpen }: Props): JSX.Element {
  const [token, setToken] = useState('');
  const [trouble, setTrouble] = useState(wasWrong ? WRONG : null);
  const id = useId();
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    // Who copies the whole address has the token in it.
    const came = await login(tokenIn(token.trim()) ?? token.trim());
    if (came.kind === 'got') onOpen();
    else if (came.kind === 'unreachable') setTrouble('The server does not answer.');
    else setTrouble(came.kind === 'refused' ? came.answer.text : WRONG);
  };
  return (
    <main class="alone">
      <h1>fsq</h1>
      <form class="panel" onSubmit={(event) => void submit(event)}>
        <h2>This page wants its token</h2>
        <p>
          <code>fsq ui</code> has printed it in the terminal where it was started, at the end of the address: all behind{' '}
          <code>#token=</code>. Each start makes a new one, unless <code>FSQ_UI_TOKEN</code> sets one to keep.
        </p>
        <p class="field">
          <label for={id}>Token, or the whole address</label>
          <input
            id={id}
            class="code"
            type="password"
            autocomplete="off"
            aria-describedby={`${id}-trouble`}
            aria-invalid={trouble !== null}
            value={token}
            onInput={(event) => setToken(event.currentTarget.value)}
          />
        </p>
        <p id={`${id}-trouble`} class="trouble" role="alert">
          {trouble}
        </p>
        <p class="buttons">
          <button type="submit" class="primary" disabled={token.trim() === ''}>
            Open
          </button>
        </p>
      </form>
    </main>
  );
}

export function NoPage({ title, text }: { readonly title: string; readonly text: string }): JSX.Element {
  return (
    <main class="alone">
      <h1>fsq</h1>
      <div class="panel" role="alert">
        <h2>{title}</h2>
        <p>
          <Sentence text={text} />
        </p>
        <Reload />
      </div>
    </main>
  );
}

export function Reload(): JSX.Element {
  return (
    <p class="buttons">
      <button type="button" onClick={() => location.reload()}>
        Reload
      </button>
    </p>
  );
}
