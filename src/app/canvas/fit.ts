/** The types of compositions: what each part gives, what it takes from the part before it, and whether the two fit. Nothing is here at run time. */
import type { FailedJob } from '../../job/ended/predecessors.ts';
import type { UnserialisableResult } from '../../job/values/payload.ts';
import type { AsyncResult } from '../async-result.ts';
import type { ApplyOptions } from '../task-options.ts';

/** Carries the types of a part of a composition; there is nothing under it at run time. */
declare const TYPES: unique symbol;

interface Types<H, R, In, Lacks, X> {
  readonly handle: H;
  readonly beside: X;
  readonly gives: R;
  readonly takes: (value: In) => void;
  readonly lacks: Lacks;
}

/**
 * What can be sent as a whole, and be a part of something larger: a signature, a chain, a group or a chord. `H` is the handle that
 * `delay()` gives, with `X` beside what each such handle has. `R` is its value, and `In` what the value of the part before it may be.
 * `Lacks` is never where all arguments are there without such a value.
 */
export interface Composition<H = unknown, R = unknown, In = never, Lacks extends string = never, X = unknown> {
  readonly [TYPES]: Types<H, R, In, Lacks, X>;
  /**
   * Sends all jobs of the whole at once: all are accepted when it resolves, or none, as far as the error does not say otherwise.
   *
   * @throws UsageError, NotSerialisableError naming the step; SpoolError
   */
  delay(
    ...options: [Lacks] extends [never] ? [options?: CompositionOptions] : [missing: ArgumentsMissing]
  ): Promise<H & X>;
}

/** Stands where options would, in a composition that is not ready to be sent. */
export interface ArgumentsMissing extends CompositionOptions {
  readonly 'its first step lacks arguments: only the value of a step before it could complete them': never;
}

/** What all jobs of a composition have in common, and what becomes of the whole. */
export interface CompositionOptions extends Pick<ApplyOptions, 'countdown' | 'eta' | 'expires' | 'headers'> {
  /** Sent with the whole, and run once if any job of it does not succeed, with how that one ended as its first argument. */
  readonly onError?: Signature<unknown, FailedJob, string>;
}

/** A call of a task as data: task, arguments and options. It can be sent as it is, or be a part of something larger. */
export interface Signature<R = unknown, In = never, Lacks extends string = never> extends Composition<
  AsyncResult<R>,
  R,
  In,
  Lacks
> {
  /** The task's name. */
  readonly task: string;
  /** The same call with options of its own; those that are left out stay as they are. @throws UsageError */
  set(options: StepOptions): Signature<R, In, Lacks>;
}

/** What a step may say of its job. Times count from `delay()`. */
export type StepOptions = Omit<ApplyOptions, 'key' | 'unique' | 'after'>;

/** Any part of a composition. */
export type AnyPart = Composition<unknown, unknown, never, string>;

type TypesOf<C> = C extends { readonly [TYPES]: infer T } ? T : never;
export type EndOf<C> = TypesOf<C> extends { readonly handle: infer H } ? H : never;
export type Beside<C> = TypesOf<C> extends { readonly beside: infer X } ? X : never;
export type HandleOf<C> = EndOf<C> & Beside<C>;
export type ValueOf<C> = TypesOf<C> extends { readonly gives: infer R } ? R : never;
export type TakenBy<C> = TypesOf<C> extends { readonly takes: (value: infer In) => void } ? In : never;
export type LackedBy<C> = [C] extends [never]
  ? never
  : TypesOf<C> extends { readonly lacks: infer L extends string }
    ? L
    : never;

/** The arguments that a signature may have: all of `S`, or those behind the first. */
export type Given<S extends readonly unknown[]> = S | Tail<S>;

/** What a task with parameters `S` takes before the arguments `G`: never, where nothing fits there. */
export type TakenBefore<G extends readonly unknown[], S extends readonly unknown[]> = S extends unknown
  ? G extends Tail<S>
    ? Head<S>
    : never
  : never;
/** Never where the arguments `G` are all that parameters `S` need. */
export type Lacking<G extends readonly unknown[], S extends readonly unknown[]> = [S] extends [never]
  ? string
  : G extends S
    ? never
    : 'arguments';

/** The parameters behind the first one; never where there is none, and where what the task returns cannot be sent. */
type Tail<S extends readonly unknown[]> = S extends readonly []
  ? never
  : S extends readonly [unknown?, ...infer T]
    ? [S[0]] extends [never]
      ? T
      : [S[0]] extends [UnserialisableResult<unknown>]
        ? never
        : T
    : never;
type Head<S extends readonly unknown[]> = S extends readonly []
  ? never
  : S extends readonly [(infer H)?, ...unknown[]]
    ? [] extends S
      ? H | undefined
      : H
    : never;

/** A value as the next step gets it: null where a function returned nothing. */
type Arriving<V> = V extends void ? null : V;

/** `C` where it takes the value `V`; else a type that says why not. */
export type Fitting<V, C> = [Arriving<V>] extends [TakenBy<C>] ? C : Misfit<Arriving<V>, TakenBy<C>>;

/** Stands where a step would that does not take what the step before it gives. */
export interface Misfit<Gives, Takes> {
  readonly 'the step before gives': Gives;
  readonly 'and this one takes': [Takes] extends [never] ? 'nothing: use .si()' : Takes;
}

/** The steps of a chain, each as it is where it takes the value of the one before it; of none, what is missing. */
export type FittingSteps<N extends readonly unknown[]> = N extends readonly [infer A, ...infer Rest]
  ? FittingRest<A, Rest, [A]>
  : number extends N['length']
    ? Fitting<ValueOf<N[number]>, N[number]>[]
    : [step: AnyPart];

type FittingRest<A, N extends readonly unknown[], Done extends readonly unknown[]> = N extends readonly [
  infer B,
  ...infer Rest,
]
  ? FittingRest<B, Rest, [...Done, Fitting<ValueOf<A>, B>]>
  : number extends N['length']
    ? [...Done, ...Fitting<ValueOf<A> | ValueOf<N[number]>, N[number]>[]]
    : Done;

export type First<N extends readonly unknown[]> = N extends readonly [infer A, ...unknown[]] ? A : N[number];
export type Last<N extends readonly unknown[]> = N extends readonly [...unknown[], infer Z] ? Z : N[number];
/** All but the last. */
export type Init<N extends readonly unknown[]> = N extends readonly [...infer I, unknown] ? I : N;
export type HandlesOf<N extends readonly unknown[]> = { -readonly [K in keyof N]: HandleOf<N[K]> };
/** The values of a group, as `get()` of its handle gives them. */
export type ValuesIn<N extends readonly unknown[]> = { -readonly [K in keyof N]: ValueOf<N[K]> };
/** The same, as what follows gets them. */
export type ValuesOf<N extends readonly unknown[]> = ArrivingAll<ValuesIn<N>>;
export type ArrivingAll<V extends readonly unknown[]> = { -readonly [K in keyof V]: Arriving<V[K]> };
/** What all of these parts take. */
export type TakenByAll<N extends readonly unknown[]> = N extends readonly []
  ? unknown
  : { [K in keyof N]: (value: TakenBy<N[K]>) => void }[number] extends (value: infer In) => void
    ? In
    : never;
