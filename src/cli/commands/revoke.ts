/** `fsq revoke`: stops jobs, whether they wait or run. */
import { UnknownJobError } from '../../job/errors.ts';
import type { Command, Context } from '../command.ts';
import { EXIT, reportText } from '../exit.ts';
import { jobIds, withSpool } from '../lookup.ts';

const MOST_IDS = 10_000;

export const revoke: Command = {
  name: 'revoke',
  summary: 'stop a job that waits or runs',
  usage: 'fsq revoke ID… [options]',
  examples: [
    ['fsq revoke 0199f3c2', 'what waits never starts; what runs is told to end'],
    ['fsq revoke 0199f3c2 --terminate', 'kill the process that runs it, with all it has started'],
    ['fsq ls -s pending -n 0 --json | jq -r .[].id | xargs -r fsq revoke', 'stop all that are ready'],
  ],
  args: { least: 1, most: MOST_IDS },
  options: {
    terminate: { type: 'boolean', help: 'kill the process that runs the job, instead of asking the task to end' },
    json: { type: 'boolean', help: 'print one JSON document: [{ id, result }]' },
  },
  notes: [
    'Prints what came of it: revoked (it has ended so and never runs again), requested (it runs and is told to end; `fsq get`',
    'waits for that) or ended (it had ended before, and nothing was changed). Exits 0 then, 3 when there is no job of one of the ids;',
    'the others are revoked all the same.',
    'No worker is needed to revoke what waits.',
  ],
  run: runRevoke,
};

function runRevoke(context: Context): Promise<number> {
  const { values, args, stderr } = context;
  return withSpool(context, async (broker) => {
    const { ids, missing } = await jobIds(broker, args);
    const unknown = [...missing];
    const revocations = await broker.revoke(ids, { terminate: values.flag('terminate') });
    const found = ids.flatMap((id) => {
      const result = revocations.get(id);
      if (result !== undefined) return [{ id, result }];
      unknown.push(new UnknownJobError(id, broker.place));
      return [];
    });
    context.print(found, () => found.map(({ id, result }) => `${id} ${result}\n`).join(''));
    for (const error of unknown) stderr.write(reportText('fsq revoke', error, false));
    for (const { id, result } of found) {
      if (result !== 'ended') continue;
      const state = (await broker.outcome(id))?.outcome?.state ?? 'ended';
      context.tell(`Job ${id} has ended already (${state}); nothing was changed.`);
    }
    return unknown.length === 0 ? EXIT.good : EXIT.unknown;
  });
}
