/** What a task that closes descriptors which are not its own may not cause: that fsq writes where others write. */

/**
 * A descriptor that was just opened, unless its number is that of this process's channel to its parent: then somebody has closed
 * the channel behind Node's back, and what Node sends there would be written into the file. Asks no system call.
 *
 * @param close closes it
 * @throws a system error EBADF: the process is of no use any more
 */
export function notTheChannel(fd: number, close: (fd: number) => void): number {
  if (process.connected !== true || fd !== channelDescriptor()) return fd;
  close(fd);
  const message = `EBADF: descriptor ${fd}, the channel to the parent of this process, was closed by code that it runs`;
  throw Object.assign(new Error(message), { code: 'EBADF', syscall: 'open' });
}

/** -1 where Node does not tell. */
function channelDescriptor(): number {
  const channel: unknown = process.channel;
  const fd: unknown = typeof channel === 'object' && channel !== null && 'fd' in channel ? channel.fd : null;
  return typeof fd === 'number' ? fd : -1;
}
