import t from 'tap';
import { askAgent, sayNoAnswer } from '../../agent/cli/ask-agent.ts';
import { readSettings } from '../../agent/settings.ts';
import { loneDevice } from '../fixtures/lone-device.ts';

t.test('the daemon, if there is one; else this process', async (t) => {
  const device = loneDevice(t);
  const settings = readSettings(device.settings);
  const ask = () => askAgent('try', settings, { do: 'nothing anybody knows' }, async () => 'own');
  const agent = await device.daemon();
  const answer = await ask();
  t.equal(sayNoAnswer(answer), 'the agent does not know this request');
  t.equal(sayNoAnswer(null), 'no answer');
  await agent.stop();
  t.equal(await ask(), 'own');
});
