/** A segment that this process writes: records go in behind one another, and one fdatasync is for all who wait. */
import type { SpoolContext } from '../disk/context.ts';
import type { Files } from '../disk/files.ts';
import { encodeHeader, type Header, HEADER_BYTES } from './segment.ts';

/** Nobody removes the segment of a process that was there a moment ago: so often it is asked whether it is there still, ms. */
const LOOK_AFTER_MS = 1_000;

export class OpenSegment {
  readonly path: string;
  readonly #files: Files;
  readonly #fd: number;
  readonly #sizeBytes: number;
  /** Of this generation; its records end there. It was there at that time. */
  #use: { readonly header: Header; endBytes: number; seenAtMs: number };
  #running: Promise<boolean> | null = null;
  #next: Promise<boolean> | null = null;
  /** Of the write or fdatasync that failed: nothing is written or synced here any more. */
  #failure: { readonly error: unknown } | null = null;

  /**
   * Makes a segment: zeros that are on the disk, so that a later fdatasync has no metadata to write.
   *
   * @throws the system error; then there is none
   */
  static async create(
    { files, directorySync }: Pick<SpoolContext, 'files' | 'directorySync'>,
    path: string,
    header: Header,
    sizeBytes: number,
  ): Promise<OpenSegment> {
    const fd = files.create(path);
    try {
      const bytes = Buffer.alloc(sizeBytes);
      encodeHeader(header).copy(bytes);
      files.write(fd, bytes, 0);
      await files.sync(fd);
      await directorySync.sync(path.slice(0, path.lastIndexOf('/')));
      return new OpenSegment(files, path, fd, header, sizeBytes);
    } catch (error) {
      files.close(fd);
      files.unlink(path);
      throw error;
    }
  }

  private constructor(files: Files, path: string, fd: number, header: Header, sizeBytes: number) {
    this.#files = files;
    this.path = path;
    this.#fd = fd;
    this.#use = { header, endBytes: HEADER_BYTES, seenAtMs: performance.now() };
    this.#sizeBytes = sizeBytes;
  }

  get generation(): number {
    return this.#use.header.generation;
  }

  get hasRecords(): boolean {
    return this.#use.endBytes > HEADER_BYTES;
  }

  get hasFailed(): boolean {
    return this.#failure !== null;
  }

  /** Why it has failed. */
  get failure(): unknown {
    return this.#failure?.error;
  }

  hasRoom(bytes: number): boolean {
    return this.#failure === null && this.#use.endBytes + bytes <= this.#sizeBytes;
  }

  /** False when somebody has removed it: a keeper of another container, say, for which we count as dead. */
  isThere(): boolean {
    return this.#files.info(this.#fd).links === 1;
  }

  write(bytes: Buffer): void {
    try {
      this.#files.write(this.#fd, bytes, this.#use.endBytes);
    } catch (error) {
      this.#failure ??= { error };
      throw error;
    }
    this.#use.endBytes += bytes.length;
  }

  /**
   * Brings all that was written before the call to the disk. A call that comes while an fdatasync runs waits for the next one, with all
   * others that come meanwhile, and gets the same promise.
   *
   * @returns false when an fdatasync failed, then and ever after; `failure` tells why
   */
  flush(): Promise<boolean> {
    if (this.#running === null) return this.#start();
    this.#next ??= this.#running.then(() => this.#start());
    return this.#next;
  }

  /** Its records count no more, on the disk too; it can be written anew. @throws the system error; then it stays as it is */
  async free(): Promise<void> {
    await this.#settled();
    if (this.#failure !== null) throw this.#failure.error;
    const header = { ...this.#use.header, generation: this.#use.header.generation + 1 };
    try {
      this.#files.write(this.#fd, encodeHeader(header), 0);
      await this.#files.syncData(this.#fd);
    } catch (error) {
      this.#failure ??= { error };
      throw error;
    }
    this.#use = { ...this.#use, header, endBytes: HEADER_BYTES };
  }

  /** Lets go of the file, which stays where it is. */
  async close(): Promise<void> {
    this.#failure ??= { error: new Error(`${this.path} is closed`) };
    await this.#settled();
    this.#files.close(this.#fd);
  }

  /** Not under a running fdatasync: the number of the descriptor may be given away. */
  async #settled(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  #start(): Promise<boolean> {
    this.#next = null;
    if (this.#failure !== null) return Promise.resolve(false);
    this.#running = this.#sync();
    return this.#running;
  }

  async #sync(): Promise<boolean> {
    try {
      await this.#files.syncData(this.#fd);
      const now = performance.now();
      if (now - this.#use.seenAtMs < LOOK_AFTER_MS) return true;
      if (!this.isThere()) throw new Error(`${this.path} is gone`);
      this.#use.seenAtMs = now;
      return true;
    } catch (error) {
      this.#failure ??= { error };
      return false;
    } finally {
      this.#running = null;
    }
  }
}
