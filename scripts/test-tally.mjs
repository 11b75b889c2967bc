/**
 * A reporter for node's test runner that writes one JSON object: for each file, what became of the tests that are
 * written in it, why some failed, and whether it ran without any: tests may be written in one file and run by another.
 *
 * Needed because a file that defines no test counts as one passed test (Node 20), and the runner is content with none at all.
 */
import { resolve } from 'node:path';

/** @param {AsyncIterable<{ type: string, data: any }>} events what node's runner tells */
export default async function* tally(events) {
  const files = {};
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    if (data.file === undefined || data.details?.type === 'suite') continue;

    const counts = (files[data.file] ??= { passed: 0, failed: 0, skipped: 0, isEmpty: false, failures: [] });
    if (type === 'test:fail') {
      counts.failed++;
      if (data.details.error.failureType !== 'subtestsFailed') counts.failures.push(failureOf(data));
    } else if (isWholeFile(data)) {
      counts.isEmpty = true;
    } else if (data.skip !== undefined || data.todo !== undefined) {
      counts.skipped++;
    } else {
      counts.passed++;
    }
  }
  yield JSON.stringify(files);
}

/** The runner reports a file as a test of its own when no test in it was reported. */
function isWholeFile({ name, file, nesting }) {
  return nesting === 0 && resolve(name) === file;
}

function failureOf({ name, line, details }) {
  const { cause } = details.error;
  return { name, line, error: cause?.stack ?? String(cause ?? details.error) };
}
