/** The page's start: the token of the address becomes a cookie, the session is asked for, and then all is drawn. */
import { render } from 'preact';
import type { Session } from '../src/ui/wire.ts';
import { App } from './frame/app.tsx';
import { Locked, Unreachable } from './frame/locked.tsx';
import { applyTheme } from './frame/theme.ts';
import { get, login } from './server/api.ts';

const RETRY_MS = 3_000;

/** Once, in the address that `fsq ui` prints; it leaves the address at once, and so the history. */
function takeToken(): string | null {
  const token = /^#token=(.+)$/.exec(location.hash)?.[1] ?? null;
  if (token !== null) history.replaceState(null, '', `${location.pathname}${location.search}#/`);
  return token;
}

async function start(root: HTMLElement): Promise<void> {
  const token = takeToken();
  const wasWrong = token !== null && (await login(decodeURIComponent(token))).kind !== 'got';
  const came = await get<Session>('api/session');
  if (came.kind === 'got') render(<App session={came.data} onLocked={() => lock(root, false)} />, root);
  else if (came.kind === 'locked') lock(root, wasWrong);
  else {
    render(<Unreachable text={came.kind === 'refused' ? came.answer.text : null} />, root);
    setTimeout(() => void start(root), RETRY_MS);
  }
}

function lock(root: HTMLElement, wasWrong: boolean): void {
  render(<Locked wasWrong={wasWrong} onOpen={() => void start(root)} />, root);
}

applyTheme();
const root = document.getElementById('page');
if (root !== null) void start(root);
