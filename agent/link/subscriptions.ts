import { COMMANDS } from '../values/command.ts';
import { type Address, commandTopic, desiredTopic, LAYERS, ORDERS, orderTopic } from '../values/topics.ts';

/** Filters in one SUBSCRIBE. Source: AWS IoT Core takes no more; no broker minds fewer. */
const FILTERS_PER_PACKET = 8;

/**
 * The filters of a device, in packets of at most 8. `wildcard`: one filter for the updates of an address, and one for the commands.
 * `exact`: one for every config and layer, and for every command, for brokers that do not send retained messages to wildcard filters.
 */
export function subscriptionPackets(input: {
  readonly root: string;
  /** The device; commands are for it alone. */
  readonly id: string;
  readonly addresses: readonly Address[];
  readonly configs: readonly string[];
  readonly filters: 'wildcard' | 'exact';
}): readonly (readonly string[])[] {
  const { root, id, addresses, configs } = input;
  const orders = addresses.flatMap((address) => ORDERS.map((order) => orderTopic(root, address, order)));
  const filters =
    input.filters === 'wildcard'
      ? [...addresses.map((address) => `${root}/v1/${address}/desired/+/+`), ...orders, commandTopic(root, id, '+')]
      : [
          ...addresses.flatMap((address) =>
            configs.flatMap((config) => LAYERS.map((layer) => desiredTopic(root, address, config, layer))),
          ),
          ...orders,
          ...COMMANDS.map((name) => commandTopic(root, id, name)),
        ];
  const packets: string[][] = [];
  for (let from = 0; from < filters.length; from += FILTERS_PER_PACKET) {
    packets.push(filters.slice(from, from + FILTERS_PER_PACKET));
  }
  return packets;
}
