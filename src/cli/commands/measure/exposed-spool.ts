/** What `fsq worker --metrics-port` and `--metrics-file` do: they tell of the worker's whole spool. */
import { checkWritable } from '../../../app/project/write.ts';
import { readSchedules } from '../../../app/schedules/read-schedules.ts';
import type { Settings } from '../../../app/settings/config.ts';
import { brokerOptions } from '../../../app/settings/place.ts';
import { UsageError } from '../../../job/errors.ts';
import { format } from '../../../job/text.ts';
import { openBroker } from '../../../open.ts';
import type { Logger } from '../../../worker/log.ts';
import { wholeNumber } from '../../command.ts';
import { type Exposed, type Gather, serveMetrics, writeMetrics } from './expose.ts';
import { metricsIn } from './metrics.ts';

interface Asked {
  readonly port: string | undefined;
  readonly file: string | undefined;
  readonly version: string;
}

/** @throws UsageError for a port that is none or cannot be had, and a path where no file can be; SpoolError */
export async function exposeSpool(settings: Settings, { port, file, version }: Asked, log: Logger): Promise<Exposed> {
  const wanted = wholeNumber(port, 'metrics-port', 0, 65_535);
  if (file !== undefined) checkFile(file);
  // Told at once, and not at each look.
  await readSchedules(settings.schedules, Date.now());
  // It makes the spool where there is none, as the worker is about to.
  const broker = openBroker({ ...brokerOptions(settings), looksAtOnce: true });
  const gather: Gather = () => metricsIn(broker, settings, version, 'prometheus');
  const server = wanted === undefined ? null : await serveMetrics(wanted, gather, log);
  if (server !== null) log.info(`metrics: http://127.0.0.1:${server.port}/metrics`);
  const writer = file === undefined ? null : writeMetrics(file, gather, log);
  return {
    close: async () => {
      await Promise.all([server?.close(), writer?.close()]);
      await broker.close();
    },
  };
}

/** @throws UsageError */
function checkFile(path: string): void {
  if (!path.endsWith('.prom'))
    throw new UsageError(
      `Expected --metrics-file to end with .prom, got ${format(path)}: node_exporter reads no other`,
    );
  checkWritable(path, '--metrics-file');
}
