"use strict";
// Theme: as the system, light, dark; kept where the browser lets a page keep anything.
const themes = ["as the system", "light", "dark"];
function setTheme(name) {
  if (name === themes[0]) delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  document.getElementById("theme").textContent = `Theme: ${name}`;
}
function stored(name) {
  try {
    if (name) localStorage.setItem("phraseloc-theme", name);
    return localStorage.getItem("phraseloc-theme");
  } catch { return null; }
}
let theme = themes.includes(stored()) ? stored() : themes[0];
setTheme(theme);
document.getElementById("theme").addEventListener("click", () => {
  theme = themes[(themes.indexOf(theme) + 1) % themes.length];
  stored(theme);
  setTheme(theme);
});

// A head that sorts: the same for the leaderboard and the list.
function sortable(head, sort) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...head.childNodes);
  head.append(button);
  button.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") !== "descending";
    for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    sort(down ? -1 : 1);
  });
}
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    if (head.dataset.fixed !== undefined) return;
    const value = (row) => {
      const cell = row.cells[column];
      const number = parseFloat(cell.dataset.v ?? cell.textContent);
      return Number.isNaN(number) ? cell.textContent : number;
    };
    sortable(head, (sign) => {
      const rows = [...body.rows].sort((a, b) => sign * compared(value(a), value(b)));
      body.append(...rows);
    });
  });
}
function compared(a, b) {
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
}

// The phrases: strings once each, numbers as typed arrays.
const data = JSON.parse(document.getElementById("data").textContent);
const classes = JSON.parse(document.getElementById("meaning").textContent);
const FINE = 10000;
const PAGE = 50;
function unpacked(text, Kind) {
  if (text === null) return null;
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Kind(bytes.buffer);
}
function strings(column) {
  return column === null ? null : { values: column.values, codes: unpacked(column.codes, Int32Array) };
}
const [image, entity, phrase, caption] = ["image", "entity", "phrase", "caption"].map((name) => strings(data[name]));
const [sentence, word, kinds, kindStarts, boxStarts] =
  ["sentence", "word", "kinds", "kindStarts", "boxStarts"].map((name) => unpacked(data[name], Int32Array));
const [boxes, sizes] = ["boxes", "sizes"].map((name) => unpacked(data[name], Float32Array));
const methods = data.methods.map((method) => ({
  name: method.name,
  points: method.points,
  right: unpacked(method.right, Uint8Array),
  overlap: unpacked(method.overlap, Int16Array),
  class: unpacked(method.class, Int8Array),
  box: unpacked(method.box, Float32Array),
}));
const text = (column, row) => (column === null ? "" : column.values[column.codes[row]]);
const captionName = (row) => text(image, row) + (sentence === null ? "" : `#${sentence[row]}`);
const categoriesOf = (row) =>
  Array.from(kinds.slice(kindStarts[row], kindStarts[row + 1]), (code) => data.categories[code]).join(", ");
const classOf = (method, row) => (method.class === null || method.class[row] < 0 ? "" : classes[method.class[row]]);
const isMissing = (method, row) => Number.isNaN(method.box[4 * row]);

const control = (id) => document.getElementById(id);
const option = (label, value) => Object.assign(document.createElement("option"), { textContent: label, value });
for (const id of ["first", "second"]) methods.forEach((method, place) => control(id).append(option(method.name, place)));
control("second").value = Math.min(1, methods.length - 1);
const first = () => methods[control("first").value];
const second = () => (methods.length > 1 ? methods[control("second").value] : null);

// What to show: each choice is a test of a row.
let tests = [];
function choices() {
  const [a, b] = [first(), second()];
  tests = [["every phrase", () => true], ["wrong", (row) => !a.right[row]], ["right", (row) => a.right[row]]];
  if (b !== null && a !== b) {
    tests.push([`${a.name} right, ${b.name} wrong`, (row) => a.right[row] && !b.right[row]]);
    tests.push([`${b.name} right, ${a.name} wrong`, (row) => b.right[row] && !a.right[row]]);
  }
  classes.forEach((name, code) => {
    if (a.class !== null && a.class.includes(code)) tests.push([`wrong: ${name}`, (row) => a.class[row] === code]);
  });
  const before = control("show").selectedOptions[0]?.textContent;
  control("show").replaceChildren(...tests.map(([label], place) => option(label, place)));
  const place = tests.findIndex(([label]) => label === before);
  control("show").value = Math.max(place, 0);
}

