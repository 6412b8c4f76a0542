// Drawings beside the tables: <div data-chart="JSON"> as app/ui/charts.py writes it. Colours are the page's own tokens,
// named in the SVG as var(--…), so that theme and print follow without drawing again. Tooltips are rich text in every
// chart: an HTML tooltip would need inline styles, which the content policy forbids.

const token = (tone) => `var(--${tone === "idle" ? "edge" : tone})`;
const INK = "var(--ink)", SECOND = "var(--second)", LINE = "var(--hairline)", PAPER = "var(--paper)", EDGE = "var(--edge)";
const FONT = getComputedStyle(document.body).fontFamily;
const CHARACTER = 13, LABEL_MOST = 220;

export const DEFAULTS = {
  animation: false,
  textStyle: { fontFamily: FONT, fontSize: 12, color: INK },
  tooltip: {
    renderMode: "richText", confine: true, backgroundColor: PAPER, borderColor: EDGE, borderWidth: 1, padding: 8,
    textStyle: { color: INK, fontFamily: FONT, fontSize: 12 }, axisPointer: { lineStyle: { color: EDGE }, crossStyle: { color: EDGE } },
  },
  grid: { left: 8, right: 16, top: 28, bottom: 4, containLabel: true },
};

const words = { color: SECOND, fontSize: 12 };
const share = (value) => `${Math.round(value * 1000) / 10}%`;
const wide = (labels) => Math.min(LABEL_MOST, Math.max(...labels.map((label) => label.length)) * CHARACTER);
const plainAxis = (more = {}) => ({
  axisLine: { lineStyle: { color: EDGE } }, axisTick: { show: false }, axisLabel: words,
  splitLine: { lineStyle: { color: LINE } }, nameTextStyle: words, ...more,
});

/** The highest column carries its series' name: a direct label instead of a legend. */
const named = (series) => {
  const most = series.values.lastIndexOf(Math.max(...series.values.filter((value) => value !== null)));
  return series.values.map((value, at) => (at === most && value > 0
    ? { value, label: { show: true, position: "top", color: INK, formatter: `${series.name} ${value}` } } : value));
};

const over = (data) => ({
  grid: { ...DEFAULTS.grid, right: data.series.some((one) => one.form === "line") ? 72 : 16 },
  tooltip: { trigger: "axis" },
  xAxis: plainAxis({ type: "category", data: data.categories, splitLine: { show: false } }),
  yAxis: plainAxis({ type: "value", name: data.unit, minInterval: 1, axisLine: { show: false } }),
  series: data.series.map((one) => (one.form === "column"
    ? { type: "bar", name: one.name, data: named(one), barMaxWidth: 28, itemStyle: { color: token(one.tone) } }
    : {
        type: "line", name: one.name, data: one.values, symbol: "circle", symbolSize: 6, itemStyle: { color: token(one.tone) },
        lineStyle: { color: token(one.tone), width: 2 }, endLabel: { show: true, color: INK, formatter: "{a}" },
      })),
});

const bars = (data) => ({
  grid: { ...DEFAULTS.grid, top: 4, right: 48 },
  tooltip: { trigger: "item", formatter: "{b}  {c}" },
  xAxis: plainAxis({ type: "value", minInterval: 1, axisLabel: { show: false }, axisLine: { show: false }, splitLine: { show: false } }),
  yAxis: plainAxis({
    type: "category", inverse: true, data: data.rows.map((row) => row.label),
    axisLabel: { ...words, color: INK, width: wide(data.rows.map((row) => row.label)), overflow: "truncate" },
  }),
  series: [{
    type: "bar", barMaxWidth: 18, label: { show: true, position: "right", color: INK },
    data: data.rows.map((row) => ({ value: row.value, itemStyle: { color: token(row.tone) } })),
  }],
});

