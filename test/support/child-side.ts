/** A child that hears nothing and that nobody kills, for a keeper whose children are of no interest. */
import type { ChildSide } from '../../src/broker/worker-side.ts';

export const CHILD_SIDE: ChildSide = { say: () => undefined, terminate: () => undefined, fence: () => undefined };
