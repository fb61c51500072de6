// The few things ECharts expects of its surroundings that Duktape 2.7 lacks, and the one function the renderer calls.
// `measure_text_width(text, px, bold)` is native (cairo), so that a PNG's labels are placed by their real widths.
(function (global) {
  'use strict';

  [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array,
   Float64Array].forEach(function (type) {
    var own = type.prototype;
    function borrow(name) {
      if (own[name]) return;
      Object.defineProperty(own, name, {
        value: function () { return Array.prototype[name].apply(this, arguments); }, writable: true, configurable: true
      });
    }
    ['forEach', 'map', 'filter', 'indexOf', 'join', 'reverse', 'some', 'every', 'reduce'].forEach(borrow);
    if (!own.sort) {
      Object.defineProperty(own, 'sort', {
        value: function (before) {
          var sorted = Array.prototype.slice.call(this).sort(before || function (a, b) { return a - b; });
          for (var i = 0; i < sorted.length; i++) this[i] = sorted[i];
          return this;
        }
      });
    }
    if (!own.slice) {
      Object.defineProperty(own, 'slice', {
        value: function (from, to) { return new type(Array.prototype.slice.call(this, from, to)); }
      });
    }
    if (!own.fill) {
      Object.defineProperty(own, 'fill', {
        value: function (value, from, to) {
          var end = to === undefined ? this.length : to;
          for (var i = from || 0; i < end; i++) this[i] = value;
          return this;
        }
      });
    }
  });

  // Nothing here runs later: a chart is drawn in one go, and animation is off.
  global.setTimeout = function () { return 0; };
  global.clearTimeout = function () {};

  // ECharts reports some of its errors on the console only. Here each one fails the chart.
  var complaints = [];
  function complain() { complaints.push(Array.prototype.join.call(arguments, ' ')); }
  global.console = { log: function () {}, info: function () {}, warn: complain, error: complain };

  global.render_chart = function (option_json, width, height) {
    complaints = [];
    var prepared = assay_charts.prepare(JSON.parse(option_json), 'light', 'DejaVu Sans');
    var chart = echarts.init(null, prepared.theme, { renderer: 'svg', ssr: true, width: width, height: height });
    try {
      chart.setOption(prepared.option);
      var svg = chart.renderToSVGString();
      if (complaints.length) throw new Error(complaints.join('; '));
      // librsvg knows no dominant-baseline. A label cannot contain this text: quotes in labels are escaped.
      return svg.replace(/dominant-baseline="central"/g, 'dy="0.35em"');
    } finally {
      chart.dispose();
    }
  };

  global.prepare_host = function () {
    echarts.setPlatformAPI({
      measureText: function (text, font) {
        var found = /(\d+(?:\.\d+)?)px/.exec(font || '');
        var size = found ? Number(found[1]) : 12;
        // ECharts takes the width of this character for the height of a line; DejaVu Sans has no such glyph.
        if (text === '\u56fd') return { width: size };
        return { width: measure_text_width(String(text), size, /bold|[6-9]00/.test(font || '')) };
      }
    });
  };
})(this);
