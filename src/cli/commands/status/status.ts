/** `fsq status`: what waits, what runs, what is wrong and what to do about it. */
import type { Command, Context } from '../../command.ts';
import { EXIT } from '../../exit-codes.ts';
import { withSpool } from '../../open.ts';
import { jsonText } from '../../output.ts';
import { spoolOption, withSpoolOption } from '../../options.ts';
import { reportOf } from './status-report.ts';
import { statusText } from './status-text.ts';

/** How many delayed jobs are read to find parked ones, and running ones for their start: a listing of names tells the rest. */
const MAX_READ = 1_000;

export const status: Command = {
  name: 'status',
  summary: 'what waits, what runs, what is wrong and what to do about it',
  usage: 'fsq status [options]',
  examples: [
    ['fsq status', 'of the spool of this project'],
    ['fsq status --spool /var/spool/shop', 'of another one'],
    ['fsq status --json', 'for programs: jobs, queues, workers, tasks, parked, advice …'],
  ],
  options: { json: { type: 'boolean', help: 'print one JSON document' } },
  notes: ['Exits 0 also when something is wrong; `advice` of --json is empty when nothing is.'],
  run: runStatus,
};

function runStatus(context: Context): Promise<number> {
  return withSpool(context, async (broker) => {
    const backlog = await broker.backlog();
    const [counts, owners, paused, delayed, running] = await Promise.all([
      broker.counts(backlog),
      broker.owners(),
      broker.paused(),
      broker.list(['delayed'], MAX_READ),
      broker.list(['running'], MAX_READ),
    ]);
    const found = reportOf({
      spool: broker.place,
      counts,
      backlog,
      owners,
      paused,
      delayed,
      running,
      isAllRead: delayed.length < MAX_READ,
    });
    const option = spoolOption(context.values);
    const report = { ...found, advice: found.advice.map((text) => withSpoolOption(text, option)) };
    const isJson = context.values.flag('json');
    context.stdout.write(isJson ? `${jsonText(report, 2)}\n` : statusText(report, Date.now()));
    return EXIT.good;
  });
}
