/**
 * A worker in the process of the test: the keeper, the consumers and the loop of a real one, without children. No run can be killed
 * here: at its time limit a run counts as timed out, and its function goes on.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { executeInline } from '../app/eager.ts';
import { RunningJob } from '../app/current-job.ts';
import { registry } from '../app/registry.ts';
import { brokerOptions } from '../app/settings/place.ts';
import type { Broker } from '../broker/broker.ts';
import { afterwards } from '../broker/soon.ts';
import type { BrokerEvent, Claim, Consumer, Keeper } from '../broker/worker-side.ts';
import { FsqError, UsageError } from '../job/errors.ts';
import type { LimitRules } from '../job/queue-limits.ts';
import { reasonOf } from '../job/values/realm.ts';
import { openBroker } from '../open.ts';
import { Revoked, runJobs } from '../worker/child/runner.ts';
import { Slots } from '../worker/child/slots.ts';
import { brokerEventLogger } from '../worker/log.ts';
import type { TestWorker, WorkPlan } from './test-worker.ts';

/** How long the jobs at hand may take to end after their signals have been aborted, ms. */
const GRACE_MS = 1_000;

/** From its start to its stop. */
interface Shift {
  readonly broker: Broker;
  readonly keeper: Keeper;
  readonly consumers: readonly Consumer[];
  readonly stop: AbortController;
  readonly ended: Promise<unknown>;
  /** Listens no more to what this process prints. */
  readonly deafen: () => void;
}

export class InlineWorker implements TestWorker {
  readonly #plan: WorkPlan;
  readonly #running = new Set<Claim>();
  #shift: Shift | null = null;
  #isOn = false;
  #failure: TestWorker['failure'] = null;
  #steps = 0;

  constructor(plan: WorkPlan) {
    this.#plan = plan;
  }

  get failure(): TestWorker['failure'] {
    return this.#failure;
  }

  get steps(): number {
    return this.#steps;
  }

