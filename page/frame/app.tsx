/** The page: its frame, the screen that the address names, and what all screens share. */
import type { JSX } from 'preact';
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Act, Answer, Session } from '../../src/ui/wire.ts';
import { fragmentOf, type Place, placeOf } from '../plain/place.ts';
import { act } from '../server/api.ts';
import { PageContext } from '../server/context.ts';
import { Live } from '../server/live.ts';
import { Failures } from '../screens/failures.tsx';
import { JobScreen } from '../screens/job/job.tsx';
import { Jobs } from '../screens/jobs/jobs.tsx';
import { Overview } from '../screens/overview/overview.tsx';
import { Schedules } from '../screens/schedules.tsx';
import { Spool } from '../screens/spool.tsx';
import { Workers } from '../screens/workers.tsx';
import { Answers, useAnswers } from './answers.tsx';
import { Header, Navigation } from './header.tsx';
import { Help } from './help.tsx';
import { useKeyboard } from './keyboard.ts';
import { Notices, Verdict } from './verdict.tsx';

interface Props {
  readonly session: Session;
  readonly onLocked: () => void;
}

export function App({ session, onLocked }: Props): JSX.Element {
  const locked = useRef(onLocked).current;
  const [place, go] = usePlace();
  const [live, setLive] = useState(() => new Live(session, () => undefined, locked).view);
  const liveRef = useRef<Live | null>(null);
  const { answer, say, dismiss } = useAnswers();
  const [isHelp, setHelp] = useState(false);

  useEffect(() => {
    const listening = new Live(session, setLive, locked);
    liveRef.current = listening;
    return listening.start();
  }, []);
  useKeyboard(place, go, () => setHelp(true));

  const run = useCallback(async (what: Act): Promise<Answer> => {
    const came = await act(what);
    say(came);
    liveRef.current?.hint();
    return came;
  }, []);
  const state = useMemo(() => ({ session, live, place, go, run, say, locked }), [live, place]);

  return (
    <PageContext.Provider value={state}>
      <Header onHelp={() => setHelp(true)} />
      <Navigation />
      <main id="main" tabIndex={-1}>
        <Notices />
        <div class="spoken" aria-live="polite">
          <Verdict />
          <Answers answer={answer} onDismiss={dismiss} />
        </div>
        <Screen place={place} />
      </main>
      {isHelp && <Help onClose={() => setHelp(false)} />}
    </PageContext.Provider>
  );
}

function Screen({ place }: { readonly place: Place }): JSX.Element {
  switch (place.screen) {
    case 'overview':
      return <Overview />;
    case 'jobs':
      return <Jobs query={place.query} before={place.before} />;
    case 'job':
      return <JobScreen key={place.id} id={place.id} />;
    case 'failures':
      return <Failures query={place.query} />;
    case 'schedules':
      return <Schedules />;
    case 'workers':
      return <Workers />;
    case 'spool':
      return <Spool />;
  }
}

/** Where one is, by the address; back and forward of the browser work, and the place where a list was scrolled to comes back. */
function usePlace(): [Place, (place: Place, isSmall?: boolean) => void] {
  const [place, setPlace] = useState(() => placeOf(location.hash));
  useLayoutEffect(() => {
    const moved = (): void => setPlace(placeOf(location.hash));
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
    if (isSmall) history.replaceState(null, '', fragmentOf(to));
    else history.pushState(null, '', fragmentOf(to));
    setPlace(to);
  }, []);
  useScroll(fragmentOf(place));
  return [place, go];
}

/** A new screen begins at its top; one that was seen before, where it was left, once it has its rows again. */
function useScroll(fragment: string): void {
  const left = useRef(new Map<string, number>());
  const name = fragment.replace(/\?.*/s, '');
  useEffect(() => {
    history.scrollRestoration = 'manual';
    const wanted = left.current.get(name) ?? 0;
    scrollTo(0, wanted);
    document.title = titleOf(name);
    let isMoved = false;
    const size = new ResizeObserver(() => {
      if (!isMoved && wanted > 0 && scrollY < wanted) scrollTo(0, wanted);
    });
    size.observe(document.body);
    const user = (): void => {
      isMoved = true;
    };
    for (const event of ['wheel', 'touchstart', 'keydown', 'pointerdown'])
      addEventListener(event, user, { passive: true });
    const scrolled = (): void => void left.current.set(name, scrollY);
    const timer = setTimeout(() => addEventListener('scroll', scrolled, { passive: true }), 300);
    return () => {
      clearTimeout(timer);
      size.disconnect();
      removeEventListener('scroll', scrolled);
      for (const event of ['wheel', 'touchstart', 'keydown', 'pointerdown']) removeEventListener(event, user);
    };
  }, [name]);
}

function titleOf(name: string): string {
  const screen = name.replace(/^#\//, '').replace(/^jobs\/(.{8}).*/, 'job $1') || 'overview';
  return `${screen} · fsq`;
}
