/** `fsq metrics`: what goes on in a spool, and what its workers have counted, for Prometheus. */
import { readSchedules } from '../../../app/schedules/read-schedules.ts';
import type { Settings } from '../../../app/settings/config.ts';
import type { Broker } from '../../../broker/broker.ts';
import type { Command, Context } from '../../command.ts';
import { withSpool } from '../../lookup.ts';
import { settingsOf } from '../../setting-options.ts';
import { gatherFacts } from './facts.ts';
import { metricsOf } from './metrics-of.ts';
import { type Format, metricsText } from './prometheus.ts';

export const metrics: Command = {
  name: 'metrics',
  usage: 'fsq metrics [options]',
  examples: [
    ['fsq metrics', 'in the text format of Prometheus'],
    ['fsq metrics --openmetrics', 'in that of OpenMetrics'],
    ['fsq metrics > fsq.prom.$$ && mv fsq.prom.$$ fsq.prom', 'from cron, for the textfile collector of node_exporter'],
  ],
  options: {
    openmetrics: { type: 'boolean', help: 'print OpenMetrics 1.0 in place of the text format 0.0.4' },
  },
  notes: [
    'What workers count is some two seconds late, and stays when they end. No job’s id is ever a label. A worker tells the same over HTTP',
    'with --metrics-port, and into a file with --metrics-file. docs/observing.md explains each figure.',
  ],
  run: runMetrics,
};

async function runMetrics(context: Context): Promise<number> {
  const format = context.values.flag('openmetrics') ? 'openmetrics' : 'prometheus';
  const settings = await settingsOf(context);
  const text = await withSpool(context, (broker) => metricsIn(broker, settings, context.version, format), {
    looksAtOnce: true,
  });
  context.stdout.write(text);
  return 0;
}

/** @throws SpoolError; UsageError (FSQ_CONFIG) for a schedule that is none */
export async function metricsIn(
  broker: Broker,
  { schedules }: Pick<Settings, 'schedules'>,
  version: string,
  format: Format,
): Promise<string> {
  const read = await readSchedules(schedules, Date.now());
  return metricsText(metricsOf(await gatherFacts(broker, { version, schedules: read })), format);
}
