/** Which metrics there are, and what each says. Pure. Their names are a promise: docs/observing.md lists them. */
import { BOUNDS_MS } from '../../../broker/figures/histogram.ts';
import { CRASHES, OUTCOMES, type TaskFigures } from '../../../broker/statistics.ts';
import type { MetricFacts } from './facts.ts';
import type { BucketSample, Metric, Sample } from './prometheus.ts';

const BOUNDS_SECONDS = BOUNDS_MS.map((ms) => ms / 1_000);

/** Of an unknown future version of the figures nothing is lost: each metric is there, if with 0. */
export function metricsOf(facts: MetricFacts): readonly Metric[] {
  return [...gaugesOfJobs(facts), ...countersOf(facts), ...gaugesOfPlace(facts)];
}

function gaugesOfJobs({ queues, longestRunMs, workers, slots }: MetricFacts): readonly Metric[] {
  return [
    gauge(
      'fsq_jobs',
      'Jobs that have not ended',
      queues.flatMap(({ queue, ...counts }) =>
        (['pending', 'delayed', 'running'] as const).map((state) => sample(counts[state], { queue, state })),
      ),
    ),
    gauge(
      'fsq_queue_latency_seconds',
      'How long the oldest ready job of the queue has been ready',
      queues.map(({ queue, latencyMs }) => sample(latencyMs / 1_000, { queue })),
    ),
    gauge(
      'fsq_queue_paused',
      'Whether the queue is paused',
      queues.map(({ queue, isPaused }) => sample(isPaused ? 1 : 0, { queue })),
    ),
    gauge('fsq_running_job_seconds_max', 'How long the job runs that has run for longest', [
      sample(longestRunMs / 1_000),
    ]),
    gauge('fsq_workers', 'Workers that live', [sample(workers)]),
    gauge('fsq_worker_slots', 'How many jobs all workers can run at once', [
      sample(slots.busy, { state: 'busy' }),
      sample(slots.idle, { state: 'idle' }),
    ]),
  ];
}

function countersOf({ statistics: { tasks, crashes, restarts } }: MetricFacts): readonly Metric[] {
  const ended = tasks.flatMap((figures) =>
    OUTCOMES.map((outcome) => sample(figures.ended[outcome], { ...labelsOf(figures), outcome })),
  );
  return [
    counter('fsq_jobs_total', 'Jobs that came to their end', ended),
    counter(
      'fsq_job_retries_total',
      'Runs after which their job runs again',
      tasks.map((figures) => sample(figures.retried, labelsOf(figures))),
    ),
    histogram(
      'fsq_job_wait_seconds',
      'From when a job could run until its first run began',
      tasks.map((figures) => bucketSample(figures, 'wait')),
    ),
    histogram(
      'fsq_job_run_seconds',
      'How long runs took',
      tasks.map((figures) => bucketSample(figures, 'run')),
    ),
    counter(
      'fsq_crashes_total',
      'Child processes of workers that ended against their will',
      CRASHES.map((reason) => sample(crashes[reason] ?? 0, { reason })),
    ),
    counter('fsq_child_restarts_total', 'Child processes that were started in the place of others', [sample(restarts)]),
  ];
}

function gaugesOfPlace({ schedules, room, version }: MetricFacts): readonly Metric[] {
  const late = schedules.map(({ schedule, lateMs }) => sample(lateMs / 1_000, { schedule }));
  return [
    ...(late.length === 0
      ? []
      : [gauge('fsq_schedule_late_seconds', 'How long the next time of the schedule is over without its job', late)]),
    ...(room === null
      ? []
      : [
          gauge('fsq_spool_bytes', 'Room of the file system of the spool', [
            sample(room.usedBytes, { state: 'used' }),
            sample(room.freeBytes, { state: 'free' }),
          ]),
          gauge('fsq_spool_inodes_free', 'Inodes that the file system of the spool has left', [
            sample(room.freeInodes),
          ]),
        ]),
    { type: 'info', name: 'fsq_build_info', help: 'The fsq that tells this', samples: [sample(1, { version })] },
  ];
}

function labelsOf({ queue, task }: TaskFigures): { readonly queue: string; readonly task: string } {
  return { queue, task };
}

function bucketSample(figures: TaskFigures, what: 'wait' | 'run'): BucketSample {
  const { buckets, sumMs } = figures[what];
  return { labels: labelsOf(figures), buckets, sum: sumMs / 1_000 };
}

function sample(value: number, labels?: Sample['labels']): Sample {
  return labels === undefined ? { value } : { value, labels };
}

function gauge(name: string, help: string, samples: readonly Sample[]): Metric {
  return { type: 'gauge', name, help, samples };
}

function counter(name: string, help: string, samples: readonly Sample[]): Metric {
  return { type: 'counter', name, help, samples };
}

function histogram(name: string, help: string, samples: readonly BucketSample[]): Metric {
  return { type: 'histogram', name, help, bounds: BOUNDS_SECONDS, samples };
}
