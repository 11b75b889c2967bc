/**
 * Numbers of JSON texts that other programs or people wrote: JSON.parse makes the nearest that JavaScript has of each, without
 * a word, and an order number would arrive as another one. Pure.
 */

/** Only texts with so many digits, or such an exponent, have to be looked at closely. */
const SUSPECT = /\d{16}|\d[eE]\+?\d{3}/;
const STRING = /"(?:[^"\\]|\\.)*"/g;
const NUMBER = /-?\d[\d.eE+-]*/g;
const WHOLE = /^-?\d+$/;

/**
 * The first number in `json` that would arrive as another: a whole one of more digits than a number has, or one that is out of
 * range. Null when there is none. What JSON.stringify writes passes, and so does 0.1: nobody counts on all digits of a fraction.
 */
export function alteredNumber(json: string): string | null {
  if (!SUSPECT.test(json)) return null;
  for (const [digits] of json.replace(STRING, '""').matchAll(NUMBER)) {
    const value = Number(digits);
    if (!Number.isFinite(value)) return digits;
    if (!WHOLE.test(digits) || Number.isSafeInteger(value) || String(value) === digits) continue;
    if (BigInt(value) !== BigInt(digits)) return digits;
  }
  return null;
}

/** Whether `value`, a number that JSON.parse made, may have been written otherwise. */
export function isInDoubt(value: number): boolean {
  return !Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value));
}
