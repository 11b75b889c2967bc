/** `fsq revoke`: stops jobs, whether they wait or run. */
import { AsyncResult } from '../app/async-result.ts';
import type { Broker, Revocation } from '../broker/broker.ts';
import type { Command, Context } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { jobId } from './job-id.ts';
import { withSpool } from './open.ts';
import { jsonText } from './output.ts';
import { messageText } from './report.ts';

const MOST_IDS = 10_000;

export const revoke: Command = {
  name: 'revoke',
  summary: 'stop a job that waits or runs',
  usage: 'fsq revoke ID… [options]',
  examples: [
    ['fsq revoke 0199f3c2', 'what waits never starts; what runs is told to end'],
    ['fsq revoke 0199f3c2 --terminate', 'kill the process that runs it, with all it has started'],
    ['fsq ls -s pending -n 0 --json | jq -r .[].id | xargs fsq revoke', 'stop all that are ready'],
  ],
  args: { least: 1, most: MOST_IDS },
  options: {
    terminate: { type: 'boolean', help: 'kill the process that runs the job, instead of asking the task to end' },
    json: { type: 'boolean', help: 'print one JSON document: [{ id, result }]' },
  },
  notes: [
    'Prints what came of it: revoked (it has ended so and never runs again), requested (it runs and is told to end; `fsq get`',
    'waits for that) or ended (it had ended before, and nothing was changed). Exits 0 then, 3 when there is no such job.',
    'No worker is needed to revoke what waits.',
  ],
  run: runRevoke,
};

function runRevoke(context: Context): Promise<number> {
  const { values, args, stdout, stderr } = context;
  return withSpool(context, async (broker) => {
    const ids = await Promise.all(args.map((text) => jobId(broker, text)));
    const handles = ids.map((id) => new AsyncResult(id, async () => broker, false));
    const results = await AsyncResult.revokeAll(handles, { terminate: values.flag('terminate') });
    const found = handles.map(({ id }, i) => ({ id, result: results[i] ?? 'ended' }));
    if (values.flag('json')) stdout.write(`${jsonText(found, 2)}\n`);
    else stdout.write(found.map(({ id, result }) => `${id} ${result}\n`).join(''));
    await warn(broker, found, (text) => stderr.write(messageText('fsq revoke', text)));
    return EXIT.good;
  });
}

/** What a person may not expect: nothing was stopped, or nobody is there who would hear of it. */
async function warn(
  broker: Broker,
  found: readonly { readonly id: string; readonly result: Revocation }[],
  tell: (text: string) => void,
): Promise<void> {
  for (const { id, result } of found) {
    if (result !== 'ended') continue;
    const state = (await broker.outcome(id))?.outcome?.state ?? 'ended';
    tell(`Job ${id} has ended already (${state}); nothing was changed.`);
  }
}
