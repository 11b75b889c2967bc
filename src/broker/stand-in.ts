/** What is answered when a job must be the only one of its key. */

/** Which job stands for one that was to be accepted. */
export interface StandIn {
  readonly id: string;
  /** True when it was there before: the other was not accepted. */
  readonly isDuplicate: boolean;
}
