// What a chart's JSON cannot say, shared word for word by the page and by the PNG renderer: a string "fn:<name>" in an
// option stands for a function of this file, "color:<name>" for a colour of the light or dark palette. An unknown name is
// an error. To extend: add a function to `functions` or a colour to both palettes. ES5 only: Duktape runs this too.
var assay_charts = (function () {
  'use strict';

  var palettes = {
    light: {
      ink: '#1c2430', muted: '#5d6876', rule: '#c6ccd4', grid: '#e9ecf0', paper: '#ffffff',
      strong: '#1f5fa8', soft: '#7fa8d4', second: '#b3600f', second_soft: '#dba970', third: '#2f7d5b',
      third_soft: '#86b9a0', fourth: '#7a4f9e', fourth_soft: '#b69acb', quiet: '#8b95a1', quiet_soft: '#c3c9d0',
      limit: '#b42318', limit_area: 'rgba(180,35,24,0.06)', phase: 'rgba(93,104,118,0.10)'
    },
    dark: {
      ink: '#e6e9ee', muted: '#9aa5b1', rule: '#4a5460', grid: '#2a323c', paper: '#14181e',
      strong: '#6ea8e6', soft: '#4a6f99', second: '#e39a4c', second_soft: '#8f673b', third: '#63bd92',
      third_soft: '#437a61', fourth: '#b58ad8', fourth_soft: '#765c8c', quiet: '#8b95a1', quiet_soft: '#59626d',
      limit: '#f0776b', limit_area: 'rgba(240,119,107,0.08)', phase: 'rgba(154,165,177,0.12)'
    }
  };

  // Up to three significant digits, never an exponent.
  function digits(value) {
    var size = Math.abs(value);
    if (size >= 100 || value === 0) return String(Math.round(value));
    return String(Number(value.toPrecision(3)));
  }

  function grouped(value) {
    return digits(value).replace(/\B(?=(\d{3})+$)/g, '\u202f');
  }

  // Axis labels hand over the number, tooltips a value or a point, labels of marks an object around one.
  function bare(given) { return given && typeof given === 'object' && !Array.isArray(given) ? given.value : given; }

  function last_number(given) {
    var value = bare(given);
    return Array.isArray(value) ? value[value.length - 1] : value;
  }

  function whisker(params, api) {
    var low = api.coord([api.value(0), api.value(1)]);
    var high = api.coord([api.value(0), api.value(2)]);
    var style = { stroke: api.visual('color'), lineWidth: 1.5, fill: null };
    function line(x1, y1, x2, y2) {
      return { type: 'line', shape: { x1: x1, y1: y1, x2: x2, y2: y2 }, style: style };
    }
    return {
      type: 'group',
      children: [line(low[0], low[1], high[0], high[1]), line(low[0] - 4, low[1], low[0] + 4, low[1]),
                 line(high[0] - 4, high[1], high[0] + 4, high[1])]
    };
  }

  // From value(0) to value(1) on row value(2).
  function span(params, api) {
    var from = api.coord([api.value(0), api.value(2)]);
    var to = api.coord([api.value(1), api.value(2)]);
    return {
      type: 'line', shape: { x1: from[0], y1: from[1], x2: to[0], y2: to[1] },
      style: { stroke: api.visual('color'), lineWidth: 4, lineCap: 'round', opacity: 0.45 }
    };
  }

  var functions = {
    // Milliseconds as people say them: "870 µs", "4.56 ms", "5 s", "2 min".
    duration: function (value) {
      var ms = Number(last_number(value));
      if (!isFinite(ms)) return '–';
      if (ms === 0) return '0';
      if (ms < 0.9995) return digits(ms * 1000) + ' µs';
      if (ms < 999.5) return digits(ms) + ' ms';
      if (ms < 119500) return digits(ms / 1000) + ' s';
      return digits(ms / 60000) + ' min';
    },
    count: function (value) {
      var number = Number(last_number(value));
      return isFinite(number) ? grouped(number) : '–';
    },
    cores: function (value) {
      var number = last_number(value);
      return number === null || number === undefined ? '–' : digits(Number(number)) + ' cores';
    },
    percent: function (value) { return digits(Number(last_number(value))) + ' %'; },
    seconds: function (value) { return digits(Number(last_number(value))) + ' s'; },
    // A mark's figure and whose it is ("note" of the datum), under each other.
    named_duration: function (given) { return functions.duration(given) + '\n' + given.data.note; },
    first_duration: function (given) {
      var value = bare(given);
      return functions.duration(Array.isArray(value) ? value[0] : value);
    },
    first_count: function (given) {
      var value = bare(given);
      return functions.count(Array.isArray(value) ? value[0] : value);
    },
    span: span,
    whisker: whisker
  };

  function resolve(value, palette) {
    if (typeof value === 'string') {
      if (value.slice(0, 3) === 'fn:') {
        var found = functions[value.slice(3)];
        if (!found) throw new Error('no chart function is named "' + value.slice(3) + '"');
        return found;
      }
      if (value.slice(0, 6) === 'color:') {
        var color = palette[value.slice(6)];
        if (!color) throw new Error('no chart colour is named "' + value.slice(6) + '"');
        return color;
      }
      return value;
    }
    if (Array.isArray(value)) return value.map(function (item) { return resolve(item, palette); });
    if (value && typeof value === 'object') {
      var copy = {};
      Object.keys(value).forEach(function (key) { copy[key] = resolve(value[key], palette); });
      return copy;
    }
    return value;
  }

  // What every chart has in common, so that no chart says it again.
  function theme(palette, font) {
    var text = { color: palette.muted, fontFamily: font, fontSize: 12 };
    var axis = {
      axisLine: { lineStyle: { color: palette.rule } },
      axisTick: { lineStyle: { color: palette.rule } },
      axisLabel: { color: palette.muted, fontFamily: font, fontSize: 12, hideOverlap: true },
      nameTextStyle: text,
      splitLine: { lineStyle: { color: palette.grid } },
      minorSplitLine: { show: false }
    };
    return {
      color: [palette.strong, palette.second, palette.third, palette.fourth, palette.quiet],
      backgroundColor: 'transparent',
      textStyle: { fontFamily: font, fontSize: 12, color: palette.ink },
      legend: { textStyle: { color: palette.ink, fontFamily: font, fontSize: 12 }, inactiveColor: palette.rule },
      tooltip: {
        backgroundColor: palette.paper, borderColor: palette.rule, borderWidth: 1,
        textStyle: { color: palette.ink, fontFamily: font, fontSize: 12 },
        axisPointer: { lineStyle: { color: palette.rule }, crossStyle: { color: palette.rule } }
      },
      valueAxis: axis, logAxis: axis, categoryAxis: axis, timeAxis: axis
    };
  }

  return {
    functions: functions,
    // `look` is "light" or "dark". Gives what echarts.init and setOption want.
    prepare: function (option, look, font) {
      var palette = palettes[look];
      var resolved = resolve(option, palette);
      (resolved.baseOption || resolved).animation = false;  // a report is read and printed, not watched
      return { theme: theme(palette, font), option: resolved };
    }
  };
})();
