/**
 * Spans of OpenTelemetry for fsq: `send {queue}` around each call, `process {queue}` around each run. They are joined by
 * `traceparent`, which goes along in the job's headers. Names and attributes are those of the semantic conventions for messaging.
 */
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  type Attributes,
  context,
  type Context,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { BasicTracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { AsyncLocalStorage } from 'node:async_hooks';
import { tracingChannel } from 'node:diagnostics_channel';
import type { AsyncResult, EnqueueMessage, RunMessage } from 'fsq';

/** What Node.js adds to a message once it is known. */
interface Ended<T> {
  readonly result?: T;
  readonly error?: unknown;
}

/** Has the spans of this process go to `processor`. To be called once, before the first job is sent or run. */
export function startTracing(processor: SpanProcessor): void {
  const contexts = new AsyncLocalStorageContextManager().enable();
  context.setGlobalContextManager(contexts);
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [processor] }));
  traceCalls();
  // The store is private to the context manager: there is no other way to have a context begin with somebody else's function.
  traceRuns(contexts['_asyncLocalStorage']);
}

function traceCalls(): void {
  const spans = new WeakMap<object, Span>();
  tracingChannel<unknown, EnqueueMessage & Ended<readonly AsyncResult[]>>('fsq:enqueue').subscribe({
    start(message) {
      const { task, queue, argsList, headers } = message;
      const span = tracer().startSpan(`send ${queue}`, {
        kind: SpanKind.PRODUCER,
        attributes: {
          ...attributesOf('send', task, queue),
          ...(argsList.length > 1 ? { 'messaging.batch.message_count': argsList.length } : {}),
        },
      });
      spans.set(message, span);
      propagation.inject(trace.setSpan(context.active(), span), headers);
    },
    end: () => undefined,
    asyncStart: () => undefined,
    error: (message) => tellError(spans.get(message), message.error),
    asyncEnd(message) {
      const [first, second] = message.result ?? [];
      const span = spans.get(message);
      if (first !== undefined && second === undefined) span?.setAttribute('messaging.message.id', first.id);
      span?.end();
    },
  });
}

function traceRuns(store: AsyncLocalStorage<Context>): void {
  const spans = new WeakMap<object, Span>();
  const runs = tracingChannel<unknown, RunMessage & Ended<unknown>>('fsq:run');
  // Whatever the task does belongs to its span: what this gives is the store's value during the run.
  runs.start.bindStore(store, (given) => {
    const message = given as RunMessage;
    const { id, task, queue, attempt, headers } = message;
    const sent = propagation.extract(context.active(), headers);
    const sender = trace.getSpanContext(sent);
    const span = tracer().startSpan(
      `process ${queue}`,
      {
        kind: SpanKind.CONSUMER,
        attributes: { ...attributesOf('process', task, queue), 'messaging.message.id': id, 'fsq.attempt': attempt },
        links: sender === undefined ? [] : [{ context: sender }],
      },
      sent,
    );
    spans.set(message, span);
    return trace.setSpan(sent, span);
  });
  runs.subscribe({
    start: () => undefined,
    end: () => undefined,
    asyncStart: () => undefined,
    error: (message) => tellError(spans.get(message), message.error),
    asyncEnd: (message) => spans.get(message)?.end(),
  });
}

function tracer(): ReturnType<typeof trace.getTracer> {
  return trace.getTracer('fsq');
}

function attributesOf(operation: 'send' | 'process', task: string, queue: string): Attributes {
  return {
    'messaging.system': 'fsq',
    'messaging.operation.name': operation,
    'messaging.operation.type': operation,
    'messaging.destination.name': queue,
    'fsq.task.name': task,
  };
}

function tellError(span: Span | undefined, thrown: unknown): void {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  span?.setAttribute('error.type', error.name);
  span?.recordException(error);
  span?.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
}
