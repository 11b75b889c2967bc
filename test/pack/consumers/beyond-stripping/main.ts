import { add } from './tasks.ts';

const result = await add.delay(1, 2);
const value: number = await result.get('20s');
console.log(value);
