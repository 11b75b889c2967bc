/** BullMQ on Redis, the processor in child processes: https://docs.bullmq.io/guide/workers/sandboxed-processors */
import { connect, work } from './bullmq.mjs';
import { drive } from './drive.mjs';

const PROCESSOR = new URL('bullmq-processor.mjs', import.meta.url);

await drive({
  file: import.meta.url,
  packages: ['bullmq', 'ioredis'],
  redis: true,
  // A sandboxed worker starts as many children as its concurrency; fsq has two of them in the bench.
  defaults: { children: 2 },
  connect,
  work: (options, queue, finished) =>
    work({ ...options, concurrency: options.children }, queue, finished, PROCESSOR, {
      useWorkerThreads: options.threads ?? false,
    }),
});
