/** Revokes `input.ids`, with no worker there, and tells of those that surely never run again. */
import { close, input, measure, open, say } from './op.mjs';

const broker = open();
await measure(async () => {
  for (const [id, result] of await broker.revoke(input.ids)) say(result, id);
});
await close(broker);
