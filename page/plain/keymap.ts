/** What a key means. Pure: from a key, what came before it and where the focus is, to what is to be done. */
import type { ScreenName } from './place.ts';

export type KeyAct =
  | { readonly kind: 'go'; readonly screen: ScreenName }
  | { readonly kind: 'filter' | 'next' | 'previous' | 'mark' | 'help' | 'back' };

export interface KeyPress {
  readonly key: string;
  /** With Ctrl, Alt or Meta: such keys are the browser's. */
  readonly hasModifier: boolean;
  /** Where one writes, or while a dialog is open: keys are letters there. */
  readonly isTyping: boolean;
  /** A dialog has just been closed, or a field left: Escape, held or pressed once more, means that too. */
  readonly isClosing: boolean;
}

const AFTER_G: Readonly<Record<string, ScreenName>> = {
  o: 'overview',
  j: 'jobs',
  f: 'failures',
  s: 'schedules',
  w: 'workers',
  p: 'spool',
};

const ALONE: Readonly<Record<string, KeyAct>> = {
  '/': { kind: 'filter' },
  j: { kind: 'next' },
  k: { kind: 'previous' },
  x: { kind: 'mark' },
  '?': { kind: 'help' },
  Escape: { kind: 'back' },
};

/** @param isAfterG whether `g` was the key before, a moment ago */
export function meaningOf(press: KeyPress, isAfterG: boolean): KeyAct | 'g' | null {
  if (press.hasModifier || press.isTyping || (press.isClosing && press.key === 'Escape')) return null;
  if (isAfterG) {
    const screen = AFTER_G[press.key];
    if (screen !== undefined) return { kind: 'go', screen };
  }
  return press.key === 'g' ? 'g' : (ALONE[press.key] ?? null);
}

/** For the help. */
export const KEYS: readonly (readonly [keys: readonly string[], what: string])[] = [
  [['/'], 'go to the filter'],
  [['j', 'k'], 'next and previous row'],
  [['Enter'], 'open the row'],
  [['x'], 'mark the row'],
  [['Esc'], 'close what is open, leave the filter, or go back'],
  [['g', 'o'], 'overview'],
  [['g', 'j'], 'jobs'],
  [['g', 'f'], 'failures'],
  [['g', 's'], 'schedules'],
  [['g', 'w'], 'workers'],
  [['g', 'p'], 'spool'],
  [['?'], 'this help'],
];
