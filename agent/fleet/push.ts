import { setTimeout as pause } from 'node:timers/promises';
import { desiredTopic } from '../values/topics.ts';
import { type Answer, type Answers, openAnswers } from './answers.ts';
import type { SignedUpdate } from './compose.ts';
import { connectFleet, type FleetBroker, type FleetLink, LinkFailure } from './link.ts';
import { publishSeen } from './publish.ts';
import { reportedFilter } from './versions.ts';

/** Pause before the link is made again while answers are awaited. */
const AGAIN_MS = 1_000;

/** A push under way. */
export interface PushWish {
  readonly root: string;
  readonly signed: SignedUpdate;
  /** How many devices' answers to wait for; 0: none. */
  readonly wait: number;
  readonly withinMs: number;
  /** The broker has the document. */
  onPublished(): void;
  /** A device's answer is new, or has changed. */
  onAnswer(answer: Answer, all: readonly Answer[]): void;
  /** Something about the link that a person should know meanwhile. */
  onNote(note: string): void;
}

/** What became of a push. `done`: as many answers as were asked for have come, and are closed. */
export interface PushEnd {
  readonly topic: string;
  readonly done: boolean;
  readonly answers: readonly Answer[];
}

/**
 * Publishes a signed update, retained, sees to it that the broker has it, and waits for answers. Rejects with {@link LinkFailure}
 * if the broker is lost before it has the document; afterwards the link is made again until the time is over.
 */
export async function pushUpdate(broker: FleetBroker, link: FleetLink, wish: PushWish): Promise<PushEnd> {
  const { root, signed, wait } = wish;
  const { update, jws } = signed;
  const { aud: address, config, layer, id, withdraw } = update;
  const topic = desiredTopic(root, address, config, layer);
  const answers = openAnswers({ root, id, config, address, layer, withdraw });
  const filters = [
    `${root}/v1/${address.startsWith('dev/') ? address : 'dev/+'}/evt`,
    reportedFilter({ root, address, config }),
  ];
  const endMs = performance.now() + wish.withinMs;

  const stop = follow(link, answers, wish);
  if (wait > 0) await link.subscribe(filters);
  const published = { is: false };
  const onLive = () => {
    published.is = true;
    wish.onPublished();
  };
  try {
    await publishSeen(link, { topic, jws, retain: true, onSent: () => answers.published(), onLive });
  } catch (error) {
    // Whether it is kept shows in the answers then.
    if (!(error instanceof LinkFailure && published.is && wait > 0)) throw error;
  }
  if (wait === 0) return { topic, done: true, answers: [] };

  const isDone = () => answers.all().filter(({ closed }) => closed).length >= wait;
  const current = { link, stop };
  const lost = { is: false };
  const watch = () => {
    void current.link.ended.then(() => {
      lost.is = true;
    });
  };
  watch();
  while (!isDone() && performance.now() < endMs) {
    if (lost.is) {
      wish.onNote('the link to the broker is lost; trying again');
      await pause(AGAIN_MS);
      const again = await reconnect(broker, filters);
      if (again === null) continue;
      current.link = again.link;
      current.stop = follow(again.link, answers, wish);
      again.replay(answers, wish);
      lost.is = false;
      watch();
    }
    await pause(20);
  }
  current.stop();
  current.link.close();
  return { topic, done: isDone(), answers: answers.all() };
}

function follow(link: FleetLink, answers: Answers, wish: PushWish): () => void {
  return link.listen((frame) => {
    const answer = answers.take(frame);
    if (answer !== null) wish.onAnswer(answer, answers.all());
  });
}

async function reconnect(broker: FleetBroker, filters: readonly string[]) {
  try {
    const link = await connectFleet(broker);
    const frames: Parameters<Answers['take']>[0][] = [];
    const cancel = link.listen((frame) => frames.push(frame));
    await link.subscribe(filters);
    cancel();
    const replay = (answers: Answers, wish: PushWish) => {
      for (const frame of frames) {
        const answer = answers.take(frame);
        if (answer !== null) wish.onAnswer(answer, answers.all());
      }
    };
    return { link, replay };
  } catch (error) {
    if (error instanceof LinkFailure) return null;
    throw error;
  }
}
