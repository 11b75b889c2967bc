/** One job, ready at once. */
import { enqueue, measure, newJob, open } from './op.mjs';

const broker = open();
await measure(() => enqueue(broker, [newJob(broker)]));
