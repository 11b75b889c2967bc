/** Places on disk that a test has for itself. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Broker } from '../../src/broker/broker.ts';
import { openSpool, type SpoolOptions } from '../../src/spool/spool.ts';

/** An empty folder, removed after the test. */
export function tempDir(t: TestContext): string {
  const path = mkdtempSync(join(realpathSync(tmpdir()), 'fsq-test-'));
  t.after(() => rmSync(path, { recursive: true, force: true, maxRetries: 5 }));
  return path;
}

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
