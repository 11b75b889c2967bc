/** What a caller asks of a spool while nothing happens in it: `input.waiting` has no outcome, `input.ended` has one. */
import { close, input, measure, open, say, sayError } from './op.mjs';

const broker = open();
const questions = {
  outcome: () => broker.outcome(input.ended),
  wait: () => broker.waitForOutcome(input.ended, AbortSignal.timeout(5_000), false),
  'wait in vain': () => broker.waitForOutcome(input.waiting, AbortSignal.timeout(150), false),
  find: () => broker.find(input.waiting),
  list: () => broker.list(['pending', 'delayed', 'running', 'results'], 100),
  counts: () => broker.counts(),
  backlog: () => broker.backlog(),
  prefix: () => broker.idsByPrefix(input.waiting.slice(0, 13), 10),
  owners: () => broker.owners(),
};
await measure(async () => {
  for (const [name, ask] of Object.entries(questions)) {
    try {
      await ask();
    } catch (error) {
      if (!String(error?.code).startsWith('FSQ_')) say('untyped', name, error?.stack?.replaceAll('\n', ' '));
      else sayError(error);
    }
  }
});
await close(broker);
