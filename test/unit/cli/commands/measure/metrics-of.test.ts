import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { NO_HISTORY } from '../../../../../src/broker/figures/history.ts';
import { type Statistics, Tally } from '../../../../../src/broker/statistics.ts';
import type { MetricFacts } from '../../../../../src/cli/commands/measure/facts.ts';
import { metricsOf } from '../../../../../src/cli/commands/measure/metrics-of.ts';
import { metricsText } from '../../../../../src/cli/commands/measure/prometheus.ts';
import { lacksProgram } from '../../../../support/needs.ts';

function statisticsOf(tasks: readonly string[]): Statistics {
  const tally = new Tally();
  for (const task of tasks) tally.addRun({ queue: 'mail', task, how: 'failed', waitMs: 1_500, runMs: 40 });
  tally.addCrash('signal');
  return { tasks: tally.tasks, crashes: tally.crashes, restarts: 2, sinceMs: 1, history: NO_HISTORY };
}

const FACTS: MetricFacts = {
  version: '1.2.3',
  statistics: statisticsOf(['send']),
  queues: [{ queue: 'mail', pending: 1, delayed: 2, running: 3, latencyMs: 1_250, isPaused: true }],
  longestRunMs: 60_000,
  workers: 1,
  slots: { busy: 3, idle: 1 },
  schedules: [{ schedule: 'nightly', lateMs: 90_000 }],
  room: { usedBytes: 10, freeBytes: 20, freeInodes: 30 },
};

const linesOf = (facts: MetricFacts): readonly string[] => metricsText(metricsOf(facts), 'prometheus').split('\n');

test('every figure has its name, its labels, and seconds', () => {
  const lines = linesOf(FACTS);
  const wanted = [
    'fsq_jobs{queue="mail",state="delayed"} 2',
    'fsq_queue_latency_seconds{queue="mail"} 1.25',
    'fsq_queue_paused{queue="mail"} 1',
    'fsq_running_job_seconds_max 60',
    'fsq_workers 1',
    'fsq_worker_slots{state="busy"} 3',
    'fsq_worker_slots{state="idle"} 1',
    'fsq_jobs_total{queue="mail",task="send",outcome="failed"} 1',
    'fsq_jobs_total{queue="mail",task="send",outcome="succeeded"} 0',
    'fsq_job_retries_total{queue="mail",task="send"} 0',
    'fsq_job_wait_seconds_bucket{queue="mail",task="send",le="1"} 0',
    'fsq_job_wait_seconds_bucket{queue="mail",task="send",le="2"} 1',
    'fsq_job_wait_seconds_sum{queue="mail",task="send"} 1.5',
    'fsq_job_run_seconds_bucket{queue="mail",task="send",le="0.05"} 1',
    'fsq_job_run_seconds_count{queue="mail",task="send"} 1',
    'fsq_crashes_total{reason="signal"} 1',
    'fsq_crashes_total{reason="start"} 0',
    'fsq_child_restarts_total 2',
    'fsq_schedule_late_seconds{schedule="nightly"} 90',
    'fsq_spool_bytes{state="used"} 10',
    'fsq_spool_bytes{state="free"} 20',
    'fsq_spool_inodes_free 30',
    'fsq_build_info{version="1.2.3"} 1',
  ];
  assert.deepEqual(
    wanted.filter((line) => !lines.includes(line)),
    [],
  );
});

test('where there are no schedules, or the file system does not tell, nothing is said of them', () => {
  const text = linesOf({ ...FACTS, schedules: [], room: null }).join('\n');

  assert.doesNotMatch(text, /fsq_schedule|fsq_spool/);
});

test('of ten thousand tasks the text stays below two megabytes', () => {
  const tasks = Array.from({ length: 10_000 }, (_, i) => `task-number-${i}`);

  assert.ok(linesOf({ ...FACTS, statistics: statisticsOf(tasks) }).join('\n').length < 2_000_000);
});

test('promtool finds nothing to complain of', { skip: lacksProgram('promtool') }, () => {
  const input = `${linesOf(FACTS).join('\n')}`;
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });

  assert.deepEqual([status, stdout, stderr], [0, '', '']);
});
