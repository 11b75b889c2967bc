/** A look at the spool: what has to be replayed before is. */
import { close, measure, open, say, sayError } from './op.mjs';

await measure(async () => {
  const broker = open();
  try {
    await broker.counts();
  } catch (error) {
    if (!String(error?.code).startsWith('FSQ_')) say('untyped', error?.stack?.replaceAll('\n', ' '));
    else sayError(error);
  }
  await close(broker);
});
