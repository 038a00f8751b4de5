import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import t from 'tap';
import { pageHeaders } from '../../agent/cli/page-headers.ts';
import { serveWeb } from '../../agent/host/web.ts';
import { pageDocument, pagePart } from '../../agent/page/document.ts';
import { startChromium } from '../fixtures/chromium.ts';
import { start } from '../fixtures/locksmith.ts';
import { loneDevice } from '../fixtures/lone-device.ts';
import { calmPage, eightFlown } from '../fixtures/page.ts';

const PHONE = { width: 390, height: 844 };

/** Opens a page of a device and writes down what the browser complains of and whom it asks. */
async function open(browser: Awaited<ReturnType<typeof startChromium>>, url: string) {
  const context = await browser.newContext({ viewport: PHONE });
  const page = await context.newPage();
  const complaints: string[] = [];
  const asked = new Set<string>();
  page.on('console', (message) => void complaints.push(message.text()));
  page.on('pageerror', (error) => void complaints.push(String(error)));
  page.on('request', (request) => void asked.add(new URL(request.url()).origin));
  await page.goto(url);
  return { page, complaints, asked };
}

/** How many pixels of a picture are painted, of how many. */
const painted = (page: Page, kind: string): Promise<number> =>
  page.evaluate(`(() => {
    const canvas = document.querySelector('canvas[data-kind=${kind}]');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let i = 3; i < data.length; i += 4) if (data[i] > 0) count += 1;
    return count / (canvas.width * canvas.height);
  })()`);

t.test('a real browser shows a real device, asks nobody else, and is told when something changes', async (t) => {
  const device = loneDevice(t);
  for (const dir of [device.dir, device.etc]) chmodSync(dir, 0o755);
  const apply = (version: number, text: string) =>
    device.locksmith(['apply', '-'], device.sign({ version, files: { 'aim.conf': text } }).jws);
  await apply(1, 'hold = 450\n');
  await apply(2, 'hold = <b>350</b>\n');
  const served = start(['page', '--listen', '127.0.0.1:0', '--settings', device.settings]);
  t.teardown(() => served.stop('SIGKILL'));
  const url = (await served.line('http://')).trim();
  const { page, complaints, asked } = await open(await startChromium(t), url);
  t.equal(await page.locator('h1').textContent(), 'drone-7');
  t.match(await page.locator('.sum').textContent(), 'agent stopped');
  await page.locator('details summary').first().click();
  await page.locator('pre .plus').waitFor();
  t.equal((await page.locator('pre .plus').textContent())?.trim(), '+hold = <b>350</b>');
  t.equal(await page.evaluate('document.documentElement.scrollWidth'), PHONE.width, 'nothing sticks out of a phone');
  t.ok((await painted(page, 'link')) > 0.2);

  writeFileSync(join(device.etc, 'aim.conf'), 'by hand\n');
  await apply(3, 'hold = 300\n');
  await page.getByText('aim base version 3').first().waitFor();
  t.ok(await page.locator('pre .plus').isVisible(), 'what was open stays open');
  await served.stop();
  await page.getByText('no answer from the device').waitFor();
  t.same([...asked], [new URL(url).origin]);
  t.same(
    complaints.filter((said) => !said.includes('ERR_CONNECTION_REFUSED')),
    [],
  );
});

t.test('the pictures of a flight, and a policy that lets nothing else run', async (t) => {
  const data = calmPage({ flown: eightFlown() });
  const injected = '<script>document.title = "taken"</script><img src=x onerror="document.title = 1">';
  const server = await serveWeb({ kind: 'tcp', host: '127.0.0.1', port: 0 }, async ({ url }) => ({
    status: 200,
    type: 'text/html; charset=utf-8',
    text: url === '/part' ? pagePart(data).markup : pageDocument(data).markup.replace('<main>', `<main>${injected}`),
    headers: pageHeaders(),
  }));
  t.teardown(() => server.close());
  const { page, complaints } = await open(await startChromium(t), server.address);
  const share = await painted(page, 'track');
  t.ok(share > 0.01 && share < 0.5, `a line and its bound, ${share}`);
  t.equal(await page.title(), 'drone-7: Locksmith');
  t.ok(
    complaints.some((said) => said.includes('Content Security Policy')),
    'what was slipped in did not run',
  );
});
