/**
 * Every state in which a power cut may leave the spool while fsq does what it does: the calls of each operation are recorded,
 * the legal states after each call made real one by one, and brought to their end by a fresh worker.
 */
import { CHECKPOINT_OPERATIONS } from './crash-states/checkpoint-operations.ts';
import { DEBOUNCE_OPERATIONS } from './crash-states/debounce-operations.ts';
import { testEveryState } from './crash-states/every-state.ts';
import { OPERATIONS } from './crash-states/operations.ts';
import { WITNESSED_OPERATIONS } from './crash-states/witnessed-operations.ts';

testEveryState([...OPERATIONS, ...WITNESSED_OPERATIONS, ...CHECKPOINT_OPERATIONS, ...DEBOUNCE_OPERATIONS]);
