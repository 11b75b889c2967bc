/** The thread that looks at the broker for `fsq top`: what it is asked for comes as messages, and so goes what it sees. */
import { parentPort, workerData } from 'node:worker_threads';
import { type BrokerOptions, openBroker } from '../open.ts';
import { jobLines } from './commands/look/show.ts';
import { Looker } from './commands/top/looker/looker.ts';
import type { Request } from './commands/top/looker/reports.ts';

const options: BrokerOptions = workerData;

const looker = new Looker({
  open: () => openBroker({ ...options, looksAtOnce: true }),
  jobLines,
  // eslint-disable-next-line unicorn/require-post-message-target-origin -- a thread has none
  report: (report) => parentPort?.postMessage(report),
});

parentPort?.on('message', (request: Request) => looker.hear(request));
