/** All scenarios, in the order of the tables: first those of fsq as it is when nothing is set. */
import { scenario as backlog } from './backlog.mjs';
import { scenario as balance } from './balance.mjs';
import { scenario as children } from './children.mjs';
import { scenarios as durable } from './durable.mjs';
import { scenario as endToEnd } from './end-to-end.mjs';
import { scenario as enqueue } from './enqueue.mjs';
import { scenario as growth } from './growth.mjs';
import { scenario as idle } from './idle.mjs';
import { scenario as killedChild } from './killed-child.mjs';
import { scenario as many } from './many.mjs';
import { scenario as payloads } from './payloads.mjs';
import { scenario as process } from './process.mjs';
import { scenario as roundTrip } from './round-trip.mjs';
import { scenario as startUp } from './start-up.mjs';
import { scenario as waiting } from './waiting.mjs';

/** @type {readonly import('./scenario.mjs').Scenario[]} */
export const SCENARIOS = [
  ...durable,
  process,
  enqueue,
  endToEnd,
  many,
  balance,
  roundTrip,
  backlog,
  children,
  idle,
  waiting,
  killedChild,
  startUp,
  payloads,
  growth,
];
