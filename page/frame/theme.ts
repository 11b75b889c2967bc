/** Light, dark, or what the system says; kept by this browser. */

export type Theme = 'system' | 'light' | 'dark';

const KEY = 'fsq.theme';
export const THEMES: readonly Theme[] = ['system', 'light', 'dark'];

export function theme(): Theme {
  const kept = stored();
  return kept === 'light' || kept === 'dark' ? kept : 'system';
}

export function setTheme(to: Theme): void {
  try {
    localStorage.setItem(KEY, to);
  } catch {
    // A browser that keeps nothing: the theme holds until the page is left.
  }
  applyTheme(to);
}

export function applyTheme(to: Theme = theme()): void {
  document.documentElement.dataset.theme = to;
}

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
