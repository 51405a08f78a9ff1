// report.js - makes a report interactive: tables can be sorted, charts read off and zoomed. Without it the page is
// complete.
"use strict";
(() => {
  // ---- tables ----
  const keyOf = (row, column) => {
    const cell = row.cells[column];
    if (cell.dataset.v !== undefined) return Number(cell.dataset.v);
    return cell.classList.contains("n") ? NaN : cell.textContent.trim();
  };
  // Unknown values come last in both directions.
  const compare = (a, b, sign) => {
    if (typeof a === "string" && typeof b === "string") return sign * a.localeCompare(b, undefined, {numeric: true});
    if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
    return sign * (a - b);
  };
  const sortBy = (table, column) => {
    const heads = [...table.tHead.rows[0].cells], head = heads[column], body = table.tBodies[0];
    const up = head.getAttribute("aria-sort") !== "ascending", sign = up ? 1 : -1;
    heads.forEach(one => one.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const rows = [...body.rows].map(row => [keyOf(row, column), row]);
    rows.sort((x, y) => compare(x[0], y[0], sign));
    body.append(...rows.map(pair => pair[1]));
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      button.addEventListener("click", () => sortBy(table, column));
      head.replaceChildren(button);
    });
  }

  // ---- charts ----
  const HEIGHT = 0.6, LEAST_POINTS = 2;
  const WHOLE = [0, 1, 2, 3, 4, 5, 6, 7].flatMap(power => [1, 2, 5].map(factor => factor * 10 ** power));
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const token = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const short = (value, digits) => value == null ? "–" : String(Number(value.toPrecision(digits)));
  const percent = value => value == null ? "–" : (100 * value).toFixed(2) + "\u202f%";
  const tick = (value, data) => {
    if (value == null) return null;
    if (data.percent) return short(100 * value, 4) + "\u202f%";
    const size = Math.abs(value);
    if (size >= 1e6) return short(value / 1e6, 4) + "\u202fM";
    if (size >= 1e4) return short(value / 1e3, 4) + "\u202fk";
    return size && size < 1e-3 ? value.toExponential(0).replace("-", "−") : short(value, 6);
  };

  // A line that ends where a value is null. The lines of uPlot go on there, and a part of a steep one shows.
  const lineOf = (plot, index, first, last) => {
    const path = new Path2D(), [places, values] = [plot.data[0], plot.data[index]];
    let drawing = false;
    for (let i = first; i <= last; i++) {
      if (values[i] === undefined) continue; // here is a value of another line
      if (values[i] !== null) {
        const at = [plot.valToPos(places[i], "x", true), plot.valToPos(values[i], "y", true)];
        if (drawing) path.lineTo(...at);
        else path.moveTo(...at);
      }
      drawing = values[i] !== null;
    }
    return {stroke: path, fill: null, clip: null, band: null, gaps: null, flags: 1};
  };

  const seriesOf = (one, data) => {
    const colour = token("--c" + one.colour), dots = one.kind === 3;
    return {
      label: one.name,
      stroke: dots ? "transparent" : colour,
      width: 1.8,
      dash: one.kind === 1 ? [5, 4] : undefined,
      points: {show: one.kind >= 2, size: dots ? 5 : 6, fill: colour, stroke: colour},
      paths: dots ? () => null : lineOf,
      spanGaps: false,
      value: (plot, value) => data.percent ? percent(value) : short(value, 6),
    };
  };

  const drawMarks = (plot, data) => {
    const {ctx, bbox} = plot;
    ctx.save();
    ctx.lineWidth = 1.2 * devicePixelRatio;
    if (data.mark != null) {
      const at = plot.valToPos(data.mark, "x", true);
      ctx.strokeStyle = token("--soft");
      ctx.setLineDash([1.5 * devicePixelRatio, 3 * devicePixelRatio]);
      ctx.beginPath();
      ctx.moveTo(at, bbox.top);
      ctx.lineTo(at, bbox.top + bbox.height);
      ctx.stroke();
      ctx.setLineDash([]);
    }
    for (const one of data.series) {
      if (!one.error) continue;
      ctx.strokeStyle = token("--c" + one.colour);
      one.x.forEach((x, i) => {
        const place = plot.valToPos(x, "x", true), cap = 3 * devicePixelRatio;
        const ends = [-1, 1].map(sign => plot.valToPos(one.y[i] + sign * one.error[i], "y", true));
        ctx.beginPath();
        ctx.moveTo(place, ends[0]);
        ctx.lineTo(place, ends[1]);
        for (const end of ends) {
          ctx.moveTo(place - cap, end);
          ctx.lineTo(place + cap, end);
        }
        ctx.stroke();
      });
    }
    ctx.restore();
  };

  const optionsOf = (data, width, top, bottom) => {
    // On a logarithmic axis powers of ten have labels; if it is short, 2 and 5 times these too.
    const digits = Math.log10(top / bottom) < 2 ? [1, 2, 5] : [1];
    const round = value => digits.some(one => Math.abs(Math.log10(value / one) - Math.round(Math.log10(value / one))) < 1e-9);
    const powers = data.logy ? {filter: (plot, splits) => splits.map(one => round(one) ? one : null)} : {};
    const axis = {stroke: token("--soft"), font: "11px " + getComputedStyle(document.body).fontFamily, ticks: {stroke: token("--line"), width: 1, size: 4}};
    return {
      width,
      height: Math.round(HEIGHT * width),
      padding: [8, 12, 0, 0],
      legend: {live: true},
      cursor: {drag: {x: true, y: false, uni: 8}, sync: data.xname === "epoch" ? {key: "epochs"} : undefined, focus: {prox: 24}},
      focus: {alpha: 1},
      scales: {
        x: {time: false, distr: data.logx ? 3 : 1},
        y: {distr: data.logy ? 3 : 1, range: data.logy ? undefined : [bottom, top]},
      },
      series: [{label: data.xname, value: (plot, value) => short(value, 6)}, ...data.series.map(one => seriesOf(one, data))],
      axes: [
        {...axis, size: 26, gap: 3, incrs: data.whole ? WHOLE : undefined, label: data.xname, labelSize: 14, labelGap: 0, labelFont: axis.font, grid: {show: false}, values: (plot, ticks) => ticks.map(one => tick(one, {}))},
        {...axis, size: 50, gap: 4, ...powers, grid: {...powers, stroke: token("--grid"), width: 1}, ticks: {show: false}, values: (plot, ticks) => ticks.map(one => tick(one, data))},
      ],
      hooks: {draw: [plot => drawMarks(plot, data)]},
    };
  };

  const build = figure => {
    const plot = figure.querySelector(".plot"), data = JSON.parse(figure.querySelector("script").textContent);
    data.series = data.series.filter(one => one.x.length);
    if (!data.series.some(one => one.x.length >= LEAST_POINTS)) return null; // the drawing shows as much
    const box = plot.appendChild(document.createElement("div"));
    box.setAttribute("aria-hidden", "true");
    const [low, high] = figure.dataset.range.split(" ").map(Number);
    const width = Math.floor(plot.clientWidth);
    const joined = uPlot.join(data.series.map(one => [one.x, one.y]));
    const made = new uPlot(optionsOf(data, width, high, low), joined, box);
    plot.classList.add("live");
    return {plot, box, made};
  };

  let built = [];
  const rebuild = () => {
    for (const one of built) {
      one.made.destroy();
      one.box.remove();
      one.plot.classList.remove("live");
    }
    built = [...document.querySelectorAll("figure[data-chart]")].map(build).filter(Boolean);
  };
  rebuild();
  dark.addEventListener("change", rebuild);
  let width = document.body.clientWidth, timer;
  addEventListener("resize", () => {
    if (document.body.clientWidth === width) return;
    width = document.body.clientWidth;
    clearTimeout(timer);
    timer = setTimeout(rebuild, 120);
  });
})();
