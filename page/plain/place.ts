/**
 * Where one is on the page, as the fragment of its address: `#/jobs?state=failed&task=mail.send`. The fragment never reaches the server,
 * so an address can be shared and reloaded under any base path, and `<base>` is not needed. Pure.
 */
import type { JobQuery, StateName } from '../../src/ui/wire.ts';

export const SCREENS = ['overview', 'jobs', 'failures', 'schedules', 'workers', 'spool'] as const;
export type ScreenName = (typeof SCREENS)[number];

/** The heading of the screen of this name, where `store` keeps the jobs: a path, or an address of BullMQ. */
export function storeTitle(store: string): string {
  return store.startsWith('bullmq+') ? 'BullMQ' : 'Spool';
}

export type Place =
  | { readonly screen: Exclude<ScreenName, 'jobs' | 'failures'> }
  | { readonly screen: 'failures'; readonly query: JobQuery }
  | { readonly screen: 'jobs'; readonly query: JobQuery; readonly before: string | null }
  | { readonly screen: 'job'; readonly id: string };

export const STATES: readonly StateName[] = [
  'pending',
  'delayed',
  'parked',
  'running',
  'succeeded',
  'failed',
  'revoked',
  'expired',
];

/** What comes without a fragment, or with one that says nothing, is the overview. */
export function placeOf(fragment: string): Place {
  const [path = '', search = ''] = fragment.replace(/^#?\/?/, '').split(/\?(.*)/s);
  const [screen = '', id = ''] = path.split(/\/(.*)/s);
  const params = new URLSearchParams(search);
  if (screen === 'jobs' && id !== '') return { screen: 'job', id: decoded(id) };
  if (screen === 'jobs') return { screen: 'jobs', query: queryOf(params), before: params.get('before') };
  if (screen === 'failures') return { screen: 'failures', query: queryOf(params) };
  return { screen: isPlain(screen) ? screen : 'overview' };
}

export function fragmentOf(place: Place): string {
  if (place.screen === 'job') return `#/jobs/${encodeURIComponent(place.id)}`;
  if (place.screen === 'overview') return '#/';
  if (place.screen === 'jobs' || place.screen === 'failures') {
    const params = paramsOf(place.query);
    if (place.screen === 'jobs' && place.before !== null) params.set('before', place.before);
    const search = params.toString();
    return `#/${place.screen}${search === '' ? '' : `?${search}`}`;
  }
  return `#/${place.screen}`;
}

/** For a link to jobs. */
export function jobsAt(query: JobQuery): string {
  return fragmentOf({ screen: 'jobs', query, before: null });
}

export function jobAt(id: string): string {
  return fragmentOf({ screen: 'job', id });
}

/** The token in an address, whole or its fragment alone; null where there is none. */
export function tokenIn(address: string): string | null {
  const token = /#token=(.+)$/s.exec(address)?.[1];
  return token === undefined ? null : decoded(token);
}

const MANY = { state: 'states', task: 'tasks', queue: 'queues' } as const;
export const ONE = ['worker', 'key', 'since', 'error', 'text', 'group'] as const;

/** The same names and forms as `GET api/jobs` has. */
export function paramsOf(query: JobQuery): URLSearchParams {
  const params = new URLSearchParams();
  if (query.states !== undefined && query.states.length > 0) params.set('state', query.states.join(','));
  for (const task of query.tasks ?? []) params.append('task', task);
  for (const queue of query.queues ?? []) params.append('queue', queue);
  for (const name of ONE) {
    const value = query[name];
    if (value !== undefined && value !== '') params.set(name, value);
  }
  return params;
}

/** What is empty or unknown is not asked. */
export function queryOf(params: URLSearchParams): JobQuery {
  const states = params.getAll('state').flatMap((text) => text.split(',').filter(isState));
  const many = (name: 'task' | 'queue'): readonly string[] => params.getAll(name).filter((value) => value !== '');
  const lists = { states, tasks: many('task'), queues: many('queue') };
  const query: Record<string, string | readonly string[]> = {};
  for (const name of Object.values(MANY)) if (lists[name].length > 0) query[name] = lists[name];
  for (const name of ONE) {
    const value = params.get(name);
    if (value !== null && value !== '') query[name] = value;
  }
  return query;
}

/** What of an address is no filter, in sentences: it says more than is shown, and a list of all jobs would hide that. */
export function strangeParts(fragment: string): readonly string[] {
  const params = new URLSearchParams(fragment.split(/\?(.*)/s)[1] ?? '');
  const known = [...Object.keys(MANY), ...ONE];
  const names = [...new Set(params.keys())].filter((name) => name !== 'before' && !known.includes(name));
  const states = params
    .getAll('state')
    .flatMap((text) => text.split(',').filter((part) => part !== '' && !isState(part)));
  return [
    ...names.map((name) => `There is no filter "${name}" (there are ${known.join(', ')}).`),
    ...states.map((state) => `There is no state "${state}" (there are ${STATES.join(', ')}).`),
  ];
}

/** The query with a part changed; an empty value takes the part away. */
export function withPart(query: JobQuery, part: keyof JobQuery, value: string | readonly string[]): JobQuery {
  const { [part]: _, ...rest } = query;
  return value.length === 0 ? rest : { ...rest, [part]: value };
}

export function hasParts(query: JobQuery): boolean {
  return paramsOf(query).size > 0;
}

function isState(name: string): name is StateName {
  return (STATES as readonly string[]).includes(name);
}

function isPlain(name: string): name is Exclude<ScreenName, 'jobs' | 'failures'> {
  return name !== 'jobs' && name !== 'failures' && (SCREENS as readonly string[]).includes(name);
}

/** A fragment that somebody has typed may have a % that means nothing. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
