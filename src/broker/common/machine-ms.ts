/** The clock by which the processes of one machine order what they have done: nobody sets it, and it goes on where a process stands still. */

const NS_PER_MS = 1_000_000;

/** Now by the clock that nobody sets, which all processes of a machine share, ms. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / NS_PER_MS;
}
