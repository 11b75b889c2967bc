// start.ts: imported first, by the program and by the worker's children (`import` in fsq.config.json)
import { ConsoleSpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { startTracing } from './tracing.ts';

startTracing(new SimpleSpanProcessor(new ConsoleSpanExporter()));
