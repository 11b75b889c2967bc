/** Places on disk that a test has for itself. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext } from 'node:test';
import type { Broker } from '../../src/broker/broker.ts';
import { openSpool, type SpoolOptions } from '../../src/spool/spool.ts';

/** Hooks of a test run in the order in which they were set: what a test opens later is closed after its own, so folders go last. */
const folders: string[] = [];
after(() => {
  for (const path of folders) rmSync(path, { recursive: true, force: true, maxRetries: 5 });
});

/** An empty folder, removed after the last test of the file. */
export function tempDir(_t: TestContext): string {
  const path = mkdtempSync(join(realpathSync(tmpdir()), 'fsq-test-'));
  folders.push(path);
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
