/** Every state in which a power cut may leave the spool while a schedule ticks, made real as in crash-states.test.ts. */
import { testEveryState } from './crash-states/every-state.ts';
import { SCHEDULE_OPERATIONS } from './crash-states/schedule-operations.ts';

/** Each sends three instants again, with all that a durable send waits for. */
const MOST_STATES = 40;

testEveryState(SCHEDULE_OPERATIONS, MOST_STATES);
