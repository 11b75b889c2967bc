// nightly.mjs
import { statement } from './tasks.mjs';

for (const customer of ['Ada', 'Bob', 'Eve']) await statement.delay(customer);
