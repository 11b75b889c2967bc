/** The page: its frame, the screen that the address names, and what all screens share. */
import type { JSX } from 'preact';
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Answer, Session } from '../../src/ui/wire.ts';
import type { Place } from '../plain/place.ts';
import { act, type PageAct } from '../server/api.ts';
import { PageContext } from '../server/context.ts';
import { Live, unseen } from '../server/live.ts';
import { Failures } from '../screens/failures.tsx';
import { JobScreen } from '../screens/job/job.tsx';
import { Jobs } from '../screens/jobs/jobs.tsx';
import { Overview } from '../screens/overview/overview.tsx';
import { Schedules } from '../screens/schedules.tsx';
import { Spool } from '../screens/spool.tsx';
import { Workers } from '../screens/workers.tsx';
import { Answers, useAnswers } from './answers.tsx';
import { Guard } from './guard.tsx';
import { Header, Navigation } from './header.tsx';
import { Help } from './help.tsx';
import { useKeyboard } from './keyboard.ts';
import { useSign } from './sign.ts';
import { Notices, Verdict } from './verdict.tsx';
import { usePlace } from './way.ts';

interface Props {
  readonly session: Session;
  readonly onLocked: () => void;
}

export function App({ session, onLocked }: Props): JSX.Element {
  const locked = useRef(onLocked).current;
  const [place, go] = usePlace();
  const [live, setLive] = useState(() => unseen(session));
  const liveRef = useRef<Live | null>(null);
  const { answer, say, dismiss } = useAnswers();
  const [isHelp, setHelp] = useState(false);

  useEffect(() => {
    const listening = new Live(session, setLive, locked);
    liveRef.current = listening;
    return listening.start();
  }, []);
  useKeyboard(place, go, () => setHelp(true));
  useSign(place, live.trouble === null ? (live.summary?.verdict.status ?? 'ok') : 'critical');

  const run = useCallback(async (what: PageAct): Promise<Answer> => {
    const came = await act(what);
    say(came);
    liveRef.current?.hint();
    return came;
  }, []);
  const state = useMemo(() => ({ session: live.session, live, place, go, run, say, locked }), [live, place]);

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
        <Guard key={place.screen === 'job' ? place.id : place.screen}>
          <Screen place={place} />
        </Guard>
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
