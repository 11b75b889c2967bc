/** `fsq explain`: why a job is where it is, and what would move it. */
import type { Settings } from '../../../app/settings/config.ts';
import { reasonsFor } from '../../../app/explaining/explain.ts';
import { factsOf } from '../../../app/explaining/facts.ts';
import { commandIn, type Reason, type ReasonCode } from '../../../app/explaining/reason.ts';
import type { Sighting } from '../../../broker/broker.ts';
import { END_STATES, everyTtlMs } from '../../../job/ended/result-ttl.ts';
import { idTimeMs, isTimed } from '../../../job/names.ts';
import { escape, span, withSpoolOption } from '../../../job/text.ts';
import { type Command, type Context, spoolOption } from '../../command.ts';
import { EXIT } from '../../exit.ts';
import { jobId, withSpool } from '../../lookup.ts';
import { settingsOf } from '../../setting-options.ts';
import { wrapped } from '../../terminal/width.ts';

export const explain: Command = {
  name: 'explain',
  usage: 'fsq explain ID [options]',
  examples: [
    ['fsq explain 0199f3c2', 'the beginning of an id is enough'],
    ['fsq explain 0199f3c2 --json', 'for programs: { id, state, task, queue, reasons: [{ code, text, command }] }'],
  ],
  args: { least: 1, most: 1 },
  options: { json: { type: 'boolean', help: 'print one JSON document' } },
  notes: [
    'The reason that counts most comes first. `fsq show ID` shows everything of a job, `fsq history ID` what happened to it',
    'in the order of time. Exits 0, and 3 when there is no such job. It only reads.',
  ],
  run: runExplain,
};

/** A reason, or why there is none. */
interface Told extends Omit<Reason, 'code'> {
  readonly code: ReasonCode | 'unknown';
}

async function runExplain(context: Context): Promise<number> {
  const settings = await settingsOf(context);
  return withSpool(context, async (broker) => {
    const id = await jobId(broker, context.args[0] ?? '');
    const nowMs = Date.now();
    const job = await broker.find(id);
    const found: readonly Told[] =
      job === null
        ? [{ code: 'unknown', text: unknownText(id, broker.place, settings, nowMs) }]
        : reasonsFor(await factsOf(broker, job, nowMs));
    const { columns } = context.stdout;
    const option = spoolOption(context.values);
    const reasons = found.map((reason) => ({ ...reason, text: withSpoolOption(reason.text, option) }));
    context.print({ id, ...aboutOf(job), reasons: reasons.map(documentOf) }, () =>
      [...(job === null ? [] : [headLine(job)]), ...reasons.map(({ text }) => text)]
        .flatMap((line) => (columns === null ? escape(line) : wrapped(escape(line), columns)))
        .map((line) => `${line}\n`)
        .join(''),
    );
    return job === null ? EXIT.unknown : EXIT.good;
  });
}

function documentOf(reason: Told): Told & { readonly command: string | null } {
  return { ...reason, command: commandIn(reason) };
}

function aboutOf(job: Sighting | null): Readonly<Record<string, unknown>> {
  if (job === null) return { state: 'unknown', task: null, queue: null };
  return { state: job.state, task: job.record?.job.task ?? null, queue: job.standing.queue };
}

function headLine({ id, state, record, standing }: Sighting): string {
  return `job ${id} (${record?.job.task ?? 'its file cannot be read'}): ${state}, queue ${standing.queue}`;
}

function unknownText(id: string, place: string, { resultTtlMs }: Settings, nowMs: number): string {
  const ttlMs = everyTtlMs(resultTtlMs);
  const times = new Set(Object.values(ttlMs));
  const kept =
    times.size === 1
      ? span(ttlMs.succeeded)
      : END_STATES.map(
          (state) => `${span(ttlMs[state])} where it has ${state === 'revoked' ? 'been ' : ''}${state}`,
        ).join(', ');
  const ageMs = isTimed(id) ? nowMs - idTimeMs(id) : -1;
  const made = ageMs < 0 ? '' : ` By its id it was made ${span(ageMs)} ago.`;
  return `There is no job ${id} in ${place}: it was never sent there, or its outcome is forgotten, which is kept for ${kept} (\`resultTtl\`), or as its task says.${made}`;
}
