/** The line that says how it is, on every screen, and notices about this page itself. */
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { Icon } from '../parts/icon.tsx';
import { Sentence } from '../parts/text.tsx';
import { instant } from '../plain/format.ts';
import { visible } from '../plain/marks.ts';
import { now } from '../server/clock.ts';
import { usePage } from '../server/context.ts';

/** The words of one status change so seldom at most, since a screen reader speaks each change. */
const WORDS_MS = 5_000;

interface Said {
  readonly status: string;
  readonly text: string;
  readonly failures: string | null;
  readonly untilMs: number;
}

/** What tells of failures leads to them. */
function Words({ said: { text, failures } }: { readonly said: Said }): JSX.Element {
  const at = failures === null ? -1 : text.indexOf(failures);
  if (failures === null || at === -1) return <Sentence text={text} />;
  return (
    <>
      <Sentence text={text.slice(0, at)} />
      <a href="#/failures">
        <Sentence text={failures} />
      </a>
      <Sentence text={text.slice(at + failures.length)} />
    </>
  );
}

export function Verdict(): JSX.Element {
  const { live, place } = usePage();
  const { summary, trouble } = live;
  const said = useRef<Said>({ status: '', text: '', failures: null, untilMs: 0 });
  const verdict = trouble === null ? summary?.verdict : { status: 'critical' as const, text: trouble, failures: null };
  if (verdict === undefined) return <p class="verdict dim">Looking…</p>;
  const { status } = verdict;
  if (said.current.status !== status || Date.now() > said.current.untilMs)
    said.current = { ...verdict, untilMs: Date.now() + WORDS_MS };
  const { text } = said.current;
  // The overview says all of it; on other screens it is one line, so that they do not move with it.
  const isShort = trouble === null && place.screen !== 'overview';
  return (
    <p class={`verdict ${status} ${trouble === null ? '' : 'trouble'} ${isShort ? 'short' : ''}`}>
      <Icon name={status} />
      <strong>{isShort ? <a href="#/">{status}</a> : status}</strong>
      <span title={isShort ? visible(text) : undefined}>
        {text.toLowerCase() === status ? 'all is well' : <Words said={said.current} />}
      </span>
    </p>
  );
}

export function Notices(): JSX.Element {
  const { live } = usePage();
  return (
    <>
      {live.lostSinceMs !== null && (
        <p class="note critical">
          No connection since {instant(live.lostSinceMs, now())}. What is shown is of that time; the page asks again
          each 5 s.
        </p>
      )}
      {live.summary !== null && live.trouble !== null && (
        <p class="note warning">What is shown below is of {instant(live.summary.atMs, now())}.</p>
      )}
      {live.newVersion !== null && (
        <p class="note">
          The server is now fsq {live.newVersion}, and this page is of fsq {live.session.version}.{' '}
          <button type="button" onClick={() => location.reload()}>
            Reload
          </button>
        </p>
      )}
    </>
  );
}
