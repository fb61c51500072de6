// Opens reports in Chromium and fails on console errors, charts without data, and requests to any network:
//   node report_test.cjs --samples <sample_report program> | <report.html>...
// With --samples it also damages a report in ways that it must notice, because a check that cannot fail proves nothing.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const chromium_path = process.env.CHROMIUM || '/usr/bin/chromium';
if (!fs.existsSync(chromium_path)) {
  console.error(`${chromium_path}: not there; install Debian's package chromium, or name a Chromium in the variable CHROMIUM`);
  process.exit(1);
}
const { chromium } = require('playwright-core');
const { check_page } = require('./check_page.cjs');

const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];

const without_policy = (html) => html.replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, '');
const damages = [
  { what: 'a script error', expect: /script error: planted/,
    apply: (html) => without_policy(html).replace('</main>', '<script>throw new Error("planted")</script></main>') },
  { what: 'an error on the console', expect: /console: planted/,
    apply: (html) => without_policy(html).replace('</main>', '<script>console.error("planted")</script></main>') },
  { what: 'a request to the network', expect: /request to http:\/\/127\.0\.0\.1:9\//,
    apply: (html) => without_policy(html).replace('</h1>', '</h1><img src="http://127.0.0.1:9/pixel.png" alt="">') },
  { what: 'a script that the policy forbids', expect: /console: .*Content Security Policy/,
    apply: (html) => html.replace('</main>', '<script>document.title = "x"</script></main>') },
  { what: 'a chart that lost its data', expect: /chart cpu shows no data/,
    apply: (html) => html.replace(/("cpu":\{.*?"series":)\[.*?\](\},"media")/s, '$1[{"type":"bar","data":[null]}]$2') },
  { what: 'a chart that is not drawn', expect: /charts are defined and/,
    apply: (html) => html.replace('data-chart="cpu"', 'data-card="cpu"') },
  { what: 'charts that keep the width they had', expect: /phone: the charts do not follow/,
    apply: (html) => without_policy(html).replace('new ResizeObserver(resize)', '{ observe: function () {} }') },
  { what: 'a page wider than a phone', expect: /phone: the page is \d+ pixels wider/,
    apply: (html) => html.replace('</h1>', '</h1><div style="width:700px">wide</div>') },
];

async function main(args) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'assay-browser-'));
  const browser = await chromium.launch({ executablePath: chromium_path, args: flags });
  let failed = 0;
  const report = (name, complaints) => {
    console.log(complaints.length ? `FAILED ${name}` : `ok     ${name}`);
    complaints.forEach((complaint) => console.log(`       ${complaint}`));
    failed += complaints.length ? 1 : 0;
  };
  try {
    let files = args;
    if (args[0] === '--samples') {
      execFileSync(args[1], [folder], { stdio: 'inherit' });
      files = ['sample', 'troubled'].map((name) => path.join(folder, name, 'report.html'));
    }
    for (const file of files) report(file, await check_page(browser, path.resolve(file)));
    if (args[0] === '--samples') {
      const sound = fs.readFileSync(files[0], 'utf8');
      for (const damage of damages) {
        const file = path.join(folder, 'damaged.html');
        const html = damage.apply(sound);
        fs.writeFileSync(file, html);
        const complaints = await check_page(browser, file);
        const noticed = html !== sound && complaints.some((complaint) => damage.expect.test(complaint));
        report(`notices ${damage.what}`, noticed ? [] : ['not noticed; the complaints were:', ...complaints]);
      }
    }
  } finally {
    await browser.close();
    fs.rmSync(folder, { recursive: true, force: true });
  }
  return failed ? 1 : 0;
}

const args = process.argv.slice(2);
if (!args.length) {
  console.error('usage: report_test.cjs --samples <sample_report program> | <report.html>...');
  process.exit(2);
}
main(args).then((status) => process.exit(status), (error) => { console.error(error); process.exit(1); });
