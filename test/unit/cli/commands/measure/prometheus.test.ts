import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { type Metric, metricsText } from '../../../../../src/cli/commands/measure/prometheus.ts';
import { lacksProgram } from '../../../../support/needs.ts';

const METRICS: readonly Metric[] = [
  {
    type: 'gauge',
    name: 'fsq_jobs',
    help: 'Jobs that wait\nor "run" \\',
    samples: [{ labels: { queue: 'a"b\\c\nd', state: 'pending' }, value: 3 }],
  },
  { type: 'counter', name: 'fsq_jobs_total', help: 'Jobs that ended', samples: [{ value: 5 }] },
  { type: 'counter', name: 'fsq_crashes_total', help: 'Crashes', samples: [{ labels: { reason: 'exit' }, value: 1 }] },
  {
    type: 'histogram',
    name: 'fsq_job_run_seconds',
    help: 'Runs',
    bounds: [0.001, 1, 3_600],
    samples: [{ labels: { task: 'add' }, buckets: [2, 1], sum: 0.75 }],
  },
  { type: 'gauge', name: 'fsq_none', help: 'Nothing', samples: [] },
  { type: 'info', name: 'fsq_build_info', help: 'This fsq', samples: [{ labels: { version: '1.0.0' }, value: 1 }] },
];

test('the text format 0.0.4: help and type before the samples, labels escaped, buckets added up', () => {
  assert.equal(
    metricsText(METRICS, 'prometheus'),
    String.raw`# HELP fsq_jobs Jobs that wait\nor "run" \\
# TYPE fsq_jobs gauge
fsq_jobs{queue="a\"b\\c\nd",state="pending"} 3
# HELP fsq_jobs_total Jobs that ended
# TYPE fsq_jobs_total counter
fsq_jobs_total 5
# HELP fsq_crashes_total Crashes
# TYPE fsq_crashes_total counter
fsq_crashes_total{reason="exit"} 1
# HELP fsq_job_run_seconds Runs
# TYPE fsq_job_run_seconds histogram
fsq_job_run_seconds_bucket{task="add",le="0.001"} 2
fsq_job_run_seconds_bucket{task="add",le="1"} 3
fsq_job_run_seconds_bucket{task="add",le="3600"} 3
fsq_job_run_seconds_bucket{task="add",le="+Inf"} 3
fsq_job_run_seconds_sum{task="add"} 0.75
fsq_job_run_seconds_count{task="add"} 3
# HELP fsq_none Nothing
# TYPE fsq_none gauge
# HELP fsq_build_info This fsq
# TYPE fsq_build_info gauge
fsq_build_info{version="1.0.0"} 1
`,
  );
});

test('OpenMetrics: families without suffixes, units, bounds with a point, an end; a name that a gauge has is of no known type', () => {
  assert.equal(
    metricsText(METRICS, 'openmetrics'),
    String.raw`# TYPE fsq_jobs gauge
# HELP fsq_jobs Jobs that wait\nor \"run\" \\
fsq_jobs{queue="a\"b\\c\nd",state="pending"} 3
# TYPE fsq_jobs_total unknown
# HELP fsq_jobs_total Jobs that ended
fsq_jobs_total 5
# TYPE fsq_crashes counter
# HELP fsq_crashes Crashes
fsq_crashes_total{reason="exit"} 1
# TYPE fsq_job_run_seconds histogram
# UNIT fsq_job_run_seconds seconds
# HELP fsq_job_run_seconds Runs
fsq_job_run_seconds_bucket{task="add",le="0.001"} 2
fsq_job_run_seconds_bucket{task="add",le="1.0"} 3
fsq_job_run_seconds_bucket{task="add",le="3600.0"} 3
fsq_job_run_seconds_bucket{task="add",le="+Inf"} 3
fsq_job_run_seconds_sum{task="add"} 0.75
fsq_job_run_seconds_count{task="add"} 3
# TYPE fsq_none gauge
# HELP fsq_none Nothing
# TYPE fsq_build info
# HELP fsq_build This fsq
fsq_build_info{version="1.0.0"} 1
# EOF
`,
  );
});

test('numbers are those of the formats', () => {
  const text = (value: number): string =>
    metricsText([{ type: 'gauge', name: 'x', help: 'X', samples: [{ value }] }], 'prometheus').split('\n')[2] ?? '';

  assert.deepEqual([0, 1e21, -0.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN].map(text), [
    'x 0',
    'x 1e+21',
    'x -0.5',
    'x +Inf',
    'x -Inf',
    'x NaN',
  ]);
});

const READ_BY_PROMETHEUS = `
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
names = [family.name for family in text_string_to_metric_families(sys.stdin.read())]
print(','.join(names))
`;
const python = spawnSync('/usr/bin/python3', ['-c', 'import prometheus_client.openmetrics.parser']);

test(
  'the parser of Prometheus’ own client takes the OpenMetrics text',
  { skip: python.status === 0 ? false : 'python3-prometheus-client is missing' },
  () => {
    const { stdout, stderr } = spawnSync('/usr/bin/python3', ['-c', READ_BY_PROMETHEUS], {
      input: metricsText(METRICS, 'openmetrics'),
      encoding: 'utf8',
    });

    assert.equal(stderr, '');
    assert.equal(stdout, 'fsq_jobs,fsq_jobs_total,fsq_crashes,fsq_job_run_seconds,fsq_none,fsq_build\n');
  },
);

test('promtool takes the text', { skip: lacksProgram('promtool') }, () => {
  const { stdout, stderr, status } = spawnSync('promtool', ['check', 'metrics'], {
    input: metricsText(METRICS, 'prometheus'),
    encoding: 'utf8',
  });

  assert.deepEqual([status, stdout, stderr], [0, '', '']);
});
