import type { JournalRecord } from '../ports/journal.ts';
import type { Wires } from '../ports/vehicle.ts';
import type { Cancel } from '../ports/world.ts';
import type { Settings } from '../settings-schema.ts';
import type { ClockFloor } from '../trust/clock-floor.ts';
import { EXIT, Failure, SaidError } from '../values/errors.ts';
import { openGpsd } from '../vehicle/gpsd.ts';
import { openMavlink } from '../vehicle/mavlink/mavlink.ts';
import { recordedWire } from '../vehicle/mavlink/recorded.ts';
import { streamsOf } from '../vehicle/mavlink/requests.ts';
import { KEY_BYTES, type SignatureMemory } from '../vehicle/mavlink/signature.ts';
import { createSignedTimes } from '../vehicle/mavlink/signed-times.ts';
import type { Source } from '../vehicle/source.ts';
import { openVehicle, type Vehicle } from '../vehicle/vehicle.ts';
import type { Host } from './host.ts';

/** What of the world the vehicle needs. */
type VehicleHost = Pick<Host, 'clock' | 'chance' | 'sha256' | 'files' | 'log' | 'wires'>;

type VehicleSettings = NonNullable<Settings['vehicle']>;
type MavlinkSettings = NonNullable<VehicleSettings['mavlink']>;

/** Builds the vehicle of the settings, null if they name none; nothing is heard before it is started. Throws SaidError if its key cannot be read. */
export function vehicleOf({ vehicle }: Settings, host: VehicleHost, signatures?: SignatureMemory): Vehicle | null {
  const { wires } = host;
  if (vehicle === undefined || wires === undefined) return null;
  const source = sourceOf(vehicle, host, wires, signatures);
  return source === null ? null : openVehicle(source, host);
}

/** The same with what the journal remembers of its signatures: that nothing recorded is taken again. */
export function rememberedVehicle(
  settings: Settings,
  host: VehicleHost & Pick<Host, 'journal'>,
  floor: Pick<ClockFloor, 'trust'>,
) {
  const signed = createSignedTimes(() => (floor.trust() === 'ok' ? host.clock.wallMs() : null));
  const keep = (records: readonly JournalRecord[]) => {
    try {
      host.journal.note(records);
    } catch (error) {
      // A full disk is told by whoever needs it; what is in RAM counts.
      if (!(error instanceof Failure)) throw error;
    }
  };
  return { vehicle: vehicleOf(settings, host, { signed, keep }), signed };
}

/** So long a vehicle is listened to before it is not known for good: the rule's 5 s of rest, and the time it takes to ask what it does not say by itself. */
const KNOWN_WITHIN_MS = 10_000;

/**
 * Listens to the vehicle for somebody who leaves again. Resolves as soon as it is known whether it is safe, or when the time is over;
 * whatever the vehicle does after that is told on until cancelled.
 */
export async function listenTo({ door, start }: Vehicle, { clock }: Pick<Host, 'clock'>): Promise<Cancel> {
  const stop = start();
  await new Promise<void>((resolve) => {
    const look = () => {
      if (door.state().safety === 'unknown') return;
      cancel();
      unheard();
      resolve();
    };
    const unheard = door.onChange(look);
    const cancel = clock.after(KNOWN_WITHIN_MS, () => {
      unheard();
      resolve();
    });
    look();
  });
  return stop;
}

function sourceOf(
  vehicle: VehicleSettings,
  host: VehicleHost,
  wires: Wires,
  signatures: SignatureMemory | undefined,
): Source | null {
  const { clock, chance, sha256 } = host;
  const { mavlink, gpsd } = vehicle;
  if (mavlink !== undefined) {
    const { system, send, signing_key, position_hz, file } = mavlink;
    return openMavlink({
      ...{ clock, sha256, system, wire: wireOf(mavlink, host, wires), unit: chance.unit },
      disarmedIsEnough: vehicle.disarmed_is_enough,
      again: file === undefined,
      streams: send && file === undefined ? streamsOf(position_hz) : [],
      key: signing_key === undefined ? null : keyIn(signing_key, host),
      ...(signatures === undefined ? {} : { signatures }),
    });
  }
  if (gpsd === undefined) return null;
  const { host: at, port } = addressOf(gpsd.connect);
  const wire = wires.tcp(at, port);
  return openGpsd({ clock, wire, unit: chance.unit, device: gpsd.device ?? null, cannotMove: vehicle.cannot_move });
}

/** The settings name one of these; their rules see to it. */
function wireOf(
  { listen, connect, serial, baud, file = '', speed }: MavlinkSettings,
  { clock }: VehicleHost,
  wires: Wires,
) {
  if (listen !== undefined) {
    const { host, port } = addressOf(listen);
    return wires.udp(host, port);
  }
  if (connect !== undefined) {
    const { host, port } = addressOf(connect);
    return wires.tcp(host, port);
  }
  return serial === undefined ? recordedWire(file, { clock, wires, speed }) : wires.serial(serial, baud);
}

function addressOf(text: string): { readonly host: string; readonly port: number } {
  const url = new URL(text);
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) };
}

/** The secret key of message signing: 32 bytes, or as 64 hex digits. */
function keyIn(path: string, { files }: VehicleHost): Uint8Array {
  const bytes = files.read('vehicle.key', path);
  const text = bytes === null ? '' : new TextDecoder('latin1').decode(bytes).trim();
  if (/^[0-9a-f]{64}$/i.test(text))
    return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  if (bytes?.length === KEY_BYTES) return bytes;
  const why = bytes === null ? 'there is no such file' : `expected ${KEY_BYTES} bytes, or 64 hex digits`;
  throw new SaidError(EXIT.usage, `${path}: ${why} (vehicle.mavlink.signing_key)`, 'openssl rand -hex 32');
}
