/** Whether fsq kept its word at one point: what the process under fire said, held against what the server has in the end. */
import { isDeepStrictEqual } from 'node:util';
import type { Broker } from '../../../src/broker/broker.ts';
import type { JobRecord } from '../../../src/job/job.ts';
import type { Operation, Prepared } from './catalogue.ts';
import type { FaultPlace } from './place.ts';
import { openAt, type Run } from './worker.ts';

export interface Evidence {
  readonly operation: Operation;
  readonly prepared: Prepared;
  readonly broker: Broker;
  /** What the process under fire said, line by line. */
  readonly said: readonly string[];
  readonly hasEnded: boolean;
  readonly isKilled: boolean;
  /** What the worker ran after it. */
  readonly runs: readonly Run[];
  readonly isDrained: boolean;
  /** Jobs that must have an outcome. */
  readonly wanted: readonly string[];
  /** All jobs that there may be. */
  readonly ids: readonly string[];
}

/** What says that the call may have done all of it. */
const HONEST = /uncertain|not surely [^,]+, call again/i;
/** After so long nothing counts as alive that was there under fire. */
const MUCH_LATER_MS = 120_000;

/** Every broken promise, one sentence each; [] when all were kept. */
export async function violationsOf(evidence: Evidence, place: FaultPlace, address: string): Promise<readonly string[]> {
  const { broker, wanted, ids, hasEnded, isDrained, said } = evidence;
  const broken: string[] = [];
  if (!hasEnded) broken.push('the process does not end');
  if (!isDrained) broken.push(`not drained: ${JSON.stringify(await Promise.all(ids.map((id) => broker.find(id))))}`);
  for (const id of ids) {
    const record = await broker.outcome(id);
    if (record !== null) broken.push(...outcomeOf(id, record, evidence));
    else if (wanted.includes(id)) broken.push(`${id} has no outcome`);
  }
  broken.push(...said.filter((line) => line.startsWith('failed untyped')));
  if (!evidence.isKilled) broken.push(...said.filter((line) => line.startsWith('failed') && !HONEST.test(line)));
  return [...broken, ...(await leftIn(place, address, ids))];
}

function outcomeOf(id: string, record: JobRecord, evidence: Evidence): readonly string[] {
  const { prepared, said, runs } = evidence;
  const { outcome } = record;
  const broken: string[] = [];
  const planted = prepared.planted.find((one) => one.id === id);
  const state = outcome?.state ?? 'none';
  if (!(planted?.ends ?? ['succeeded']).includes(state)) broken.push(`${id} ends as ${state}`);
  const ran = runs.filter((run) => run.id === id);
  if (ran.length > 1) broken.push(`${id} ran ${ran.length} times after the fault`);
  const isByDrain = ran.length === 1;
  const value = isByDrain ? { by: 'drain', args: record.job.args } : { by: 'op' };
  if (outcome?.state === 'succeeded' && !isDeepStrictEqual(outcome.value, value))
    broken.push(`${id} has the value ${JSON.stringify(outcome.value)}`);
  if (said.includes(`settled ${id}`) && kindOf(prepared) === 'publish' && isByDrain)
    broken.push(`${id} ran after it was settled`);
  if (said.some((line) => line.startsWith(`answer ${id} re`)) && state !== 'revoked')
    broken.push(`${id} was revoked and ends as ${state}`);
  broken.push(...deathOf(id, ran[0]?.attempt, evidence));
  if (said.includes(`answer ${id} back`) && !isByDrain) broken.push(`${id} was sent back and did not run`);
  if (said.includes(`answer ${id} forgotten`)) broken.push(`${id} was forgotten and is there`);
  const numbers = record.attempts.map(({ attempt }) => attempt);
  if (numbers.some((attempt, i) => attempt <= (numbers[i - 1] ?? 0)))
    broken.push(`${id} has the attempts ${numbers.join(' ')}`);
  const begun = ran[0]?.attempt;
  if (begun !== undefined && numbers.at(-1) !== begun)
    broken.push(`${id} ran attempt ${begun}, told: ${numbers.join(' ')}`);
  return broken;
}

/** A run whose process dies is counted, as one that ends is. */
function deathOf(id: string, next: number | undefined, { said, isKilled, prepared }: Evidence): readonly string[] {
  const begun = Number(said.find((line) => line.startsWith(`run ${id} `))?.split(' ')[2]);
  if (!isKilled || next === undefined || Number.isNaN(begun) || kindOf(prepared) === 'park') return [];
  return next === begun + 1 ? [] : [`${id} lost attempt ${begun}, and runs as attempt ${next} after it`];
}

function kindOf({ input }: Prepared): string {
  return (input as { readonly settlement?: { readonly kind: string } }).settlement?.kind ?? 'publish';
}

/** What is left behind after a round of tidying. */
async function leftIn(place: FaultPlace, address: string, ids: readonly string[]): Promise<readonly string[]> {
  const later = await openAt(address, { aheadMs: MUCH_LATER_MS });
  try {
    await place.makeOld(address, MUCH_LATER_MS);
    await later.tidy();
    return await place.leftIn(address, ids);
  } finally {
    await later.close();
  }
}
