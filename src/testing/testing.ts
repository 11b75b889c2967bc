/** The public names of `fsq/testing`. */
export {
  type DrainOptions,
  type Tally,
  type TaskModule,
  type TemporarySpool,
  temporarySpool,
  type TemporarySpoolOptions,
  type TestClock,
  type TestLike,
} from './temporary-spool.ts';