  async start(): Promise<void> {
    if (this.#isOn) throw new UsageError('Expected one drain() of a `manual` spool at a time', 'FSQ_TESTING');
    this.#isOn = true;
    const { settings, stage } = this.#plan;
    const broker = openBroker({ ...brokerOptions(settings), nowMs: stage.nowMs });
    try {
      this.#shift = await this.#begin(broker);
    } catch (error) {
      this.#isOn = false;
      await broker.close();
      throw error;
    }
  }

  async #begin(broker: Broker): Promise<Shift> {
    const { settings, concurrency } = this.#plan;
    const known = [...registry().tasks.values()];
    const limits: LimitRules = {
      queues: settings.queueLimits,
      tasks: new Map(known.flatMap(({ name, queueLimits: own }) => (own === undefined ? [] : [[name, own] as const]))),
    };
    const tasks = known.map(({ name }) => name);
    const keeper = await broker.keeper({ queues: null, limits, onEvent: (event) => this.#hear(event) });
    keeper.know(tasks);
    const stop = new AbortController();
    const seats = await Promise.all(
      Array.from({ length: concurrency }, () => this.#open(broker, { tasks, limits }, keeper.owner)),
    );
    const runs = seats.map(({ consumer, revoked }) => this.#run(consumer, revoked, stop.signal));
    const taps = (['stdout', 'stderr'] as const).map((name) => tap(process[name], (text) => this.#keep(name, text)));
    const deafen = (): void => taps.forEach((remove) => remove());
    return { broker, keeper, consumers: seats.map(({ consumer }) => consumer), stop, ended: Promise.all(runs), deafen };
  }

  clockMoved(): void {
    this.#shift?.keeper.clockMoved();
  }

  async stop(): Promise<string | null> {
    const shift = this.#shift;
    if (shift === null) return null;
    this.#shift = null;
    shift.stop.abort(new Error('The temporary spool is closed.'));
    const patience = new AbortController();
    await Promise.race([shift.ended, wait(GRACE_MS, null, { signal: patience.signal }).catch(() => undefined)]);
    patience.abort();
    shift.deafen();
    await Promise.all(shift.consumers.map((consumer) => consumer.close()));
    await shift.keeper.close();
    await shift.broker.close();
    this.#isOn = false;
    const left = [...this.#running].map(({ job }) => `${job.task} (job ${job.id})`);
    return left.length === 0 ? null : left.join(', ');
  }

  async #open(
    broker: Broker,
    about: { readonly tasks: readonly string[]; readonly limits: LimitRules },
    parent: string,
  ): Promise<{ readonly consumer: Consumer; readonly revoked: Revoked }> {
    const revoked = new Revoked();
    const consumer = await broker.consumer({
      ...about,
      queues: null,
      parent,
      logBytes: this.#plan.settings.jobLogBytes,
      onRevoked: (ids) => revoked.hear(ids),
      onEvent: (event) => this.#hear(event),
    });
    return { consumer, revoked };
  }

  async #run(consumer: Consumer, revoked: Revoked, stop: AbortSignal): Promise<void> {
    const { settings, log } = this.#plan;
    const nothing = (): void => undefined;
    try {
      await runJobs({
        consumer: { ...consumer, owner: consumer.owner, next: (signal) => this.#next(consumer, signal) },
        log,
        texts: settings,
        drain: stop,
        stop,
        revoked,
        slots: new Slots(1),
        timeLimits: settings,
        limitKeepers: { begun: nothing, ended: nothing },
        retirement: null,
        onRetire: nothing,
        onFailed: nothing,
        execute: executeInline,
      });
    } catch (error) {
      if (!stop.aborted) this.#failure ??= { error };
    }
  }

  /** The consumer's next claim, counted when it is taken and when it is settled. */
  #next(consumer: Consumer, signal: AbortSignal): ReturnType<Consumer['next']> {
    return afterwards(consumer.next(signal), (claim) => {
      if (claim === null) return null;
      this.#steps++;
      this.#running.add(claim);
      // In its place: the claim is an object of a class, whose methods a copy would not have.
      const settle = claim.settle.bind(claim);
      claim.settle = (settlement, run) =>
        afterwards(settle(settlement, run), () => {
          this.#steps++;
          this.#running.delete(claim);
        });
      return claim;
    });
  }

  /** What the code of a task prints is kept with its job; where it calls a task directly, what that prints too. */
  #keep(stream: 'stdout' | 'stderr', text: string | Uint8Array): void {
    const job = registry().current.getStore();
    if (job === undefined || RunningJob.hasEnded(job)) return;
    const running = [...this.#running];
    const claim = running.find((one) => one.job.id === job.id) ?? (running.length === 1 ? running[0] : undefined);
    claim?.print(stream, text);
  }

  #hear(event: BrokerEvent): void {
    brokerEventLogger(this.#plan.log)(event);
    if (event.kind === 'unusable') this.#failure ??= { error: new FsqError('FSQ_SPOOL', reasonOf(event.error)) };
  }
}

/** Has `hear` get what is written to `stream` as well. @returns ends that */
function tap(stream: NodeJS.WriteStream, hear: (text: string | Uint8Array) => void): () => void {
  const write = stream.write.bind(stream);
  let isOn = true;
  const heard = (chunk: string | Uint8Array, ...rest: readonly unknown[]): boolean => {
    if (isOn) hear(chunk);
    return Reflect.apply(write, undefined, [chunk, ...rest]) === true;
  };
  const before = Object.getOwnPropertyDescriptor(stream, 'write');
  stream.write = heard;
  return () => {
    isOn = false;
    if (stream.write !== heard) return; // Somebody has put another one over it, which calls this one.
    if (before === undefined) Reflect.deleteProperty(stream, 'write');
    else Object.defineProperty(stream, 'write', before);
  };
}
