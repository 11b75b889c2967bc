/**
 * The findings of the doctor. Everything that can be wrong is one row of a table: its code, how bad it is, the sentence that tells it,
 * what to do, and which step of a repair mends it. The tables are in the five `…-rows.ts`; the facts that they judge come from elsewhere.
 */

/** The invariants of the spool: the rows say what breaks each. */
type Invariant =
  | 'I1'
  | 'I2'
  | 'I3'
  | 'I4'
  | 'I5'
  | 'I6'
  | 'I7'
  | 'I8'
  | 'I9'
  | 'I10'
  | 'I11'
  | 'I12'
  | 'I13'
  | 'I14'
  | 'I15'
  | 'I16'
  | 'I17';

export type Severity = 'error' | 'warning' | 'info';

/** The steps of a repair; see repair.ts. */
export type Mend = 'make-directories' | 'recover' | 'set-aside' | 'drop-duplicates' | 'remove-markers';

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

/** What can be wrong with a subject. A part that depends on the subject is a function of it. */
type Rows<Subject> = readonly (readonly [code: string, row: Row<Subject>])[];

interface Row<Subject> {
  readonly severity: Severity | ((subject: Subject) => Severity);
  readonly invariant?: Invariant | ((subject: Subject) => Invariant | null);
  /** The message; null when this is not wrong. */
  readonly wrong: (subject: Subject) => string | null;
  readonly advice: string | ((subject: Subject) => string);
  /** Absent or null: no repair mends it. */
  readonly mend?: Mend | ((subject: Subject) => Mend | null);
}

/** A table of rows by code. */
export function rows<Subject>(byCode: Readonly<Record<string, Row<Subject>>>): Rows<Subject> {
  return Object.entries(byCode);
}

/** What is wrong with `subject`, which lies at `location` and belongs to job `id`; in the order of the rows. */
export function findingsOf<Subject>(
  table: Rows<Subject>,
  subject: Subject,
  location: string | null,
  id?: string,
): readonly Finding[] {
  const findings: Finding[] = [];
  for (const [code, { severity, invariant = () => null, wrong, advice, mend = () => null }] of table) {
    const message = wrong(subject);
    if (message === null) continue;
    const broken = typeof invariant === 'function' ? invariant(subject) : invariant;
    findings.push({
      code,
      severity: typeof severity === 'function' ? severity(subject) : severity,
      ...(broken === null ? {} : { invariant: broken }),
      message,
      location,
      ...(id === undefined ? {} : { id }),
      advice: typeof advice === 'function' ? advice(subject) : advice,
      canRepair: (typeof mend === 'function' ? mend(subject) : mend) !== null,
    });
  }
  return findings;
}

/** The same for the same finding in two looks. A job that has moved in between is another finding. */
export function keyOf(finding: Finding): string {
  return `${finding.code} ${subjectOf(finding)}`;
}

/** What it is about: a job, wherever it lies, or a place. */
export function subjectOf({ location, message, id }: Finding): string {
  return id ?? location ?? message;
}

/** So many findings of a kind are told; the others are counted. */
const MOST_KEPT = 100;

/** How many of a kind were not kept. */
interface Cut<T> {
  /** One of those that were. */
  readonly like: T;
  readonly count: number;
}

/** Counts things by kind and keeps the first of each: a broken disk has a million findings, and a reader has no use for them. */
export class Tally<T> {
  readonly #kindOf: (item: T) => string;
  readonly #kept: T[] = [];
  readonly #kinds = new Map<string, { readonly like: T; count: number }>();

  constructor(kindOf: (item: T) => string) {
    this.#kindOf = kindOf;
  }

  add(item: T): void {
    const name = this.#kindOf(item);
    const kind = this.#kinds.get(name) ?? { like: item, count: 0 };
    this.#kinds.set(name, kind);
    if (++kind.count <= MOST_KEPT) this.#kept.push(item);
  }

  /** In the order in which they came. */
  get kept(): readonly T[] {
    return this.#kept;
  }

  get cut(): readonly Cut<T>[] {
    return [...this.#kinds.values()].flatMap(({ like, count }) =>
      count > MOST_KEPT ? [{ like, count: count - MOST_KEPT }] : [],
    );
  }
}
