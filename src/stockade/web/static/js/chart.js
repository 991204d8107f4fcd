/*
 * Charts, drawn from the table beside them (templates/components/chart.html) by uPlot. Colours are the tokens of the theme, and
 * change with it. A pointer or the arrow keys read a point; a click or Enter opens the rows behind it.
 */
(() => {
  "use strict";

  const BAR_SHARE = 0.68;
  const FONT_PX = 12;
  const drawn = new Map();

  /* A custom property as a colour that a canvas understands: light-dark() is resolved where it is used. */
  function colours(figure) {
    const probe = document.createElement("span");
    figure.append(probe);
    const read = (name, share = 100) => {
      probe.style.color = `color-mix(in oklab, var(--${name}) ${share}%, transparent)`;
      return getComputedStyle(probe).color;
    };
    const found = {
      series: [1, 2, 3, 4, 5].map((number) => read(`series-${number}`)),
      faint: [1, 2, 3, 4, 5].map((number) => read(`series-${number}`, 14)),
      before: read("series-before"),
      beforeFaint: read("series-before", 45),
      ink: read("ink-quiet"),
      line: read("line"),
    };
    probe.remove();
    return found;
  }

  function tableOf(figure) {
    const table = figure.querySelector("table");
    const scale = 10 ** Number(figure.dataset.places);
    const rows = [...table.tBodies[0].rows];
    const names = [...table.tHead.rows[0].cells].slice(1).map((cell) => cell.textContent.trim());
    return {
      names,
      labels: rows.map((row) => row.cells[0].textContent.trim()),
      links: rows.map((row) => row.cells[0].querySelector("a")),
      texts: names.map((_, column) => rows.map((row) => row.cells[column + 1].textContent.trim())),
      values: names.map((_, column) =>
        rows.map((row) => {
          const value = row.cells[column + 1].dataset.value;
          return value === undefined ? null : Number(value) / scale;
        }),
      ),
    };
  }

  /* For stacked areas and bars each series stands on those before it; the last is drawn first, behind the others. */
  function stacked(values) {
    const sums = values[0].map(() => 0);
    return values.map((column) => column.map((value, at) => (sums[at] += value ?? 0)));
  }

  function seriesOf(figure, data, colour) {
    const kind = figure.dataset.chart;
    const before = Number(figure.dataset.before);
    const bars = uPlot.paths.bars({ size: [BAR_SHARE, 48], radius: 0.12 });
    const wide = uPlot.paths.bars({ size: [0.86, 60], radius: 0.1 });
    return data.names.map((label, at) => {
      const old = at + 1 === before;
      const number = (before && at + 1 > before ? at - 1 : at) % colour.series.length;
      const filled = kind === "bars" || kind === "stacked";
      const own = old ? colour.before : colour.series[number];
      if (filled) return { label, width: 0, fill: old ? colour.beforeFaint : own, paths: old ? wide : bars, points: { show: false } };
      return {
        label, stroke: own, width: old ? 1.5 : 2, dash: old ? [4, 4] : undefined, paths: uPlot.paths.spline(), points: { show: false },
        fill: kind === "area" && !old ? colour.faint[number] : undefined,
      };
    });
  }

  function axesOf(data, colour, small) {
    const short = new Intl.NumberFormat(document.documentElement.lang, { notation: "compact", maximumFractionDigits: 1 });
    const shared = { stroke: colour.ink, font: `${FONT_PX}px ${getComputedStyle(document.body).fontFamily}`, ticks: { show: false } };
    if (small) return [{ show: false }, { show: false }];
    return [
      {
        ...shared, grid: { show: false }, size: 26, gap: 6,
        space: Math.max(28, Math.max(...data.labels.map((label) => label.length)) * FONT_PX * 0.58 + 8),
        splits: (plot, axis, low, high, step) => {
          const every = Math.max(1, Math.ceil(step));
          return data.labels.map((_, at) => at).filter((at) => at % every === 0);
        },
        values: (plot, splits) => splits.map((at) => data.labels[at] ?? ""),
      },
      {
        ...shared, grid: { stroke: colour.line, width: 1 }, gap: 6, space: 36,
        size: (plot, values) => 14 + Math.max(0, ...(values ?? []).map((text) => text.length)) * FONT_PX * 0.58,
        values: (plot, splits) => splits.map((value) => short.format(value)),
      },
    ];
  }

  function draw(figure) {
    drawn.get(figure)?.end();
    const host = figure.querySelector("[data-chart-plot]");
    const data = tableOf(figure);
    if (data.labels.length === 0) return;
    const colour = colours(figure);
    const small = figure.classList.contains("chart-small");
    const kind = figure.dataset.chart;
    const filled = kind === "bars" || kind === "stacked";
    const order = data.names.map((_, at) => at);
    const values = kind === "stacked" ? stacked(data.values) : data.values;
    // What is compared with stands behind, and so do the higher parts of a stack.
    if (kind === "stacked") order.reverse();
    else order.sort((one, other) => (other + 1 === Number(figure.dataset.before)) - (one + 1 === Number(figure.dataset.before)));
    const series = seriesOf(figure, data, colour);
    const plot = new uPlot(
      {
        width: host.clientWidth, height: host.clientHeight, padding: small ? [4, 2, 4, 2] : [10, 6, 0, 0], legend: { show: false },
        cursor: { drag: { x: false, y: false, setScale: false }, points: filled ? { show: false } : { size: 7, fill: (u, at) => u.series[at].stroke(u, at) } },
        scales: {
          x: { time: false, range: () => (filled ? [-0.6, data.labels.length - 0.4] : [-0.15, Math.max(1, data.labels.length - 0.85)]) },
          y: { range: (u, low, high) => uPlot.rangeNum(Math.min(0, low ?? 0), high || 1, { min: { pad: 0, soft: 0, mode: 1 }, max: { pad: 0.08 } }) },
        },
        axes: axesOf(data, colour, small),
        series: [{}, ...order.map((at) => series[at])],
        hooks: { setCursor: [(u) => point(u.cursor.idx)] },
      },
      [data.labels.map((_, at) => at), ...order.map((at) => values[at])],
      host,
    );
    const tip = document.createElement("div");
    tip.className = "chart-tip";
    tip.hidden = true;
    host.append(tip);
    let at = null;

    /* Show what stands at a place; null hides it. */
    function point(index) {
      at = index ?? null;
      tip.hidden = at === null || small;
      if (tip.hidden) return;
      const line = (...words) => {
        const made = document.createElement("p");
        for (const word of words) {
          const part = document.createElement("span");
          part.textContent = word;
          made.append(part);
        }
        return made;
      };
      tip.replaceChildren(line(data.labels[at]), ...data.names.map((name, column) => line(name, data.texts[column][at])));
      const left = plot.valToPos(at, "x") + plot.bbox.left / devicePixelRatio;
      const free = host.clientWidth - tip.offsetWidth;
      tip.style.translate = `${Math.max(0, Math.min(free, left > host.clientWidth / 2 ? left - tip.offsetWidth - 12 : left + 12))}px 0px`;
    }

    function keyed(event) {
      const last = data.labels.length - 1;
      const next = { ArrowRight: Math.min((at ?? -1) + 1, last), ArrowLeft: Math.max((at ?? last + 1) - 1, 0), Home: 0, End: last }[event.key];
      if (event.key === "Enter" && at !== null) data.links[at]?.click();
      if (event.key === "Escape") point(null);
      if (next === undefined) return;
      event.preventDefault();
      plot.setCursor({ left: plot.valToPos(next, "x"), top: 0 }, false);
      point(next);
      figure.querySelector("[data-chart-told]").textContent =
        `${data.labels[next]}: ${data.names.map((name, column) => `${name} ${data.texts[column][next]}`).join(", ")}`;
    }

    const clicked = () => at !== null && data.links[at]?.click();
    const left = () => point(null);
    const listening = new AbortController();
    const options = { signal: listening.signal };
    figure.toggleAttribute("data-links", data.links.some(Boolean));
    host.tabIndex = 0;
    host.setAttribute("role", "application");
    host.setAttribute("aria-labelledby", `${figure.id}-title`);
    host.setAttribute("aria-description", host.dataset.label);
    host.addEventListener("keydown", keyed, options);
    host.addEventListener("blur", left, options);
    plot.over.addEventListener("click", clicked, options);
    plot.over.addEventListener("mouseleave", left, options);
    const sizes = new ResizeObserver(() => plot.setSize({ width: host.clientWidth, height: host.clientHeight }));
    sizes.observe(host);
    drawn.set(figure, {
      end() {
        listening.abort();
        sizes.disconnect();
        plot.destroy();
        tip.remove();
      },
    });
  }

  function drawAll() {
    for (const figure of drawn.keys()) if (!figure.isConnected) drawn.get(figure).end() ?? drawn.delete(figure);
    for (const figure of document.querySelectorAll("[data-chart]")) draw(figure);
  }

  document.addEventListener("htmx:after:swap", drawAll);
  document.addEventListener("stockade:setting", (event) => event.detail.name === "theme" && drawAll());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  document.fonts.ready.then(drawAll);
})();
