/** `fsq map`: a job for each line of standard input, and a line of output for each outcome. Started again, it repeats nothing that is done. */
import { refuse, UsageError } from '../../../job/errors.ts';
import { checkTaskName } from '../../../job/names.ts';
import { format } from '../../../job/text.ts';
import { type Command, type Context, duration, someTime, type Values, wholeNumber } from '../../command.ts';
import { settingOption, settingOptions } from '../../setting-options.ts';
import { CALL_OPTIONS, callOptions } from '../call/call-options.ts';
import { keyPath } from './identity.ts';
import { type MapPlan, startMap } from './start-map.ts';

/** Lines that are sent and not told, where `--window` does not say it: enough for the workers of a machine never to wait for a line. */
const WINDOW = 1_000;
const MOST_WINDOW = 100_000;
const KEPT = '1d';
const MAX_RUN_NAME = 200;

/** Those of a call that would make its own identity of a line, or another outcome than the one that is told. */
const NOT_OF_LINES: ReadonlySet<string> = new Set(['key', 'unique', 'debounce', 'max-wait', 'ignore-result', 'after']);
/** Of the worker that it starts itself. */
const OF_OWN_WORKER = ['slots', 'tasks', 'import', 'env'] as const;

export const map: Command = {
  name: 'map',
  usage: 'fsq map TASK [options]',
  examples: [
    ['fsq map resize < in.jsonl > out.jsonl', 'a line is a JSON array of arguments, or one argument'],
    ['fsq map resize -c 4 < in.jsonl > out.jsonl', 'with a worker of its own, of four children'],
    ['seq 100 | fsq map square --ordered | jq .value', 'the values, in the order of the input'],
    [
      'fsq map fetch --key url --retries 3 < in.jsonl',
      'a line is known by a field: lines with the same one share a job',
    ],
    ['fsq map bill --run 2026-11 < in.jsonl', 'killed and started again, it goes on where it was'],
  ],
  args: { least: 1, most: 1 },
  options: {
    ...settingOption(
      'concurrency',
      'start a worker here, with so many children (default: workers elsewhere run the jobs)',
    ),
    ordered: { type: 'boolean', help: 'print the lines in the order of the input (default: as the jobs end)' },
    key: {
      type: 'string',
      value: 'FIELD',
      help: 'know a line by this field of its first argument, such as id or user.id, or by an argument: 0',
    },
    run: { type: 'string', value: 'NAME', help: 'know the lines of this run apart from those of others' },
    fresh: { type: 'boolean', help: 'begin the run anew: no line is done yet' },
    window: {
      type: 'string',
      value: 'N',
      help: `how many lines may be sent and not printed yet (default: ${WINDOW})`,
    },
    timeout: { type: 'string', value: 'TIME', help: 'stop after so long: 30s, 10m, 2h; jobs at hand go on' },
    ...Object.fromEntries(Object.entries(CALL_OPTIONS).filter(([name]) => !NOT_OF_LINES.has(name))),
    'result-ttl': {
      type: 'string',
      value: 'TIME',
      help: `know the lines, and keep their outcomes, for so long (default: ${KEPT})`,
    },
    ...settingOptions(...OF_OWN_WORKER, 'allowNetworkFs', 'allowUnsafe'),
  },
  notes: [
    'Prints {"line":1,"id":"…","state":"succeeded","value":…} for each line, or the state, "error" and "args" of one that did not succeed.',
    'Exits 0 when all have succeeded, 1 when one failed, 2 when a line was no JSON (the others are done all the same), 4 when one was',
    'revoked or expired, 124 after --timeout, 130 or 143 after a signal: the jobs at hand go on then.',
    'The same command goes on with a run that was stopped or killed, for --result-ttl: a line with the same number and text (or --key), of',
    'the same task and --run, is not run again, its outcome is printed. A run that has come to the end of its input is over: the next',
    'start begins another.',
  ],
  run: (context) => startMap(planOf(context)),
};

/** @throws UsageError */
function planOf(context: Context): MapPlan {
  const { values, args } = context;
  const task = checkTaskName(args[0]);
  refuseWithoutWorker(values);
  const { key: _field, ...options } = callOptions(values);
  const keptMs = keptMsOf(values);
  return {
    context,
    task,
    options: { ...options, resultTtl: keptMs, ignoreResult: false },
    keptMs,
    runName: runName(values.text('run')),
    isFresh: values.flag('fresh'),
    keyPath: keyPath(values.text('key')),
    window: wholeNumber(values.text('window'), 'window', 1, MOST_WINDOW) ?? WINDOW,
    isOrdered: values.flag('ordered'),
    timeoutMs: someTime(values.text('timeout'), 'timeout') ?? null,
    hasWorker: values.text('concurrency') !== undefined,
  };
}

/** @throws UsageError */
function refuseWithoutWorker(values: Values): void {
  if (values.text('concurrency') !== undefined) return;
  const lone = OF_OWN_WORKER.find((name) => values.list(name).length > 0);
  if (lone !== undefined) throw new UsageError(`Expected -c beside --${lone}: it is for the worker that -c starts`);
}

/** @throws UsageError */
function keptMsOf(values: Values): number {
  const text = values.text('result-ttl') ?? KEPT;
  if (text.includes('='))
    refuse('--result-ttl', 'one time, such as 7d: a line is known as long as its outcome is kept', text);
  return duration(text, 'result-ttl') || refuse('--result-ttl', 'more than 0', text);
}

/** @throws UsageError */
function runName(text: string | undefined): string {
  if (text === undefined) return '';
  if (text !== '' && text.length <= MAX_RUN_NAME) return text;
  throw new UsageError(`Expected --run to be a name of 1 to ${MAX_RUN_NAME} characters, got ${format(text)}`);
}
