import { createIds } from './command/ids.ts';
import { openCommands } from './command/intake.ts';
import { LAST_WORDS_MS, openCare } from './hall/care.ts';
import { type ClockReset, resetClock } from './hall/clock-reset.ts';
import { openHands } from './hall/hands.ts';
import type { Host } from './hall/host.ts';
import { type Link, openLink } from './hall/link.ts';
import { openOrders } from './hall/orders.ts';
import { listenTo, rememberedVehicle } from './hall/vehicle.ts';
import { createOutbox } from './link/outbox.ts';
import { createOutboxMemory } from './link/outbox-memory.ts';
import { createSpeech } from './link/speech.ts';
import { lockEvents } from './lock/news.ts';
import { lockPaths } from './lock/parts.ts';
import { openLocks } from './lock/room.ts';
import type { VehicleState } from './ports/vehicle.ts';
import type { Begin, Cancel } from './ports/world.ts';
import type { Settings } from './settings-schema.ts';
import { createStanding } from './telemetry/standing.ts';
import { lookEveryMs, openWatchdog, type Part } from './telemetry/watchdog.ts';
import { createClockFloor } from './trust/clock-floor.ts';
import { datedLog } from './trust/dated-log.ts';
import { verifyCommand, verifyUpdate } from './trust/verify.ts';
import { type ApplyAnswer, answerTo } from './update/answer.ts';
import { NO_VEHICLE } from './update/gates.ts';
import type { GoBackWish, WentBack } from './update/going-back.ts';
import { openKeeper } from './update/keep.ts';
import { createLedger } from './update/ledger.ts';
import { type DespiteHalt, type Line, openLine } from './update/line.ts';
import { createLooks } from './update/looks.ts';
import { openRefusalBudget } from './update/refusals.ts';
import { tellEvent } from './update/story.ts';
import { createTrials } from './update/trials.ts';
import { openValidator } from './update/validate.ts';
import { EXIT, SaidError } from './values/errors.ts';
import { sayLock } from './values/lock-words.ts';
import type { EventBody } from './values/report.ts';
import { messageOf } from './values/thrown.ts';
import { addressesOf } from './values/topics.ts';
import { baseName } from './values/units.ts';

/** The agent: all rooms, built on the ports. */
export interface Agent {
  /** Resolves when every config has been looked at once. Throws SaidError if another agent runs on this state. */
  start(): Promise<void>;
  /** Instead of a start: ends what a crash cut off, and nothing else. Throws as `start` does. */
  recover: Line['recover'];
  /** Ends the steps under way, says so, and leaves. */
  stop(reason: string): Promise<void>;
  /** A signed update from a file. */
  apply(document: string, despiteHalt?: DespiteHalt): Promise<ApplyAnswer>;
  /** Forgets the latest time this device has seen, for the reason given by a person; tells the log and the fleet. */
  resetClockFloor(who: string, reason: string): Promise<ClockReset>;
  /** Whether the vehicle is safe now; `unknown` where the settings name none. */
  vehicle(): VehicleState;
  /** Who only takes documents from files listens to the vehicle when this is called, for as long as it takes to know it: ten seconds at most. */
  listen(): Promise<void>;
  /** A person goes back to the last good content of a config, or takes that back. */
  goBack(wish: GoBackWish): Promise<WentBack>;
}

