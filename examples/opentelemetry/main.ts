// main.ts
import { resize } from './tasks.ts';

const result = await resize.delay('cat.png');
console.log(await result.get('10s'));
