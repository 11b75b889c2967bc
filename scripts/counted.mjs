/**
 * Under coverage: which test files count. The others, and all that they start, run without it.
 *
 * Node writes up to three megabytes for each process that ends under coverage, and c8 reads all of them: more than a minute of the
 * processor for every thousand processes. The faults, the models, the pages of the docs and the packages start most of them, for lines that the
 * tests of the parts and of the command line reach as well.
 *
 * Loaded by scripts/test.mjs before tsx, whose thread then inherits what is decided here.
 */
import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stopCoverage } from 'node:v8';

const COUNTED = ['conformance', 'e2e', 'unit'];
const TESTS = fileURLToPath(new URL('../test', import.meta.url));

/** The runner, which starts the process of each file, has it from nobody. */
const isOfOneFile = process.env['NODE_TEST_CONTEXT'] !== undefined;
const [folder] = relative(TESTS, process.argv[1] ?? '').split(sep);
if (isOfOneFile && process.env['NODE_V8_COVERAGE'] && !COUNTED.includes(folder)) {
  stopCoverage();
  delete process.env['NODE_V8_COVERAGE'];
}
