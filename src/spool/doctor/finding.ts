/** What the checker has to say: one finding for each thing that is not as it should be, and what to do about it. */

/** The invariants of the spool; docs/reliability.md says what each means. */
export type Invariant =
  'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8' | 'I9' | 'I10' | 'I11' | 'I12' | 'I13' | 'I14' | 'I15';

export type Severity = 'error' | 'warning' | 'info';

export interface Finding {
  /** Stable, such as 'duplicate'; texts may change. */
  readonly code: string;
  /** `error`: a promise is broken or the spool does not work. `warning`: it works, but not as well as it could. */
  readonly severity: Severity;
  readonly message: string;
  /** Absolute path; null where it is about no one place. */
  readonly location: string | null;
  /** What to do next. */
  readonly advice: string;
  /** The invariant that does not hold; absent where none is broken. */
  readonly invariant?: Invariant;
  /** The job it is about, if it is about one. */
  readonly id?: string;
  /** True if `repair` mends it. */
  readonly canRepair: boolean;
}

/** What two looks at the same thing have in common: a job may have moved in between, and is then not the same finding. */
export function keyOf(finding: Finding): string {
  return `${finding.code} ${subjectOf(finding)}`;
}

/** What it is about: a job, wherever it lies, or a place. */
export function subjectOf({ location, message, id }: Finding): string {
  return id ?? location ?? message;
}
