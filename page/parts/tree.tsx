/** A value of JSON as a tree: branches open by themselves while they are small, long texts are cut, and the whole can be copied. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { JsonValue } from '../../src/job/values/json.ts';
import { count } from '../plain/format.ts';
import { CHILDREN_AT_ONCE, type Child, childrenOf, isBranch, preview } from '../plain/json-shape.ts';
import { cutText } from '../plain/marks.ts';
import { CopyButton } from './copy.tsx';
import { LongText, marked, Name } from './text.tsx';

/** A branch with more children is closed at first. */
const OPEN_UP_TO = 12;
const OPEN_DEPTH = 3;
const TEXT_AT_ONCE = 600;

interface Props {
  readonly value: JsonValue;
  /** For the copy button: 'the arguments'. */
  readonly what: string;
  /** How long its JSON is where the server has cut it; undefined: it is whole. */
  readonly cutFrom?: number | undefined;
}

export function Tree({ value, what, cutFrom }: Props): JSX.Element {
  if (cutFrom !== undefined) return <Beginning value={value} what={what} cutFrom={cutFrom} />;
  return (
    <div class="tree">
      <Branch value={value} name={null} depth={0} />
      <CopyButton text={JSON.stringify(value, null, 2)} what={what} isSmall />
    </div>
  );
}

/** Of JSON that is too long for a page the server gives the beginning, as a text; of arguments a list of that alone. */
function Beginning({ value, what, cutFrom }: { value: JsonValue; what: string; cutFrom: number }): JSX.Element {
  const [text = ''] = Array.isArray(value) ? value : [value];
  return (
    <div class="beginning">
      <p class="dim">
        The beginning of {count(cutFrom)} characters of JSON; <code>fsq show</code> prints more.
      </p>
      <LongText text={typeof text === 'string' ? text : JSON.stringify(text)} title={`the beginning of ${what}`} />
    </div>
  );
}

function Branch({ value, name, depth }: { value: JsonValue; name: string | null; depth: number }): JSX.Element {
  const children = childrenOf(value);
  const [isOpen, setOpen] = useState(depth < OPEN_DEPTH && children.length <= OPEN_UP_TO);
  if (!isBranch(value) || children.length === 0) {
    return (
      <div class="leaf">
        <Label name={name} />
        <Leaf value={value} />
      </div>
    );
  }
  return (
    <details open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <Label name={name} />
        {isOpen ? (
          <span class="dim">
            {Array.isArray(value) ? `[${count(children.length)}]` : `{${count(children.length)}}`}
          </span>
        ) : (
          <span class="dim">
            <Name text={preview(value)} />
          </span>
        )}
      </summary>
      {isOpen && <Children all={children} depth={depth + 1} />}
    </details>
  );
}

function Children({ all, depth }: { readonly all: readonly Child[]; readonly depth: number }): JSX.Element {
  const [most, setMost] = useState(CHILDREN_AT_ONCE);
  return (
    <div class="children">
      {all.slice(0, most).map(({ name, value }) => (
        <Branch key={name} name={name} value={value} depth={depth} />
      ))}
      {all.length > most && (
        <button type="button" class="quiet" onClick={() => setMost(most * 10)}>
          {count(all.length - most)} more
        </button>
      )}
    </div>
  );
}

function Label({ name }: { readonly name: string | null }): JSX.Element | null {
  if (name === null) return null;
  return (
    <span class="label">
      <Name text={name} />:{' '}
    </span>
  );
}

function Leaf({ value }: { readonly value: JsonValue }): JSX.Element {
  const [most, setMost] = useState(TEXT_AT_ONCE);
  if (typeof value !== 'string') {
    return <span class={value === null ? 'json null' : `json ${typeof value}`}>{preview(value)}</span>;
  }
  const { text, leftOut } = cutText(value, most);
  return (
    <span class="json string">
      "<bdi>{marked(text, false)}</bdi>
      {leftOut > 0 ? '…' : '"'}
      {leftOut > 0 && (
        <button type="button" class="quiet" onClick={() => setMost(most * 20)}>
          {count(leftOut)} more characters
        </button>
      )}
    </span>
  );
}
