import assert from 'node:assert/strict';
import { cpSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { runPage } from '../support/document.ts';
import { REPOSITORY, run, startWorker, tempProject } from '../support/project.ts';

const EXAMPLE = join(REPOSITORY, 'examples/opentelemetry');
const SCOPE = 'node_modules/@opentelemetry';

test('the example of OpenTelemetry makes a span of the call and one of the run, in one trace', async (t) => {
  const project = tempProject(t, {});
  copyExample(project.path);
  symlinkSync(join(REPOSITORY, SCOPE), join(project.path, SCOPE));
  writeFileSync(join(project.path, 'memory.ts'), IN_MEMORY);

  const { stdout, stderr } = await run(project, process.execPath, ['--import', 'tsx', 'memory.ts'], {
    env: { FSQ_ALWAYS_EAGER: '1' },
  });

  const { id, spans } = JSON.parse(stdout === '' ? assert.fail(stderr) : stdout);
  const named = (name: string): Record<string, unknown> =>
    spans.find((span: Record<string, unknown>) => span['name'] === name) ?? assert.fail(stdout);
  const [program, send, process_, inside] = ['program', 'send images', 'process images', 'inside'].map(named);
  const shared = { 'messaging.system': 'fsq', 'messaging.destination.name': 'images', 'messaging.message.id': id };
  const operation = (name: string): object => ({ 'messaging.operation.name': name, 'messaging.operation.type': name });
  assert.deepEqual(send?.['attributes'], { ...shared, ...operation('send'), 'fsq.task.name': 'resize' });
  assert.deepEqual(process_?.['attributes'], {
    ...shared,
    ...operation('process'),
    'fsq.task.name': 'resize',
    'fsq.attempt': 1,
  });
  assert.deepEqual([send?.['kind'], process_?.['kind']], ['PRODUCER', 'CONSUMER']);
  assert.equal(new Set([program, send, process_, inside].map((span) => span?.['traceId'])).size, 1, stdout);
  assert.deepEqual(
    [send?.['parent'], process_?.['parent'], process_?.['link'], inside?.['parent']],
    [program?.['spanId'], send?.['spanId'], send?.['spanId'], process_?.['spanId']],
  );
});

test('between two processes, too: the worker’s child and the program print spans of one trace', async (t) => {
  const project = tempProject(t, {});
  copyExample(project.path);
  symlinkSync(join(REPOSITORY, SCOPE), join(project.path, SCOPE));

  const worker = await startWorker(t, project, ['-c', '1']);
  const program = await run(project, process.execPath, ['--import', 'tsx', '--import', './start.ts', 'main.ts']);
  const { stdout } = await worker.stop();

  assert.match(program.stdout, /^cat\.png\.small$/m, program.stderr);
  assert.match(program.stdout, /name: 'send images'/);
  assert.match(stdout, /name: 'process images'/);
  const traceId = /traceId: '(\w{32})'/;
  assert.equal(traceId.exec(stdout)?.[1], traceId.exec(program.stdout)?.[1] ?? assert.fail(program.stdout));
});

test('the README of the example can be followed', { timeout: 60_000 }, async (t) => {
  const { commands } = await runPage(t, 'examples/opentelemetry/README.md', {
    folder: 'examples/opentelemetry',
    prepare: ({ path }) => {
      copyExample(join(path, 'examples/opentelemetry'));
      symlinkSync(join(REPOSITORY, 'bin'), join(path, 'bin'));
      symlinkSync(join(REPOSITORY, SCOPE), join(path, SCOPE));
    },
  });

  assert.equal(commands, 1);
});

/** A program that traces itself, too, with spans kept in memory, and prints them. */
const IN_MEMORY = `
import { SpanKind, trace } from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { task } from 'fsq';
import { startTracing } from './tracing.ts';

const exporter = new InMemorySpanExporter();
startTracing(new SimpleSpanProcessor(exporter));
const tracer = trace.getTracer('test');
const resize = task('resize', { queue: 'images' }, async () => tracer.startSpan('inside').end());
const id = await tracer.startActiveSpan('program', async (span) => {
  const { id } = await resize.delay();
  span.end();
  return id;
});
const spans = exporter.getFinishedSpans().map((span) => ({
  name: span.name,
  kind: SpanKind[span.kind],
  attributes: span.attributes,
  traceId: span.spanContext().traceId,
  spanId: span.spanContext().spanId,
  parent: span.parentSpanContext?.spanId,
  link: span.links[0]?.context.spanId,
}));
console.log(JSON.stringify({ id, spans }));
`;

function copyExample(to: string): void {
  cpSync(EXAMPLE, to, { recursive: true, filter: (path) => !path.endsWith('/spool') });
}
