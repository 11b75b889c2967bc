/** Answers the requests of pages: guards first, then sends the page's files, what the desk knows, streams, and acts. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { warnOnce } from '../../app/telling/warnings.ts';
import { FsqError, UsageError } from '../../job/errors.ts';
import { escape } from '../../job/text.ts';
import { peek, reasonOf } from '../../job/values/realm.ts';
import type { Desk } from '../desk.ts';
import { bodyOf } from './body.ts';
import { type Refusal, refusalOf } from './guard.ts';
import { actOf } from './parse.ts';
import { send, sendJson, sendRefusal } from './respond.ts';
import { readAt } from './routes.ts';
import { isPagePath, sendPageFile } from './send-page.ts';
import { Streams } from './streams.ts';
import { throughDoor } from './session.ts';
import type { Session as SessionFacts, Welcome } from '../wire.ts';

/** Bytes of a body: an act may hold the arguments of a job; that of a login comes from anybody. */
const MOST_BODY = { act: 5 * 1_024 * 1_024, login: 16 * 1_024 };
/** What is wrong with a request itself; whatever else goes wrong is no fault of whoever asks. */
const STATUSES: Readonly<Record<string, number>> = { FSQ_USAGE: 400, FSQ_TOO_LARGE: 413 };

/** Who may see the page. */
export interface Access {
  /** Names under which the page is served, without ports, in lower case. */
  readonly hosts: ReadonlySet<string>;
  /** @param door by which the request came; null: by none */
  readonly isKnown: (request: IncomingMessage, door: string | null) => boolean | Promise<boolean>;
  /** What a token is changed for: session.ts. Null for a wrong one; absent: nobody logs in here. @param path of the page, with a slash at its end */
  readonly login?: (token: string, path: string, isEncrypted: boolean) => LoggedIn | null;
}

interface LoggedIn {
  readonly cookie: string;
  readonly door: string;
}

export interface HandlerOptions {
  readonly desk: Desk;
  readonly access: Access;
  /** Where the page is mounted, such as '/queue'; '' at the root, or where the framework takes the prefix away. */
  readonly basePath: string;
  readonly facts: () => Promise<SessionFacts>;
}

export interface Handler {
  (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void): void;
  /** Ends the streams. */
  close(): void;
}

/** Where a request leads: the path below the page, and that of the page itself. */
interface Place {
  readonly path: string;
  readonly base: string;
  /** By which the request came; null: by none. */
  readonly door: string | null;
  readonly parameters: URLSearchParams;
}

export function handlerOf(options: HandlerOptions): Handler {
  const streams = new Streams(options.desk);
  const handle = (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void): void => {
    if (next !== undefined && isOutside(request, options.basePath)) return next();
    answer(options, streams, request, response, next).catch((error: unknown) => fail(request, response, error));
  };
  return Object.assign(handle, { close: () => streams.close() });
}

async function answer(
  options: HandlerOptions,
  streams: Streams,
  request: IncomingMessage,
  response: ServerResponse,
  next: ((error?: unknown) => void) | undefined,
): Promise<void> {
  const { access, desk } = options;
  const { method = '', headers, rawHeaders } = request;
  const refusal = refusalOf({ method, headers, rawHeaders }, access.hosts);
  if (refusal !== null) return sendRefusal(request, response, refusal, 'FSQ_USAGE');
  const place = placeOf(request, options.basePath);
  const nothing = (): void => sendRefusal(request, response, nothingAt(request, options.basePath, place), 'FSQ_USAGE');
  if (place === null) return nothing();
  const { path, base, door, parameters } = place;
  const isPost = method === 'POST';
  if (path === '/') tellUnused(request, options.basePath, base);
  if (path === '/healthz' && !isPost)
    return send(request, response, 200, 'ok\n', { 'content-type': 'text/plain', 'cache-control': 'no-store' });
  if (path === '/' && !base.endsWith('/')) return redirect(request, response, base);
  if (isPagePath(path) && !isPost) return await sendPageFile(request, response, path);
  if (path === '/api/login' && isPost) return await login(access, request, response, base);
  if (!path.startsWith('/api/')) {
    return next === undefined ? nothing() : next();
  }
  if (!(await access.isKnown(request, door))) return sendRefusal(request, response, unknown(access), 'FSQ_USAGE');
  if (path === '/api/act') {
    if (!isPost) return sendRefusal(request, response, notAllowed('POST'), 'FSQ_USAGE');
    return await act(options, request, response);
  }
  if (isPost) return sendRefusal(request, response, notAllowed('GET, HEAD'), 'FSQ_USAGE');
  if (path === '/api/session') return sendJson(request, response, 200, await options.facts());
  if (path === '/api/events') {
    const refused = method === 'GET' ? streams.add(response) : notAllowed('GET');
    return refused === null ? undefined : sendRefusal(request, response, refused, 'FSQ_USAGE');
  }
  const read = readAt(path);
  if (read === null) return nothing();
  const document = await read(desk, parameters);
  if (document === null) return sendRefusal(request, response, NO_JOB, 'FSQ_UNKNOWN_JOB');
  sendJson(request, response, 200, document);
}

const NO_JOB: Refusal = { status: 404, text: 'There is no such job: it was never sent, or its outcome is forgotten.' };

