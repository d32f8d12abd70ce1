// Draws the charts of a page with uPlot: <figure data-chart='{"steps": [...], "labels": [...], "values": [[...]]}'>.
// Lines take the colours of the style sheet, so that light and dark need no second drawing rule.
"use strict";

(() => {
  const drawn = new Map();

  function colour(name) {
    const probe = document.createElement("span");
    probe.className = name;
    document.body.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  }

  const compact = new Intl.NumberFormat(undefined, { notation: "compact" });
  const exact = new Intl.NumberFormat();

  // Hours within a day, else days with the hour only where a day has several labels.
  function momentLabels(ticks) {
    const long = ticks.length > 1 && ticks[1] - ticks[0] >= 86400;
    const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
    const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
    return ticks.map((tick) => {
      const moment = new Date(tick * 1000);
      return long || (moment.getHours() === 0 && moment.getMinutes() === 0) ? day.format(moment) : clock.format(moment);
    });
  }

  function options(data, width) {
    const ink = colour("chart-ink");
    const grid = { stroke: colour("chart-grid"), width: 1 };
    return {
      width,
      height: 190,
      legend: { show: false },
      cursor: { y: false, points: { size: 7 } },
      scales: { y: { range: (_, low, high) => [0, Math.max(high * 1.1, 1)] } },
      axes: [
        { stroke: ink, grid: { show: false }, ticks: grid, font: "12px system-ui", space: 70, size: 30, values: (_, ticks) => momentLabels(ticks) },
        { stroke: ink, grid, ticks: { show: false }, font: "12px system-ui", size: 48, values: (_, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? compact.format(tick) : "")) },
      ],
      series: [
        {},
        ...data.labels.map((label, index) => {
          const stroke = colour(`line-ink-${index + 1}`);
          return { label, stroke, width: 2, points: { show: false }, fill: index === 0 ? stroke.replace("rgb(", "rgba(").replace(")", ", 0.1)") : undefined };
        }),
      ],
      plugins: [tip(data)],
    };
  }

  // What is under the pointer, in words, beside the line.
  function tip(data) {
    const box = document.createElement("div");
    box.className = "chart-tip";
    box.hidden = true;
    const moment = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
    return {
      hooks: {
        init: (plot) => {
          plot.over.append(box);
          plot.over.addEventListener("mouseleave", () => { box.hidden = true; });
        },
        setCursor: (plot) => {
          const index = plot.cursor.idx;
          box.hidden = index == null;
          if (index == null) return;
          box.textContent = moment.format(new Date(plot.data[0][index] * 1000));
          plot.series.slice(1).forEach((series, at) => {
            const line = document.createElement("p");
            const swatch = document.createElement("span");
            swatch.className = `swatch line-${at + 1}`;
            line.append(swatch, `${series.label}: ${exact.format(plot.data[at + 1][index])}`);
            box.append(line);
          });
          const right = plot.cursor.left > plot.over.clientWidth / 2;
          box.style.left = right ? "auto" : `${plot.cursor.left + 12}px`;
          box.style.right = right ? `${plot.over.clientWidth - plot.cursor.left + 12}px` : "auto";
        },
      },
    };
  }

  function draw(figure) {
    const data = JSON.parse(figure.dataset.chart);
    const place = figure.querySelector(".plot");
    const values = [data.steps, ...data.values];
    const before = drawn.get(figure);
    if (before && before.labels === data.labels.join("\n")) {
      before.plot.setData(values);
      return;
    }
    if (before) before.plot.destroy();
    place.hidden = data.labels.length === 0;
    if (place.hidden) return;
    drawn.set(figure, { plot: new uPlot(options(data, place.clientWidth), values, place), labels: data.labels.join("\n") });
  }

  function drawAll() {
    drawn.forEach(({ plot }) => plot.destroy());
    drawn.clear();
    document.querySelectorAll("[data-chart]").forEach(draw);
  }

  document.addEventListener("part:kept", (event) => {
    if (event.target.matches("[data-chart]")) draw(event.target);
  });
  new ResizeObserver(() => drawn.forEach(({ plot }, figure) => {
    const width = figure.querySelector(".plot").clientWidth;
    if (width && width !== plot.width) plot.setSize({ width, height: plot.height });
  })).observe(document.getElementById("main"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  drawAll();
})();
