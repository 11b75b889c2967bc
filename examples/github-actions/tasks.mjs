// tasks.mjs
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { task } from 'fsq';

/** A page whose links to files of the repository lead somewhere. */
export const checkLinks = task('check-links', (page) => {
  const targets = [...readFileSync(page, 'utf8').matchAll(/\]\((?!\w+:|#)([^)#\s]+)/g)].map(([, target]) => target);
  const dead = targets.filter((target) => !existsSync(join(dirname(page), target)));
  for (const target of dead) console.log(`${page}: ${target}`);
  if (dead.length > 0) throw new Error(`${page} has ${dead.length} dead links`);
  return targets.length;
});