/** Builds the rooms; nothing happens before `start()`. */
export function openAgent(settings: Settings, world: Host): Agent {
  const { files, clock, journal, sha256 } = world;
  const { state, run } = settings.paths;
  const { id, groups } = settings.device;
  const { root } = settings.broker;
  const addresses = addressesOf(id, groups);
  const configNames = Object.keys(settings.configs);

  const floor = createClockFloor(clock, world.builtAtMs);
  const log = datedLog(world.log, floor.trust);
  const host: Host = { ...world, log };
  const ledger = createLedger((config) => settings.configs[config]?.generations);
  const trials = createTrials(ledger.find);
  const looks = createLooks();
  const commandIds = createIds();
  const outboxMemory = createOutboxMemory();
  const outbox = createOutbox({
    ...{ root, device: { id }, memory: outboxMemory },
    journal,
    clock,
    clockTrust: floor.trust,
    log,
  });

  const speech = createSpeech({
    ...{ outbox, journal, clock, log, tell: tellEvent },
    onFatal: host.onFatal,
  });
  const { later, tokenMoved } = speech;
  const speak: typeof speech.speak = async (...said) => {
    await speech.speak(...said);
    standing?.changed();
  };
  const say = (event: EventBody) => speak([], [event]);

  const watchdog = openWatchdog(clock, lookEveryMs(host.supervisor?.aliveWithinMs ?? null));
  const beginIn =
    (part: Part): Begin =>
    (what, withinMs) =>
      watchdog.begin(part, what, withinMs);
  const { kernel, processes, watchDir } = host;
  const locks = openLocks({ files, kernel, processes, clock, log, watchDir, begin: beginIn('locks') }, settings);
  const lockDirs = configNames.map((name) => lockPaths(run, state, name).dir);
  const keptDir = `${state}/kept`;
  const ownDirs = [state, keptDir, `${state}/locks`, run, ...lockDirs];
  const time = () => ({ nowS: Math.floor(clock.wallMs() / 1000), clock: floor.trust() });
  const fileNames = new Map(
    configNames.map((name) => [name, settings.configs[name]?.files.map(({ path }) => baseName(path)) ?? []]),
  );
  const budget = openRefusalBudget(clock);
  const keeper = openKeeper(files, sha256, keptDir);
  const sweep = () => keeper.sweep(ledger.allGenerations());
  const { vehicle, signed } = rememberedVehicle(settings, host, floor);
  const door = vehicle?.door ?? NO_VEHICLE;
  let link: Link | null = null;
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
    ...{ root, addresses, ledger, trials, looks, journal, clock, sha256, budget, keeper, speak },
    configs: settings.configs,
    targets: host.targets,
    fetch: host.fetch,
    unit: host.chance.unit,
    validator: openValidator(files, host.parsers),
    time: () => ({ ...time(), poweredS: floor.poweredS() }),
    clockApplied: floor.applied,
    begin: beginIn('line'),
    lockWords: (lock) => sayLock(lock, clock.wallMs()),
    vehicle: door,
    hasVehicle: settings.vehicle !== undefined,
    halted: (held) => halts.halted(held),
    hooks: host.hooks,
    units: host.units,
    link: {
      up: () => link?.session.state().connected === true,
      lastSeq: outboxMemory.lastSeq,
      acknowledgedSeq: () => outbox.acknowledged(0),
    },
    context: () => ({ ...time(), addresses, configs: fileNames, sha256 }),
    verify: (jws) => verifyUpdate(jws, trust.ring(), { ...time(), ed25519: host.ed25519 }),
    onTrouble: (failure) => log.say('error', `${failure.message} (${failure.code}); tried again by itself`),
    onBug: host.onFatal,
  });
  const wakeAll = () => configNames.forEach(line.wake);
  const { trust, halts, memories } = openOrders(settings, host, { line, addresses, time, speak, later, wakeAll });
  const cancels: Cancel[] = [];
  /** The vehicle is heard until the last step has ended: what is under way asks whether it is safe. */
  const unhear: Cancel[] = [];
  let begun = false;
  const { hands, isReleasing } = openHands(settings, host, {
    ...{ locks, line, outbox, outboxMemory, vehicle: door },
    session: () => link?.session ?? null,
    say: (messages) => later(speak([], [], messages)),
  });
  const commands = openCommands({
    ...{ root, device: id, configs: configNames, ids: commandIds, budget, sha256, speak, hands },
    time,
    verify: async (jws) => verifyCommand(jws, trust.ring(), { ...time(), ed25519: host.ed25519 }),
    onTrouble: (error) => later(Promise.reject(error)),
  });
  const { supervisor } = host;
  const standing =
    supervisor === undefined
      ? null
      : createStanding({
          ...{ clock, supervisor, locks: locks.states },
          link: () => link?.session.state() ?? null,
          reports: () => configNames.flatMap((name) => outboxMemory.lastReported(name) ?? []),
        });
  const care = openCare(host, {
    ...{ watchdog, locks, standing, ownDirs, beatPath: `${run}/beat`, say, later, sweep, inspect: line.inspect },
    ...{ floor, clockTurned: wakeAll },
    lastWords: async () => link?.session.state().connected === true && outbox.drained(LAST_WORDS_MS),
  });

  /** Takes the state, and remembers. */
  const begin = async () => {
    files.makeDir('journal.open', state, 0o750);
    files.makeDir('lock.open', run, 0o755);
    const instance = kernel.open('instance.lock', `${state}/instance.lock`, { create: 0o640 });
    if (!kernel.tryFlock('instance.lock', instance)) {
      kernel.close('instance.lock', instance);
      throw new SaidError(EXIT.failed, `${state}: another locksmith works with this state`, 'locksmith status');
    }
    for (const dir of ownDirs) files.removeTemps('leftovers.remove', dir);
    // Nobody but who works with the state writes there, and after a reboot the writer's number is soon somebody else's.
    files.removeTemps('leftovers.remove', keptDir, 'any');
    if (host.broker !== null) cancels.push(care.watchOver());
    await trust.open();
    const replay = await journal.open([floor, ...memories, signed, ledger, trials, looks, outboxMemory, commandIds]);
    begun = true;
    sweep();
    journal.note([floor.tick()]);
    outbox.start();
    await trust.settle();
    if (replay.putAside !== null) {
      const reason = `${replay.damagedLines} damaged lines; the journal as it was: ${replay.putAside}`;
      await say({ event: 'quarantined', reason });
    }
  };

  return {
    async start() {
      await begin();
      cancels.push(halts.watch());
      await commands.start();
      if (host.broker !== null) {
        link = await openLink(settings, host, host.broker, {
          doors: [commands, trust, halts],
          ...{ line, locks, outbox, floor, vehicle, say, later },
          turned: () => standing?.changed(),
        });
        cancels.push(link.start());
        await say({ event: 'started', reason: `locksmith ${host.version}` });
      }
      locks.onChange((config, change) => {
        standing?.changed();
        if (change.what === 'token') tokenMoved(config, change.lock);
        else {
          const ours = change.what === 'released' && isReleasing(config);
          const events = ours ? [] : lockEvents(config, change, clock.wallMs());
          later(speak([], events, [{ kind: 'lock', config, body: change.lock }]));
        }
        // Also when it turns HOT: what waits says all that it waits for.
        if (change.what !== 'token' && !isReleasing(config)) line.wake(config);
      });
      cancels.push(door.onChange(wakeAll));
      // Who only takes documents from files may need no vehicle.
      if (host.broker !== null) unhear.push(vehicle?.start() ?? (() => {}));
      outbox.onAcknowledged(line.acknowledged);
      await locks.settleAll();
      // The fleet shall know the token of every lock, also of one that nobody ever took.
      const unsaid = host.broker === null ? [] : configNames.filter((name) => outboxMemory.lastLock(name) === null);
      const states = Object.entries(locks.states()).filter(([name]) => unsaid.includes(name));
      const found = states.map(([config, body]) => ({ kind: 'lock' as const, config, body }));
      if (found.length > 0) await speak([], [], found);
      // Before the line comes to rest: that may take its time, and the locks are looked after meanwhile.
      cancels.push(locks.watch());
      standing?.settled();
      if (host.broker !== null && host.cron !== undefined) cancels.push(host.cron(settings.locks.gc, care.collect));
      await line.start();
      cancels.push(care.keepTime());
    },
    async recover() {
      await begin();
      await locks.settleAll();
      return line.recover();
    },
    async stop(reason) {
      standing?.stopping(reason);
      for (const cancel of cancels) cancel();
      await line.stop();
      await commands.stop();
      for (const cancel of unhear) cancel();
      try {
        if (link !== null) {
          await say({ event: 'stopped', reason });
          if (link.session.state().connected) await outbox.drained(LAST_WORDS_MS);
        }
        // Another agent's journal, or one that did not open, is none to write into.
        if (begun) journal.note([floor.tick()]);
      } catch (error) {
        // A full disk must not keep the agent from leaving.
        log.say('error', `cannot remember that it stopped: ${messageOf(error)}`);
      }
      await link?.stop(reason);
      if (begun) await journal.close();
      locks.close();
    },
    vehicle: door.state,
    async listen() {
      if (vehicle !== null && host.broker === null) unhear.push(await listenTo(vehicle, host));
    },
    async apply(document, despiteHalt) {
      return answerTo(await line.file(new TextEncoder().encode(document), despiteHalt), ledger, line.view);
    },
    goBack: line.goBack,
    resetClockFloor: (who, reason) => resetClock(floor, speak, who, reason).finally(wakeAll),
  };
}
