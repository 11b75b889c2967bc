/** A new job that is like another but for its arguments: the old one stays as it is. */
import type { Broker, NewJob, Sighting } from '../../broker/broker.ts';
import { SpoolError, UnknownJobError } from '../../job/errors.ts';
import { mayHaveOwnTtl } from '../../job/names.ts';
import { checkedArguments } from '../../job/values/payload.ts';

/** The header of a job that was sent anew, which names the one that it was made of. */
export const RETRY_OF = 'fsq.retry-of';

/** What is sent: its task, queue, priority, headers and options but for times, key and what it comes after. */
export type Original = Pick<Sighting, 'id' | 'standing'> & Pick<NonNullable<Sighting['record']>, 'job'>;

/** The job as it is now, whatever its state. @throws UnknownJobError when there is none; SpoolError (FSQ_CORRUPT_JOB) when it cannot be read */
export async function originalOf(broker: Pick<Broker, 'find' | 'place'>, id: string): Promise<Original> {
  const found = await broker.find(id);
  if (found === null) throw new UnknownJobError(id, broker.place);
  if (found.record === null)
    throw new SpoolError(
      'FSQ_CORRUPT_JOB',
      `No job like ${id} can be sent: it cannot be read, so its task is not known. \`fsq show ${id}\` says why and where it is.`,
    );
  return { id, standing: found.standing, job: found.record.job };
}

/**
 * Sends the new one.
 *
 * @returns its id
 * @throws NotSerialisableError for arguments that JSON does not carry; SpoolError as `enqueue` does
 */
export async function sendAnew(
  broker: Pick<Broker, 'nextId' | 'enqueue'>,
  original: Original,
  args: readonly unknown[],
  nowMs: number,
): Promise<string> {
  const sent = anew(original, args, { id: broker.nextId(mayHaveOwnTtl(original.id)), enqueuedAtMs: nowMs });
  await broker.enqueue([sent]);
  return sent.job.id;
}

function anew(
  { id, standing: { queue, priority }, job: { task, headers, options } }: Original,
  args: readonly unknown[],
  about: Pick<NewJob['job'], 'id' | 'enqueuedAtMs'>,
): NewJob {
  const {
    etaMs: _eta,
    expiresAtMs: _expires,
    key: _key,
    after: _after,
    takes: _takes,
    shape: _shape,
    next: _next,
    ...kept
  } = options;
  const job = {
    ...about,
    task,
    args: checkedArguments(task, args),
    options: kept,
    headers: { ...headers, [RETRY_OF]: id },
  };
  return { job, queue, priority };
}
