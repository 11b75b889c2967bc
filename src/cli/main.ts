/** The command line: finds the command, runs it, and turns what it throws into a message and an exit code. */
import type { Command, Output } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { COMMON_OPTIONS, parseLine } from './options.ts';
import { worker } from './worker.ts';

const COMMANDS: readonly Command[] = [worker];

/** @returns the exit code */
export async function main(argv: readonly string[]): Promise<number> {
  const [name, ...line] = argv;
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command === undefined) return EXIT.usage;
  const { values, args } = parseLine(line, { ...command.options, ...COMMON_OPTIONS });
  return command.run({
    values,
    args,
    stdin: process.stdin,
    stdout: output(process.stdout),
    stderr: output(process.stderr),
    cwd: process.cwd(),
    env: process.env,
  });
}

function output(stream: NodeJS.WriteStream): Output {
  return { isTTY: stream.isTTY === true, write: (text) => void stream.write(text) };
}