// Columns: a head, what a cell shows, what it sorts by.
function columns() {
  const found = [
    { head: "phrase", by: (row) => text(phrase, row), cell: opener },
    { head: "caption", by: captionName, cell: captionName },
  ];
  if (data.categories.length) found.push({ head: "categories", by: categoriesOf, cell: categoriesOf });
  for (const method of new Set([first(), second()])) {
    if (method === null) continue;
    found.push({ head: method.name, by: (row) => (isMissing(method, row) ? -FINE - 1 : method.overlap[row]), cell: (row) => verdict(method, row), n: true });
  }
  if (first().class !== null) found.push({ head: "error", by: (row) => classOf(first(), row), cell: (row) => classOf(first(), row) });
  return found;
}
function opener(row) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text(phrase, row) || captionName(row);
  button.addEventListener("click", () => choose(row));
  return button;
}
function verdict(method, row) {
  const span = document.createElement("span");
  span.className = method.right[row] ? "yes" : "no";
  span.textContent = `${isMissing(method, row) ? "no box" : (method.overlap[row] / FINE).toFixed(3)} ${method.right[row] ? "✓" : "✗"}`;
  return span;
}

let shown = [];
let page = 0;
let chosen = -1;
let order = { head: null, sign: 1 };
function refresh() {
  const wanted = control("search").value.trim().toLowerCase();
  const [, test] = tests[control("show").value];
  const fits = (column) => (column === null ? [] : column.values.map((value) => value.toLowerCase().includes(wanted)));
  const [inPhrase, inImage] = [fits(phrase), fits(image)];
  const inCategory = data.categories.map((name) => name.toLowerCase().includes(wanted));
  const found = (row) =>
    wanted === "" ||
    (phrase !== null && inPhrase[phrase.codes[row]]) ||
    inImage[image.codes[row]] ||
    kinds.slice(kindStarts[row], kindStarts[row + 1]).some((code) => inCategory[code]) ||
    (wanted.includes("#") && captionName(row).toLowerCase().includes(wanted));
  shown = [];
  for (let row = 0; row < data.rows; row++) if (test(row) && found(row)) shown.push(row);
  const column = columns().find((one) => one.head === order.head);
  if (column) {
    const values = new Map(shown.map((row) => [row, column.by(row)]));
    shown.sort((a, b) => order.sign * compared(values.get(a), values.get(b)) || a - b);
  }
  page = 0;
  render();
}
function heads() {
  const row = control("list").tHead.rows[0];
  row.replaceChildren();
  for (const column of columns()) {
    const head = Object.assign(document.createElement("th"), { scope: "col", textContent: column.head });
    head.className = column.n ? "n" : column.head;
    if (column.head === order.head) head.setAttribute("aria-sort", order.sign < 0 ? "descending" : "ascending");
    row.append(head);
    sortable(head, (sign) => {
      order = { head: column.head, sign };
      refresh();
    });
  }
}
function render() {
  const parts = columns();
  const rows = shown.slice(PAGE * page, PAGE * (page + 1)).map((row) => {
    const line = document.createElement("tr");
    line.dataset.row = row;
    if (row === chosen) line.className = "chosen";
    for (const column of parts) {
      const cell = document.createElement("td");
      cell.className = column.n ? "n" : column.head;
      cell.append(column.cell(row));
      line.append(cell);
    }
    return line;
  });
  control("list").tBodies[0].replaceChildren(...rows);
  const pages = Math.max(1, Math.ceil(shown.length / PAGE));
  control("count").textContent = `${shown.length.toLocaleString("en")} of ${data.rows.toLocaleString("en")} phrases`;
  control("page").textContent = `page ${page + 1} of ${pages.toLocaleString("en")}`;
  control("before").disabled = page === 0;
  control("after").disabled = page + 1 >= pages;
}

