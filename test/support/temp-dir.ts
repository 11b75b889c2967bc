/** A folder that a test has for itself. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext } from 'node:test';

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
