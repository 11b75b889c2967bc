/** The version of this fsq, from its package.json. */
import { createRequire } from 'node:module';

const { version: found } = createRequire(import.meta.url)('../../package.json') as { readonly version: string };

export const version: string = found;
