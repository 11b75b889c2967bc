/** A machine that boots while a test runs: what the kernel says of its boot. */
import { existsSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Files } from '../../src/spool/disk/files.ts';

const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/** `files` as a process of another boot than this one sees them. */
export function ofBoot(boot: string, files: Files): Files {
  return { ...files, readSystemFile: (path) => (path === BOOT_ID ? `${boot}\n` : files.readSystemFile(path)) };
}

/** `files` where one boot cannot be told from another, as on other systems than Linux: then there is no journal. */
export function ofNoBoot(files: Files): Files {
  return {
    ...files,
    fileSystem: (path) => (path === BOOT_ID ? { ...files.fileSystem(path), type: 0x01021994 } : files.fileSystem(path)),
  };
}

/** Boots that were before this one. */
export const EARLIER_BOOT = '00000000-aaaa-4aaa-8aaa-aaaaaaaaaaaa';
export const EARLIEST_BOOT = '00000000-bbbb-4bbb-8bbb-bbbbbbbbbbbb';

/** The machine has booted, as far as the spool's journal tells: what this boot has left there is an earlier one's. */
export function bootAnew(spool: string): void {
  const journal = join(spool, 'journal');
  if (!existsSync(journal)) return;
  for (const name of readdirSync(journal)) {
    const [boot = '', ...rest] = name.split('~');
    const earlier = boot === EARLIER_BOOT ? EARLIEST_BOOT : EARLIER_BOOT;
    const replayer = rest.length === 0 ? '' : `~${EARLIER_BOOT}~${rest[1] ?? ''}`;
    renameSync(join(journal, name), join(journal, `${earlier}${replayer}`));
  }
}
