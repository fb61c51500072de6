// Draws every figure of the page from its JSON, again when the reader's colours or paper change, and with the page's width.
(function () {
  'use strict';

  var options = JSON.parse(document.getElementById('chart-options').textContent);
  var dark = window.matchMedia('(prefers-color-scheme: dark)');
  var printing = window.matchMedia('print');
  var charts = [];

  function prepared_for(plot) {
    var paper = printing.matches || document.documentElement.className === 'paper';
    var look = dark.matches && !paper ? 'dark' : 'light';
    var font = window.getComputedStyle(plot).fontFamily;
    return assay_charts.prepare(options[plot.getAttribute('data-chart')], look, font);
  }

  function draw(plot) {
    var prepared = prepared_for(plot);
    var chart = echarts.init(plot, prepared.theme, { renderer: 'svg' });
    chart.setOption(prepared.option);
    return chart;
  }

  function draw_all() {
    charts.forEach(function (chart) { chart.dispose(); });
    charts = Array.prototype.map.call(document.querySelectorAll('[data-chart]'), draw);
  }

  // Once per frame at most: a dragged window edge fires far more often. The option is set anew, since ECharts does not take
  // back what a media query of a narrower page had changed.
  var resizing = false;
  function resize() {
    if (resizing) return;
    resizing = true;
    window.requestAnimationFrame(function () {
      resizing = false;
      charts.forEach(function (chart) {
        var plot = chart.getDom();
        if (plot.clientWidth === chart.getWidth()) return;
        chart.resize();
        chart.setOption(prepared_for(plot).option, true);
      });
    });
  }

  function open_details(open) {
    Array.prototype.forEach.call(document.querySelectorAll('details'), function (details) {
      if (open) { details.setAttribute('data-was', details.open ? 'open' : ''); details.open = true; }
      else details.open = details.getAttribute('data-was') === 'open';
    });
  }

  draw_all();
  var widths = new ResizeObserver(resize);
  Array.prototype.forEach.call(document.querySelectorAll('[data-chart]'), function (plot) { widths.observe(plot); });
  dark.addEventListener('change', draw_all);
  // Paper is narrower than most windows, and is laid out only after this event: the class gives the page that width first.
  function print_layout(on) {
    document.documentElement.className = on ? 'paper' : '';
    open_details(on);
    draw_all();
  }
  window.addEventListener('beforeprint', function () { print_layout(true); });
  window.addEventListener('afterprint', function () { print_layout(false); });
  document.documentElement.setAttribute('data-drawn', String(charts.length));
})();
