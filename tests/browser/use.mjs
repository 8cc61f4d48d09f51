// Opens each page named on the command line and uses it as a reader does. Complains of the first
// thing that is not as it should be.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { readFileSync, writeFileSync } from "node:fs";

const require = createRequire(import.meta.url);
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const [browserPath, ...named] = process.argv.slice(2);
// Pages behind `--still` have no script, and so no controls but links.
const [files, stills] = [named.slice(0, named.indexOf("--still")), named.slice(named.indexOf("--still") + 1)];

let place = "";
function must(holds, complaint) {
  if (!holds) throw new Error(`${place}: ${complaint}`);
}

const browser = await chromium.launch({ executablePath: browserPath, args: ["--no-sandbox"] });

/** A page that complains of every message, error and request. */
async function opened(file, { hash = "", scheme = "light", scripts = true, width = 1300 } = {}) {
  const context = await browser.newContext({
    colorScheme: scheme, javaScriptEnabled: scripts, viewport: { width, height: 900 },
    // The page's own policy forbids what axe needs; the page itself is tried without this as well.
    bypassCSP: false,
  });
  const page = await context.newPage();
  const heard = [];
  page.on("console", (message) => heard.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => heard.push(`error: ${error.message}`));
  page.on("request", (request) => {
    if (request.url().split("#")[0] !== pathToFileURL(file).href) heard.push(`request: ${request.url()}`);
  });
  await page.goto(pathToFileURL(file).href + hash);
  page.heard = heard;
  return page;
}

async function close(page) {
  must(page.heard.length === 0, page.heard.join("; "));
  await page.context().close();
}

/** A copy of the page whose script is not told this of any run. */
function without(file, key) {
  const text = readFileSync(file, "utf8");
  const [start, end] = [text.indexOf('id="data">') + 10, text.indexOf("</script>")];
  const data = JSON.parse(text.slice(start, end));
  for (const run of data.runs) run[key] = [];
  const told = JSON.stringify(data).replaceAll("<", "\\u003c");
  const copy = `${file}.without-${key}.html`;
  writeFileSync(copy, text.slice(0, start) + told + text.slice(end));
  return copy;
}

/** What the panels say. */
const panels = (page) => page.locator(".run:not([hidden]) .insp").innerText();
const slider = (page) => page.locator(".run:not([hidden]) input[type=range]");
const stepOf = async (page) =>
  +(await page.locator(".run:not([hidden]) .stepno").innerText()).match(/step (\d+) of/)[1];

async function accessible(file, scheme, hide) {
  const page = await opened(file, { scheme });
  await page.locator(".run:not([hidden]) details summary").click();
  if (hide) await page.locator(".run:not([hidden]) .do-hide").check();
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run());
  const told = found.violations.map((it) => `${it.id}: ${it.nodes[0].html}`);
  must(told.length === 0, `axe, ${scheme}${hide ? ", hiding" : ""}: ${told.join("; ")}`);
  await close(page);
}

async function stepped(file) {
  const page = await opened(file);
  await slider(page).focus();
  await page.keyboard.press("Home");
  must((await stepOf(page)) === 1, "Home goes to the first step");
  const first = await panels(page);
  await page.keyboard.press("ArrowRight");
  must((await stepOf(page)) === 2, "an arrow goes to the next step");
  must((await panels(page)) !== first, "the panels change with the step");
  const spoken = await slider(page).getAttribute("aria-valuetext");
  must(/step 2 of \d+: ./.test(spoken), `the slider speaks its step: ${spoken}`);
  await page.keyboard.press("ArrowLeft");
  must((await panels(page)) === first, "back at the first step all is as it was");
  await page.keyboard.press("End");
  const last = await stepOf(page);
  await page.keyboard.press("PageUp");
  must((await stepOf(page)) < last, "Page Up goes to a chapter");
  await page.keyboard.press("PageDown");
  // With the whole states that are told at times, and without them, the same holds at each step.
  const bare = await opened(without(file, "keys"));
  await slider(bare).focus();
  await bare.keyboard.press("Home");
  await page.keyboard.press("Home");
  for (let step = 1; step <= last; step++) {
    must((await panels(page)) === (await panels(bare)), `step ${step} is the sum of its changes`);
    await page.keyboard.press("ArrowRight");
    await bare.keyboard.press("ArrowRight");
  }
  await close(bare);
  await close(page);
}

