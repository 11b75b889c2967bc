/** The page as a handler for a server of Node.js, and for whatever is made of that. */
import { type App, createApp } from '../app/app.ts';
import { brokerOptions, placeText } from '../app/settings/place.ts';
import type { Settings } from '../app/settings/config.ts';
import { warnOnce } from '../app/telling/warnings.ts';
import { registry } from '../app/registry.ts';
import type { ReadSchedule } from '../app/schedules/read-schedules.ts';
import type { TaskSending } from '../broker/task-sending.ts';
import { FsqError, refuse, UsageError } from '../job/errors.ts';
import { format, knownInstead } from '../job/text.ts';
import { isArray, isOptions, peek, reasonOf } from '../job/values/realm.ts';
import { openBroker } from '../open.ts';
import type { Desk, SendingOf } from './desk.ts';
import { placeOption } from './desk/job/job-commands.ts';
import { lateDesk } from './late-desk.ts';
import { hostName, OWN_HOSTS } from './http/guard.ts';
import { type Access, handlerOf } from './http/handler.ts';
import { isAnyRequest, nodePair } from './http/node-pair.ts';
import { versionOfPage } from './http/send-page.ts';
import { checkToken, Session } from './http/session.ts';

/** A request of `node:http`, as far as declarations say: they need no types of Node. Express's and Fastify's raw one are such requests. */
export interface UiRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** A response of `node:http`, in the same way. */
export interface UiResponse {
  readonly headersSent: boolean;
  readonly writableEnded: boolean;
}

/** `authorize` or `token` is needed. What is undefined is not given. */
export interface UiOptions<Request extends UiRequest = UiRequest> {
  /** The app whose jobs the page shows. Default: that of the environment and fsq.config, as for `task`. */
  readonly app?: Pick<App, 'settings'>;
  /**
   * Whether this request is of somebody who may see the page, and act: asked for each, but for the page's own script and style. Your login
   * answers it, as in `(request: express.Request) => request.session.user?.isAdmin === true`. One of `authorize` and `token` is needed.
   */
  readonly authorize?: (request: Request) => boolean | Promise<boolean>;
  /** In place of a login: the page asks for this text once, 16 characters at least. Scripts send it as `Authorization: Bearer …`. */
  readonly token?: string;
  /** More names under which the page is answered, such as 'admin.example.com', without ports: beside `localhost`, `127.0.0.1` and `[::1]`, which always are. */
  readonly hosts?: readonly string[];
  /** Where it is mounted, such as '/admin/queue', in a server that does not take the prefix away as Express does. Default ''. */
  readonly basePath?: string;
  /** Only look: no act is carried out. Default false. */
  readonly readOnly?: boolean;
  /** Show no arguments, values, checkpoints and details of progress. Default false. */
  readonly hideArguments?: boolean;
}

/** A handler for `node:http`, Express and Connect; others reach it by their raw request and response: docs/ui.md. */
export interface Ui<Request extends UiRequest = UiRequest> {
  /** @throws UsageError for what is no request of `node:http` */
  (request: Request, response: UiResponse, next?: (error?: unknown) => void): void;
  /** Lets go of the store, and ends the streams of all pages. */
  close(): Promise<void>;
}

/**
 * The page as one handler for all of its requests: its files, its data, its acts and its stream of events. It opens the store with the first
 * request that asks for data, and looks at it only while somebody looks at the page.
 *
 * @throws UsageError for an option that is wrong or unknown, or where nothing says who may see the page. What is wrong with the settings of the
 *   app, its requests are answered with
 */
export function createUi<Request extends UiRequest = UiRequest>(options: UiOptions<Request>): Ui<Request> {
  return createOwnUi(options).ui;
}

/** For a server of its own: whoever starts that is about to see the page. */
export interface OwnUi<Request extends UiRequest = UiRequest> {
  readonly ui: Ui<Request>;
  /** Begins to look at the store, as if somebody had opened the page now. Never rejects. */
  begin(): Promise<void>;
}

/**
 * @param sendingOf as of a desk; default: as the tasks that this process has registered say
 * @throws UsageError as `createUi`
 */
export function createOwnUi<Request extends UiRequest = UiRequest>(
  options: UiOptions<Request>,
  sendingOf: SendingOf = registeredSending,
): OwnUi<Request> {
  checkOptions(options);
  const { app = createApp(), basePath = '', readOnly = false, hideArguments = false } = options;
  const access = accessOf(options);
  const settings = kept(() => app.settings());
  const desk = lateDesk(async () => openFor(await settings(), hideArguments, sendingOf));
  const handler = handlerOf({
    desk,
    access,
    basePath: checkBasePath(basePath),
    facts: async () => ({
      version: await versionOfPage(),
      place: placeText(await settings()),
      placeOption: placeOption(placeText(await settings())),
      isReadOnly: readOnly,
      hidesArguments: hideArguments,
    }),
  });
  const close = async (): Promise<void> => {
    handler.close();
    await desk.close();
  };
  const handle = (request: Request, response: UiResponse, next?: (error?: unknown) => void): void => {
    const pair = nodePair(request, response);
    handler(pair.request, pair.response, next);
  };
  const begin = async (): Promise<void> => {
    await desk.jobs({}, null).catch(() => undefined); // The summary tells what is wrong.
    await desk.summary();
  };
  return { ui: Object.assign(handle, { close }), begin };
}

