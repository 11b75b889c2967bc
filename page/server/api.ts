/** Requests to the server, and what came of them as values: nothing here throws. The only place that calls fetch. */
import type { Act, Answer, Welcome } from '../../src/ui/wire.ts';

/** Where the page is, without screen and token: all addresses count from here, so that any base path will do. */
const BASE: URL = new URL('./', location.href.replace(/[?#].*/s, ''));

export type Got<T> =
  | { readonly kind: 'got'; readonly data: T; readonly text: string }
  | { readonly kind: 'refused'; readonly answer: Answer }
  | Locked
  | { readonly kind: 'unreachable' }
  /** The caller wants it no more. */
  | { readonly kind: 'dropped' };

/** Whoever asks may not see this: the token is missing or old, or the login of the server around the page has ended. */
export interface Locked {
  readonly kind: 'locked';
  /** A token would help. */
  readonly takesToken: boolean;
  readonly text: string;
}

const NO_FSQ = 'What answers here is not fsq. Perhaps your login has ended: reload the page.';

/** Where the server keeps its data for this page: it has told that when it got the token. Storage is of one origin, and so of one port; cookies are not. */
const DOOR_KEY = `fsq door ${BASE.pathname}`;
/** Where nothing can be stored: for as long as this page is there. */
let lastDoor: string | null = null;

export function addressOf(path: string): string {
  const door = storedDoor() ?? lastDoor;
  return new URL(door === null ? path : `door/${door}/${path}`, BASE).href;
}

function storedDoor(): string | null {
  try {
    return localStorage.getItem(DOOR_KEY);
  } catch {
    return null;
  }
}

function keepDoor(to: string): void {
  lastDoor = to;
  try {
    localStorage.setItem(DOOR_KEY, to);
  } catch {
    // This browser stores nothing for pages.
  }
}

/** A look that has no answer after this time has none, ms: where a machine slept, or a server stands still, the browser would wait for ever. */
const PATIENCE_MS = 60_000;

/** The browser keeps answers by their ETag, and asks with If-None-Match by itself. @param signal aborts when the caller wants it no more */
export async function get<T>(path: string, signal?: AbortSignal, patienceMs = PATIENCE_MS): Promise<Got<T>> {
  const stop = new AbortController();
  const abort = (): void => stop.abort();
  const timer = setTimeout(abort, patienceMs);
  signal?.addEventListener('abort', abort);
  if (signal?.aborted === true) abort();
  const came = await request<T>(path, { cache: 'no-cache', signal: stop.signal });
  clearTimeout(timer);
  signal?.removeEventListener('abort', abort);
  return came.kind === 'unreachable' && signal?.aborted === true ? { kind: 'dropped' } : came;
}

/** An act of the wire, but for the arguments of a new job, which are a JSON array as somebody typed it. */
export type PageAct =
  | Exclude<Act, { readonly kind: 'retry-anew' }>
  | { readonly kind: 'retry-anew'; readonly id: string; readonly argsText: string };

/** What comes of it is an Answer either way. */
export async function act(what: PageAct): Promise<Answer> {
  const came = await post<Answer>('api/act', textOf(what));
  if (came.kind === 'got') return came.data;
  if (came.kind === 'refused') return came.answer;
  const text =
    came.kind === 'locked'
      ? came.text
      : 'The server cannot be reached, so whether this was done is not known. Look before you do it again.';
  return { text, isGood: false, code: null };
}

export async function login(token: string): Promise<Got<Welcome>> {
  const came = await post<Welcome>('api/login', JSON.stringify({ token, path: BASE.pathname }));
  if (came.kind === 'got') keepDoor(came.data.door);
  return came;
}

function textOf(what: PageAct): string {
  if (what.kind !== 'retry-anew') return JSON.stringify(what);
  const { argsText, ...rest } = what;
  return `${JSON.stringify(rest).slice(0, -1)},"args":${argsText}}`;
}

function post<T>(path: string, body: string): Promise<Got<T>> {
  return request<T>(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
}

async function request<T>(path: string, init: RequestInit): Promise<Got<T>> {
  try {
    const response = await fetch(addressOf(path), { credentials: 'same-origin', ...init });
    const isJson = /^application\/json\b/.test(response.headers.get('content-type') ?? '');
    if (response.ok && !isJson) return { kind: 'locked', takesToken: false, text: NO_FSQ };
    const text = await response.text();
    const body: unknown = JSON.parse(text);
    if (response.ok) return { kind: 'got', data: body as T, text };
    const answer = answerOf(body, response.status);
    if (response.status !== 401) return { kind: 'refused', answer };
    return { kind: 'locked', takesToken: response.headers.has('www-authenticate'), text: answer.text };
  } catch {
    return { kind: 'unreachable' };
  }
}

/** What stands between page and server may answer as well, in other words than ours. */
function answerOf(body: unknown, status: number): Answer {
  const { text } = (body ?? {}) as { text?: unknown };
  if (typeof text === 'string') return body as Answer;
  return { text: `The server answered with status ${status}.`, isGood: false, code: null };
}
