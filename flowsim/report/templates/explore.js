"use strict";
// What is packed, and how: flowsim/report/explorer/page.py.
const $ = (id) => document.getElementById(id);
const LEFT = 60, RIGHT = 12, HEIGHT = 170, ROW = 16, BELOW = 22;
const format = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 3 });
const state = { at: [], between: "nearest", day: 0, kept: null };
let data, curves, numbers; // numbers: settings by the numbers of their values

async function unpacked(id) {
  const bytes = Uint8Array.from(atob($(id).textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function decoded(bytes) { // mean, mean less low, high less mean: [kind][setting][panel] -> days
  const n = bytes.length / 2, days = data.days.length;
  let at = 0;
  const series = (step, shift) => {
    const values = new Float64Array(days);
    for (let day = 0, whole = 0; day < days; day++, at++) {
      whole = (whole + bytes[at] + 256 * bytes[n + at]) & 0xffff;
      values[day] = whole ? (whole - 1) * step : NaN;
    }
    return values;
  };
  return [0, 1, 2].map(() => data.settings.map(() => data.panels.map((panel) => series(panel.step))));
}

// ---- settings

function nearest(at) { // the simulated setting that is nearest, each control counted alike
  const exact = numbers.get(at.map(Math.round).join());
  if (exact !== undefined) return exact;
  const size = data.controls.map((control) => Math.max(1, control.texts.length - 1));
  let best = 0, least = Infinity;
  data.settings.forEach((other, n) => {
    const far = other.reduce((sum, value, c) => {
      const apart = data.controls[c].numbers.length ? (value - at[c]) / size[c] : +(value !== at[c]);
      return sum + apart * apart;
    }, 0);
    if (far < least) [best, least] = [n, far];
  });
  return best;
}

function weights() { // simulated settings and their weights at the present one
  if (state.between === "nearest") return [[nearest(state.at), 1]];
  let corners = [[[], 1]];
  for (const value of state.at) {
    const low = Math.floor(value), part = value - low;
    corners = corners.flatMap(([at, weight]) => part
      ? [[[...at, low], weight * (1 - part)], [[...at, low + 1], weight * part]]
      : [[[...at, low], weight]]);
  }
  return corners.map(([at, weight]) => [numbers.get(at.join()), weight]);
}

function curve(panel, some) { // mean, low, high of some weighted settings
  const sum = (kind) => data.days.map((_, day) =>
    some.reduce((total, [n, weight]) => total + weight * curves[kind][n][panel][day], 0));
  const [mean, below, above] = [0, 1, 2].map(sum);
  return { mean, low: mean.map((v, i) => v - below[i]), high: mean.map((v, i) => v + above[i]) };
}

// ---- words

function written(value, panel) {
  if (!Number.isFinite(value)) return "no value";
  if (panel.isShare) return `${Math.round(100 * value)} %`;
  const digits = Math.abs(value) < 100 ? 2 : 3;
  return format.format(Number(value.toPrecision(digits)));
}

function withRange(c, day, panel) {
  const [mean, low, high] = [c.mean, c.low, c.high].map((values) => written(values[day], panel));
  return low === high ? mean : `${mean} (${low} to ${high})`;
}

function valueText(control, at) {
  if (Number.isInteger(at)) return control.texts[at];
  const value = valueOf(control, at) * control.scale;
  return Number(value.toPrecision(3)) + (control.unit === "%" ? "\u00a0%" : "");
}

function valueOf(control, at) {
  const low = Math.floor(at), high = Math.ceil(at);
  return control.numbers[low] + (at - low) * (control.numbers[high] - control.numbers[low]);
}

// ---- the setting in the address, and back

function address() {
  const said = new URLSearchParams();
  data.controls.forEach((control, c) => said.set(control.key, control.numbers.length
    ? +valueOf(control, state.at[c]).toPrecision(6) : control.texts[state.at[c]]));
  if (state.between === "linear") said.set("between", "linear");
  said.set("day", data.days[state.day]);
  if (state.kept !== data.own && state.kept !== null) said.set("kept", data.settings[state.kept].join("-"));
  return `#${said}`;
}

function restore() {
  const said = new URLSearchParams(location.hash.slice(1)), strange = [];
  const known = new Set([...data.controls.map((control) => control.key), "between", "day", "kept"]);
  for (const key of said.keys()) if (!known.has(key)) strange.push(key);
  if (data.isGrid && said.get("between") === "linear") state.between = "linear";
  data.controls.forEach((control, c) => {
    if (!said.has(control.key)) return;
    const at = placeOf(control, said.get(control.key));
    if (at === null) strange.push(`${control.key}=${said.get(control.key)}`);
    else state.at[c] = state.between === "linear" ? at : Math.round(at);
  });
  const day = data.days.indexOf(said.get("day"));
  if (day >= 0) state.day = day;
  const kept = numbers.get((said.get("kept") || "").split("-").join());
  if (kept !== undefined) state.kept = kept;
  trouble(strange.length ? `The link asks for ${strange.join(", ")}, which this page does not have.` : "");
}

function placeOf(control, text) { // number of a value, between two of them if it lies there
  if (!control.numbers.length) return control.texts.includes(text) ? control.texts.indexOf(text) : null;
  const value = Number(text), all = control.numbers, last = all.length - 1;
  if (text === "" || !Number.isFinite(value)) return null;
  const high = all.findIndex((one) => one >= value - 1e-9 * Math.abs(value));
  if (high < 0) return value > all[last] * (1 + 1e-9) ? null : last;
  if (high === 0) return value < all[0] - 1e-9 * Math.abs(all[0]) ? null : 0;
  const at = high - (all[high] - value) / (all[high] - all[high - 1]);
  return Math.abs(at - Math.round(at)) < 1e-4 ? Math.round(at) : at;
}

function trouble(text) {
  $("trouble").textContent = text;
  $("trouble").hidden = !text;
}

// ---- drawing

function node(name, attributes, parent, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

function ticks(top) {
  const rough = top / 4, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough);
  return Array.from({ length: Math.floor(top / step) + 1 }, (_, n) => n * step);
}

function frame(panel, p) { // everything that no slider moves; returns how to move the rest
  const svg = $(`svg-${p}`), width = svg.clientWidth || 400, n = data.days.length;
  const rows = Math.max(...panel.bars.map((b) => data.bars[b].length));
  const top = 8 + rows * ROW, bottom = top + HEIGHT;
  svg.setAttribute("viewBox", `0 0 ${width} ${bottom + BELOW}`);
  svg.replaceChildren(svg.firstElementChild); // its title
  const x = (day) => LEFT + Math.min(Math.max(day, 0), n) / n * (width - LEFT - RIGHT);
  const y = (value) => bottom - value / (panel.top || 1) * HEIGHT;
  for (const tick of ticks(panel.top || 1)) {
    node("path", { class: "axis", d: `M${LEFT} ${y(tick)}H${width - RIGHT}` }, svg);
    node("text", { x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" }, svg, written(tick, panel));
  }
  const every = [7, 14, 28].find((step) => n / step * 62 < width - LEFT) || 28;
  for (let day = 0; day < n; day += every)
    node("text", { x: x(day), y: bottom + 16, "text-anchor": day ? "middle" : "start" }, svg,
      data.dayNames[day].replace(/([a-z]{3})[a-z]+$/i, "$1"));
  const moved = {
    svg, x, y, top, bottom, width, shown: null,
    bars: node("g", {}, svg),
    band: node("path", { class: "band" }, svg),
    cursor: node("path", { class: "cursor" }, svg),
    kept: node("path", { class: "kept" }, svg),
    now: node("path", { class: "now" }, svg),
  };
  panel.seen.forEach((mark) => drawSeen(mark, moved));
  svg.onclick = (event) => {
    const inside = (event.clientX - svg.getBoundingClientRect().left - LEFT) / (width - LEFT - RIGHT);
    state.day = Math.min(n - 1, Math.max(0, Math.floor(inside * n)));
    $("day").value = state.day;
    redraw();
  };
  return moved;
}

function drawSeen(mark, { svg, x, y }) {
  const from = x(mark.from), to = x(mark.to), middle = (from + to) / 2, level = y(mark.value);
  const g = node("g", { class: `seen ${mark.role}` }, svg);
  if (mark.to - mark.from > 1) node("path", { d: `M${from} ${level}H${to}` }, g);
  if (mark.high > mark.low) node("path", { d: `M${middle} ${y(mark.low)}V${y(mark.high)}` }, g);
  if (mark.role === "validate") node("path", { d: `M${middle} ${level - 4.5}l4.5 4.5l-4.5 4.5l-4.5 -4.5z` }, g);
  else node("circle", { cx: middle, cy: level, r: 3.4 }, g);
  node("title", {}, g, `${mark.when}: ${mark.text}, ${mark.meaning} (${mark.source})`);
}

function drawBars(bars, { bars: group, x, top, bottom, width }) {
  group.replaceChildren();
  bars.forEach((bar, row) => {
    const from = x(bar.from), to = bar.to === null ? from : x(bar.to), y = 2 + row * ROW;
    if (bar.to !== null) node("rect", { class: "bar", x: from, y, width: to - from, height: ROW - 3 }, group);
    node("path", { class: "axis", d: `M${from} ${y}V${bottom}` }, group);
    node("path", { class: "edge", d: `M${from} ${y}v${ROW - 3}` }, group);
    const text = node("text", { class: "label", x: from + 5, y: y + 11 }, group, bar.label);
    const room = width - RIGHT - from - 5;
    if (text.getComputedTextLength() > room) {
      if (from - LEFT > room) { text.setAttribute("x", from - 5); text.setAttribute("text-anchor", "end"); }
      const most = Math.max(room, from - LEFT) - 5;
      for (let cut = bar.label.length; cut > 3 && text.getComputedTextLength() > most; cut -= 2)
        text.textContent = `${bar.label.slice(0, cut).trim()}…`;
    }
    node("title", {}, text, bar.label);
  });
}

function line(values, panel, { x, y }) { // broken where there is no value
  let pen = "M";
  return values.map((value, day) => {
    if (!Number.isFinite(value)) { pen = "M"; return ""; }
    const part = `${pen}${x(day + panel.hour / 24).toFixed(1)} ${y(value).toFixed(1)}`;
    pen = "L";
    return part;
  }).join("");
}

function area({ low, high }, panel, { x, y }) { // one shape for each stretch without a gap
  const point = (value, day) => `${x(day + panel.hour / 24).toFixed(1)} ${y(value).toFixed(1)}`;
  const stretches = [];
  low.forEach((value, day) => {
    if (!Number.isFinite(value)) return;
    if (day && Number.isFinite(low[day - 1])) stretches.at(-1).push(day);
    else stretches.push([day]);
  });
  return stretches.map((days) => `M${days.map((d) => point(high[d], d)).join("L")}`
    + `L${days.slice().reverse().map((d) => point(low[d], d)).join("L")}Z`).join("");
}

let frames = [];

function redraw() {
  const some = weights(), near = nearest(state.at), day = state.day;
  data.panels.forEach((panel, p) => {
    const at = frames[p], now = curve(p, some);
    at.now.setAttribute("d", line(now.mean, panel, at));
    at.band.setAttribute("d", area(now, panel, at));
    const kept = state.kept === null ? null : curve(p, [[state.kept, 1]]);
    at.kept.setAttribute("d", kept ? line(kept.mean, panel, at) : "");
    at.cursor.setAttribute("d", `M${at.x(day + panel.hour / 24)} ${at.top}V${at.bottom}`);
    if (at.shown !== panel.bars[near]) drawBars(data.bars[at.shown = panel.bars[near]], at);
    $(`read-${p}`).textContent = `${data.dayNames[day]}: ${withRange(now, day, panel)}`
      + (kept ? `; dashed: ${written(kept.mean[day], panel)}` : "");
  });
  words(near);
  clearTimeout(waiting);
  waiting = setTimeout(later, 150, near);
}

function described(now, panel) { // for those who do not see the curve
  const known = now.mean.map((value, day) => [value, day]).filter(([value]) => Number.isFinite(value));
  if (!known.length) return "no value on any day";
  const [most, when] = known.reduce((a, b) => (b[0] > a[0] ? b : a));
  const said = ([value, day]) => `${written(value, panel)} on ${data.dayNames[day]}`;
  return `${said(known[0])}, most on ${data.dayNames[when]}: ${written(most, panel)}, ${said(known.at(-1))}`;
}

function words(near) {
  data.controls.forEach((control, c) => {
    const input = $(`control-${c}`), text = valueText(control, state.at[c]);
    if (!input) return;
    $(`text-${c}`).textContent = text;
    input.setAttribute("aria-valuetext", text);
  });
  $("day-text").textContent = data.dayNames[state.day];
  $("day").setAttribute("aria-valuetext", data.dayNames[state.day]);
  $("mode").textContent = $("mode").dataset[state.between];
  const own = state.kept === data.own ? $("kept-name").dataset.own : `kept: ${settingText(state.kept)}`;
  $("kept-name").textContent = state.kept === null ? "nothing kept" : own;
}

const settingText = (n) => n === null ? "" : data.controls.map((control, c) =>
  `${$(`control-${c}`) ? $(`control-${c}`).labels[0].textContent : legend(c)} ${control.texts[data.settings[n][c]]}`).join(", ");
const legend = (c) => document.querySelector(`[name="control-${c}"]`).closest("fieldset").querySelector("legend").textContent;

let waiting;
function later(near) { // what need not be there at once: a screen reader is not to be interrupted
  if ($("answer").dataset.of !== String(near)) {
    $("answer").dataset.of = near;
    const [said, ...others] = data.lines[near], first = document.createElement("p"), rest = document.createElement("ul");
    first.textContent = said || "";
    for (const text of others) rest.append(Object.assign(document.createElement("li"), { textContent: text }));
    $("answer").replaceChildren(first, rest);
    $("nearest").textContent = `${data.names[near]}: ${settingText(near)}.`;
    $("commands").textContent = data.commands[near].join("\n\n");
  }
  for (const { panel, p, now } of rowsOf()) $(`alt-${p}`).textContent = described(now, panel);
  $("link").href = address();
  history.replaceState(null, "", address());
  if ($("numbers").open) fillTable();
}

// ---- numbers

function rowsOf() { // one row a day, panel by panel
  const some = weights();
  return data.panels.map((panel, p) => ({ panel, p, now: curve(p, some) }));
}

function fillTable() {
  const all = rowsOf(), table = $("table"), cell = (name, text, parent, extra) =>
    parent.append(Object.assign(document.createElement(name), { textContent: text, ...extra }));
  table.replaceChildren();
  const head = table.createTHead().insertRow(), body = table.createTBody();
  cell("th", "Day", head, { scope: "col" });
  for (const { panel } of all) cell("th", panel.title, head, { scope: "col", className: "number" });
  data.dayNames.forEach((name, day) => {
    const row = body.insertRow();
    cell("th", name, row, { scope: "row" });
    for (const { panel, now } of all) cell("td", withRange(now, day, panel), row, { className: "number" });
  });
}

function csv() {
  const quoted = (cell) => /[",\n]/.test(cell) ? `"${String(cell).replaceAll('"', '""')}"` : cell;
  const setting = data.controls.map((control, c) => control.numbers.length
    ? +valueOf(control, state.at[c]).toPrecision(6) : control.texts[state.at[c]]);
  const digits = (value, panel) => Number.isFinite(value) ? +value.toPrecision(6) : "";
  const lines = [[...data.controls.map((control) => control.key), "between", "date", "measure", "place_id", "value", "low", "high"]];
  for (const { panel, now } of rowsOf()) data.days.forEach((date, day) =>
    lines.push([...setting, state.between, date, panel.measure, panel.place,
      ...[now.mean, now.low, now.high].map((values) => digits(values[day], panel))]));
  return lines.map((cells) => cells.map(quoted).join(",")).join("\n") + "\n";
}

function save() {
  const url = URL.createObjectURL(new Blob([csv()], { type: "text/csv" }));
  const link = Object.assign(document.createElement("a"), { href: url, download: "setting.csv" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

// ---- the form

function show() { // the form says what the state is
  data.controls.forEach((control, c) => {
    const slider = $(`control-${c}`);
    if (slider) slider.step = state.between === "linear" ? 0.05 : 1;
    if (slider) slider.value = state.at[c];
    else document.querySelector(`[name="control-${c}"][value="${state.at[c]}"]`).checked = true;
  });
  const between = document.querySelector(`[name="between"][value="${state.between}"]`);
  if (between) between.checked = true;
  $("day").value = state.day;
  redraw();
}

function read({ target: { id, name, value } }) {
  if (name === "between") {
    state.between = value;
    if (value === "nearest") state.at = state.at.map(Math.round);
    return show();
  }
  if (id === "day") state.day = +value;
  else state.at[+(id || name).split("-")[1]] = +value; // control-0, control-1, ...
  redraw();
}

function resize() {
  frames = data.panels.map(frame);
  redraw();
}

async function start() {
  data = JSON.parse(new TextDecoder().decode(await unpacked("data")));
  curves = decoded(await unpacked("packed"));
  numbers = new Map(data.settings.map((at, n) => [at.join(), n]));
  state.at = [...data.settings[data.own ?? 0]];
  state.kept = data.own;
  state.day = Math.min(11, data.days.length - 1);
  $("kept-name").dataset.own = $("kept-name").textContent;
  restore();
  frames = data.panels.map(frame);
  show();
  $("controls").addEventListener("input", read);
  $("controls").addEventListener("submit", (event) => event.preventDefault());
  $("as-it-stands")?.addEventListener("click", () => {
    state.at = [...data.settings[data.own]];
    state.kept = data.own;
    show();
  });
  $("keep").addEventListener("click", () => { state.kept = nearest(state.at); redraw(); });
  $("csv").addEventListener("click", save);
  $("numbers").addEventListener("toggle", () => $("numbers").open && fillTable());
  addEventListener("hashchange", () => { restore(); show(); });
  addEventListener("resize", resize);
  document.body.dataset.ready = "yes";
}

start().catch((reason) => trouble(`This browser could not open the page's data (${reason.message}). `
  + "It needs Chrome 80, Firefox 113, Safari 16.4 or newer."));
