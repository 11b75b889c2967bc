/**
 * Sends one import and shows how far it is until it has ended.
 *
 *     node --import tsx main.ts SOURCE TARGET [PAUSE_MS]
 */
import { resolve } from 'node:path';
import { TimeoutError } from 'fsq';
import { importRows } from './tasks.ts';

const [source, target, pauseMs = '0'] = process.argv.slice(2);
if (source === undefined || target === undefined) {
  console.error('usage: node --import tsx main.ts SOURCE TARGET [PAUSE_MS]');
  process.exitCode = 2;
} else {
  const job = await importRows.delay(resolve(source), resolve(target), Number(pauseMs));
  console.log(`job ${job.id}`);
  for (let shown = ''; ;) {
    const info = await job.info();
    const { value = 0, attempt = 1 } = info?.progress ?? {};
    const text = `${Math.floor(100 * value)} % in attempt ${attempt}, process ${info?.owner?.split('-')[0] ?? 'none'}`;
    if (text !== shown) console.log((shown = text));
    try {
      const { rows, beganAt, attempts } = await job.get('200ms');
      console.log(`${rows} rows; attempt ${attempts} began at row ${beganAt}`);
      break;
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
    }
  }
}
