/** `fsq pause` and `fsq resume`: no job of these queues is begun, by any worker, until they are resumed. */
import { checkQueue } from '../../job/names.ts';
import type { Command, Context } from '../command.ts';
import { EXIT } from '../exit.ts';
import { withSpool } from '../lookup.ts';

/** More would be a list of something else. */
const MOST_QUEUES = 100;

/** What `fsq pause` or `fsq resume` did to one queue. */
interface Change {
  readonly queue: string;
  readonly paused: boolean;
  /** False: it was so already. */
  readonly changed: boolean;
  /** Ready jobs of it. */
  readonly pending: number;
}

const shared = {
  args: { least: 1, most: MOST_QUEUES },
  options: { json: { type: 'boolean', help: 'print one JSON document: [{ queue, paused, changed, pending }]' } },
} as const;

export const pause: Command = {
  ...shared,
  name: 'pause',
  usage: 'fsq pause QUEUE… [options]',
  examples: [
    ['fsq pause mail', 'what runs goes on; jobs may still be sent, and wait'],
    ['fsq pause mail reports --json | jq .[].pending', 'how many jobs of each are held'],
  ],
  notes: [
    'It holds until `fsq resume`, also for workers that start later, and for a queue that has no jobs yet. `fsq status` shows it.',
    'Workers hear of it within milliseconds, or within a second where the file system does not tell of changes.',
  ],
  choices: (context) => choices(context, true),
  run: (context) => change(context, true),
};

export const resume: Command = {
  ...shared,
  name: 'resume',
  usage: 'fsq resume QUEUE… [options]',
  examples: [['fsq resume mail default', 'both run again']],
  choices: (context) => choices(context, false),
  run: (context) => change(context, false),
};

async function change(context: Context, paused: boolean): Promise<number> {
  const queues = context.args.map(checkQueue);
  return withSpool(context, async (broker) => {
    const { queues: ready } = await broker.backlog();
    const changes: Change[] = [];
    for (const queue of queues) {
      const changed = paused ? await broker.pause(queue) : await broker.resume(queue);
      changes.push({ queue, paused, changed, pending: ready[queue] ?? 0 });
    }
    context.print(changes, () => changes.map((one) => `${textOf(one)}\n`).join(''));
    return EXIT.good;
  });
}

/** The queues that may be meant where none was said. */
async function choices(context: Context, paused: boolean): Promise<string> {
  const known = await withSpool(context, async (broker) => {
    const held = await broker.paused();
    return paused ? Object.keys((await broker.backlog()).queues).filter((queue) => !held.includes(queue)) : held;
  }).catch((): readonly string[] => []); // Without a spool there are none.
  const which = paused ? 'with ready jobs' : 'that are paused';
  return known.length === 0 ? '' : `Queues ${which}: ${known.toSorted().join(', ')}.`;
}

function textOf({ queue, paused, changed, pending }: Change): string {
  const jobs = `${pending === 0 ? 'no' : pending} ready ${pending === 1 ? 'job' : 'jobs'}`;
  if (!changed) return `${queue} was ${paused ? 'paused already' : 'not paused'}; it has ${jobs}`;
  return paused ? `${queue} is paused; it has ${jobs}` : `${queue} goes on; it has ${jobs}`;
}
