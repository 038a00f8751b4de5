import { mqttBroker } from '../host/mqtt.ts';
import { sayLink, stateOfEnd } from '../link/states.ts';
import { connectWish } from '../link/wish.ts';
import type { LinkEnd } from '../ports/broker.ts';
import type { Settings } from '../settings-schema.ts';
import type { LinkState, LinkWord } from '../values/link.ts';
import type { AgentState, Status } from '../values/status.ts';
import { fine, type Remark } from './finding.ts';

/** What is normal for a device without a network: it keeps what it has, and tries again by itself. */
const OFFLINE: readonly LinkWord[] = ['host-not-found', 'unreachable', 'connecting', 'silent', 'nobody-listens'];

/** Asks a broker by a connection of its own, as the agent would; null if it lets us in. */
function attempt(settings: Settings, url: string): Promise<LinkEnd | null> {
  return new Promise((resolve) => {
    const connection = mqttBroker.connect(connectWish(settings, url, null), {
      connected() {
        resolve(null);
        connection.close();
      },
      frame: async () => {},
      roundTrip: () => {},
      ended: resolve,
    });
  });
}

/** Why nothing is tried while an agent is there, or may be: a broker throws the one out when another comes under its name. */
function notTried({ state }: AgentState, link: LinkState | null): Remark {
  const why = 'not tried, as a second link under the name of this device would throw the agent out';
  const remark = (words: string, remedy: string): Remark => ({ health: 'unknown', words, remedy });
  if (state === 'unknown') return remark(`${why}, if it runs`, 'the same as root, who sees whether it does');
  if (state === 'frozen') return remark(why, 'systemctl restart locksmith-agent, and then the same again');
  const words = link === null ? 'the agent runs, and has not said how its link is' : `${link.url}: ${link.words}`;
  return remark(`${words}; ${why}`, 'the same again in a minute');
}

/** Whether the broker can be reached, and why not: by the word of the agent where it runs, by an attempt only where none does. */
export async function lookAtBroker(settings: Settings, status: Status): Promise<readonly Remark[]> {
  const { link, agent } = status;
  if (agent.state !== 'stopped') {
    if (link === null || link.state === 'connecting') return [notTried(agent, link)];
    if (link.connected && link.state === 'connected') return [fine(`${link.url}: ${link.words}`)];
    const health = OFFLINE.includes(link.state) ? 'warning' : 'bad';
    return [{ health, words: `${link.url}: ${link.words} (${link.state})`, remedy: link.remedy }];
  }
  const remarks: Remark[] = [];
  for (const url of settings.broker.urls) {
    if (url === 'embedded') {
      remarks.push(fine('the embedded broker lives in the agent'));
      continue;
    }
    const end = await attempt(settings, url);
    if (end === null) {
      remarks.push(fine(`${url}: reachable, and lets this device in`));
      continue;
    }
    const word = stateOfEnd(end, settings.broker.protocol);
    const { words, remedy } = sayLink(word, end.cause.kind === 'file' ? end.cause.path : end.message);
    if (word === 'file-unreadable' && process.getuid?.() !== 0) {
      const why = `${url}: not tried, as ${end.cause.kind === 'file' ? end.cause.path : 'a file'} cannot be read`;
      remarks.push({ health: 'unknown', words: why, remedy: 'the same as root, who may read it' });
    } else {
      const health = OFFLINE.includes(word) ? 'warning' : 'bad';
      remarks.push({ health, words: `${url}: ${words} (${word})`, remedy });
    }
  }
  return remarks;
}
