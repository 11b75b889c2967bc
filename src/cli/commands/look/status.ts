/** `fsq status`: what waits, what runs, what is wrong and what to do about it. */
import { statusFacts } from '../../../app/telling/status-facts.ts';
import type { Broker } from '../../../broker/broker.ts';
import { UsageError } from '../../../job/errors.ts';
import { withSpoolOption } from '../../../job/text.ts';
import { type Command, type Context, someTime, spoolOption } from '../../command.ts';
import { EXIT } from '../../exit.ts';
import { withSpool } from '../../lookup.ts';
import { painter } from '../../terminal/colour.ts';
import { reportOf, type StatusFacts, type StatusReport } from '../../../app/telling/status-report.ts';
import { statusText } from './status-text.ts';

const WATCH_EVERY = '2s';

export const status: Command = {
  name: 'status',
  usage: 'fsq status [options]',
  examples: [
    ['fsq status', 'of the spool of this project'],
    ['fsq status --watch', 'again and again, in place, until Ctrl-C'],
    ['fsq status --spool /var/spool/shop', 'of another one'],
    ['fsq status --json', 'for programs: verdict, jobs, queues, workers, tasks, parked, advice …'],
  ],
  options: {
    watch: {
      type: 'boolean',
      short: 'w',
      help: `look again every ${WATCH_EVERY}; off a terminal a line for each change of the verdict`,
    },
    every: { type: 'string', value: 'TIME', help: `with --watch: how often (default: ${WATCH_EVERY})` },
    json: { type: 'boolean', help: 'print one JSON document; with --watch one in each line' },
  },
  notes: [
    'The first line is the verdict: OK, or WARNING or CRITICAL and what is wrong, the worst first. The rules are those of `fsq check`, which exits by',
    'them; here a job that waits for a minute, and one that failed within ten, is worth a warning.',
    'Exits 0 also when something is wrong; `verdict.status` of --json is "ok" when nothing is, and `advice` is empty.',
  ],
  run: runStatus,
};

async function runStatus(context: Context): Promise<number> {
  const { values, stdout } = context;
  const everyMs = someTime(values.text('every') ?? WATCH_EVERY, 'every') ?? 0;
  if (!values.flag('watch') && values.text('every') !== undefined)
    throw new UsageError('Expected --watch beside --every');
  const use = async (broker: Broker): Promise<number> => {
    const look = async (): Promise<StatusReport> => reportFor(context, await statusFacts(broker));
    if (values.flag('watch')) return (await import('./watch-status.ts')).watchStatus(context, everyMs, look);
    const report = await look();
    context.print(report, () => statusText(report, Date.now(), painter(stdout.hasColours)));
    return EXIT.good;
  };
  return withSpool(context, use, { looksAtOnce: true });
}

function reportFor({ values }: Context, facts: StatusFacts): StatusReport {
  const report = reportOf(facts);
  const option = spoolOption(values);
  return { ...report, advice: report.advice.map((text) => withSpoolOption(text, option)) };
}
