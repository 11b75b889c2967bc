// send.mjs
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { checkLinks } from './tasks.mjs';

const [, , folder = '.'] = process.argv;
const pages = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.md'));
await checkLinks.delayMany(pages.map((page) => [join(folder, page)]));
console.log(`${pages.length} pages`);
