/** The streams a command writes to. Data goes to stdout, messages to stderr. */

/** A stream a command writes to. */
export interface Output {
  readonly isTTY: boolean;
  /** How many characters a line of the terminal has; null where it is none. */
  readonly columns: number | null;
  /** True once nobody reads any more, or nothing can be written: what is written then is dropped. */
  readonly isClosed: boolean;
  write(text: string): void;
}

/** An output that knows whether it took everything. */
export interface CheckedOutput extends Output {
  /** Why something could not be written; null while all was. A reader that went away (`fsq ls | head -1`) is no failure. */
  failure(): Error | null;
}

/** @param open gives the stream when it is first needed: opening one takes a while */
export function outputTo(open: () => NodeJS.WriteStream): CheckedOutput {
  let stream: NodeJS.WriteStream | null = null;
  let failure: Error | null = null;
  let isClosed = false;
  const opened = (): NodeJS.WriteStream => {
    if (stream !== null) return stream;
    stream = open();
    stream.on('error', (error: NodeJS.ErrnoException) => {
      isClosed = true;
      if (error.code !== 'EPIPE') failure = error;
    });
    return stream;
  };
  return {
    get isTTY() {
      return opened().isTTY === true;
    },
    get columns() {
      return opened().isTTY === true ? opened().columns : null;
    },
    get isClosed() {
      return isClosed;
    },
    write: (text) => {
      if (!isClosed) opened().write(text);
    },
    failure: () => failure,
  };
}
