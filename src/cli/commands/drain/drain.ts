/** `fsq drain`: runs jobs until nothing is left, and exits by what became of them. For cron and CI. */
import { availableParallelism } from 'node:os';
import { checkImports } from '../../../app/project/load-module.ts';
import { currentFolder } from '../../../app/project/project.ts';
import { appendText, checkWritable, writeWhole } from '../../../app/project/write.ts';
import { refuse } from '../../../job/errors.ts';
import { didYouMean } from '../../../job/text.ts';
import { reasonOf } from '../../../job/values/realm.ts';
import { nodeFiles } from '../../../spool/disk/files.ts';
import { Outlet } from '../../../worker/outlet.ts';
import { TaskModules } from '../../../worker/task-modules.ts';
import { type Command, type Context, someTime } from '../../command.ts';
import { EXIT, messageText } from '../../exit.ts';
import { findModules, settingOptions, settingsOf } from '../../setting-options.ts';
import { parseQueues } from '../worker/queue-choice.ts';
import { annotations } from './github.ts';
import { junitText } from './junit.ts';
import type { RunReport } from './report.ts';
import { drain as drainQueues, type DrainPlan } from './run.ts';
import { markdownText, SUMMARIES, type SummaryForm, summaryText } from './summary.ts';
import { logView, terminalView, type View } from './view.ts';

export const drain: Command = {
  name: 'drain',
  usage: 'fsq drain [options]',
  examples: [
    ['fsq drain', 'run what is ready, and wait for what other workers run'],
    ['fsq drain --delayed --timeout 10m', 'retries and later jobs too; after ten minutes stop, and exit with 124'],
    ['fsq drain --fail-fast --junit report.xml', 'begin nothing more after a failure; a report for the CI server'],
    ['fsq drain --github --summary md', 'annotations and a table for GitHub Actions'],
    ['fsq drain -Q mail -c 1 --summary json', 'one queue, one job at a time, and a summary for programs'],
  ],
  options: {
    ...settingOptions('concurrency', 'slots'),
    queues: {
      type: 'string',
      short: 'Q',
      value: 'QUEUES',
      help: 'these queues only, in turns; A=3,B: three of A for one of B (default: all)',
    },
    'in-order': { type: 'boolean', help: 'take jobs of a queue only when those named before it have none ready' },
    'fail-fast': {
      type: 'boolean',
      help: 'begin no job after one has failed: exactly so with -c 1, else until all children have heard; jobs at hand are finished',
    },
    timeout: { type: 'string', value: 'TIME', help: 'stop after so long: 30s, 10m, 2h; jobs at hand are queued again' },
    delayed: { type: 'boolean', help: 'wait also for jobs that wait for a time, a retry or another job' },
    summary: {
      type: 'string',
      value: 'FORM',
      among: SUMMARIES,
      help: `how stdout tells the result: ${SUMMARIES.join(', ')} (default: text)`,
    },
    junit: { type: 'string', value: 'FILE', help: 'write a JUnit report: a suite for each task, a case for each job' },
    github: { type: 'boolean', help: 'annotate failures for GitHub Actions, and write the summary of the step' },
    quiet: { type: 'boolean', short: 'q', help: 'tell of failures and of jobs that are left only, for cron' },
    ...settingOptions('tasks', 'import', 'env', 'timeLimit', 'softTimeLimit'),
    ...settingOptions(
      'maxTasksPerChild',
      'maxMemoryPerChild',
      'shutdownTimeout',
      'allowNetworkFs',
      'allowUnsafe',
      'allowExec',
    ),
  },
  notes: [
    'Exits 0 when all is well, 1 when a job failed (or waits for another attempt), 3 when jobs are left that cannot run (their task is',
    'unknown, their queue paused), 4 when one was revoked or expired, 124 after --timeout, 130 or 143 after a signal.',
  ],
  run: runDrain,
};

/** What of the command line says how it is told. */
interface Telling {
  readonly summary: SummaryForm;
  readonly junit: string | null;
  readonly isGithub: boolean;
  readonly isQuiet: boolean;
}

