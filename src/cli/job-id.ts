/** Job ids as people type them: whole, or a beginning that only one job has. */
import type { Broker } from '../broker/broker.ts';
import { UnknownJobError, UsageError } from '../job/errors.ts';
import { format } from '../job/text.ts';
import { isId } from '../job/names.ts';

/** How many candidates an ambiguous beginning is answered with. */
const MAX_CANDIDATES = 10;

/**
 * The id that `text` means.
 *
 * @throws UsageError when it cannot be an id or several jobs begin so; UnknownJobError when none does
 */
export async function jobId(broker: Pick<Broker, 'place' | 'idsByPrefix'>, text: string): Promise<string> {
  const wanted = text.toLowerCase();
  if (isId(wanted)) return wanted;
  if (!/^[0-9a-f][0-9a-f-]{0,35}$/.test(wanted)) {
    throw new UsageError(`Expected a job id or its beginning, such as 0199f3c2-8d1e, got ${format(text)}`);
  }
  const found = await broker.idsByPrefix(wanted, MAX_CANDIDATES + 1);
  const [first] = found;
  if (first === undefined) throw new UnknownJobError(`that begins with ${wanted}`, broker.place);
  if (found.length === 1) return first;
  const shown = found.toSorted().slice(0, MAX_CANDIDATES);
  throw new UsageError(
    `${wanted} is the beginning of ${found.length > MAX_CANDIDATES ? `more than ${MAX_CANDIDATES}` : found.length} jobs; give more of it:\n` +
      [...shown, ...(found.length > MAX_CANDIDATES ? ['…'] : [])].join('\n'),
  );
}
