/**
 * Moves the jobs of the spool beside this one here, as `fsq migrate` does. What is left is told: the one that goes on with the move after a
 * death must leave nothing.
 */
import { migrate } from '../../../dist/app/migrating/migrate.js';
import { openSpool } from '../../../dist/spool/spool.js';
import { close, measure, open, path, say } from './op.mjs';

const from = openSpool({ path: `${path}.from` });
const to = open();
// Loads what the move needs.
await to.arrival('', '01a2025d-adaa-7000-bfac-dd787a748d6d', false).catch(() => null);
await measure(async () => {
  const { left } = await migrate({ from, to, results: false, waits: false, signal: new AbortController().signal });
  for (const id of [...left.running, ...left.held, ...left.refused.keys()]) say('left', id);
});
await close(from, to);
