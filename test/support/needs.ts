/** What a test needs of the machine, and how it says what is missing. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Why a test cannot run here that needs root and these programs; false when it can. */
export function lacks(...programs: readonly string[]): string | false {
  if (process.platform !== 'linux') return 'needs Linux';
  return process.getuid?.() === 0 ? lacksProgram(...programs) : 'needs root';
}

/** The same for one that needs no rights. */
export function lacksProgram(...programs: readonly string[]): string | false {
  const missing = programs.find(
    (name) => !(process.env['PATH'] ?? '').split(':').some((at) => existsSync(join(at, name))),
  );
  return missing === undefined ? false : `needs ${missing}`;
}
