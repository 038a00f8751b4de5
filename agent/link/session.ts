import type { Broker, Connection, Frame, LinkEnd } from '../ports/broker.ts';
import type { Log } from '../ports/log.ts';
import type { Chance, Clock } from '../ports/world.ts';
import { nextPause } from '../values/backoff.ts';
import type { LinkState, LinkWord } from '../values/link.ts';
import { addressesOf, deviceTopic } from '../values/topics.ts';
import { rfc3339, sayDuration } from '../values/units.ts';
import { sayLink, stateOfEnd } from './states.ts';
import { subscriptionPackets } from './subscriptions.ts';
import { connectWish, type ReachSettings } from './wish.ts';

/** How long a goodbye may take before the connection is dropped without one. */
const GOODBYE_MS = 2000;
/** Longest pause before what a cluster keeps is asked for again: each time it hands out all of it. */
const ASK_AGAIN_CAP_MS = 3_600_000;
/** Closed by the broker this often in a row, soon after it was made: somebody else is taking the link. */
const KICKS = 2;

/** The part of the settings the link needs; the whole settings fit. */
export interface LinkSettings extends ReachSettings {
  readonly device: { readonly id: string; readonly groups: readonly string[] };
  readonly broker: ReachSettings['broker'] & {
    readonly urls: readonly string[];
    readonly root: string;
    readonly filters: 'wildcard' | 'exact';
    readonly backoff: { readonly first_s: number; readonly cap_s: number; readonly stable_s: number };
  };
  readonly configs: Readonly<Record<string, unknown>>;
}

/** Sends one message; see {@link Connection.publish}. */
export type Publish = Connection['publish'];

/** What a session is made of. */
export interface SessionInput {
  readonly settings: LinkSettings;
  readonly broker: Broker;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  /** A message for this device; resolves when it is durable, and only then it is acknowledged. */
  onFrame(frame: Frame): Promise<void>;
  /** The link is there: `publish` works until {@link SessionInput.onDown}; `ends` tells which connection it is. */
  onUp(publish: Publish, ends: Connection['ends']): void;
  onDown(): void;
  /** What a cluster keeps was asked for again: what it is to keep of ours may have got lost in the same way. */
  onAskedAgain?(): void;
  /** The broker answered to something that was sent `agoMs` ago: all before it has arrived. */
  onAnswer?(agoMs: number): void;
  /** The state has changed. */
  onState(state: LinkState): void;
}

/** The link to the broker, kept up by itself. */
export interface Session {
  start(): void;
  /** Says offline itself (with `reason`), leaves, and stays away. */
  stop(reason: string): Promise<void>;
  /** Says online once more, retained. */
  sayOnline(): void;
  /** Whether the fleet sees what we report: what is missing, or null. Forgotten with the link: rights may have changed by the next. */
  unconfirmed(missing: string | null): void;
  state(): LinkState;
}

