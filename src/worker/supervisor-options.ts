/** What a worker is told when it starts, and what it tells when it has ended. */
import type { QueueOrder } from '../broker/broker.ts';
import type { LaunchPlan } from './launch.ts';
import type { Logger } from './log.ts';
import type { FoundTask } from './messages.ts';
import type { Relay } from './relay.ts';

export interface SupervisorOptions extends LaunchPlan {
  /** 1 to 512. */
  readonly concurrency: number;
  readonly order: QueueOrder;
  /** End when nothing is ready any more. */
  readonly isBurst: boolean;
  readonly log: Logger;
  /** Passes on what children print. */
  readonly relay: Relay;
  /** The first child is ready: these are the tasks it knows. */
  readonly onStarted: (tasks: readonly FoundTask[]) => void;
}

/** How a worker ended: an exit code, and what went wrong if something did. */
export interface SupervisorEnd {
  readonly exitCode: number;
  readonly problem: { readonly code: string; readonly message: string } | null;
}
