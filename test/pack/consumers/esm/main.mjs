import { add } from './tasks.mjs';

const result = await add.delay(1, 2);
console.log(await result.get('20s'));
