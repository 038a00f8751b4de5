import { createIds } from './command/ids.ts';
import { openCommands } from './command/intake.ts';
import { refresh } from './command/refresh.ts';
import { createOutbox } from './link/outbox.ts';
import { createOutboxMemory } from './link/outbox-memory.ts';
import { openSession, type Session } from './link/session.ts';
import { createSpeech } from './link/speech.ts';
import { releaseBound } from './lock/bound.ts';
import { collectGarbage, isWorthSaying, sayGarbage } from './lock/gc.ts';
import { lockEvents } from './lock/news.ts';
import { lockPaths } from './lock/parts.ts';
import { openLocks } from './lock/room.ts';
import type { Broker } from './ports/broker.ts';
import type { Files, WatchDir } from './ports/files.ts';
import type { JournalFile } from './ports/journal.ts';
import type { KernelLocks } from './ports/kernel.ts';
import type { Log } from './ports/log.ts';
import type { Processes, Units } from './ports/processes.ts';
import type { Parsers, Targets } from './ports/targets.ts';
import type { Begin, Cancel, Chance, Clock, Cron, Ed25519, Sha256 } from './ports/world.ts';
import type { Settings } from './settings-schema.ts';
import { createBeat } from './telemetry/beat.ts';
import { openPulse, type Pulse } from './telemetry/pulse.ts';
import { openWatchdog, type Part, type Stall, sayStall } from './telemetry/watchdog.ts';
import { createClockFloor } from './trust/clock-floor.ts';
import { parseKeys } from './trust/keys.ts';
import { verifyCommand, verifyUpdate } from './trust/verify.ts';
import { type ApplyAnswer, answerTo } from './update/answer.ts';
import { openKeeper } from './update/keep.ts';
import { createLedger } from './update/ledger.ts';
import { openLine } from './update/line.ts';
import { openRefusalBudget } from './update/refusals.ts';
import { tellEvent } from './update/story.ts';
import { openValidator } from './update/validate.ts';
import { EXIT, SaidError } from './values/errors.ts';
import { sayLock } from './values/lock-words.ts';
import type { EventBody } from './values/report.ts';
import { addressesOf, deviceTopic } from './values/topics.ts';
import { baseName } from './values/units.ts';

/** Everything outside that the agent works with. */
export interface Host {
  readonly files: Files;
  readonly targets: Targets;
  readonly kernel: KernelLocks;
  readonly processes: Processes;
  readonly units: Units;
  /** Absent: requests on the control surface of a lock are noticed within 5 s instead of at once. */
  readonly watchDir?: WatchDir;
  /** Absent: garbage is collected at the start only. */
  readonly cron?: Cron;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly sha256: Sha256;
  readonly ed25519: Ed25519;
  readonly log: Log;
  readonly parsers: Parsers;
  /** Null: this run takes documents from files only. */
  readonly broker: Broker | null;
  readonly journal: JournalFile;
  readonly version: string;
  readonly builtAtMs: number;
  /** Nothing can go on: our own bug, or a disk that lies. The process must end; a restart reads the truth from the disk. */
  onFatal(error: unknown): void;
}

/** The agent: all rooms, built on the ports. */
export interface Agent {
  /** Resolves when every config has been looked at once. Throws SaidError if another agent runs on this state. */
  start(): Promise<void>;
  /** Ends the steps under way, says so, and leaves. */
  stop(reason: string): Promise<void>;
  /** A signed update from a file. */
  apply(document: string): Promise<ApplyAnswer>;
}

/** A clock tick is noted this often: a crash costs at most so much of what is known about time. */
const TICK_MS = 60_000;
/** How long a leaving agent waits for the broker to take its last words. */
const LAST_WORDS_MS = 2_000;

