/** The frames of a screen: a panel with a heading, a table that scrolls inside itself, and what stands where there is nothing yet. */
import type { ComponentChildren, JSX } from 'preact';
import { useId } from 'preact/hooks';
import { Sentence } from './text.tsx';

interface PanelProps {
  readonly title: string;
  /** Beside the heading. */
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
}

export function Panel({ title, aside, children }: PanelProps): JSX.Element {
  const id = useId();
  return (
    <section class="panel" aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}

interface TableProps {
  /** Read by screen readers, and the name of the box that scrolls. */
  readonly caption: string;
  readonly columns: readonly Column[];
  readonly children: ComponentChildren;
  readonly class?: string;
  /** What is shown is not of what is asked for. */
  readonly isOld?: boolean;
}

export interface Column {
  readonly name: string;
  /** Right-aligned figures. */
  readonly isNumber?: boolean;
  /** The heading is for screen readers only. */
  readonly isUnseen?: boolean;
  readonly class?: string;
}

export function Table({ caption, columns, children, class: name = '', isOld = false }: TableProps): JSX.Element {
  return (
    <div class="scroll" role="group" aria-label={caption} tabIndex={0}>
      <table class={name} aria-busy={isOld}>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th
                key={column.name}
                scope="col"
                class={`${column.isNumber === true ? 'number' : ''} ${column.class ?? ''}`}
              >
                {column.isUnseen === true ? <span class="unseen">{column.name}</span> : column.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

export function Empty({
  title,
  children,
}: {
  readonly title: string;
  readonly children?: ComponentChildren;
}): JSX.Element {
  return (
    <div class="empty">
      <p class="strong">{title}</p>
      {children}
    </div>
  );
}

/** A question to the server that it refused. */
export function Refusal({ text }: { readonly text: string }): JSX.Element {
  return (
    <p class="note critical">
      <Sentence text={text} />
    </p>
  );
}

/** @param isAway what is to be looked at is not there; the line above the screen says why */
export function Loading({ isAway = false }: { readonly isAway?: boolean }): JSX.Element {
  return (
    <p class="empty dim">{isAway ? 'There is nothing to show yet. This page looks again by itself.' : 'Looking…'}</p>
  );
}
