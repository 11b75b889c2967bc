/** Which path asks the desk for what. */
import { refuse } from '../../job/errors.ts';
import type { Desk } from '../desk.ts';
import { jobPathOf, queryOf } from './parse.ts';

/** Gives the document, or null where there is none of what is asked for. @throws UsageError for parameters that are wrong */
type Read = (desk: Desk, parameters: URLSearchParams) => Promise<unknown>;

const READS: Readonly<Record<string, Read>> = {
  '/api/summary': (desk) => desk.summary(),
  '/api/jobs': (desk, parameters) => desk.jobs(queryOf(parameters, ['before']), parameters.get('before')),
  '/api/count': (desk, parameters) => desk.count(queryOf(parameters)),
  '/api/failures': (desk, parameters) => desk.failures(queryOf(parameters)),
  '/api/schedules': (desk) => desk.schedules(),
  '/api/store': (desk) => desk.store(),
};

/** Null for a path that asks for nothing here. */
export function readAt(path: string): Read | null {
  if (Object.hasOwn(READS, path)) return READS[path] ?? null;
  const job = jobPathOf(path);
  if (job === null) return null;
  if (job.isLog) return (desk, parameters) => desk.log(job.id, positionOf(parameters.get('position')));
  return (desk) => desk.job(job.id);
}

function positionOf(text: string | null): number {
  const position = Number(text ?? 0);
  return Number.isSafeInteger(position) && position >= 0
    ? position
    : refuse('`position`', 'where an earlier part of the log ended', text);
}
