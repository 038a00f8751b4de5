import type { ConnectWish } from '../ports/broker.ts';

/** The part of the settings that says how a broker is reached; the whole settings fit. */
export interface ReachSettings {
  readonly device: { readonly id: string };
  readonly broker: {
    readonly protocol: '3.1.1' | '5';
    readonly username?: string | undefined;
    readonly password_file?: string | undefined;
    readonly keepalive_s: number;
    readonly connect_timeout_s: number;
    readonly tls?: {
      readonly ca?: string | undefined;
      readonly cert?: string | undefined;
      readonly key?: string | undefined;
      readonly servername?: string | undefined;
    };
  };
}

/** How this device reaches a broker, for the link itself and for who only asks whether it would come up. Pure. */
export function connectWish({ device, broker }: ReachSettings, url: string, will: ConnectWish['will']): ConnectWish {
  const { tls } = broker;
  return {
    ...{ url, will, clientId: device.id, protocol: broker.protocol },
    keepaliveS: broker.keepalive_s,
    connectTimeoutMs: broker.connect_timeout_s * 1000,
    username: broker.username ?? null,
    passwordFile: broker.password_file ?? null,
    tls: {
      ca: tls?.ca ?? null,
      cert: tls?.cert ?? null,
      key: tls?.key ?? null,
      servername: tls?.servername ?? null,
    },
  };
}
