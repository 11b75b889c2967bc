import { task } from 'fsq';
import { Sign } from '@/lib/sign';

// What Node.js does not strip: an alias of tsconfig.json, an import without its extension, an enum.
export const add = task('add', async (a: number, b: number) => (Sign.Plus === '+' ? a + b : a - b));
