// What must hold of a report.html in a real browser, as a list of complaints; empty when all is well. Used by
// report_test.cjs on reports and on reports that were damaged on purpose.
'use strict';

const { pathToFileURL } = require('node:url');

const looks = [
  { name: 'light', width: 1280, scheme: 'light' },
  { name: 'dark', width: 1280, scheme: 'dark' },
  { name: 'phone', width: 390, scheme: 'light' },
];

// Runs in the page. Paints each chart's SVG and counts coloured pixels below its legend: an empty grid has none, and neither
// has a chart whose bars were forgotten.
async function inspect_charts() {
  const complaints = [];
  const plots = Array.from(document.querySelectorAll('[data-chart]'));
  const options = Object.keys(JSON.parse(document.getElementById('chart-options').textContent));
  if (plots.length !== options.length) complaints.push(`${options.length} charts are defined and ${plots.length} are placed`);
  if (document.documentElement.dataset.drawn !== String(plots.length)) complaints.push('the page did not finish drawing its charts');
  for (const plot of plots) {
    const id = plot.dataset.chart;
    const svg = plot.querySelector('svg');
    if (!svg) { complaints.push(`chart ${id} has no drawing`); continue; }
    if (plot.getAttribute('role') !== 'img' || !plot.getAttribute('aria-label')) complaints.push(`chart ${id} says nothing to a screen reader`);
    const width = Math.round(svg.getBoundingClientRect().width), height = Math.round(svg.getBoundingClientRect().height);
    if (width < 200 || height < 100) { complaints.push(`chart ${id} is only ${width} × ${height} pixels`); continue; }
    const chart = echarts.getInstanceByDom(plot);
    const grid = chart.getOption().grid[0];
    const series = chart.getOption().series;
    if (!series.some((each) => each.data && each.data.length)) complaints.push(`chart ${id} has no data`);
    const image = new Image();
    const text = new XMLSerializer().serializeToString(svg);
    await new Promise((loaded, failed) => {
      image.onload = loaded;
      image.onerror = () => failed(new Error(`chart ${id} is no valid SVG`));
      image.src = 'data:image/svg+xml;charset=utf-8,' + encodeURIComponent(text);
    });
    const canvas = document.createElement('canvas');
    canvas.width = width;
    canvas.height = height;
    const paint = canvas.getContext('2d');
    paint.drawImage(image, 0, 0, width, height);
    const top = Number(grid.top);
    const pixels = paint.getImageData(0, top, width, height - top).data;
    let coloured = 0;
    for (let i = 0; i < pixels.length; i += 4)
      if (pixels[i + 3] > 128 && Math.max(pixels[i], pixels[i + 1], pixels[i + 2]) - Math.min(pixels[i], pixels[i + 1], pixels[i + 2]) > 48) coloured++;
    if (coloured < 150) complaints.push(`chart ${id} shows no data: ${coloured} coloured pixels below its legend`);
    // Every first point of a series that answers to the mouse has a readable tooltip.
    series.forEach((each, index) => {
      if (each.silent || !each.data || !each.data.length) return;
      chart.dispatchAction({ type: 'showTip', seriesIndex: index, dataIndex: 0 });
      const tip = Array.from(plot.children).map((child) => (child.tagName === 'DIV' ? child.textContent : '')).join(' ');
      if (/NaN|undefined|\[object|null|– –/.test(tip)) complaints.push(`chart ${id}: the tooltip of ${each.name} says “${tip}”`);
    });
    chart.dispatchAction({ type: 'hideTip' });
  }
  return complaints;
}

// Runs in the page. True once every chart is as wide as its place, with the margins of a wide page.
function charts_fit() {
  return Array.from(document.querySelectorAll('[data-chart]')).every((plot) => {
    const chart = echarts.getInstanceByDom(plot);
    const wide = JSON.parse(document.getElementById('chart-options').textContent)[plot.dataset.chart].baseOption.grid;
    const left = (Array.isArray(wide) ? wide[0] : wide).left;
    return chart.getWidth() === plot.clientWidth && chart.getOption().grid[0].left === left;
  });
}

// Runs in the page.
function inspect_text() {
  const complaints = [];
  if (!document.querySelector('h1').textContent.trim()) complaints.push('there is no verdict');
  const overflow = document.documentElement.scrollWidth - window.innerWidth;
  if (overflow > 0) complaints.push(`the page is ${overflow} pixels wider than the window`);
  for (const table of document.querySelectorAll('table')) {
    const columns = table.querySelectorAll('thead th[scope=col]').length;
    for (const row of table.querySelectorAll('tbody tr'))
      if (row.children.length !== columns || !row.querySelector('th[scope=row]')) complaints.push(`table “${table.getAttribute('aria-label')}” has a row that does not fit its heading`);
  }
  if (document.querySelector('[onload], [onerror], img, iframe')) complaints.push('text of the assessment became an element of the page');
  return complaints;
}

async function open(browser, file, settings, complaints) {
  const context = await browser.newContext({ viewport: { width: settings.width, height: 900 }, colorScheme: settings.scheme, javaScriptEnabled: settings.scripts !== false });
  const page = await context.newPage();
  const url = pathToFileURL(file).href;
  page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) complaints.push(`console: ${message.text()}`); });
  page.on('pageerror', (error) => complaints.push(`script error: ${error.message}`));
  page.on('dialog', (dialog) => { complaints.push(`a dialog opened: ${dialog.message()}`); dialog.dismiss(); });
  page.on('request', (request) => { if (request.url() !== url && !request.url().startsWith('data:')) complaints.push(`request to ${request.url()}`); });
  await page.goto(url);
  return { context, page };
}

