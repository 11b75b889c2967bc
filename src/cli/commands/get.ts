/** `fsq get`: waits for a job and prints its value. */
import { AsyncResult } from '../../app/async-result.ts';
import { onItsWayText } from '../../app/telling/on-its-way.ts';
import { countAsTold } from '../../app/telling/warnings.ts';
import { type Command, type Context, duration } from '../command.ts';
import { EXIT } from '../exit.ts';
import { nobodyNotice } from '../../app/telling/runners.ts';
import { jobId, printValue, withSpool } from '../lookup.ts';

export const get: Command = {
  name: 'get',
  usage: 'fsq get ID [options]',
  examples: [
    ['fsq get 0199f3c2', 'wait as long as it takes; the beginning of an id is enough'],
    ['fsq get 0199f3c2 --timeout 10s', 'wait at most ten seconds; exits 124 if that is not enough'],
    ['fsq get 0199f3c2 --timeout 0s', 'only look'],
  ],
  args: { least: 1, most: 1 },
  options: {
    timeout: {
      type: 'string',
      value: 'TIME',
      help: 'wait at most so long: 250ms, 3s, 5m, 2h, 1d (default: as long as it takes)',
    },
    json: { type: 'boolean', help: 'print id and state too, also when there is no value' },
  },
  notes: [
    'Prints null when the task returned nothing. Exits 0 with a value, 1 when the job failed, 3 when there is no such job,',
    '4 when it was revoked or expired, 124 when the time was over; the job goes on then.',
  ],
  run: runGet,
};

function runGet(context: Context): Promise<number> {
  const { values, args, stdout, tell } = context;
  const timeoutMs = duration(values.text('timeout'), 'timeout');
  return withSpool(context, async (broker) => {
    const handle = new AsyncResult(await jobId(broker, args[0] ?? ''), async () => broker, false);
    // These looks have no time limit; the value's own does not wait longer than it may for another process.
    const restorer = (await broker.restoring())?.pid ?? null;
    const sighting = timeoutMs !== 0 && restorer === null && !(await handle.ready()) ? await handle.info() : null;
    if (sighting !== null) {
      const move = sighting.isOnItsWay === true ? await broker.unfinishedMove() : null;
      tell(
        move === null
          ? nobodyNotice(await broker.owners(), sighting, broker.place)
          : `Job ${sighting.id}: ${onItsWayText(move, broker.place)}.`,
      );
      countAsTold(broker.place);
    }
    await printValue(handle, timeoutMs, values.flag('json'), stdout);
    return EXIT.good;
  });
}
