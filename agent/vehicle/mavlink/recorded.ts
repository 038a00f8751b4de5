import type { Wire, Wires } from '../../ports/vehicle.ts';
import type { Cancel, Clock } from '../../ports/world.ts';
import { messageOf } from '../../values/thrown.ts';
import { scan } from './frames.ts';

/** A frame of a recording and when it came, in microseconds since 1970. */
interface Recorded {
  readonly timeUs: number;
  readonly raw: Uint8Array;
}

/** Bytes of the time before each frame; big-endian. Source: the .tlog format. */
const TIME_BYTES = 8;
/** Read at once. */
const READ_BYTES = 65_536;

/** Takes the recorded frames out of the bytes of a .tlog file; damaged ones are left out. */
export function createTlogReader(): { read(bytes: Uint8Array): readonly Recorded[] } {
  let kept = new Uint8Array(0);
  return {
    read(bytes) {
      const all = new Uint8Array(kept.length + bytes.length);
      all.set(kept);
      all.set(bytes, kept.length);
      const view = new DataView(all.buffer);
      const found: Recorded[] = [];
      const end = scan(all, false, {
        frame(frame, at) {
          if (at < TIME_BYTES) return;
          const timeUs = view.getUint32(at - TIME_BYTES) * 2 ** 32 + view.getUint32(at - 4);
          found.push({ timeUs, raw: frame.raw });
        },
        lost: () => {},
      });
      kept = all.slice(Math.max(0, end - TIME_BYTES));
      return found;
    },
  };
}

/** What a recording is played with. */
export interface Player {
  readonly clock: Clock;
  readonly wires: Pick<Wires, 'recording'>;
  /** 1: as fast as it was. */
  readonly speed: number;
}

/** A .tlog file as a wire: each frame comes when it came, `speed` times as fast, and then it ends. */
export function recordedWire(path: string, { clock, wires, speed }: Player): Wire {
  return {
    name: path,
    datagrams: true,
    open(events) {
      const state: { over: boolean; cancel: Cancel } = { over: false, cancel: () => {} };
      const end = (why: string) => {
        if (!state.over) events.ended(why);
        state.over = true;
      };
      const until = (atMs: number) =>
        new Promise<void>((resolve) => {
          state.cancel = clock.after(atMs - clock.bootMs(), resolve);
        });
      const play = async () => {
        const recording = await wires.recording(path);
        try {
          if (!state.over) events.opened();
          const reader = createTlogReader();
          const start = { ms: clock.bootMs(), us: Number.NaN };
          for (
            let bytes = await recording.read(READ_BYTES);
            bytes.length > 0;
            bytes = await recording.read(READ_BYTES)
          ) {
            for (const { timeUs, raw } of reader.read(bytes)) {
              if (Number.isNaN(start.us)) start.us = timeUs;
              const dueMs = start.ms + (timeUs - start.us) / 1000 / speed;
              if (dueMs > clock.bootMs()) await until(dueMs);
              if (state.over) return;
              events.bytes(raw, () => {});
            }
          }
        } finally {
          await recording.close();
        }
      };
      play().then(
        () => end('the recording is over'),
        (error: unknown) => end(messageOf(error)),
      );
      return () => {
        state.cancel();
        end('closed');
      };
    },
  };
}
