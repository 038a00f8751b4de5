import type { Wires } from '../ports/vehicle.ts';
import type { Settings } from '../settings-schema.ts';

/** The ways to a vehicle, loaded where the settings name one. */
export async function wiresFor({ vehicle }: Settings): Promise<Wires | undefined> {
  if (vehicle === undefined) return undefined;
  const [{ tcpWire, udpWire }, { serialWire }, { openRecording }] = await Promise.all([
    import('../host/sockets.ts'),
    import('../host/serial.ts'),
    import('../host/recording.ts'),
  ]);
  return { udp: udpWire, tcp: tcpWire, serial: serialWire, recording: openRecording };
}
