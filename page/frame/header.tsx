/** The top line: where one is, whether the page is live, the theme, the help; and the way to the other screens. */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { CopyButton } from '../parts/copy.tsx';
import { Icon } from '../parts/icon.tsx';
import { Name } from '../parts/text.tsx';
import { shortCount } from '../plain/format.ts';
import { type ScreenName, SCREENS, storeTitle } from '../plain/place.ts';
import { usePage } from '../server/context.ts';
import { setTheme, theme, THEMES } from './theme.ts';

const TITLES: Readonly<Record<Exclude<ScreenName, 'spool'>, string>> = {
  overview: 'Overview',
  jobs: 'Jobs',
  failures: 'Failures',
  schedules: 'Schedules',
  workers: 'Workers',
};

export function Header({ onHelp }: { readonly onHelp: () => void }): JSX.Element {
  const { session } = usePage();
  return (
    <header class="top">
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        Skip to the content
      </button>
      <a class="brand" href="#/" title={`fsq ${session.version}`}>
        fsq
      </a>
      <span class="place" title={session.place}>
        <code>
          <Name text={session.place} />
        </code>
        <CopyButton text={session.place} what="the place" isSmall />
      </span>
      {session.isReadOnly && <span class="tag">read-only</span>}
      <Connection />
      <ThemeButton />
      <button type="button" class="quiet icon" aria-label="Help and keys" title="Help and keys (?)" onClick={onHelp}>
        ?
      </button>
    </header>
  );
}

function Connection(): JSX.Element {
  const { live } = usePage();
  const [kind, text] =
    live.lostSinceMs !== null
      ? ['lost', 'no connection']
      : live.state === 'looking'
        ? ['looking', 'looking each 5 s']
        : live.state !== 'live'
          ? ['looking', 'connecting']
          : ['live', 'live'];
  return <span class={`connection ${kind}`}>{text}</span>;
}

function ThemeButton(): JSX.Element {
  const [shown, setShown] = useState(theme);
  const next = THEMES[(THEMES.indexOf(shown) + 1) % THEMES.length] ?? 'system';
  const label = `Theme: ${shown}. Change to ${next}`;
  return (
    <button
      type="button"
      class="quiet icon"
      aria-label={label}
      title={label}
      onClick={() => {
        setTheme(next);
        setShown(next);
      }}
    >
      <Icon name={shown} />
    </button>
  );
}

export function Navigation(): JSX.Element {
  const { place, live, session } = usePage();
  const counts = live.summary?.counts;
  const numbers: Partial<Record<ScreenName, number | undefined>> = {
    failures: counts?.failed,
    workers: live.summary?.workers.filter(({ role, verdict }) => role !== 'child' && verdict !== 'dead').length,
  };
  const shown = place.screen === 'job' ? 'jobs' : place.screen;
  const strip = useRef<HTMLElement>(null);
  // On a narrow screen the names lie in a strip that scrolls.
  useEffect(() => {
    const here = strip.current?.querySelector<HTMLElement>('[aria-current]');
    if (here) strip.current?.scrollTo({ left: here.offsetLeft - 60 });
  }, [shown]);
  return (
    <nav class="screens" aria-label="Screens" ref={strip}>
      <ul>
        {SCREENS.map((screen) => {
          const number = numbers[screen];
          return (
            <li key={screen}>
              <a
                href={screen === 'overview' ? '#/' : `#/${screen}`}
                aria-current={shown === screen ? 'page' : undefined}
              >
                {screen === 'spool' ? storeTitle(session.place) : TITLES[screen]}
                {screen === 'workers' && number === 0 ? (
                  <span class="number none">none</span>
                ) : (
                  number !== undefined && number > 0 && <span class="number">{shortCount(number)}</span>
                )}
              </a>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}
