/** A job written into a file from spare/: the library looks there only after 64 files of its own. */
import { enqueue, measure, newJob, open } from './op.mjs';

const CREATED_BEFORE_LOOKING = 64;

const broker = open();
await enqueue(
  broker,
  Array.from({ length: CREATED_BEFORE_LOOKING }, () => newJob(broker)),
);
await measure(() => enqueue(broker, [newJob(broker), newJob(broker)]));
