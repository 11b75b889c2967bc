// main.ts
import { TimeoutError } from 'fsq';
import { add } from './tasks.ts';

console.log(await add(1, 2)); // runs here, like any function
console.log(await add.run(1, 2)); // the same, by name

const result = await add.delay(1, 2); // accepted: a worker runs it
console.log(await result.ready());
console.log(await result.get()); // waits as long as it takes
console.log(await result.ready());

const slow = await add.delay(3, 4);
try {
  await slow.get('3s');
} catch (error) {
  if (!(error instanceof TimeoutError)) throw error;
  console.log(error.name); // the job goes on
}
console.log(await slow.get('10s')); // and so may the waiting
