/**
 * The process under fire: it moves jobs from one place to the other, as `fsq migrate` does. Places are JSON, as `openBroker` takes them. With
 * a third argument it waits for a line before that.
 *
 *   ready · left ID · moved COUNT · failed CODE TEXT · untyped TEXT · done
 */
import { migrate } from '../../../dist/app/migrating/migrate.js';
import { openBroker } from '../../../dist/open.js';
import { mark, say, sayError } from '../ops/op.mjs';

const [, , from, to, waits] = process.argv;
const [source, destination] = [from, to].map((place) => openBroker({ ...JSON.parse(place), resultTtlMs: {} }));
const options = { from: source, to: destination, results: false, waits: false, signal: new AbortController().signal };

// Loads what the move needs, and connects.
for (const place of [source, destination]) {
  await place.counts();
  await place.arrival('', '01a2025d-adaa-7000-bfac-dd787a748d6d', false);
}
say('ready');
if (waits !== undefined) await line();
mark('begin');
try {
  const { moved, left } = await migrate(options);
  for (const id of [...left.running, ...left.held, ...left.refused.keys()]) say('left', id);
  say('moved', moved);
  say('done');
} catch (error) {
  sayError(error);
} finally {
  mark('end');
}
for (const place of [source, destination]) await place.close().catch(sayError);
process.exit(0);

async function line() {
  for await (const chunk of process.stdin) return String(chunk);
}
