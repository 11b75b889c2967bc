/** `fsq gc`: what a worker's housekeeping removes, now and without a worker. */
import type { Tidied } from '../../../broker/broker.ts';
import { some } from '../../../job/text.ts';
import type { Command, Context } from '../../command.ts';
import { EXIT } from '../../exit.ts';
import { withSpool } from '../../lookup.ts';

export const gc: Command = {
  name: 'gc',
  usage: 'fsq gc [options]',
  examples: [
    ['fsq gc', 'what a worker does in its rounds, once and now'],
    ['fsq gc --dry-run', 'count what would be removed, and remove nothing'],
  ],
  options: {
    'dry-run': { type: 'boolean', help: 'remove nothing, only count' },
    json: { type: 'boolean', help: 'print one JSON document: outcomes, drafts, owners, …, left' },
  },
  notes: [
    'Where a worker runs it does so by itself. Outcomes go after the `resultTtl` of the settings here, or their own. Jobs that dead',
    'processes held are not sent back: a worker does that, or `fsq doctor --repair`.',
  ],
  run: runGc,
};

function runGc(context: Context): Promise<number> {
  const isDryRun = context.values.flag('dry-run');
  return withSpool(context, async (broker) => {
    const tidied = await broker.tidy({ dryRun: isDryRun });
    context.print({ dryRun: isDryRun, ...tidied }, () => linesOf(tidied, isDryRun));
    return EXIT.good;
  });
}

function linesOf({ outcomes, drafts, owners, keys, beside, segments, left }: Tidied, isDryRun: boolean): string {
  const found = [
    [outcomes, 'outcome', 'whose time is over'],
    [drafts, 'draft', 'of dead processes'],
    [owners, 'record', 'of dead processes'],
    [keys, 'key', 'that stands for no job'],
    [beside, 'file', 'beside jobs that are gone'],
    [segments, 'segment', 'of the journal of dead processes'],
  ] as const;
  const lines = found.flatMap(([count, what, of]) =>
    count === 0 ? [] : [`${isDryRun ? 'would remove' : 'removed'} ${some(count, what)} ${of}\n`],
  );
  const stay = isDryRun ? 'would leave' : 'left';
  const rest =
    left.owners === 0
      ? ''
      : `${stay} ${some(left.owners, 'dead process', 'dead processes')} with ${some(left.jobs, 'job')}: a worker sends these back, or \`fsq doctor --repair\`\n`;
  return `${lines.join('') || 'There is nothing to remove.\n'}${rest}`;
}
