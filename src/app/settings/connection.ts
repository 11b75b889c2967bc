/** The settings of an app and the broker that they mean, each made at its first use; in a test, the temporary spool in their place. */
import type { Broker } from '../../broker/broker.ts';
import type { BrokerEvent } from '../../broker/worker-side.ts';
import { UsageError } from '../../job/errors.ts';
import { openBroker } from '../../open.ts';
import { type Hearer, restoringText } from '../telling/warnings.ts';
import type { Settings } from './config.ts';
import { brokerOptions, placeText } from './place.ts';
import { currentStage, isStageOver, type Stage } from './stage.ts';

/** What an app has of one place. */
export interface Connection {
  readonly stage: Stage | null;
  readonly settings: Kept<Settings>;
  readonly broker: Kept<Broker>;
}

/**
 * Nothing is read or opened yet.
 *
 * @param stage of the test that runs; null: the place is that of the settings
 * @param app `isNamed`: whoever made it has named its spool
 */
export function connect(
  stage: Stage | null,
  answer: () => Promise<Settings>,
  { hear, isNamed }: { readonly hear: Hearer; readonly isNamed: boolean },
): Connection {
  const settings = new Kept(async () => {
    const answered = await answer();
    for (const notice of answered.notices) hear.notice(notice);
    if (stage === null) return answered;
    const { spool, fsync } = stage;
    return { ...answered, spool, broker: null, spoolFrom: 'setting' as const, fsync, alwaysEager: false };
  });
  const broker = new Kept(async () => {
    if (stage === null && !isNamed && isStageOver()) throw testIsOver();
    const inForce = await settings.get();
    const onEvent = (event: BrokerEvent): void => {
      const text = restoringText(event, placeText(inForce));
      if (text !== null) hear.restoring(text);
    };
    const clock = stage === null ? {} : { nowMs: stage.nowMs };
    const opened = openBroker({ ...brokerOptions(inForce), ...clock, onEvent });
    stage?.opened.add(opened);
    if (opened.isNew) hear.newSpool(inForce);
    return opened;
  });
  return { stage, settings, broker };
}

/** Handles of jobs that were sent to the spool of a test say that this is gone, and not what its folder says. */
export function whileStaged(stage: Stage | null, broker: Broker): () => Promise<Broker> {
  return async () => {
    if (stage === null || currentStage() === stage) return broker;
    throw new UsageError(
      `The temporary spool ${stage.spool} is closed, and its jobs with it: its test has ended`,
      'FSQ_TESTING',
    );
  };
}

function testIsOver(): UsageError {
  const message =
    'The temporary spool of this process is closed: its test has ended. What the test has left running reaches no other spool; a program that means one names it, by `createApp({ spool })`.';
  return new UsageError(message, 'FSQ_TESTING');
}

/** A value that is made at its first use, and again at the next where that failed: somebody may have mended what was wrong. */
class Kept<T> {
  /** The value once it is there: a call then does not wait for it. */
  now: T | null = null;
  readonly #make: () => Promise<T>;
  #made: Promise<T> | null = null;

  constructor(make: () => Promise<T>) {
    this.#make = make;
  }

  get(): Promise<T> {
    if (this.#made !== null) return this.#made;
    const made = (this.#made = this.#make());
    const keep = (value: T | null): void => {
      if (this.#made !== made) return;
      if (value === null) this.#made = null;
      this.now = value;
    };
    made.then(keep, () => keep(null));
    return made;
  }

  forget(): Promise<T> | null {
    const made = this.#made;
    this.#made = this.now = null;
    return made;
  }
}
