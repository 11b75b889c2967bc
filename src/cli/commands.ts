/** All commands by name, in the order of the help. Each is loaded when it is used: `fsq call` must start quickly. */
import type { Command } from './command.ts';

export const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  init: async () => (await import('./commands/init.ts')).init,
  worker: async () => (await import('./commands/worker/worker.ts')).worker,
  call: async () => (await import('./commands/call/call.ts')).call,
  get: async () => (await import('./commands/get.ts')).get,
  revoke: async () => (await import('./commands/revoke.ts')).revoke,
  pause: async () => (await import('./commands/pause.ts')).pause,
  resume: async () => (await import('./commands/pause.ts')).resume,
  status: async () => (await import('./commands/status/status.ts')).status,
  ls: async () => (await import('./commands/ls.ts')).ls,
  show: async () => (await import('./commands/show.ts')).show,
  doctor: async () => (await import('./commands/doctor.ts')).doctor,
  tasks: async () => (await import('./commands/tasks.ts')).tasks,
};