async function runDrain(context: Context): Promise<number> {
  const { values, stdout, stderr } = context;
  const telling = tellingOf(context);
  const timeoutMs = someTime(values.text('timeout'), 'timeout') ?? null;
  const { queues, order } = parseQueues(values.text('queues') ?? null, values.flag('in-order'));
  const settings = await settingsOf(context);
  checkImports(settings.imports, currentFolder());
  const modules = new TaskModules({ files: findModules(settings).files, imports: settings.imports, find: null });
  const view = viewOf(context, telling);
  const plan: DrainPlan = {
    settings,
    modules,
    concurrency: settings.concurrency ?? availableParallelism(),
    queues,
    order,
    waitsForLater: values.flag('delayed'),
    isFailFast: values.flag('fail-fast'),
    timeoutMs,
    keepsGood: telling.junit !== null,
    view,
    env: context.env,
  };
  try {
    const { report, problem } = await drainQueues(plan);
    view.close();
    if (problem !== null) stderr.write(messageText('fsq drain', `${problem.message} (${problem.code})`));
    if (!isSilent(report, telling)) stdout.write(summaryText(report, telling.summary, view.showsWhole));
    return tell(report, telling, context);
  } finally {
    view.close();
  }
}

/** A good end is no news, but to programs that read it. */
function isSilent({ exitCode }: RunReport, { summary, isQuiet }: Telling): boolean {
  return isQuiet && summary === 'text' && exitCode === EXIT.good;
}

/** @throws UsageError */
function tellingOf({ values }: Context): Telling {
  const summary = values.text('summary') ?? 'text';
  const junit = values.text('junit') ?? null;
  if (junit !== null) checkWritable(junit, '--junit');
  return { summary: summaryForm(summary), junit, isGithub: values.flag('github'), isQuiet: values.flag('quiet') };
}

/** @throws UsageError */
function summaryForm(text: string): SummaryForm {
  const form = SUMMARIES.find((one) => one === text);
  return form ?? refuse('--summary', `one of ${SUMMARIES.join(', ')}`, text, didYouMean(text, SUMMARIES));
}

function viewOf({ stderr, env }: Context, { isGithub, isQuiet, summary }: Telling): View {
  const outlet = new Outlet(process.stderr, () => undefined);
  const isTerminal = stderr.isTTY && env['TERM'] !== 'dumb' && !isQuiet;
  if (isTerminal) return terminalView(process.stderr, outlet, stderr.hasColours);
  // GitHub obeys such a command anywhere in a line, also in what a job has printed.
  const isRead = isGithub || env['GITHUB_ACTIONS'] === 'true';
  return logView(outlet, {
    isQuiet,
    showsWhole: summary === 'text' && (isQuiet || haveOneReader()),
    harmless: (line) => (isRead ? line.replaceAll('##[', '# #[') : line),
  });
}

/** True where stdout and stderr are one pipe, file or terminal, as after `2>&1` and under cron. */
function haveOneReader(): boolean {
  try {
    const [out, err] = [nodeFiles.info(1), nodeFiles.info(2)];
    return out.device === err.device && out.inode === err.inode;
  } catch {
    return false; // One of them is closed.
  }
}

/** Writes what else was asked for. @returns the exit code; a report that cannot be written spoils a good one only */
function tell(report: RunReport, { junit, isGithub }: Telling, { env, tell, stderr }: Context): number {
  const stepSummary = env['GITHUB_STEP_SUMMARY'] ?? '';
  const writes = [
    ...(junit === null ? [] : [[junit, () => writeWhole(junit, junitText(report))] as const]),
    ...(isGithub && stepSummary !== ''
      ? [[stepSummary, () => appendText(stepSummary, markdownText(report))] as const]
      : []),
  ];
  if (isGithub) {
    // Not to stdout, which may be a file with the summary: GitHub reads both.
    for (const line of annotations(report, env['GITHUB_WORKSPACE'] ?? null)) stderr.write(`${line}\n`);
  }
  let { exitCode } = report;
  for (const [path, write] of writes) {
    try {
      write();
    } catch (error) {
      tell(`${path} could not be written: ${reasonOf(error)}`);
      if (exitCode === EXIT.good) exitCode = EXIT.outputFailed;
    }
  }
  return exitCode;
}
