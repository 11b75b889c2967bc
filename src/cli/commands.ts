/** All commands by name, in the order of the help. Each is loaded when it is used: `fsq call` must start quickly. */
import type { Command } from './command.ts';

export const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  init: async () => (await import('./init.ts')).init,
  worker: async () => (await import('./worker.ts')).worker,
  call: async () => (await import('./call.ts')).call,
  get: async () => (await import('./get.ts')).get,
  revoke: async () => (await import('./revoke.ts')).revoke,
  pause: async () => (await import('./pause.ts')).pause,
  resume: async () => (await import('./pause.ts')).resume,
  status: async () => (await import('./status.ts')).status,
  ls: async () => (await import('./ls.ts')).ls,
  show: async () => (await import('./show.ts')).show,
  doctor: async () => (await import('./doctor.ts')).doctor,
  tasks: async () => (await import('./tasks.ts')).tasks,
};
