/** Texts that others wrote, as text nodes: marks for what would not be seen, a direction of their own, and cut when they are long. */
import { Fragment, type JSX } from 'preact';
import { useState } from 'preact/hooks';
import { bytes, count } from '../plain/format.ts';
import { cutText, visibleParts, withCommands } from '../plain/marks.ts';
import { usePage } from '../server/context.ts';
import { CopyButton } from './copy.tsx';

/** How much of a long text is shown at once. */
const AT_ONCE = 4_000;
const MORE = 200_000;
/** An error with its cause in a row of a list has 400 and 200 characters at most. */
const MOST_OF_NAME = 640;

const COMMAND = /^(?:npx )?fsq /;

/** A name or another text of one line, of which so much is shown. */
export function Name({ text }: { readonly text: string }): JSX.Element {
  const { text: shown, leftOut } = cutText(text, MOST_OF_NAME);
  return (
    <bdi>
      {marked(shown, true)}
      {leftOut > 0 && '…'}
    </bdi>
  );
}

/** A text of many lines, as it was written. `title` names it for the copy button. */
export function LongText({ text, title }: { readonly text: string; readonly title: string }): JSX.Element {
  const [most, setMost] = useState(AT_ONCE);
  const { text: shown, leftOut } = cutText(text, most);
  return (
    <div class="long">
      <pre tabIndex={0} role="group" aria-label={title}>
        <bdi>{marked(shown, false)}</bdi>
      </pre>
      <CopyButton text={text} what={title} isSmall />
      {leftOut > 0 && (
        <p class="beside">
          <span class="dim">
            {count(shown.length)} of {count(text.length)} characters ({bytes(text.length)})
          </span>
          <button type="button" class="quiet" onClick={() => setMost(most + MORE)}>
            Show {count(Math.min(MORE, leftOut))} more
          </button>
        </p>
      )}
    </div>
  );
}

/** A sentence of the server: its commands can be copied; what else stands in backticks, as in many an error, is code. */
export function Sentence({ text }: { readonly text: string }): JSX.Element {
  return (
    <>
      {withCommands(text).map((part, i) =>
        !part.isCommand ? (
          <Name key={i} text={part.text} />
        ) : COMMAND.test(part.text) ? (
          <Command key={i} command={part.text} />
        ) : (
          <code key={i}>{marked(part.text, true)}</code>
        ),
      )}
    </>
  );
}

/** One that is written here, as `fsq worker`: it means the place of this page, as the server's do. */
export function PlaceCommand({ command }: { readonly command: string }): JSX.Element {
  return <Command command={`${command}${usePage().session.placeOption}`} />;
}

export function Command({ command, what = 'the command' }: { command: string; what?: string }): JSX.Element {
  return (
    <span class="command">
      <code>
        {command.split(' ').map((word, i) => (
          <Fragment key={i}>
            {i > 0 && ' '}
            <span class="word">{marked(word, true)}</span>
          </Fragment>
        ))}
      </code>
      <CopyButton text={command} what={`${what} ${command}`} isSmall />
    </span>
  );
}

export function marked(text: string, isOneLine: boolean): readonly (string | JSX.Element)[] {
  return visibleParts(text, isOneLine).map((part, i) =>
    part.isMark ? (
      <span key={i} class="mark">
        {part.text}
      </span>
    ) : (
      part.text
    ),
  );
}
