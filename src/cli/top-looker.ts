/** The thread that looks at the broker for `fsq top`: what it is asked for comes as messages, and so goes what it sees. */
import { parentPort, workerData } from 'node:worker_threads';
import { reasonsFor } from '../app/explaining/explain.ts';
import { factsOf as factsAbout } from '../app/explaining/facts.ts';
import type { Broker } from '../broker/broker.ts';
import { escape } from '../job/text.ts';
import { type BrokerOptions, openBroker } from '../open.ts';
import { jobLines } from './commands/look/show.ts';
import { statusFacts } from '../app/telling/status-facts.ts';
import { reportOf } from '../app/telling/status-report.ts';
import { Looker } from './commands/top/looker/looker.ts';
import type { Request } from './commands/top/looker/reports.ts';

const options: BrokerOptions = workerData;

const looker = new Looker({
  open: () => openBroker({ ...options, looksAtOnce: true }),
  jobLines: toldLines,
  verdict: async (broker) => {
    const { verdict, advice } = reportOf(await statusFacts(broker));
    return { status: verdict.status, text: verdict.text, advice };
  },
  // eslint-disable-next-line unicorn/require-post-message-target-origin -- a thread has none
  report: (report) => parentPort?.postMessage(report),
});

parentPort?.on('message', (request: Request) => looker.hear(request));

/** All of a job, and of one that waits also why. */
async function toldLines(broker: Broker, id: string): Promise<readonly string[] | null> {
  const job = await broker.find(id);
  const isWaiting = job?.state === 'pending' || job?.state === 'delayed';
  const reasons = job === null || !isWaiting ? [] : reasonsFor(await factsAbout(broker, job, Date.now()));
  const lines = await jobLines(broker, id);
  return lines === null
    ? null
    : [...reasons.map(({ text }) => escape(text)), ...(reasons.length > 0 ? [''] : []), ...lines];
}
