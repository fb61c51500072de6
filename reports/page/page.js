// Draws every figure of the page from its JSON, again when the reader's colours or paper change, and with the page's width.
(function () {
  'use strict';

  var options = JSON.parse(document.getElementById('chart-options').textContent);
  var dark = window.matchMedia('(prefers-color-scheme: dark)');
  var printing = window.matchMedia('print');
  var charts = [];

  function draw(plot) {
    var look = dark.matches && !printing.matches ? 'dark' : 'light';
    var font = window.getComputedStyle(plot).fontFamily;
    var prepared = assay_charts.prepare(options[plot.getAttribute('data-chart')], look, font);
    var chart = echarts.init(plot, prepared.theme, { renderer: 'svg' });
    chart.setOption(prepared.option);
    return chart;
  }

  function draw_all() {
    charts.forEach(function (chart) { chart.dispose(); });
    charts = Array.prototype.map.call(document.querySelectorAll('[data-chart]'), draw);
  }

  // Once per frame at most: a dragged window edge fires far more often.
  var resizing = false;
  function resize() {
    if (resizing) return;
    resizing = true;
    window.requestAnimationFrame(function () {
      resizing = false;
      charts.forEach(function (chart) { chart.resize(); });
    });
  }

  function open_details(open) {
    Array.prototype.forEach.call(document.querySelectorAll('details'), function (details) {
      if (open) { details.setAttribute('data-was', details.open ? 'open' : ''); details.open = true; }
      else details.open = details.getAttribute('data-was') === 'open';
    });
  }

  draw_all();
  window.addEventListener('resize', resize);
  dark.addEventListener('change', draw_all);
  window.addEventListener('beforeprint', function () { open_details(true); draw_all(); });
  window.addEventListener('afterprint', function () { open_details(false); draw_all(); });
  document.documentElement.setAttribute('data-drawn', String(charts.length));
})();
