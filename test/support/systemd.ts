/** systemd as a service sees it: the socket to which it sends messages. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { within } from './conditions.ts';

/** Prints a line for each message, which systemd reads as it does: a datagram, from a process of which the kernel tells the number. */
const RECEIVER = `
import array, os, socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
print('bound', flush=True)
while True:
    text, sent, _, _ = receiver.recvmsg(4096, 1024)
    for _, _, data in sent:
        for fd in array.array('i', data): os.close(fd)
    if text != b'BARRIER=1': print(text.decode().replace('\\n', ' '), flush=True)
`;

/** A socket in `folder`, and what comes there, message by message. Needs python3. */
export async function notifySocket(
  t: TestContext,
  folder: string,
): Promise<{ readonly socket: string; readonly messages: readonly string[] }> {
  const socket = join(folder, 'notify');
  const messages: string[] = [];
  const child = spawn('python3', ['-c', RECEIVER, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const lines = createInterface(child.stdout);
  await within(once(lines, 'line'), 'the socket');
  lines.on('line', (line) => void messages.push(line));
  return { socket, messages };
}
