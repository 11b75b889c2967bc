/** Where one is, by the address: back and forward of the browser work, and the place where a list was scrolled to comes back. */
import { useCallback, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { fragmentOf, type Place, placeOf } from '../plain/place.ts';

/** What may be the user's own move: from then on the page does not scroll by itself. */
const BY_HAND = ['wheel', 'touchstart', 'keydown', 'pointerdown'];
/** What a browser scrolls by itself when a screen is new is over by then. */
const SETTLED_MS = 300;

export function usePlace(): [Place, (place: Place, isSmall?: boolean) => void] {
  const [place, setPlace] = useState(() => placeOf(location.hash));
  const steps = useRef(-1);
  useLayoutEffect(() => {
    const moved = (): void => {
      if (history.state === null) history.replaceState({ steps: steps.current + 1 }, '');
      steps.current = stepsHere();
      setPlace(placeOf(location.hash));
    };
    // The address may have changed between the first drawing and now.
    moved();
    addEventListener('hashchange', moved);
    addEventListener('popstate', moved);
    return () => {
      removeEventListener('hashchange', moved);
      removeEventListener('popstate', moved);
    };
  }, []);
  const go = useCallback((to: Place, isSmall = false): void => {
    if (isSmall) history.replaceState(history.state, '', fragmentOf(to));
    else history.pushState({ steps: ++steps.current }, '', fragmentOf(to));
    setPlace(to);
  }, []);
  useScroll(fragmentOf(place));
  return [place, go];
}

/** How many places of this page lie before this one in the browser's history: with none, the way back leaves the page. */
export function stepsHere(): number {
  const { steps } = (history.state ?? {}) as { steps?: unknown };
  return typeof steps === 'number' ? steps : 0;
}

/** A new screen begins at its top; one that was seen before, where it was left, once it has its rows again. */
function useScroll(fragment: string): void {
  const left = useRef(new Map<string, number>());
  const name = fragment.replace(/\?.*/s, '');
  // In the same turn as the new screen: the scroll that the browser makes when the old one is gone is not the user's.
  useLayoutEffect(() => {
    history.scrollRestoration = 'manual';
    const wanted = left.current.get(name) ?? 0;
    scrollTo(0, wanted);
    // The link that led here is gone: Tab goes on in the new screen, not at the top of the page.
    if (left.current.size > 0 && document.activeElement === document.body)
      document.getElementById('main')?.focus({ preventScroll: true });
    left.current.set(name, wanted);
    let isMoved = false;
    const size = new ResizeObserver(() => {
      if (!isMoved && wanted > 0 && scrollY < wanted) scrollTo(0, wanted);
    });
    size.observe(document.body);
    const user = (): void => {
      isMoved = true;
      // Who leads elsewhere with it leaves the screen here, also one that is not settled yet.
      if (scrollY > 0) left.current.set(name, scrollY);
    };
    for (const event of BY_HAND) addEventListener(event, user, { passive: true });
    const scrolled = (): void => void left.current.set(name, scrollY);
    const timer = setTimeout(() => addEventListener('scroll', scrolled, { passive: true }), SETTLED_MS);
    return () => {
      clearTimeout(timer);
      size.disconnect();
      removeEventListener('scroll', scrolled);
      for (const event of BY_HAND) removeEventListener(event, user);
    };
  }, [name]);
}
