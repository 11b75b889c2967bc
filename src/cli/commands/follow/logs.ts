/** `fsq logs`: what a job has printed. */
import { logLines } from '../../../app/following/log-reader.ts';
import { reasonsFor } from '../../../app/explaining/explain.ts';
import { type FactSource, factsOf } from '../../../app/explaining/facts.ts';
import { isHolding } from '../../../app/explaining/reason.ts';
import { TELL_AFTER_MS } from '../../../app/telling/standstill.ts';
import { countAsTold } from '../../../app/telling/warnings.ts';
import type { Sighting } from '../../../broker/broker.ts';
import { escape, jsonText } from '../../../job/text.ts';
import { type LogLine, logText } from '../../../job/values/log-lines.ts';
import type { Command, Context } from '../../command.ts';
import { EXIT } from '../../exit.ts';
import { jobId, withSpool } from '../../lookup.ts';

export const logs: Command = {
  name: 'logs',
  usage: 'fsq logs ID [options]',
  examples: [
    ['fsq logs 0199f3c2', 'the beginning of an id is enough'],
    ['fsq logs 0199f3c2 -f', 'go on while the job runs'],
    ['fsq logs 0199f3c2 --json', 'for programs: a JSON object in each line'],
  ],
  args: { least: 1, most: 1 },
  options: {
    follow: { type: 'boolean', short: 'f', help: 'go on until the job has ended' },
    json: { type: 'boolean', help: 'print a JSON object for each line' },
  },
  notes: [
    'Each line has its time and its stream: out, err, or fsq for what fsq says of lines that it left out. What a terminal',
    'would obey was made harmless when it was kept. Exits 0 also when the job has printed nothing, 3 when there is none.',
  ],
  run: runLogs,
};

function runLogs(context: Context): Promise<number> {
  const { values, args, stdout, tell } = context;
  return withSpool(context, async (broker) => {
    const id = await jobId(broker, args[0] ?? '');
    const shown = values.flag('json') ? jsonText : safeText;
    let count = 0;
    const follow = values.flag('follow');
    const tellWhy = async (): Promise<void> => {
      const job = count === 0 ? await broker.find(id) : null;
      if (job !== null) tell(await holdUpOf(broker, job));
    };
    // An error there is met by the reading too, which tells it.
    countAsTold(broker.place);
    const telling = follow ? setTimeout(() => void tellWhy().catch(() => undefined), TELL_AFTER_MS).unref() : undefined;
    for await (const line of logLines(id, async () => broker, { follow })) {
      stdout.write(`${shown(line)}\n`);
      count++;
      if (stdout.isClosed) break;
    }
    clearTimeout(telling);
    if (count === 0) tell(await nothingText(broker, id));
    return EXIT.good;
  });
}

async function nothingText(broker: Pick<FactSource, 'find'>, id: string): Promise<string> {
  const job = await broker.find(id);
  const isOver = job === null || job.endedAtMs !== null;
  return `Job ${id} ${isOver ? 'printed nothing' : 'has printed nothing so far'}, or its output is not kept.`;
}

/** Why a job does not go on that has printed nothing; null where nothing holds it up but its turn. */
async function holdUpOf(broker: FactSource, job: Sighting): Promise<string | null> {
  const reason =
    job.endedAtMs === null ? reasonsFor(await factsOf(broker, job, Date.now())).find(isHolding) : undefined;
  return reason === undefined ? null : `Nothing is printed so far. ${reason.text}`;
}

/** What fsq keeps is harmless, but any program may have written the file. */
function safeText(line: LogLine): string {
  return logText(line).split('\t').map(escape).join('\t');
}
