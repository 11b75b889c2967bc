// Never run: what tsc must make of the packed declarations, here from CommonJS.
import fsq = require('fsq');

const add = fsq.task('add', async (a: number, b: number) => a + b);

export async function misuse(): Promise<void> {
  // @ts-expect-error an argument of the wrong type
  await add.delay('1', 2);
  const result = await add.delay(1, 2);
  // @ts-expect-error the result is a number
  const value: string = await result.get();
  void value;
}
