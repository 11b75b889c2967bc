/** Every state in which a power cut may leave the spool while the journal is written, freed and replayed: as in crash-states.test.ts. */
import { testEveryState } from './crash-states/every-state.ts';
import { JOURNAL_OPERATIONS } from './crash-states/journal-operations.ts';

// Of two jobs at a time there are thousands of states: the gate tries some of them.
testEveryState(JOURNAL_OPERATIONS, 20);
testEveryState(JOURNAL_OPERATIONS, 8, true);
