/** The page's start: the token of the address becomes a cookie, the session is asked for, and then all is drawn. */
import { render } from 'preact';
import type { Session } from '../src/ui/wire.ts';
import { App } from './frame/app.tsx';
import { Guard } from './frame/guard.tsx';
import { NoPage, TokenWanted } from './frame/no-page.tsx';
import { applyTheme } from './frame/theme.ts';
import { tokenIn } from './plain/place.ts';
import { get, login } from './server/api.ts';

const RETRY_MS = 3_000;
const STILL_ASKING = 'Is `fsq ui` still running? This page asks again every few seconds.';

/** Once, in the address that `fsq ui` prints; it leaves the address at once, and so the history. */
function takeToken(): string | null {
  const token = tokenIn(location.hash);
  if (token !== null) history.replaceState(null, '', `${location.pathname}${location.search}#/`);
  return token;
}

/** Rises with each start: several looks may find the page locked at the same time, and the latest answer draws it. */
let starts = 0;

async function start(root: HTMLElement): Promise<void> {
  const mine = ++starts;
  const token = takeToken();
  const wasWrong = token !== null && (await login(token)).kind !== 'got';
  const came = await get<Session>('api/session');
  if (mine !== starts) return;
  const again = (): void => void start(root);
  if (came.kind === 'got') {
    const page = (
      <Guard>
        <App session={came.data} onLocked={again} />
      </Guard>
    );
    return render(page, root);
  }
  if (came.kind === 'locked') {
    if (came.takesToken) return render(<TokenWanted wasWrong={wasWrong} onOpen={again} />, root);
    return render(<NoPage title="You may not see this page" text={came.text} />, root);
  }
  const title = came.kind === 'refused' ? 'The server refuses this page' : 'The server does not answer';
  render(<NoPage title={title} text={came.kind === 'refused' ? came.answer.text : STILL_ASKING} />, root);
  setTimeout(() => mine === starts && again(), RETRY_MS);
}

applyTheme();
const root = document.getElementById('page');
if (root !== null) void start(root);
