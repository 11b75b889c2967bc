#!/usr/bin/env node
/**
 * Runs the command line of dist/ and leaves with its exit code.
 *
 * The code is set, not thrown by process.exit(): that would cut off what is still on its way into a pipe.
 */
import { existsSync } from 'node:fs';

/** Configuration, as in sysexits.h: an old Node.js, or a checkout that nobody has built yet. */
const EXIT_CONFIGURATION = 78;
const cli = new URL('../dist/cli/main.js', import.meta.url);

if (typeof process.getBuiltinModule !== 'function') {
  process.stderr.write(`fsq needs Node.js 20.19 or newer, and this is ${process.version}: start it with a newer one\n`);
  process.exitCode = EXIT_CONFIGURATION;
} else if (existsSync(cli)) {
  const { main } = await import(cli.href);
  process.exitCode = await main(process.argv.slice(2));
} else {
  process.stderr.write('fsq is not built: run `npm run build`\n');
  process.exitCode = EXIT_CONFIGURATION;
}
