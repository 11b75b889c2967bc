/** Making compositions: signatures of calls, and chains, groups and chords of them, in one another. */
import { refuse, UsageError } from '../../job/errors.ts';
import { format } from '../../job/text.ts';
import { isArray } from '../../job/values/realm.ts';
import type { GroupResult } from '../group-result.ts';
import { checkStepOptions } from './call-options.ts';
import type {
  AnyPart,
  Beside,
  Composition,
  EndOf,
  First,
  Fitting,
  FittingSteps,
  HandleOf,
  HandlesOf,
  Init,
  LackedBy,
  Last,
  StepOptions,
  TakenBy,
  TakenByAll,
  ValueOf,
  ValuesIn,
  ValuesOf,
} from './fit.ts';
import { type Call, CARRIED, carriedBy, type Carried, isPart, type Part, several, type Several } from './part.ts';
import { sendPart } from './send.ts';

/** Parts one after the other: the value of each goes to the next. Its handle is that of the last; `steps` are the handles of the others. */
export type Chain<N extends readonly unknown[] = readonly AnyPart[]> = Composition<
  EndOf<Last<N>>,
  ValueOf<Last<N>>,
  TakenBy<First<N>>,
  LackedBy<First<N>>,
  WithSteps<HandlesOf<Init<N>>, Beside<Last<N>>>
>;

/** Parts side by side. Its value are theirs, in an array. */
export type Group<N extends readonly unknown[] = readonly AnyPart[]> = Composition<
  GroupResult<ValueOf<N[number]>, ValuesIn<N>, HandlesOf<N>>,
  ValuesOf<N>,
  TakenByAll<N>,
  LackedBy<N[number]>
>;

/** A group, and a callback that gets the array of its values. Its handle is that of the callback; `members` is the group's. */
export type Chord<M, C> = Composition<
  EndOf<C>,
  ValueOf<C>,
  TakenBy<M>,
  LackedBy<M>,
  Omit<Beside<C>, 'members'> & { readonly members: HandleOf<M> }
>;

type WithSteps<S extends readonly unknown[], X> = X extends { readonly steps: infer Own extends readonly unknown[] }
  ? Omit<X, 'steps'> & { readonly steps: readonly [...S, ...Own] }
  : X & { readonly steps: Readonly<S> };
/** What a chord is given as its members: a list of parts, or a group. */
type Header =
  | readonly AnyPart[]
  | Composition<GroupResult<unknown, readonly unknown[], readonly unknown[]>, unknown, never, string>;
type AsGroup<M> = M extends readonly unknown[] ? Group<M> : M;

/**
 * Parts that run one after the other. The value of each is the first argument of the next, before those that the signature has; a group gives
 * it to each of its members, and the array of their values to what follows. When a part fails, those behind it fail with its error as the cause.
 *
 * @throws UsageError (FSQ_COMPOSITION)
 */
export function chain<const N extends readonly AnyPart[]>(...parts: N & FittingSteps<N>): Chain<N> {
  if (parts.length === 0) throw new UsageError('Expected a chain of at least one step, got none', 'FSQ_COMPOSITION');
  return new Composed(several('chain', partsOf(parts, 'step'))) as never;
}

/**
 * Parts that run side by side, as far as there are workers. Its value is the array of theirs, in the order in which they are given. A
 * group of nothing has the value `[]`.
 *
 * @throws UsageError (FSQ_COMPOSITION)
 */
export function group<const N extends readonly AnyPart[]>(members: N): Group<N> {
  return new Composed(groupOf(members, 'group([add.s(1, 2), add.s(3, 4)])')) as never;
}

/**
 * A group, and what follows once all of it has succeeded: the callback gets the array of their values as its first argument.
 *
 * @param members a list of parts, or a group
 * @throws UsageError (FSQ_COMPOSITION)
 */
export function chord<const M extends Header, C extends AnyPart>(
  members: M,
  callback: C & Fitting<ValueOf<AsGroup<M>>, C>,
): Chord<AsGroup<M>, C> {
  const header = isArray(members)
    ? groupOf(members, 'chord([add.s(1, 2), add.s(3, 4)], sum.s())')
    : carriedBy(members, 'the members of a chord').part;
  if (header.kind !== 'group')
    throw new UsageError(
      `Expected the members of a chord as an array or a group, got a ${header.kind}: did you mean chord([a, b], callback), or chain(a, callback)?`,
      'FSQ_COMPOSITION',
    );
  return new Composed(several('chord', [header, carriedBy(callback, 'the callback of a chord').part])) as never;
}

/** The group of one call of a task for each of `items`. @throws UsageError */
export function mapped(call: Omit<Call, 'args'>, items: unknown): object {
  if (!isArray(items)) refuse(`the items of ${call.task}.map()`, 'an array', items);
  return new Composed(
    several(
      'group',
      (items as readonly unknown[]).map((item): Call => ({ ...call, args: [item] })),
    ),
  );
}

function groupOf(members: unknown, example: string): Several {
  if (isArray(members)) return several('group', partsOf(members, 'member'));
  const got = isPart(members) ? 'one part' : format(members);
  throw new UsageError(`Expected an array of parts, such as ${example}, got ${got}`, 'FSQ_COMPOSITION');
}

function partsOf(values: readonly unknown[], word: string): readonly Part[] {
  return Array.from(values, (value, i) => carriedBy(value, word, i + 1).part);
}

/** What a program holds of a composition. */
class Composed {
  readonly #part: Part;

  constructor(part: Part) {
    this.#part = part;
  }

  get [CARRIED](): Carried {
    return { part: this.#part, send: (after, options) => sendPart(this.#part, after, options, sendPart) };
  }

  async delay(options?: unknown): Promise<unknown> {
    return sendPart(this.#part, null, options, Composed.prototype.delay);
  }
}

class OneCall extends Composed {
  readonly #call: Call;

  constructor(call: Call) {
    super(call);
    this.#call = call;
  }

  get task(): string {
    return this.#call.task;
  }

  set(options: StepOptions): OneCall {
    return new OneCall({ ...this.#call, own: { ...this.#call.own, ...checkStepOptions(options) } });
  }
}

/** What `s` and `si` of a task give. */
export function signatureOf(call: Call): object {
  return new OneCall(call);
}
