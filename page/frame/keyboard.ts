/**
 * Keys, for the whole page. Rows are elements with `data-row`; moving to one puts the focus on its first link, so that Enter, screen readers and
 * the outline of the focus work by themselves. A row that vanishes leaves its place behind: the next `j` on that screen goes on from there.
 */
import { useEffect, useRef } from 'preact/hooks';
import { type KeyAct, meaningOf } from '../plain/keymap.ts';
import { type Place, placeOf } from '../plain/place.ts';
import { stepsHere } from './way.ts';

/** How long `g` waits for its second key. */
const AFTER_G_MS = 1_500;
/** How long after a dialog was closed, or a field left, Escape means no more than that. */
const CLOSING_MS = 1_000;
/** Escape takes a dialog from the screen between the two: the browser tells the second a few milliseconds later. */
const CLOSING = ['cancel', 'close'];

export function useKeyboard(place: Place, go: (place: Place) => void, help: () => void): void {
  const latest = useRef({ place, go, help });
  latest.current = { place, go, help };
  useEffect(() => {
    let gAtMs = -AFTER_G_MS;
    let closedAtMs = -CLOSING_MS;
    const closed = (event: Event): void => void (closedAtMs = event.timeStamp);
    const rowOf = new Map<string, number>();
    const act = (what: KeyAct): void => {
      const { place, go, help } = latest.current;
      if (what.kind === 'help') help();
      else if (what.kind === 'go') go(placeOf(what.screen));
      else if (what.kind === 'filter') focusFilter();
      else if (what.kind === 'mark') markRow();
      else if (what.kind === 'back') back(place, go);
      else rowOf.set(place.screen, moveBy(what.kind === 'next' ? 1 : -1, rowOf.get(place.screen) ?? -1));
    };
    const pressed = (event: KeyboardEvent): void => {
      if (event.key === 'Escape' && (leaveField(event.target) || dismissAnswer())) return closed(event);
      const meaning = meaningOf(
        {
          key: event.key,
          hasModifier: event.ctrlKey || event.altKey || event.metaKey,
          isClosing: event.repeat || event.timeStamp - closedAtMs < CLOSING_MS,
          isTyping: event.isComposing || isField(event.target) || document.querySelector('dialog[open]') !== null,
        },
        event.timeStamp - gAtMs < AFTER_G_MS,
      );
      gAtMs = meaning === 'g' ? event.timeStamp : -AFTER_G_MS;
      if (meaning === null || meaning === 'g') return;
      event.preventDefault();
      act(meaning);
    };
    addEventListener('keydown', pressed);
    for (const event of CLOSING) addEventListener(event, closed, true); // They do not bubble.
    return () => {
      removeEventListener('keydown', pressed);
      for (const event of CLOSING) removeEventListener(event, closed, true);
    };
  }, []);
}

function rows(): readonly HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>('main [data-row]:has(a[href])')];
}

function currentRow(): HTMLElement | null {
  return document.activeElement?.closest<HTMLElement>('[data-row]') ?? null;
}

/** @returns the row that has the focus now */
function moveBy(step: number, lastRow: number): number {
  const all = rows();
  const current = currentRow();
  const from =
    current === null ? Math.min(lastRow, all.length) - (step > 0 && lastRow >= 0 ? 1 : 0) : all.indexOf(current);
  const to = Math.max(0, Math.min(all.length - 1, from + step));
  const row = all[to];
  row?.querySelector<HTMLElement>('a[href]')?.focus({ preventScroll: true });
  row?.scrollIntoView({ block: 'nearest' });
  return row === undefined ? -1 : to;
}

function markRow(): void {
  currentRow()?.querySelector<HTMLInputElement>('input[type=checkbox]')?.click();
}

function focusFilter(): void {
  const field = document.querySelector<HTMLInputElement>('main [data-filter]');
  field?.focus();
  field?.select();
}

function back(place: Place, go: (place: Place) => void): void {
  if (place.screen !== 'job') return;
  if (stepsHere() > 0) history.back();
  else go({ screen: 'jobs', query: {}, before: null });
}

function leaveField(target: EventTarget | null): boolean {
  if (!isField(target) || document.querySelector('dialog[open]') !== null) return false;
  if (target instanceof HTMLElement) target.blur();
  return true;
}

/** What the page has answered goes before the screen does. */
function dismissAnswer(): boolean {
  if (document.querySelector('dialog[open]') !== null) return false;
  const button = document.querySelector<HTMLElement>('.answer button');
  button?.click();
  return button !== null;
}

/** Where letters are letters. A checkbox is none: `x` and `j` work on it. */
function isField(target: EventTarget | null): boolean {
  if (target instanceof HTMLInputElement) return target.type !== 'checkbox';
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}