async function check_page(browser, file) {
  const all = [];
  for (const settings of looks) {
    const complaints = [];
    const { context, page } = await open(browser, file, settings, complaints);
    try {
      complaints.push(...(await page.evaluate(inspect_text)), ...(await page.evaluate(inspect_charts)));
      if (settings.name === 'light') {
        // The reader's colours change while the page is open; then it is printed.
        await page.emulateMedia({ colorScheme: 'dark' });
        complaints.push(...(await page.evaluate(inspect_charts)));
        await page.emulateMedia({ colorScheme: 'light' });
        await page.evaluate(() => window.addEventListener('beforeprint', () => {
          window.widest_on_paper = Math.max(...Array.from(document.querySelectorAll('.plot svg'), (svg) => svg.clientWidth));
        }));
        const pdf = await page.pdf({ format: 'A4' });
        if (pdf.length < 20000) complaints.push(`its print is only ${pdf.length} bytes`);
        const widest = await page.evaluate(() => window.widest_on_paper);
        if (!(widest > 300 && widest < 700)) complaints.push(`on paper the widest chart has ${widest} pixels`);
      }
      if (settings.name === 'phone') {
        // The phone is turned into a desk: every chart follows, and drops what it had changed for the phone.
        await page.setViewportSize({ width: 1280, height: 900 });
        await page.waitForFunction(charts_fit, null, { timeout: 5000 }).catch(() => complaints.push('the charts do not follow the width of the page'));
        complaints.push(...(await page.evaluate(inspect_charts)));
      }
    } catch (error) {
      complaints.push(`the page could not be inspected: ${error.message.split('\n')[0]}`);
    }
    await context.close();
    all.push(...complaints.map((complaint) => `${settings.name}: ${complaint}`));
  }
  const complaints = [];
  const { context, page } = await open(browser, file, { width: 1280, scheme: 'light', scripts: false }, complaints);
  const charts = await page.locator('[data-chart]').count();
  const stills = await page.locator('.still > svg').count();
  if (charts !== stills) complaints.push(`without scripts ${stills} of ${charts} charts are shown`);
  await context.close();
  return all.concat(complaints.map((complaint) => `without scripts: ${complaint}`));
}

module.exports = { check_page };