/** Nearly always where the page is mounted is not where it is asked for, so both are named; the program hears of it too, once. */
function nothingAt(request: IncomingMessage, basePath: string, place: Place | null): Refusal {
  const isElsewhere = place === null || isOutside(request, basePath);
  const came = escape(wholePath(request).replace(DOORS, '/door/…').slice(0, 200));
  const text = `There is nothing at ${came}: this page lies at ${escape(isElsewhere ? `${basePath}/` : place.base)}. If it is to lie elsewhere, \`basePath\` (\`fsq ui --base-path\`) names the path.`;
  if (isElsewhere && basePath !== '')
    warnOnce(
      `A request for ${came} came to the page, which lies at its \`basePath\`, ${basePath}/: is that where it is mounted?`,
      'FSQ_USAGE',
      'outside of basePath',
    );
  return { status: 404, text };
}

/** A path that the server has taken away is the one that counts. */
function tellUnused(request: IncomingMessage, basePath: string, base: string): void {
  const whole = wholePath(request);
  if (basePath === '' || whole === wholePath({ url: request.url }) || isBelow(whole, basePath)) return;
  warnOnce(
    `The server mounts the page at ${escape(base.slice(0, 200))}, and takes that away: \`basePath\` ${basePath} does nothing there, leave it out`,
    'FSQ_USAGE',
    'basePath is not used',
  );
}

/** The secret part of a path, wherever it stands. */
const DOORS = /\/door\/[^/]*/g;

function notAllowed(allow: string): Refusal {
  return { status: 405, text: `Only ${allow} is answered here.`, headers: { allow } };
}

function unknown({ login: canLogin }: Access): Refusal {
  return canLogin === undefined
    ? { status: 401, text: 'You may not see this page: `authorize` of the program that serves it says so.' }
    : {
        status: 401,
        text: 'Expected the token of this page, and it is missing, wrong, or of an earlier start. `fsq ui` prints it when it starts.',
        headers: { 'www-authenticate': 'Bearer' },
      };
}

/** Whether this is a request of another part of the program, of which nothing was taken away, and the page lies elsewhere. */
function isOutside(request: IncomingMessage, basePath: string): boolean {
  const { url = '/' } = request;
  const original: unknown = peek(request, 'originalUrl');
  return (
    basePath !== '' && (original === undefined || original === url) && !isBelow(url.replace(/\?.*$/s, ''), basePath)
  );
}

function isBelow(path: string, basePath: string): boolean {
  return path === basePath || path.startsWith(`${basePath}/`);
}

/** What the URL says, without anything that it could be taken for besides. Null for what is no path. */
function placeOf(request: IncomingMessage, basePath: string): Place | null {
  const { url = '/' } = request;
  const at = url.indexOf('?');
  const path = at === -1 ? url : url.slice(0, at);
  if (!path.startsWith('/') && path !== '') return null;
  const inner = isBelow(path, basePath) ? path.slice(basePath.length) : path;
  const whole = wholePath(request);
  const rest = inner === '' ? '/' : inner;
  const isBare = rest === '/' && !whole.endsWith('/');
  const base = isBare ? whole : whole.endsWith(rest) ? whole.slice(0, whole.length - rest.length + 1) : '/';
  const { door = null, path: meant = rest } = throughDoor(rest) ?? {};
  return { path: meant, base, door, parameters: new URLSearchParams(at === -1 ? '' : url.slice(at + 1)) };
}

/** Express takes the path of a mount away, and keeps the whole beside it. */
function wholePath(request: Pick<IncomingMessage, 'url'>): string {
  const original: unknown = peek(request, 'originalUrl');
  return (typeof original === 'string' ? original : (request.url ?? '/')).replace(/\?.*$/s, '');
}

/** The page's own links are relative, and need the slash. */
function redirect(request: IncomingMessage, response: ServerResponse, base: string): void {
  const last = base.slice(base.lastIndexOf('/') + 1);
  // Relative, and so never to another host.
  send(request, response, 308, '', { location: `./${last}/`, 'cache-control': 'no-store' });
}

/** Of a page, as a browser has it: a proxy may have taken a part of it away. */
const PAGE_PATH = /^\/(?:[\w.~%!$&'()*+,:@=-]+\/)*$/;

async function login(access: Access, request: IncomingMessage, response: ServerResponse, base: string): Promise<void> {
  const body = await bodyOf(request, MOST_BODY.login);
  const token: unknown = peek(body, 'token');
  const isEncrypted = peek(request.socket, 'encrypted') === true;
  const path: unknown = peek(body, 'path');
  const shownPath = typeof path === 'string' && PAGE_PATH.test(path) ? path : base;
  const loggedIn = typeof token === 'string' ? (access.login?.(token, shownPath, isEncrypted) ?? null) : null;
  if (loggedIn === null) return sendRefusal(request, response, unknown(access), 'FSQ_USAGE');
  const welcome: Welcome = { text: 'Welcome.', isGood: true, code: null, door: loggedIn.door };
  sendJson(request, response, 200, welcome, { 'set-cookie': loggedIn.cookie });
}

async function act({ desk, facts }: HandlerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if ((await facts()).isReadOnly)
    return sendRefusal(
      request,
      response,
      { status: 403, text: 'This page only looks: it was started read-only.' },
      'FSQ_USAGE',
    );
  const answer = await desk.act(actOf(await bodyOf(request, MOST_BODY.act)));
  sendJson(request, response, 200, answer);
}

function fail(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy();
  const code = error instanceof FsqError ? error.code : 'FSQ_UNEXPECTED';
  const status = (error instanceof UsageError ? STATUSES[code] : undefined) ?? 503;
  sendRefusal(request, response, { status, text: reasonOf(error) }, code);
}
