// Blinded rating. `study.js` brings the form and the pages; answers are kept in this browser by study and reader.
const { study: code, form, pages } = window.study;
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const element = (id) => document.getElementById(id);
const store = {
  last: () => localStorage.getItem(`readers-${code}`) || "",
  get: (reader) => ({ reader, answers: JSON.parse(localStorage.getItem(`readers-${code}-${reader}`) || "{}") }),
  set: ({ reader, answers }) => {
    localStorage.setItem(`readers-${code}`, reader);
    localStorage.setItem(`readers-${code}-${reader}`, JSON.stringify(answers));
  },
};
let state = { reader: "", answers: {} };
let current = 0;

// What is asked on a page, each with the key of its answer: image|category, or image|image|pair.
function questions(page) {
  if (page.kind === "pair") return form.pairs.map((pair) => [...page.images, pair.name].join("|"));
  return page.images.flatMap((image) => form.labels.map((label) => `${image}|${label}`));
}

const answered = (page) => questions(page).every((key) => state.answers[key] !== undefined);

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// One slice of a picture that has all slices one below the other.
function draw(canvas, page, slice) {
  const picture = canvas.picture;
  if (!picture.complete || !picture.naturalWidth) return;
  canvas.getContext("2d").drawImage(
    picture, 0, slice * page.height, page.width, page.height, 0, 0, page.width, page.height);
}

function layer(page, image, canvases) {
  const canvas = make("canvas", { width: page.width, height: page.height });
  canvas.style.aspectRatio = page.aspect;
  canvas.picture = new Image();
  canvas.picture.onload = () => draw(canvas, page, Number(element("slice").value));
  canvas.picture.src = `images/${image}.webp`;
  canvases.push(canvas);
  return canvas;
}

function choice(key, options, label) {
  const select = make("select", { "aria-label": label }, make("option", { value: "" }, "–"));
  for (const [value, text] of options) select.append(make("option", { value }, text));
  select.value = state.answers[key] ?? "";
  const mark = () => select.parentNode?.classList.toggle("answered", select.value !== "");
  select.addEventListener("change", () => {
    if (select.value === "") delete state.answers[key];
    else state.answers[key] = select.value;
    store.set(state);
    mark();
    progress();
  });
  queueMicrotask(mark);
  return select;
}

function ratings(page) {
  const names = page.images.map((_, i) => (page.images.length > 1 ? `Image ${LETTERS[i]}` : "Score"));
  const head = make("tr", {}, make("th", { scope: "col" }, "Region"), ...names.map((name) => make("th", { scope: "col" }, name)));
  const body = make("tbody");
  form.labels.forEach((label, row) => {
    const scale = Object.entries(form.categories[row].scale || form.scale).map(([value, text]) => [value, `${value} ${text}`]);
    body.append(make("tr", {}, make("th", { scope: "row" }, label),
      ...page.images.map((image, i) => make("td", {}, choice(`${image}|${label}`, scale, `${label}, ${names[i]}`)))));
  });
  return make("div", { class: "scroll" }, make("table", {}, make("thead", {}, head), body));
}

function pairs(page) {
  const body = make("tbody");
  for (const pair of form.pairs) {
    const options = [[page.images[0], "A"], ["neither", "neither"], [page.images[1], "B"]];
    body.append(make("tr", {}, make("th", { scope: "row" }, pair.question),
      make("td", {}, choice([...page.images, pair.name].join("|"), options, pair.question))));
  }
  return make("table", {}, body);
}

function show(number) {
  current = number;
  const page = pages[number];
  const canvases = [];
  const slider = make("input", { type: "range", id: "slice", min: 0, max: page.slices - 1, value: Math.floor(page.slices / 2) });
  const turn = () => canvases.forEach((canvas) => draw(canvas, page, Number(slider.value)));
  slider.addEventListener("input", turn);
  const light = make("input", { type: "range", id: "light", min: 50, max: 200, value: 100 });
  const tools = make("div", { class: "tools" }, make("label", {}, "Slice", slider), make("label", {}, "Brightness", light));
  const images = make("div", { class: "images" });
  element("page").replaceChildren(
    make("h2", {}, `Page ${number + 1} of ${pages.length}`), make("p", {}, page.kind === "pair" ? "Compare the two images." : form.instruction), tools, images);
  const figure = (name, ...layers) => images.append(make("figure", {}, make("div", { class: "layers" }, ...layers), make("figcaption", {}, name)));
  for (const [name, image] of Object.entries(page.beside)) figure(name, layer(page, image, canvases));
  page.images.forEach((image, i) => figure(page.images.length > 1 ? `Image ${LETTERS[i]}` : "Image", layer(page, image, canvases)));
  if (page.kind === "pair") {
    const [lower, upper] = page.images.map((image) => layer(page, image, canvases));
    upper.style.opacity = 0.5;
    const blend = make("input", { type: "range", id: "blend", min: 0, max: 100, value: 50 });
    blend.addEventListener("input", () => { upper.style.opacity = blend.value / 100; });
    tools.append(make("label", {}, "A", blend, "B"));
    figure("A and B overlaid", lower, upper);
  }
  light.addEventListener("input", () => { images.style.filter = `brightness(${light.value}%)`; });
  images.addEventListener("wheel", (event) => {
    event.preventDefault();
    slider.value = Number(slider.value) + Math.sign(event.deltaY);
    turn();
  }, { passive: false });
  element("page").append(page.kind === "pair" ? pairs(page) : ratings(page));
  element("previous").disabled = number === 0;
  element("next").disabled = number === pages.length - 1;
  progress();
}

function progress() {
  const done = pages.filter(answered).length;
  element("progress").textContent = `${state.reader ? `${state.reader}: ` : ""}${done} of ${pages.length} pages answered`;
  element("open").disabled = done === pages.length;
}

function save() {
  const rows = [["study", "reader", "image", "other", "question", "answer"]];
  for (const [key, answer] of Object.entries(state.answers)) {
    const parts = key.split("|");
    const [image, other, question] = parts.length === 3 ? parts : [parts[0], "", parts[1]];
    rows.push([code, state.reader, image, other || "n/a", question, answer]);
  }
  const text = rows.map((row) => row.join("\t")).join("\n") + "\n";
  const link = make("a", { href: URL.createObjectURL(new Blob([text], { type: "text/tab-separated-values" })),
    download: `answers-${state.reader.replaceAll(" ", "_")}.tsv` });
  link.click();
  URL.revokeObjectURL(link.href);
}

function begin() {
  element("start").hidden = true;
  element("pages").hidden = false;
  element("page").hidden = false;
  const first = pages.findIndex((page) => !answered(page));
  show(first < 0 ? 0 : first);
}

element("start").addEventListener("submit", (event) => {
  event.preventDefault();
  state = store.get(element("reader").value.trim());
  store.set(state);
  begin();
});
element("previous").addEventListener("click", () => show(current - 1));
element("next").addEventListener("click", () => show(current + 1));
element("open").addEventListener("click", () => show(pages.findIndex((page) => !answered(page))));
element("save").addEventListener("click", save);
document.addEventListener("keydown", (event) => {
  if (!element("page").hidden && event.target === document.body) {
    if (event.key === "ArrowRight" && current < pages.length - 1) show(current + 1);
    if (event.key === "ArrowLeft" && current > 0) show(current - 1);
  }
});
element("reader").value = store.last();
progress();
