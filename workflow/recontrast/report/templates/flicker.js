// Two registered pictures on top of each other: a slider blends them, a button alternates them.
for (const pair of document.querySelectorAll("[data-flicker]")) {
  const upper = pair.querySelectorAll(".stack img")[1];
  const slider = pair.querySelector("input[type=range]");
  const button = pair.querySelector("button");
  const choice = pair.querySelector("select");
  const shown = pair.querySelector("output");
  const names = [pair.dataset.lower, pair.dataset.upper];
  let timer = null;
  const show = (share) => {
    upper.style.opacity = share;
    slider.value = share * 100;
    shown.textContent = share == 0 ? names[0] : share == 1 ? names[1] : `${Math.round(share * 100)} % ${names[1]}`;
  };
  const stop = () => {
    clearInterval(timer);
    timer = null;
    button.setAttribute("aria-pressed", "false");
  };
  slider.addEventListener("input", () => { stop(); show(slider.value / 100); });
  button.addEventListener("click", () => {
    if (timer) return stop();
    button.setAttribute("aria-pressed", "true");
    // Under two changes a second: far from what can provoke a seizure.
    timer = setInterval(() => show(Number(upper.style.opacity) < 0.5 ? 1 : 0), 600);
  });
  choice?.addEventListener("change", () => {
    upper.src = choice.value;
    names[1] = choice.selectedOptions[0].textContent;
    show(1);
  });
  show(1);
}
const outline = document.getElementById("outline");
outline.addEventListener("change", () => document.body.classList.toggle("hide-outline", !outline.checked));
const absolute = document.getElementById("absolute");
if (absolute) {
  const turn = () => document.body.classList.toggle("without-sign", absolute.checked);
  if (new URLSearchParams(location.search).get("differences") === "absolute") absolute.checked = true;
  absolute.addEventListener("change", turn);
  turn();
}
// The index writes sessions.js: the order of the cohort, so that no page changes when a neighbour comes.
const here = document.body.querySelector("main").dataset.session;
const place = (window.sessions || []).indexOf(here);
for (const [id, step] of [["previous", -1], ["following", 1]]) {
  const name = place < 0 ? undefined : window.sessions[place + step];
  if (!name) continue;
  const link = document.getElementById(id);
  link.href = `${name}.html`;
  link.textContent = step < 0 ? `← ${name}` : `${name} →`;
  link.hidden = false;
}
