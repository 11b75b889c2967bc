/** Sends `input.ids`, which have ended, back, with no worker there, and tells of those that surely run again. */
import { close, input, measure, open, say } from './op.mjs';

const broker = open();
await measure(async () => {
  for (const [id, refused] of await broker.retry(input.ids)) say(refused === null ? 'again' : refused.code, id);
});
await close(broker);