async function linked(file) {
  const page = await opened(file);
  await slider(page).focus();
  await page.keyboard.press("End");
  for (let step = 0; step < 4; step++) await page.keyboard.press("ArrowLeft");
  const [hash, told] = [new URL(page.url()).hash, await panels(page)];
  must(/^#v=[^&]+&t=\d+/.test(hash), `the address has the moment: ${hash}`);
  const other = await opened(file, { hash });
  must((await panels(other)) === told, "the address restores the moment");
  await close(other);
  const dark = await opened(file, { hash: `${hash}&theme=dark&hide=1` });
  must(await dark.locator(".run:not([hidden]) .verdict").isHidden(), "hiding hides the verdict");
  const scheme = await dark.evaluate(() => getComputedStyle(document.documentElement).colorScheme);
  must(scheme === "dark", "the address restores the theme");
  await close(dark);
  await close(page);
}

/** Every control does its work when it is reached by the Tab key. */
async function tabbed(file) {
  const page = await opened(file);
  const reached = new Set();
  for (let at = 0; at < 400; at++) {
    await page.keyboard.press("Tab");
    const it = await page.evaluate(() => {
      const it = document.activeElement;
      if (it === document.body) return null;
      it.dataset.reached = "yes";
      return it.tagName + it.className + it.id;
    });
    if (it === null) break;
    reached.add(it);
  }
  const missed = await page.evaluate(() =>
    [...document.querySelectorAll("button, input, summary, a[href]")]
      .filter((it) => it.checkVisibility() && !it.dataset.reached && it.tabIndex >= 0)
      .map((it) => it.outerHTML.slice(0, 80)));
  must(missed.length === 0, `not reached by Tab: ${missed.join("; ")}`);
  const check = page.locator(".run:not([hidden]) .verdict li button").first();
  if (await check.count()) {
    await check.focus();
    const before = await panels(page);
    await page.keyboard.press("Enter");
    must((await panels(page)) !== before || (await stepOf(page)) > 0, "a check leads to its moment");
  }
  const frames = page.locator(".run:not([hidden]) .story button");
  for (let at = 0; at < await frames.count(); at++) {
    await frames.nth(at).focus();
    await page.keyboard.press("Enter");
    must((await frames.nth(at).getAttribute("aria-current")) === "true", "a frame leads to its step");
  }
  const theme = page.locator("#theme");
  await theme.focus();
  const word = await theme.innerText();
  await page.keyboard.press("Enter");
  must((await theme.innerText()) !== word, "the theme changes");
  const hide = page.locator(".run:not([hidden]) .do-hide");
  await hide.focus();
  await page.keyboard.press("Space");
  must(await page.locator(".run:not([hidden]) .frames").isHidden(), "hiding hides the story");
  await page.keyboard.press("Space");
  const tabs = page.locator("[role=tab]");
  if ((await tabs.count()) > 1) {
    await tabs.first().focus();
    await page.keyboard.press("ArrowRight");
    must(await page.locator("#run-1").isVisible(), "an arrow chooses the next variant");
    must(await page.locator("#run-0").isHidden(), "and hides the first");
  }
  await close(page);
}

/** Every link and every part that scrolls is reached by the Tab key. */
async function reached(page) {
  for (let at = 0; at < 600; at++) {
    await page.keyboard.press("Tab");
    const isBody = await page.evaluate(() => {
      document.activeElement.dataset.reached = "yes";
      return document.activeElement === document.body;
    });
    if (isBody) break;
  }
  return page.evaluate(() =>
    [...document.querySelectorAll("a[href], [tabindex]")]
      .filter((it) => it.checkVisibility() && !it.dataset.reached && it.tabIndex >= 0)
      .map((it) => it.outerHTML.slice(0, 80)));
}

async function still(file) {
  for (const scheme of ["light", "dark"]) {
    const page = await opened(file, { scheme });
    await page.evaluate(axe);
    const found = await page.evaluate(() => globalThis.axe.run());
    const told = found.violations.map((it) => `${it.id}: ${it.nodes[0].html}`);
    must(told.length === 0, `axe, ${scheme}: ${told.join("; ")}`);
    await close(page);
  }
  const page = await opened(file, { scripts: true });
  const missed = await reached(page);
  must(missed.length === 0, `not reached by Tab: ${missed.join("; ")}`);
  await close(page);
  const narrow = await opened(file, { width: 360 });
  const wide = await narrow.evaluate(() => document.documentElement.scrollWidth);
  must(wide <= 360, `a narrow screen scrolls sideways: ${wide}`);
  await close(narrow);
}

async function plain(file) {
  const page = await opened(file, { scripts: false });
  for (const part of [".verdict", ".plot svg", ".story li", "details"]) {
    must(await page.locator(part).first().isVisible(), `without scripts there is ${part}`);
  }
  must(await page.locator(".insp").first().isHidden(), "without scripts there are no panels");
  await close(page);
  const narrow = await opened(file, { width: 360 });
  const wide = await narrow.evaluate(() => document.documentElement.scrollWidth);
  must(wide <= 360, `a narrow screen scrolls sideways: ${wide}`);
  await close(narrow);
}

try {
  for (const file of files) {
    place = file;
    for (const scheme of ["light", "dark"]) {
      await accessible(file, scheme, false);
      await accessible(file, scheme, true);
    }
    await stepped(file);
    await linked(file);
    await tabbed(file);
    await plain(file);
  }
  for (const file of stills) {
    place = file;
    await still(file);
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await browser.close();
}
