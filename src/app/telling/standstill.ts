/** Waits for jobs that surely do not begin: asked of the place where they are, and told. */
import type { Broker } from '../../broker/broker.ts';
import { standstillText, warnOnce } from './warnings.ts';

type Place = Pick<Broker, 'place' | 'owners'>;

/** How long a wait may be silent where no worker lives, ms. */
export const TELL_AFTER_MS = 3_000;

/** Warns where surely no job begins. */
export async function tellOfStandstill(source: Place): Promise<void> {
  const text = await standstillAt(source);
  if (text !== null) warnOnce(`${text}.`, 'FSQ_NO_WORKER', source.place);
}

const asking = new WeakMap<Place, Promise<string | null>>();

/** Why surely no job begins now; null where one may. Waits share one answer: it takes a descriptor for each worker. */
export function standstillAt(source: Place): Promise<string | null> {
  const answer = asking.get(source) ?? askAt(source).finally(() => asking.delete(source));
  asking.set(source, answer);
  return answer;
}

async function askAt(source: Place): Promise<string | null> {
  try {
    return standstillText(await source.owners(), source.place);
  } catch {
    return null; // The wait itself runs into the same error, and tells it.
  }
}