/** Makes a session; nothing happens before `start()`. */
export function openSession(input: SessionInput): Session {
  const { settings, clock, chance, log } = input;
  const { device, broker } = settings;
  const plan = {
    firstMs: broker.backoff.first_s * 1000,
    capMs: broker.backoff.cap_s * 1000,
    stableMs: broker.backoff.stable_s * 1000,
  };
  const packets = subscriptionPackets({
    root: broker.root,
    id: device.id,
    addresses: addressesOf(device.id, device.groups),
    configs: Object.keys(settings.configs),
    filters: broker.filters,
  });
  const statusTopic = deviceTopic(broker.root, device.id, 'status');
  const status = (state: 'online' | 'offline', reason: string) =>
    JSON.stringify({ state, boot: clock.bootId, at: rfc3339(clock.wallMs()), reason, groups: device.groups });

  /** Counts the attempts: what an older one still has to say is not heard. */
  let epoch = 0;
  let connection: Connection | null = null;
  let connectedAtMs: number | null = null;
  let attempts = 0;
  let links = 0;
  let failures = 0;
  let kicks = 0;
  let running = false;
  let cancelPause = () => {};
  let onEnded = () => {};
  let shown: LinkState = {
    ...{ state: 'stopped', connected: false, ...sayLink('stopped', '') },
    ...{ since: rfc3339(clock.wallMs()), reconnects: 0, url: broker.urls[0] ?? '', round_trip_ms: null },
  };

  const show = (state: LinkWord, connected: boolean, particulars: string) => {
    const before = shown;
    const said = sayLink(state, particulars);
    const same = before.state === state && before.connected === connected;
    const since = same ? before.since : rfc3339(clock.wallMs());
    shown = { ...before, ...said, state, connected, since, reconnects: Math.max(0, links - 1) };
    if (same && before.words === shown.words) return;
    const level = state === 'connected' || state === 'stopped' ? 'notice' : connected ? 'error' : 'warning';
    if (state !== 'connecting') log.say(level, `link: ${shown.url}: ${said.words}`, { state, remedy: said.remedy });
    input.onState(shown);
  };

  /** Asked again after a pause of `before.pauseMs`; 0 for the first time on a link. */
  const subscribe = async (mine: number, link: Connection, before = { pauseMs: 0, refused: false }) => {
    try {
      const answers = await Promise.all(packets.map((filters) => link.subscribe(filters)));
      if (mine !== epoch) return;
      const refused = packets.flatMap((filters, i) => filters.filter((_, j) => (answers[i]?.[j] ?? 128) >= 128));
      const isRefused = refused.length > 0;
      if (isRefused) show('not-subscribed', true, refused.join(', '));
      else if (before.pauseMs === 0 || before.refused) show('connected', true, '');
      else {
        sayOnline(link);
        input.onAskedAgain?.();
      }
      // A server of a cluster may not have had yet what another had acknowledged. Asked again, it hands it out.
      if (!isRefused && broker.urls.length < 2) return;
      // A server without a majority refuses everybody for a moment; and rights at a broker change while the link stays.
      const [leastMs, mostMs] = isRefused ? [plan.firstMs, plan.capMs] : [plan.stableMs, ASK_AGAIN_CAP_MS];
      const pauseMs = Math.min(Math.max(leastMs, isRefused === before.refused ? before.pauseMs * 2 : 0), mostMs);
      cancelPause = clock.after(pauseMs, () => {
        if (mine === epoch) void subscribe(mine, link, { pauseMs, refused: isRefused });
      });
    } catch {
      // The connection ended, and says so itself.
    }
  };

  const sayOnline = (link: Connection) => {
    link.publish(statusTopic, status('online', 'connected'), { qos: 1, retain: true }).catch(() => {});
  };

  const ended = (end: LinkEnd) => {
    const lastedMs = connectedAtMs === null ? null : clock.bootMs() - connectedAtMs;
    const brief = lastedMs !== null && lastedMs < plan.stableMs;
    const pause = nextPause(plan, failures, lastedMs, chance.unit());
    epoch += 1;
    cancelPause();
    connection = null;
    connectedAtMs = null;
    if (lastedMs !== null) input.onDown();
    failures = pause.failures;
    const found = stateOfEnd(end, broker.protocol);
    kicks = found === 'closed' && brief ? kicks + 1 : 0;
    onEnded();
    if (!running) return;
    show(kicks >= KICKS && found === 'closed' ? 'kicked' : found, false, end.message);
    log.say('debug', `link: next attempt in ${sayDuration(pause.delayMs)}`);
    cancelPause = clock.after(pause.delayMs, attempt);
  };

  const attempt = () => {
    const mine = ++epoch;
    const url = broker.urls[attempts++ % broker.urls.length] ?? '';
    shown = { ...shown, url };
    const ours = input.broker.connect(
      connectWish(settings, url, {
        topic: statusTopic,
        payload: status('offline', 'the link was lost; it had been made at this time'),
      }),
      {
        connected() {
          if (mine !== epoch) return;
          connectedAtMs = clock.bootMs();
          links += 1;
          void subscribe(mine, ours);
          sayOnline(ours);
          input.onUp((topic, payload, options) => ours.publish(topic, payload, options), ours.ends);
        },
        frame: (frame) =>
          mine === epoch ? input.onFrame(frame) : Promise.reject(new Error('the connection is not the present one')),
        roundTrip(ms) {
          if (mine !== epoch) return;
          shown = { ...shown, round_trip_ms: Math.round(ms * 10) / 10 };
          input.onAnswer?.(ms);
        },
        ended(end) {
          if (mine === epoch) ended(end);
        },
      },
    );
    connection = ours;
  };

  return {
    start() {
      if (running) return;
      running = true;
      show('connecting', false, '');
      attempt();
    },
    async stop(reason) {
      if (!running) return;
      running = false;
      cancelPause();
      const link = connection;
      if (link !== null) {
        const gone = new Promise<void>((resolve) => {
          onEnded = resolve;
        });
        const cancel = clock.after(GOODBYE_MS, () => link.drop());
        if (connectedAtMs === null) link.drop();
        else {
          await link.publish(statusTopic, status('offline', reason), { qos: 1, retain: true }).catch(() => {});
          link.close();
        }
        await gone;
        cancel();
      }
      show('stopped', false, '');
    },
    sayOnline() {
      if (connection !== null && connectedAtMs !== null) sayOnline(connection);
    },
    unconfirmed(missing) {
      // A link with a worse fault goes on saying that.
      if (shown.state !== 'connected' && shown.state !== 'reports-unconfirmed') return;
      show(missing === null ? 'connected' : 'reports-unconfirmed', true, missing ?? '');
    },
    state: () => shown,
  };
}
