/** syncfs(2), which Node has no call for: by sync(1) of the GNU coreutils, or busybox, where there is one. */
import { release } from 'node:os';

/** sync(1) where Linux systems keep it; never looked up in PATH, which may lead anywhere. */
const PROGRAMS = ['/usr/bin/sync', '/bin/sync'];
/** The first Linux whose syncfs(2) reports that something could not be written (see its manual page, VERSIONS). */
const FIRST_LINUX = [5, 8] as const;

/** True when everything written before the call is on the disk of `path`; false when that is not sure. */
export async function syncFileSystem(path: string): Promise<boolean> {
  if (process.platform !== 'linux' || !isRecentEnough(release())) return false;
  for (const program of PROGRAMS) {
    const end = await run(program, ['-f', path]);
    if (end !== 'missing') return end === 'done';
  }
  return false;
}

/** Whether a Linux of this release, such as `6.1.0-18-amd64`, reports errors of syncfs(2). */
export function isRecentEnough(linux: string): boolean {
  const [major = 0, minor = 0] = linux.split('.').map((part) => Number.parseInt(part, 10));
  return major > FIRST_LINUX[0] || (major === FIRST_LINUX[0] && minor >= FIRST_LINUX[1]);
}

/** Failed may also mean that this sync(1) has no option -f: whoever asks has another way, which tells the error. */
async function run(program: string, args: readonly string[]): Promise<'done' | 'failed' | 'missing'> {
  // Only who sends very many jobs at once needs it: a start must not pay for it.
  const { spawn } = process.getBuiltinModule('node:child_process');
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: 'ignore', env: {} });
    child.on('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ENOENT' ? 'missing' : 'failed'));
    child.on('exit', (code) => resolve(code === 0 ? 'done' : 'failed'));
  });
}
