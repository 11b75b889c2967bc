/** How a command ended that `fsq exec` had run, where it did not end well. */
import { FsqError } from '../errors.ts';
import { nameClasses } from '../values/class-names.ts';

/** How a command ended: one of the two is null, and both are where it could not be started for want of anything to start. */
export interface CommandEnd {
  /** 127: there is no such command, or folder; 126: it may not be started. Null: a signal ended it. */
  readonly exitCode: number | null;
  /** Such as 'SIGTERM'; null: it ended by itself. */
  readonly signal: string | null;
}

/** A command of `fsq exec` has failed. */
export class CommandError extends FsqError implements CommandEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;

  constructor(message: string, { exitCode, signal }: CommandEnd) {
    super('FSQ_COMMAND', message);
    this.exitCode = exitCode;
    this.signal = signal;
  }
}
nameClasses({ CommandError });