// One phrase: its caption, and its boxes on a canvas of the image's size.
const SVG = "http://www.w3.org/2000/svg";
function drawn(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
function rectangle(box, kind) {
  const [x1, y1, x2, y2] = box;
  return drawn("rect", { x: x1, y: y1, width: Math.max(0, x2 - x1), height: Math.max(0, y2 - y1), class: kind });
}
function mark(method, row, kind, size) {
  const box = method.box.slice(4 * row, 4 * row + 4);
  if (!method.points) return rectangle(box, kind);
  const arm = size / 40;
  return drawn("path", { d: `M${box[0] - arm},${box[1]}h${2 * arm}M${box[0]},${box[1] - arm}v${2 * arm}`, class: kind });
}
function around(list) {
  return [0, 1, 2, 3].map((side) => list.map((box) => box[side]).reduce((a, b) => (side < 2 ? Math.min(a, b) : Math.max(a, b))));
}
function canvas(row) {
  const own = [];
  for (let box = boxStarts[row]; box < boxStarts[row + 1]; box++) own.push(boxes.slice(4 * box, 4 * box + 4));
  const union = around(own);
  const pairs = [[second(), "two"], [first(), "one"]].filter(([method]) => method !== null && !isMissing(method, row));
  const all = [union, ...pairs.map(([method]) => method.box.slice(4 * row, 4 * row + 4))];
  const known = !Number.isNaN(sizes[2 * row]);
  const [x1, y1, x2, y2] = known ? [0, 0, sizes[2 * row], sizes[2 * row + 1]] : around(all);
  const edge = 0.01 * Math.max(x2 - x1, y2 - y1) + 1;
  const picture = drawn("svg", {
    viewBox: [x1 - edge, y1 - edge, x2 - x1 + 2 * edge, y2 - y1 + 2 * edge].join(" "),
    role: "img",
    "aria-label": "ground truth and predictions",
  });
  if (known) picture.append(rectangle([x1, y1, x2, y2], "canvas"));
  if (own.length > 1) picture.append(...own.map((box) => rectangle(box, "truth single")));
  picture.append(rectangle(union, "truth"));
  if (pairs.length === 2 && pairs[0][0] === pairs[1][0]) pairs.shift();
  picture.append(...pairs.map(([method, kind]) => mark(method, row, kind, Math.max(x2 - x1, y2 - y1))));
  return picture;
}
function sentenceOf(row) {
  const line = document.createElement("p");
  const own = text(phrase, row).split(" ");
  const words = text(caption, row).split(" ");
  const start = word === null ? -1 : word[row];
  const there = start >= 0 && words.slice(start, start + own.length).join(" ") === own.join(" ");
  const marked = Object.assign(document.createElement("mark"), { textContent: own.join(" ") });
  if (there) line.append([...words.slice(0, start), ""].join(" "), marked, ["", ...words.slice(start + own.length)].join(" "));
  else line.append("… ", marked, " …");
  return line;
}
function legend(row) {
  const list = document.createElement("ul");
  list.className = "legend";
  const items = [["truth", "ground truth", ""], ["one", first().name, verdict(first(), row)]];
  if (second() !== null && second() !== first()) items.push(["two", second().name, verdict(second(), row)]);
  for (const [kind, name, value] of items) {
    const item = document.createElement("li");
    item.append(Object.assign(document.createElement("i"), { className: kind }), `${name} `, value);
    list.append(item);
  }
  return list;
}
function choose(row) {
  chosen = row;
  const facts = [captionName(row), entity === null ? "" : `entity ${text(entity, row)}`, categoriesOf(row), classOf(first(), row)];
  const where = Object.assign(document.createElement("small"), { textContent: facts.filter(Boolean).join(" · ") });
  control("detail").replaceChildren(sentenceOf(row), canvas(row), legend(row), where);
  for (const line of control("list").tBodies[0].rows) line.className = Number(line.dataset.row) === row ? "chosen" : "";
  if (matchMedia("(max-width: 46rem)").matches) control("detail").scrollIntoView({ block: "nearest" });
}

for (const id of ["first", "second"]) {
  control(id).addEventListener("change", () => {
    choices();
    heads();
    refresh();
    if (chosen >= 0) choose(chosen);
  });
}
control("show").addEventListener("change", refresh);
control("search").addEventListener("input", refresh);
control("before").addEventListener("click", () => { page--; render(); });
control("after").addEventListener("click", () => { page++; render(); });
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
    event.preventDefault();
    control("search").focus();
  }
});
choices();
heads();
refresh();
