/** For tests of types: a call that compiles only if two types are the same, also in `any` and optional parts. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

export const same = <A, B>(..._proof: Same<A, B> extends true ? [] : [theyDiffer: never]): void => undefined;
