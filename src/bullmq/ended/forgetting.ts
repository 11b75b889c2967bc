/** Forgetting outcomes, with all that lies beside them: those that somebody names, and what everybody forgets by time. */
import type { Forgetting } from '../../broker/broker.ts';
import type { Engine } from '../engine.ts';
import type { EndedPlace } from '../store.ts';

/** Jobs removed in one step of the datastore. */
const PAGE = 100;

/** @returns what came of each of `ids`; those that are nowhere are missing */
export async function forget(engine: Engine, ids: readonly string[]): Promise<ReadonlyMap<string, Forgetting>> {
  const answers = new Map<string, Forgetting>();
  const all = [...new Set(ids)];
  for (let from = 0; from < all.length; from += PAGE) await forgetPage(engine, all.slice(from, from + PAGE), answers);
  return answers;
}

async function forgetPage(engine: Engine, ids: readonly string[], answers: Map<string, Forgetting>): Promise<void> {
  for (let left = ids; left.length > 0;) {
    const ended: EndedPlace[] = [];
    for (const raw of await engine.queues.look(left)) {
      if (raw === null) continue;
      const { id, queue, finishedOn } = raw;
      if (raw.state === 'completed' || raw.state === 'failed') ended.push({ id, queue, finishedOn: finishedOn ?? 0 });
      else answers.set(id, 'unfinished');
    }
    const gone = new Set(await removeOutcomes(engine, ended));
    for (const id of gone) answers.set(id, 'forgotten');
    // Sent back just now, ended anew, or forgotten by another process.
    left = ended.flatMap(({ id }) => (gone.has(id) ? [] : [id]));
    for (const id of left) answers.set(id, 'forgotten');
  }
}

/** One that has not ended so any more stays. @returns the ids of those that are gone */
export async function removeOutcomes(engine: Engine, ended: readonly EndedPlace[]): Promise<readonly string[]> {
  const gone: string[] = [];
  for (const queue of new Set(ended.map((each) => each.queue))) {
    const those = ended.filter((each) => each.queue === queue);
    for (let from = 0; from < those.length; from += PAGE)
      gone.push(...(await engine.store.forget(queue, those.slice(from, from + PAGE))));
  }
  return gone;
}
