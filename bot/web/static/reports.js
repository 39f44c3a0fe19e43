// Draws each [data-chart] with ECharts: what to draw comes with the table, colours come from the page's own tokens.
"use strict";

const look = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const palette = () => [0, 1, 2, 3, 4, 5].map((n) => look(`--tone${n}`)).concat(look("--warn"), look("--soft"));

const names = (data, label) => data.rows.map((row) => label.map((n) => row[n]).join(" · "));
// Lengths of time are drawn in the unit in which the table tells most of them: days, hours or minutes.
const unit = (data, column) => {
  if (data.columns[column][1] !== "seconds") return 1;
  const timed = data.chart.columns.filter((one) => data.columns[one][1] === "seconds");
  const longest = Math.max(0, ...data.rows.flatMap((row) => timed.map((one) => row[one] || 0)));
  return [86400, 3600].find((size) => longest >= size) || 60;
};
const series = (data, box, type, more = {}) =>
  data.chart.columns.map((column) => ({
    name: data.columns[column][0] + (unit(data, column) > 1 ? JSON.parse(box.dataset.units)[unit(data, column)] : ""), type, ...more,
    data: data.rows.map((row) => (row[column] === null ? null : +(row[column] / unit(data, column)).toFixed(2))),
  }));

const axes = (labels, counts = true) => ({
  xAxis: { type: "category", data: labels, axisLabel: { color: look("--soft"), hideOverlap: true } },
  yAxis: { type: "value", minInterval: counts ? 1 : 0, axisLabel: { color: look("--soft") }, splitLine: { lineStyle: { color: look("--edge") } } },
});

const kinds = {
  // Its parts grow too small to be written on: the names stand beside.
  funnel: (data) => ({
    tooltip: { trigger: "item" },
    series: [{
      type: "funnel", sort: "none", minSize: "0%", left: "2%", right: 150, top: 10, bottom: 10, gap: 3,
      label: { position: "rightTop", formatter: "{b}  {c}", color: look("--ink") }, labelLine: { length: 12, lineStyle: { color: look("--edge") } },
      data: data.rows.map((row) => ({ name: row[0], value: row[1] })),
    }],
  }),
  // Sankey diagrams know no circles: a move back leads to a node of its own.
  sankey: (data, box) => {
    const links = data.rows.map(([from, to, count, back]) => ({
      source: from || box.dataset.fresh, target: back ? `↩ ${to}` : to, value: count,
    }));
    const nodes = [...new Set(links.flatMap((link) => [link.source, link.target]))].map((name) => ({ name }));
    return {
      tooltip: { trigger: "item" },
      series: [{
        type: "sankey", data: nodes, links: acyclic(links), left: 8, right: 110, top: 8, bottom: 8, nodeGap: 10,
        label: { color: look("--ink") }, lineStyle: { color: "gradient", opacity: 0.35 },
      }],
    };
  },
  bars: (data, box) => {
    const shown = { ...data, rows: data.rows.slice(0, data.chart.most || 40) };
    const counts = data.chart.columns.every((column) => unit(data, column) === 1);
    return { ...axes(names(shown, [0]), counts), series: series(shown, box, "bar", { barMaxWidth: 28 }) };
  },
  stairs: (data, box) => ({ ...axes(names(data, data.chart.label)), series: series(data, box, "bar", { barMaxWidth: 18 }) }),
  stack: (data, box) => ({ ...axes(names(data, [0])), series: series(data, box, "bar", { stack: "all", barMaxWidth: 28 }) }),
  lines: (data) => ({
    ...axes(data.rows.map(([day]) => day.slice(5))), // the year stands in the table
    series: data.columns.slice(1).map(([name], n) => ({
      name, type: "line", showSymbol: false, data: data.rows.map((row) => row[n + 1]),
    })),
  }),
};

function acyclic(links) {
  const ahead = new Map();
  const leads = (from, to) => from === to || [...(ahead.get(from) || [])].some((next) => leads(next, to));
  return links.map((link) => {
    const target = leads(link.target, link.source) ? `${link.target} ↺` : link.target;
    if (!ahead.has(link.source)) ahead.set(link.source, new Set());
    ahead.get(link.source).add(target);
    return { ...link, target };
  });
}

function draw(box) {
  const data = JSON.parse(box.dataset.chart);
  const chart = echarts.init(box, null, { renderer: "svg" });
  const option = kinds[data.chart.kind](data, box);
  if (data.chart.kind === "sankey") {
    const known = new Set(option.series[0].data.map((node) => node.name));
    for (const { target } of option.series[0].links) if (!known.has(target)) option.series[0].data.push({ name: target });
  }
  chart.setOption({
    color: palette(), animation: false, textStyle: { fontFamily: "inherit" }, tooltip: { trigger: "axis" },
    grid: { left: 8, right: 12, top: 34, bottom: 8, containLabel: true },
    legend: data.chart.kind === "funnel" || data.chart.kind === "sankey" ? undefined : { top: 0, type: "scroll", textStyle: { color: look("--soft") } },
    ...option,
  });
  new ResizeObserver(() => chart.resize()).observe(box);
}

const drawAll = (root) => root.querySelectorAll("[data-chart]").forEach(draw);
document.addEventListener("DOMContentLoaded", () => drawAll(document));
document.addEventListener("htmx:afterSettle", (event) => drawAll(event.detail.elt.parentElement || document));
