/** Forgets the outcomes of `input.ids`, with no worker there, and tells of those that are surely gone; then what is over is tidied away. */
import { close, input, measure, open, say } from './op.mjs';

const broker = open({ resultTtlMs: input.resultTtlMs });
await measure(async () => {
  for (const [id, forgetting] of await broker.forget(input.ids)) say(forgetting, id);
  await broker.tidy();
});
await close(broker);
