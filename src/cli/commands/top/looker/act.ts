/** Changes that somebody has asked for, carried out, and in a sentence what came of them. */
import type { Broker } from '../../../../broker/broker.ts';
import type { FsqError } from '../../../../job/errors.ts';
import { some } from '../../../../job/text.ts';
import { reasonOf } from '../../../../job/values/realm.ts';
import type { Act, NamedPattern, Report } from './reports.ts';

type Done = Omit<Extract<Report, { kind: 'done' }>, 'kind'>;

/** Never throws. */
export async function carryOut(broker: Broker, act: Act, nowMs: number): Promise<Done> {
  try {
    return await done(broker, act, nowMs);
  } catch (error) {
    return { text: reasonOf(error), isBad: true };
  }
}

function done(broker: Broker, act: Act, nowMs: number): Promise<Done> {
  switch (act.kind) {
    case 'retry':
      return retried(broker, act.ids);
    case 'revoke':
    case 'kill':
      return revoked(broker, act.ids, act.kind === 'kill');
    case 'forget':
      return forgotten(broker, act.ids);
    case 'pause':
    case 'resume':
      return queuesChanged(broker, act.queues, act.kind === 'pause');
    case 'pause-schedules':
    case 'resume-schedules':
      return schedulesChanged(broker, act.schedules, act.kind === 'pause-schedules', nowMs);
  }
}

async function retried(broker: Broker, ids: readonly string[]): Promise<Done> {
  const answers = await broker.retry(ids);
  const refused = [...answers.values()].filter((answer): answer is FsqError => answer !== null);
  return sentence(
    [`${some(answers.size - refused.length, 'job')} sent back`],
    [refused[0] === undefined ? null : `${refused.length} refused: ${refused[0].message}`, missing(ids, answers)],
  );
}

async function revoked(broker: Broker, ids: readonly string[], terminate: boolean): Promise<Done> {
  const answers = await broker.revoke(ids, { terminate });
  const count = counter(answers);
  const told = terminate ? 'being killed' : 'told to end';
  return sentence(
    [
      count('revoked') === 0 ? null : `${some(count('revoked'), 'job')} revoked`,
      count('requested') === 0 ? null : `${some(count('requested'), 'job')} ${told}`,
    ],
    [count('ended') === 0 ? null : `${some(count('ended'), 'job')} had ended before`, missing(ids, answers)],
  );
}

async function forgotten(broker: Broker, ids: readonly string[]): Promise<Done> {
  const answers = await broker.forget(ids);
  const count = counter(answers);
  return sentence(
    [`${some(count('forgotten'), 'job')} forgotten`],
    [
      count('unfinished') === 0 ? null : `${some(count('unfinished'), 'job has', 'jobs have')} not ended`,
      count('recorded') === 0 ? null : `${count('recorded')} still in the journal: again in a few seconds`,
      missing(ids, answers),
    ],
  );
}

async function queuesChanged(broker: Broker, queues: readonly string[], paused: boolean): Promise<Done> {
  for (const queue of queues) await (paused ? broker.pause(queue) : broker.resume(queue));
  return sentence([changeText(queues, 'queue', paused)]);
}

async function schedulesChanged(
  { schedules: store }: Broker,
  schedules: readonly NamedPattern[],
  paused: boolean,
  nowMs: number,
): Promise<Done> {
  for (const { name, pattern } of schedules) {
    // What was due while it was paused, and no worker ran, is no missed instant.
    if (!paused) await store.pass({ schedule: name, atMs: nowMs, pattern });
    await (paused ? store.pause(name) : store.resume(name));
  }
  return sentence([
    changeText(
      schedules.map(({ name }) => name),
      'schedule',
      paused,
    ),
  ]);
}

function changeText(names: readonly string[], what: string, paused: boolean): string {
  const which = names.length === 1 ? `${what} ${names[0]}` : some(names.length, what);
  return paused ? `${which} paused` : `${which} resumed`;
}

function counter<T>(answers: ReadonlyMap<string, T>): (wanted: T) => number {
  return (wanted) => [...answers.values()].filter((answer) => answer === wanted).length;
}

function missing(ids: readonly string[], answers: ReadonlyMap<string, unknown>): string | null {
  const count = ids.length - answers.size;
  return count <= 0 ? null : `${some(count, 'job is', 'jobs are')} there no more`;
}

/** @param bad what somebody did not ask for */
function sentence(good: readonly (string | null)[], bad: readonly (string | null)[] = []): Done {
  const isThere = (part: string | null): part is string => part !== null;
  return { text: [...good, ...bad].filter(isThere).join(', '), isBad: bad.some(isThere) };
}