/** Builds the rooms; nothing happens before `start()`. */
export function openAgent(settings: Settings, host: Host): Agent {
  const { files, clock, chance, log, journal, sha256 } = host;
  const { state, run } = settings.paths;
  const { id, groups } = settings.device;
  const { root } = settings.broker;
  const addresses = addressesOf(id, groups);
  const configNames = Object.keys(settings.configs);

  const floor = createClockFloor(clock, host.builtAtMs);
  const ledger = createLedger();
  const commandIds = createIds();
  const outboxMemory = createOutboxMemory();
  const outbox = createOutbox({
    device: { id },
    root,
    memory: outboxMemory,
    journal,
    clock,
    clockTrust: floor.trust,
    log,
  });

  const { speak, later, tokenMoved } = createSpeech({
    ...{ outbox, journal, clock, log },
    tell: tellEvent,
    onFatal: host.onFatal,
  });
  const say = (event: EventBody) => speak([], [event]);

  const watchdog = openWatchdog(clock);
  const beginIn =
    (part: Part): Begin =>
    (what, withinMs) =>
      watchdog.begin(part, what, withinMs);
  const { kernel, processes, watchDir } = host;
  const locks = openLocks({ files, kernel, processes, clock, log, watchDir, begin: beginIn('locks') }, settings);
  const lockDirs = configNames.map((name) => lockPaths(run, state, name).dir);
  const ownDirs = [state, `${state}/kept`, `${state}/locks`, run, ...lockDirs];
  const ring = () => {
    const bytes = files.read('trust.read', settings.trust.keys);
    if (bytes === null) {
      throw new SaidError(
        EXIT.usage,
        `${settings.trust.keys}: there is no such file (trust.keys)`,
        'locksmith keys new NAME',
      );
    }
    return parseKeys(new TextDecoder().decode(bytes), settings.trust.keys);
  };

  const nowS = () => Math.floor(clock.wallMs() / 1000);
  const fileNames = new Map(
    configNames.map((name) => [name, settings.configs[name]?.files.map(({ path }) => baseName(path)) ?? []]),
  );
  const budget = openRefusalBudget(clock);
  const keeper = openKeeper(files, sha256, `${state}/kept`);
  let keys: ReturnType<typeof ring> | null = null;
  const line = openLine({
    // A counted refusal changes what the fleet is told of the lock; it goes out with the report of the refusal.
    locks: {
      ...locks,
      refused(config) {
        locks.refused(config);
        const lock = locks.lock(config).last();
        if (lock !== null) tokenMoved(config, lock);
      },
    },
    root,
    configs: settings.configs,
    addresses,
    ledger,
    journal,
    clock,
    sha256,
    budget,
    targets: host.targets,
    keeper,
    validator: openValidator(files, host.parsers),
    speak,
    time: () => ({ nowS: nowS(), clock: floor.trust(), poweredS: floor.poweredS() }),
    clockApplied: floor.applied,
    begin: beginIn('line'),
    lockWords: (lock) => sayLock(lock, clock.wallMs()),
    context: () => ({ addresses, configs: fileNames, nowS: nowS(), clock: floor.trust(), sha256 }),
    async verify(jws) {
      keys ??= ring();
      const verified = verifyUpdate(jws, keys, { nowS: nowS(), clock: floor.trust(), ed25519: host.ed25519 });
      return verified.kind === 'refusal' ? verified : { kind: 'update', update: verified.update };
    },
    onTrouble: (failure) => log.say('error', `${failure.message} (${failure.code}); tried again by itself`),
    onBug: host.onFatal,
  });
  return hall();

  function hall(): Agent {
    const cancels: Cancel[] = [];
    let cancelTick: Cancel = () => {};
    let session: Session | null = null;
    let begun = false;
    /** Under release by a command: its answer tells of it, and what waits is looked at after its last step. */
    const releasing = new Set<string>();
    const commands = openCommands({
      ...{ root, device: id, configs: configNames, ids: commandIds, budget, sha256, speak },
      time: () => ({ nowS: nowS(), clock: floor.trust() }),
      async verify(jws) {
        keys ??= ring();
        return verifyCommand(jws, keys, { nowS: nowS(), clock: floor.trust(), ed25519: host.ed25519 });
      },
      hands: {
        release: async (config, wish) => {
          releasing.add(config);
          const { units } = host;
          const writers = settings.configs[config]?.writers ?? [];
          try {
            return await releaseBound({ lock: locks.lock(config), writers, units, processes, clock }, wish);
          } finally {
            releasing.delete(config);
            line.wake(config);
          }
        },
        refresh: (config, seq) =>
          refresh(
            {
              configs: configNames,
              republish: outbox.republish,
              lockWasSaid: (name) => outboxMemory.lastLock(name) !== null,
              look: locks.look,
              sayLocks: (found) =>
                later(
                  speak(
                    [],
                    [],
                    found.map((lock) => ({ kind: 'lock', ...lock })),
                  ),
                ),
              sayOnline: () => session?.sayOnline(),
              acknowledged: outbox.acknowledged,
              unconfirmed: (missing) => session?.unconfirmed(missing),
            },
            config,
            seq,
          ),
      },
      onTrouble: (error) => later(Promise.reject(error)),
    });

    const openLink = (broker: Broker): { readonly session: Session; readonly pulse: Pulse } => {
      const opened = openSession({
        settings,
        broker,
        clock,
        chance,
        log,
        onFrame: async (frame) => {
          if (commands.isOurs(frame)) await commands.frame(frame);
          else await line.frame(frame);
        },
        onUp: (publish) => outbox.linkUp(publish),
        onDown: () => outbox.linkDown(),
        onState: () => pulse.linkChanged(),
      });
      const pulse = openPulse({
        clock,
        files,
        log,
        path: `${run}/status.json`,
        pid: processes.self().pid,
        agentVersion: host.version,
        intervalMs: settings.telemetry.heartbeat_s * 1000,
        unit: chance.unit(),
        readings,
        link: opened.state,
        publish: (text) => {
          opened.publish(deviceTopic(root, id, 'hb'), text, { qos: 0, retain: false }).catch(host.onFatal);
        },
      });
      return { session: opened, pulse };
    };
    const readings = () => {
      const { refused, outcomes, duplicates } = line.counters();
      return {
        clock: floor.trust(),
        backlog: outbox.backlog(),
        configs: Object.fromEntries(configNames.map((name) => [name, line.view(name).running])),
        locks: Object.fromEntries(configNames.map((name) => [name, locks.look(name)])),
        counters: {
          applied: outcomes.applied ?? 0,
          failed: outcomes.failed ?? 0,
          superseded: outcomes.superseded ?? 0,
          withdrawn: outcomes.withdrawn ?? 0,
          expired: outcomes.expired ?? 0,
          duplicates,
          refused,
        },
      };
    };
    const collecting = { now: false };
    const collect = () => {
      if (collecting.now) return;
      collecting.now = true;
      const collected = collectGarbage(locks, files, ownDirs).finally(() => {
        collecting.now = false;
      });
      later(collected.then((found) => log.say(isWorthSaying(found) ? 'notice' : 'debug', sayGarbage(found))));
    };
    /** Something does not move any more: said while that is possible, then this process ends, for it cannot mend itself. */
    const giveUp = (stall: Stall) => {
      const reason = sayStall(stall);
      const over = { is: false };
      const end = () => {
        if (!over.is) host.onFatal(reason);
        over.is = true;
      };
      clock.after(LAST_WORDS_MS, end);
      say({ event: 'alarm', reason })
        .then(() => (session?.state().connected === true ? outbox.drained(LAST_WORDS_MS) : undefined))
        .catch((error: unknown) => log.say('error', `${reason} (not reported: ${error})`))
        .finally(end);
    };
    const watchOver = () => {
      const beat = createBeat({ clock, files, log, path: `${run}/beat`, self: processes.self() });
      beat();
      watchdog.onMove((part) => {
        if (part === 'locks' && watchdog.late() === null) beat();
      });
      cancels.push(watchdog.start(giveUp));
    };
    const tick = () => {
      cancelTick = clock.after(TICK_MS, tick);
      try {
        journal.note([floor.tick()]);
      } catch (error) {
        log.say('warning', `cannot note the time: ${error instanceof Error ? error.message : String(error)}`);
      }
    };

    return {
      async start() {
        files.makeDir('journal.open', state, 0o750);
        files.makeDir('lock.open', run, 0o755);
        const instance = kernel.open('instance.lock', `${state}/instance.lock`, { create: 0o640 });
        if (!kernel.tryFlock('instance.lock', instance)) {
          kernel.close('instance.lock', instance);
          throw new SaidError(EXIT.failed, `${state}: another locksmith works with this state`, 'locksmith status');
        }
        for (const dir of ownDirs) files.removeTemps('leftovers.remove', dir);
        if (host.broker !== null) watchOver();
        keys = ring();
        const replay = await journal.open([floor, ledger, outboxMemory, commandIds]);
        begun = true;
        keeper.sweep(ledger.kept());
        journal.note([floor.tick()]);
        outbox.start();
        await commands.start();
        if (host.broker !== null) {
          const link = openLink(host.broker);
          session = link.session;
          link.session.start();
          link.pulse.start();
          cancels.push(link.pulse.stop);
          await say({ event: 'started', reason: `locksmith ${host.version}` });
        }
        if (replay.putAside !== null) {
          await say({
            event: 'quarantined',
            reason: `${replay.damagedLines} damaged lines; the journal as it was: ${replay.putAside}`,
          });
        }
        locks.onChange((config, change) => {
          if (change.what === 'token') tokenMoved(config, change.lock);
          else {
            const ours = change.what === 'released' && releasing.has(config);
            const events = ours ? [] : lockEvents(config, change, clock.wallMs());
            later(speak([], events, [{ kind: 'lock', config, body: change.lock }]));
          }
          if (change.lock.state === 'COLD' && !releasing.has(config)) line.wake(config);
        });
        await locks.settleAll();
        // The fleet shall know the token of every lock, also of one that nobody ever took.
        const unsaid = host.broker === null ? [] : configNames.filter((name) => outboxMemory.lastLock(name) === null);
        const states = Object.entries(locks.states()).filter(([name]) => unsaid.includes(name));
        if (states.length > 0)
          await speak(
            [],
            [],
            states.map(([config, body]) => ({ kind: 'lock', config, body })),
          );
        // Before the line comes to rest: that may take its time, and the locks are looked after meanwhile.
        cancels.push(locks.watch());
        if (host.broker !== null && host.cron !== undefined) cancels.push(host.cron(settings.locks.gc, collect));
        await line.start();
        cancelTick = clock.after(TICK_MS, tick);
        cancels.push(() => cancelTick());
      },
      async stop(reason) {
        for (const cancel of cancels) cancel();
        await line.stop();
        await commands.stop();
        try {
          if (session !== null) {
            await say({ event: 'stopped', reason });
            if (session.state().connected) await outbox.drained(LAST_WORDS_MS);
          }
          // Another agent's journal, or one that did not open, is none to write into.
          if (begun) journal.note([floor.tick()]);
        } catch (error) {
          // A full disk must not keep the agent from leaving.
          log.say(
            'error',
            `cannot remember that it stopped: ${error instanceof Error ? error.message : String(error)}`,
          );
        }
        await session?.stop(reason);
        if (begun) await journal.close();
        locks.close();
      },
      async apply(document) {
        return answerTo(await line.file(new TextEncoder().encode(document)), ledger, line.view);
      },
    };
  }
}
