/** The names of the spool: where each thing lies and what its name says. Pure; every name that is read passes through here. */
import type { Standing } from '../job/job.ts';
import { isId, isQueueName } from '../job/names.ts';

export const DIRECTORIES = [
  'tmp',
  'pending',
  'delayed',
  'running',
  'results',
  'corrupt',
  'spare',
  'cancel',
  'queues',
  'limits',
  'logs',
  'progress',
  'checkpoints',
  'workers',
  'keys',
  'journal',
  'schedules',
  'statistics',
  'moving',
] as const;

/** Made when a job, a schedule, a worker or a move to another place needs them first: a spool that uses none of it has none. */
export const MADE_AT_FIRST_USE: ReadonlySet<string> = new Set([
  'progress',
  'checkpoints',
  'schedules',
  'statistics',
  'moving',
]);

/** The directories of files that lie beside a job, each named by the job's id and an ending. They go when its outcome is forgotten. */
export const BESIDE = ['progress', 'checkpoints', 'logs'] as const;
export type BesideFolder = (typeof BESIDE)[number];
const BESIDE_ENDINGS: Readonly<Record<BesideFolder, string>> = {
  progress: '.json',
  checkpoints: '.json',
  logs: '.log',
};

/** What lies in spare/ under this name is held back for a full disk (room.ts); all else there are batches of files. */
export const RESERVE = 'reserve';

/** Absolute paths of a spool's parts. */
export type Layout = Readonly<Record<(typeof DIRECTORIES)[number] | 'root' | 'formatFile', string>>;

export function layoutOf(root: string): Layout {
  const paths = Object.fromEntries(DIRECTORIES.map((name) => [name, `${root}/${name}`]));
  return { ...paths, root, formatFile: `${root}/fsq.json` } as Layout;
}

/** What a job's file name says. */
export interface JobName extends Standing {
  readonly id: string;
}

/** The id is one as `isId` knows it: a second look at each of very many names would take as long as this one. */
const JOB =
  /^([0-9])\.([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\.([a-z0-9_-]{1,64})\.(\d{1,9})\.(\d{1,9})\.json$/;
const DELAYED = /^(\d{13})\.(.+)$/;
const OWNER = /^\d{1,10}-[0-9a-f]{16}$/;
const OWNER_DIRECTORY = /^(\d{1,10}-[0-9a-f]{16})(?:~(\d{1,10}-[0-9a-f]{16}))?$/;

/** `<priority>.<id>.<queue>.<attempt>.<crashes>.json`: sorted as text, the next job comes first. */
export function jobFileName({ priority, id, queue, attempt, crashes }: JobName): string {
  return `${priority}.${id}.${queue}.${attempt}.${crashes}.json`;
}

/** Null unless `fileName` is the well-formed name of a job. */
export function parseJobFileName(fileName: string): JobName | null {
  const match = JOB.exec(fileName);
  if (match === null) return null;
  const [, priority, id = '', queue = '', attempt, crashes] = match;
  if (!isQueueName(queue)) return null;
  return { priority: Number(priority), id, queue, attempt: Number(attempt), crashes: Number(crashes) };
}

/** Largest attempt that nine digits hold. */
const MAX_ATTEMPT = 999_999_999;

/** The name under which a job is claimed. The largest attempt, which only a forged name has, stays: no job's name has ten digits there. */
export function nextAttempt(name: JobName): JobName {
  return { ...name, attempt: Math.min(MAX_ATTEMPT, name.attempt + 1) };
}

/** Largest due time that 13 digits hold: the year 2286. */
const MAX_DUE_MS = 9_999_999_999_999;

/** A job that waits for the end of another lies in delayed/ under this time, after all that wait for a time. */
export const AFTER_ANOTHER_MS: number = MAX_DUE_MS;

export function delayedFileName(dueAtMs: number, name: JobName): string {
  return `${timeDigits(dueAtMs)}.${jobFileName(name)}`;
}

/** A time as it stands in a name. */
export function timeDigits(ms: number): string {
  return String(Math.min(MAX_DUE_MS, Math.max(0, Math.ceil(ms)))).padStart(13, '0');
}

export function parseDelayedFileName(
  fileName: string,
): { readonly dueAtMs: number; readonly name: JobName; readonly jobFile: string } | null {
  const match = DELAYED.exec(fileName);
  const jobFile = match?.[2] ?? '';
  const name = parseJobFileName(jobFile);
  return match === null || name === null ? null : { dueAtMs: Number(match[1]), name, jobFile };
}

const MOVE = /^([0-9a-f-]{36})\.(\d{1,10}-[0-9a-f]{16})\.json$/;

/** The note in moving/ of a move to or from another place: its id, and the process that works at it, or did so last. */
export function moveFileName({ id, owner }: MoveName): string {
  return `${id}.${owner}.json`;
}

export interface MoveName {
  readonly id: string;
  readonly owner: string;
}

export function parseMoveFileName(fileName: string): MoveName | null {
  const [, id = '', owner = ''] = MOVE.exec(fileName) ?? [];
  return isId(id) ? { id, owner } : null;
}

export function resultFileName(id: string): string {
  return `${id}.json`;
}

/** The id of `<id>.json`, or null. */
export function parseResultFileName(fileName: string): string | null {
  const id = fileName.slice(0, -'.json'.length);
  return fileName.endsWith('.json') && isId(id) ? id : null;
}

export function besidePath(layout: Layout, folder: BesideFolder, id: string): string {
  return `${layout[folder]}/${id}${BESIDE_ENDINGS[folder]}`;
}

/** The id of the job beside which a file of this name in `folder` lies, or null. */
export function parseBesideName(folder: BesideFolder, fileName: string): string | null {
  const ending = BESIDE_ENDINGS[folder];
  const id = fileName.slice(0, -ending.length);
  return fileName.endsWith(ending) && isId(id) ? id : null;
}

export function ownerName(pid: number, incarnation: string): string {
  return `${pid}-${incarnation}`;
}

export function isOwnerName(text: string): boolean {
  return OWNER.test(text);
}

/**
 * What the name of a directory in `running/` says. `<owner>` is the owner's own. `<owner>~<recoverer>` was fenced by a recoverer,
 * and is recovered by another one only if that recoverer is dead.
 */
export function parseOwnerDirectory(
  directory: string,
): { readonly owner: string; readonly recoverer: string | null } | null {
  const match = OWNER_DIRECTORY.exec(directory);
  return match === null ? null : { owner: match[1] ?? '', recoverer: match[2] ?? null };
}

export function fencedDirectory(owner: string, recoverer: string): string {
  return `${owner}~${recoverer}`;
}
