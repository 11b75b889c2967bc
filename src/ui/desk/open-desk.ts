import type { Broker } from '../../broker/broker.ts';
import type { Settings } from '../../app/settings/config.ts';
import type { Desk } from '../desk.ts';
export function openDesk(_options: {
  readonly open: () => Broker;
  readonly settings: Settings;
  readonly hidesArguments: boolean;
  readonly version: string;
}): Desk {
  throw new Error('not yet');
}
