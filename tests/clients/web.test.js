// The page at / in a real browser. With SCREENSHOTS=DIR it leaves pictures there to look at.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { pdfOfPngs } from './pdf_writer.js';
import { readPage, root, startServer } from './server.js';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const options = existsSync(executablePath) ? {} : { skip: `${executablePath} is not there` };
let server;
let browser;
before(async () => {
  server = await startServer();
  if (options.skip) return;
  browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
});
after(async () => {
  await browser?.close();
  assert.equal(await server.stop(), 0);
});

async function open(context = {}) {
  const page = await (await browser.newContext({ locale: 'en-US', ...context })).newPage();
  page.setDefaultTimeout(60_000);
  const problems = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  await page.goto(server.url);
  await page.locator('#state', { hasText: 'maoocr-tiny' }).waitFor();
  return { page, problems };
}

async function shoot(page, name) {
  if (process.env.SCREENSHOTS) await page.screenshot({ path: path.join(process.env.SCREENSHOTS, `${name}.png`) });
}

test('reads a page, shows boxes, copies and downloads', options, async () => {
  const { page, problems } = await open({ viewport: { width: 1280, height: 860 }, permissions: ['clipboard-read', 'clipboard-write'] });
  await shoot(page, 'empty');
  await page.setInputFiles('#file', path.join(root, 'samples/page.png'));
  await page.click('#run');
  await page.locator('#view-markdown h1', { hasText: 'The reading machine' }).waitFor();
  await page.locator('#copy:enabled').waitFor();
  await shoot(page, 'read');
  assert.equal(await page.locator('#view-markdown table tr').count(), 3);
  assert.equal(await page.locator('#boxes rect').count(), 8);
  await page.click('#copy');
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^# The reading machine/);
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('#download')]);
  assert.equal(download.suggestedFilename(), 'page.md');
  await page.click('#tab-blocks');
  await page.locator('#view-blocks li').nth(5).hover();
  assert.equal(await page.locator('#boxes rect.lit').count(), 1);
  await shoot(page, 'blocks');
  await page.locator('#tab-blocks').press('ArrowRight');
  assert.equal(JSON.parse(await page.locator('#view-json').textContent()).success, true);
  assert.deepEqual(problems, []);
});

test('reads a PDF page after page', options, async () => {
  const { page, problems } = await open({ viewport: { width: 1280, height: 860 }, permissions: ['clipboard-read', 'clipboard-write'] });
  const sample = await readPage('samples/page.png');
  const buffer = pdfOfPngs([sample, await readPage('tests/fixtures/maoocr-tiny/base_markdown.png'), sample]);
  await page.setInputFiles('#file', { name: 'report.pdf', mimeType: 'application/pdf', buffer });
  await page.locator('#hint', { hasText: 'report.pdf' }).waitFor();
  await shoot(page, 'pdf-chosen');
  await page.fill('#pages', '1-3');
  await page.click('#run');
  await page.locator('#figures', { hasText: '3 pages' }).waitFor();
  await page.locator('#page-number', { hasText: 'Page 3 (3 of 3)' }).waitFor();
  await shoot(page, 'pdf-last-page');
  await page.keyboard.press('PageUp');
  await page.locator('#page-number', { hasText: 'Page 2 (2 of 3)' }).waitFor();
  await shoot(page, 'pdf-second-page');
  await page.keyboard.press('PageUp');
  await page.locator('#page-number', { hasText: 'Page 1 (1 of 3)' }).waitFor();
  await page.locator('#view-markdown h1', { hasText: 'The reading machine' }).waitFor();
  assert.equal(await page.locator('#boxes rect').count(), 8);
  assert.equal(await page.evaluate(() => document.getElementById('picture').naturalWidth), 806);
  assert.equal(await page.locator('#previous').isDisabled(), true);
  await page.click('#copy');
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(copied.split('<--- Page Split --->').length, 4);
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('#download')]);
  assert.equal(download.suggestedFilename(), 'report.md');
  await page.setInputFiles('#file', { name: 'broken.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF-1.7 nothing') });
  await page.click('#run');
  await page.locator('#error', { hasText: 'the PDF is broken' }).waitFor();
  assert.deepEqual(problems.filter((problem) => !problem.includes('422')), []);
});

test('keyboard, phone, Chinese', options, async () => {
  const { page, problems } = await open({ viewport: { width: 390, height: 800 }, locale: 'en-US' });
  await page.click('#language');
  assert.equal(await page.locator('#run').textContent(), '识别');
  await page.setInputFiles('#file', path.join(root, 'samples/page.png'));
  await page.selectOption('#task', 'plain_ocr');
  await page.focus('#run');
  await page.keyboard.press('Enter');
  await page.locator('#copy:enabled').waitFor();
  await shoot(page, 'phone');
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= 390, `the page is ${width} wide`);
  assert.deepEqual(problems, []);
});

test('what is not an image is told', options, async () => {
  const { page } = await open();
  await page.setInputFiles('#file', { name: 'a.png', mimeType: 'image/png', buffer: Buffer.from('hello') });
  await page.click('#run');
  await page.locator('#error', { hasText: 'known format' }).waitFor();
  await page.setInputFiles('#file', path.join(root, 'samples/page.png'));
  await page.selectOption('#mode', 'large');
  await page.click('#run');
  await page.click('#stop');
  await page.locator('#figures', { hasText: 'Stopped.' }).waitFor();
});

test("a model's text is shown, never run", options, async () => {
  const { page, problems } = await open();
  await page.route('**/api/ocr', (route) =>
    route.fulfill({
      contentType: 'text/event-stream',
      body: `event: page\ndata: ${JSON.stringify({
        success: true,
        text: '# <img src=x onerror="window.hacked=1"> <script>window.hacked=1</script> [x](javascript:window.hacked=1)',
        boxes: [],
        image_dims: { w: 1, h: 1 },
      })}\n\n`,
    }),
  );
  await page.setInputFiles('#file', path.join(root, 'samples/page.png'));
  await page.click('#run');
  await page.locator('#view-markdown h1').waitFor();
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  // The browser tells of each attempt that the policy stopped.
  assert.deepEqual(problems.filter((problem) => !problem.includes('Content Security Policy')), []);
  assert.equal(await page.locator('#view-markdown script, #view-markdown [onerror], #view-markdown a[href^=javascript]').count(), 0);
});
