/** The options of a job in words, as its call or its task gave them. Pure. */
import { idsAfter, type Takes } from '../../../job/edges.ts';
import type { Backoff, JobOptions } from '../../../job/job-options.ts';
import { some, span, timeShown } from '../../../job/text.ts';

const TAKEN: Readonly<Record<Takes, string>> = {
  value: 'the value of the job before it',
  values: 'the values of the jobs before it',
  error: 'the first failure of the jobs before it',
};

/** Those that were given, each with its name as a call writes it. */
export function optionWords(options: JobOptions): readonly (readonly [name: string, text: string])[] {
  const { etaMs, expiresAtMs, retries, backoff, onCrash, timeLimitMs, softTimeLimitMs } = options;
  const { key, limitKey, ignoreResult, resultTtlMs, takes, next } = options;
  const after = idsAfter(options);
  const words: readonly (readonly [string, string | undefined])[] = [
    ['eta', etaMs === undefined ? undefined : timeShown(etaMs)],
    ['expires', expiresAtMs === undefined ? undefined : timeShown(expiresAtMs)],
    ['retries', retries === undefined ? undefined : String(retries)],
    ['backoff', backoff === undefined ? undefined : backoffText(backoff)],
    ['onCrash', onCrash],
    ['timeLimit', timeLimitMs === undefined ? undefined : span(timeLimitMs)],
    ['softTimeLimit', softTimeLimitMs === undefined ? undefined : span(softTimeLimitMs)],
    ['key', key],
    ['limitKey', limitKey],
    ['resultTtl', typeof resultTtlMs === 'number' ? span(resultTtlMs) : undefined],
    ['ignoreResult', ignoreResult === undefined ? undefined : String(ignoreResult)],
    ['after', after.length === 0 ? undefined : some(after.length, 'job')],
    ['takes', takes === undefined ? undefined : TAKEN[takes]],
    ['next', next === undefined ? undefined : some(next.length, 'job')],
  ];
  return words.flatMap(([name, text]) => (text === undefined ? [] : [[name, text] as const]));
}

function backoffText({ initialMs, factor, maxMs, jitter }: Backoff): string {
  const growth = factor === 1 ? '' : `, times ${factor} each time, ${span(maxMs)} at most`;
  return `${span(initialMs)}${growth}${jitter ? ', a random part of it' : ''}`;
}
