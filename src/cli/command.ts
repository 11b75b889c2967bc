/** What a command is: its words for `--help`, its options for the parser, and the function that does it. */

export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  readonly short?: string | undefined;
  /** Stands for the value in the help. */
  readonly value?: string | undefined;
  readonly multiple?: boolean;
  readonly help: string;
}

/** The options as given. */
export interface Values {
  flag(name: string): boolean;
  /** The value, or undefined when not given. */
  text(name: string): string | undefined;
  list(name: string): readonly string[];
}

/** A stream a command writes to. */
export interface Output {
  readonly isTTY: boolean;
  /** How many characters a line of the terminal has; null where it is none. */
  readonly columns: number | null;
  /** True once nobody reads any more, or nothing can be written: what is written then is dropped. */
  readonly isClosed: boolean;
  write(text: string): void;
}

/** What a command gets: its input, and where its output goes. Data to stdout, messages to stderr. */
export interface Context {
  readonly values: Values;
  readonly args: readonly string[];
  readonly stdin: AsyncIterable<Buffer | string>;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: NodeJS.ProcessEnv;
  /** Of this fsq. */
  readonly version: string;
  /** Writes the JSON of `document` to stdout where --json was given, else the text. */
  print(document: unknown, text: () => string): void;
  /** Writes a message of the command to stderr; `fsq` commands in it get the --spool that was given. */
  tell(message: string): void;
}

export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  readonly usage: string;
  /** Command line and what it does; shown first. */
  readonly examples: readonly (readonly [string, string])[];
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** How many arguments it takes besides options; absent: none. */
  readonly args?: { readonly least: number; readonly most: number };
  /** What else is good to know; shown last. */
  readonly notes?: readonly string[];
  /** Resolves with the exit code. @throws errors of fsq, which main() prints and turns into exit codes */
  run(context: Context): Promise<number>;
}
