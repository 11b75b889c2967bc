/** Places on disk that a test has for itself. */
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Broker } from '../../src/broker/broker.ts';
import { openSpool, type SpoolOptions } from '../../src/spool/spool.ts';
import { tempDir } from './temp-dir.ts';

export { tempDir } from './temp-dir.ts';

export interface TempSpool {
  readonly path: string;
  readonly broker: Broker;
}

/** A spool in an empty folder; closed and removed after the test. */
export function tempSpool(t: TestContext, options: Omit<SpoolOptions, 'path'> = {}): TempSpool {
  const path = join(tempDir(t), 'spool');
  const broker = openSpool({ ...options, path });
  t.after(() => broker.close());
  return { path, broker };
}