const OPTIONS: Readonly<Record<keyof UiOptions, true>> = {
  app: true,
  authorize: true,
  token: true,
  hosts: true,
  basePath: true,
  readOnly: true,
  hideArguments: true,
};

/** A page that was to be read-only must not be open to all because of a letter. @throws UsageError */
function checkOptions(given: unknown): void {
  if (isAnyRequest(given))
    throw new UsageError(
      'Expected the options of createUi, got a request: createUi itself is mounted. Call `createUi({ authorize: … })` once, and mount what it returns',
    );
  if (!isOptions(given)) return refuse('the options of createUi', 'an object', given);
  const known = Object.keys(OPTIONS);
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new UsageError(`Unknown option ${format(unknown)} of createUi${knownInstead(unknown, known)}`);
  for (const name of ['readOnly', 'hideArguments'] as const)
    if (!['boolean', 'undefined'].includes(typeof given[name])) refuse(`\`${name}\``, 'true or false', given[name]);
  if (given['app'] !== undefined && typeof peek(given['app'], 'settings') !== 'function')
    refuse('`app`', 'an app, as createApp gives it', given['app']);
  if (given['hosts'] !== undefined && !isArray(given['hosts']))
    refuse('`hosts`', "an array of names such as 'admin.example.com'", given['hosts']);
}

/** Its code is loaded with the first request: a program that mounts the page starts as quickly as before. */
async function openFor(settings: Settings, hidesArguments: boolean, sendingOf: SendingOf): Promise<Desk> {
  const { openDesk } = await import('./desk/open-desk.ts');
  const options = { ...brokerOptions(settings), looksAtOnce: true, mustExist: true };
  return openDesk({ open: () => openBroker(options), settings, hidesArguments, sendingOf });
}

/** A server that sends jobs of a task has registered it. */
async function registeredSending({ task }: ReadSchedule): Promise<TaskSending | null> {
  const known = registry().tasks.get(task);
  return known === undefined ? null : (known.sending ?? {});
}

function accessOf<Request extends UiRequest>({ authorize, token, hosts = [] }: UiOptions<Request>): Access {
  const names = new Set([...OWN_HOSTS, ...hosts.map(checkHost)]);
  if (authorize !== undefined && token !== undefined)
    throw new UsageError('Expected `authorize` or `token`, got both: say who may see the page in one way');
  if (authorize !== undefined) {
    if (typeof authorize !== 'function') return refuse('`authorize`', 'a function', authorize);
    // What the program's server made of a request, its own types say; here it only passes through.
    return { hosts: names, isKnown: (request: unknown) => isAllowed(authorize, request as Request) };
  }
  if (token === undefined)
    throw new UsageError(
      'Expected `authorize` or `token`: whoever sees the page can run jobs. `authorize: (request) => …` asks your own login, `token` asks for a text',
    );
  const session = new Session(checkToken(token, '`token`'));
  return {
    hosts: names,
    isKnown: ({ headers }, door) => session.knows(headers, door),
    login: (text, path, isEncrypted) =>
      session.isToken(text) ? { cookie: session.cookie(path, isEncrypted), door: session.door } : null,
  };
}

/** What went wrong is told to the program, and not to those who ask: they may be anybody. */
async function isAllowed<Request>(authorize: (request: Request) => unknown, request: Request): Promise<boolean> {
  let answer: unknown;
  try {
    answer = await authorize(request);
  } catch (error) {
    warnOnce(
      `\`authorize\` of the page failed, and nobody sees the page so: ${reasonOf(error)}`,
      'FSQ_USAGE',
      'authorize failed',
    );
    throw new FsqError(
      'FSQ_USAGE',
      '`authorize` of the program that serves this page failed: a warning of that program says why.',
    );
  }
  if (answer === true || answer === false || answer === undefined || answer === null) return answer === true;
  warnOnce(
    `Expected \`authorize\` of the page to give true or false, got ${format(answer)}: only true lets somebody see the page`,
    'FSQ_USAGE',
    'authorize gave another',
  );
  return false;
}

function checkHost(host: string): string {
  const name = typeof host === 'string' ? hostName(host) : null;
  return name ?? refuse('`hosts`', "names such as 'admin.example.com'", host);
}

function checkBasePath(path: string): string {
  if (path === '' || path === '/') return '';
  if (typeof path === 'string' && /^(?:\/[\w.~%-]+)+\/?$/.test(path)) return path.replace(/\/$/, '');
  throw new UsageError(`Expected \`basePath\` to be a path such as '/admin/queue', got ${format(path)}`);
}

/** A value that is made once, and again where that failed. */
function kept<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = null;
      throw error;
    });
    return made;
  };
}
