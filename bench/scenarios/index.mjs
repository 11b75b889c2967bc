/** All scenarios, in the order of the tables. */
import { scenario as durable } from './durable.mjs';
import { scenario as endToEnd } from './end-to-end.mjs';
import { scenario as enqueue } from './enqueue.mjs';
import { scenario as process } from './process.mjs';
import { scenario as roundTrip } from './round-trip.mjs';
import { scenario as startUp } from './start-up.mjs';

/** @type {readonly import('./scenario.mjs').Scenario[]} */
export const SCENARIOS = [process, enqueue, endToEnd, roundTrip, durable, startUp];
