/** A file system of its own that is quickly full. Needs root. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

export const CAN_MOUNT: boolean = process.getuid?.() === 0;

/** The path of an empty tmpfs of `size`, such as '512k'; unmounted after the test. */
export function smallDisk(t: TestContext, size: string): string {
  const path = mkdtempSync(join(tmpdir(), 'fsq-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=700`, 'fsq-test', path]);
  t.after(() => {
    // Lazily: a worker that the test left behind is ended by a later hook.
    execFileSync('umount', ['--lazy', path]);
    rmdirSync(path);
  });
  return path;
}
