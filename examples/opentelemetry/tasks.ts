// tasks.ts
import { task } from 'fsq';

export const resize = task('resize', { queue: 'images' }, async (path: string) => `${path}.small`);