/** A dot with its interval as a whisker; a row without a share has words alone. */
const ranges = (data) => ({
  grid: { ...DEFAULTS.grid, top: data.reference === null ? 8 : 24, right: 24 },
  tooltip: { trigger: "item", formatter: (spot) => `${data.rows[spot.value[1]].label}\n${data.rows[spot.value[1]].words}` },
  xAxis: plainAxis({ type: "value", min: 0, max: 1, axisLabel: { ...words, formatter: share } }),
  yAxis: plainAxis({
    type: "category", inverse: true, data: data.rows.map((row) => row.label), splitLine: { show: false },
    axisLabel: { ...words, color: INK, width: wide(data.rows.map((row) => row.label)), overflow: "truncate" },
  }),
  series: [
    ...[...new Set(data.rows.map((row) => row.tone))].map((tone) => ({
      type: "line", silent: true, symbol: "rect", symbolSize: [2, 9], showAllSymbol: true, tooltip: { show: false },
      itemStyle: { color: token(tone) }, lineStyle: { color: token(tone), width: 2 },
      data: data.rows.flatMap((row, at) => (row.value === null || row.tone !== tone ? [] : [[row.low, at], [row.high, at], ["-", at]])),
    })),
    {
      type: "scatter", symbolSize: 10,
      data: data.rows.flatMap((row, at) => (row.value === null ? [] : [{ value: [row.value, at], itemStyle: { color: token(row.tone) } }])),
      markLine: data.reference === null ? undefined : {
        silent: true, symbol: "none", lineStyle: { color: SECOND, type: "dashed" },
        label: { position: "start", color: SECOND, formatter: `${data.reference_name} ${share(data.reference)}` }, data: [{ xAxis: data.reference }],
      },
    },
    {
      type: "scatter", silent: true, symbolSize: 1, itemStyle: { color: "transparent" },
      label: { show: true, position: "right", color: SECOND, formatter: (spot) => data.rows[spot.value[1]].words },
      data: data.rows.flatMap((row, at) => (row.value === null ? [[0, at]] : [])),
    },
  ],
});

const steps = (data) => {
  const column = (at) => data.points.map((point) => [point[0], point[at]]);
  const edge = (at) => ({
    type: "line", silent: true, step: "end", symbol: "none", data: column(at),
    lineStyle: { color: token(data.tone), width: 1, type: "dotted" }, tooltip: { show: false },
  });
  return {
    grid: { ...DEFAULTS.grid, right: 72, bottom: 24 },
    tooltip: { trigger: "axis", formatter: (spots) => {
      const point = data.points[spots[0].dataIndex];
      return `${point[0]} ${data.unit}  ${data.name} ${share(point[1])}\n95%: ${share(point[2])}–${share(point[3])}`;
    } },
    xAxis: plainAxis({ type: "value", min: 0, name: data.unit, nameLocation: "middle", nameGap: 24, splitLine: { show: false } }),
    yAxis: plainAxis({ type: "value", min: 0, max: 1, axisLabel: { ...words, formatter: share }, axisLine: { show: false } }),
    series: [
      {
        type: "line", name: data.name, step: "end", symbol: "none", data: column(1),
        lineStyle: { color: token(data.tone), width: 2 }, endLabel: { show: true, color: INK, formatter: "{a}" },
        markLine: data.mark === null ? undefined : {
          silent: true, symbol: "none", lineStyle: { color: SECOND, type: "dashed" },
          label: { color: INK, formatter: data.mark_words }, data: [{ xAxis: data.mark }],
        },
      },
      edge(2), edge(3),
    ],
  };
};

const FORMS = { over, bars, ranges, steps };

/** The house's defaults under a drawing's own: a tooltip is rich text whatever the drawing says. */
export const optionOf = (data) => {
  const made = FORMS[data.form](data);
  return {
    ...DEFAULTS, ...made, tooltip: { ...DEFAULTS.tooltip, ...made.tooltip, renderMode: "richText" },
    aria: { enabled: true, label: { description: data.description } },
  };
};

const draw = (box) => {
  const data = JSON.parse(box.dataset.chart);
  box.hidden = false;
  const chart = globalThis.echarts.init(box, null, { renderer: "svg" });
  chart.setOption(optionOf(data));
  new ResizeObserver(() => chart.resize()).observe(box);
};

if (globalThis.echarts) for (const box of document.querySelectorAll("[data-chart]")) draw(box);
