"use strict";
document.documentElement.classList.add("js");

/* A drag over the picture moves the slider below it; keys and touch move the slider itself. */
function drag(area, slider, show, valueAt) {
  const move = (event) => {
    slider.value = String(valueAt(event));
    show();
  };
  area.addEventListener("pointerdown", (event) => {
    area.setPointerCapture(event.pointerId);
    move(event);
  });
  area.addEventListener("pointermove", (event) => {
    if (area.hasPointerCapture(event.pointerId)) move(event);
  });
  slider.addEventListener("input", show);
  show();
}

for (const figure of document.querySelectorAll(".compare")) {
  const pair = figure.querySelector(".pair");
  const slider = figure.querySelector("input");
  const show = () => {
    pair.style.setProperty("--at", slider.value + "%");
    slider.setAttribute("aria-valuetext", slider.value + " % before, " + (100 - slider.value) + " % after");
  };
  drag(pair, slider, show, (event) => {
    const box = pair.getBoundingClientRect();
    return Math.round((100 * (event.clientX - box.left)) / box.width);
  });
}

/* On paper, and where there is room, everything is open. */
function open(details) {
  for (const one of details) one.open = true;
}
if (window.matchMedia("(min-width: 52rem)").matches) open(document.querySelectorAll(".views"));
window.addEventListener("beforeprint", () => open(document.querySelectorAll("details")));

for (const figure of document.querySelectorAll(".turntable")) {
  const stage = figure.querySelector(".stage");
  const strip = stage.querySelector("img");
  const slider = figure.querySelector("input");
  const frames = Number(figure.dataset.frames);
  const show = () => {
    strip.style.transform = "translateX(" + (-100 * slider.value) / frames + "%)";
    slider.setAttribute("aria-valuetext", "side " + (Number(slider.value) + 1) + " of " + frames);
  };
  let from = 0;
  let start = 0;
  stage.addEventListener("pointerdown", (event) => {
    from = event.clientX;
    start = Number(slider.value);
  });
  drag(stage, slider, show, (event) => {
    const turned = Math.round(((event.clientX - from) / stage.clientWidth) * frames);
    return (((start - turned) % frames) + frames) % frames; // the near side follows the finger
  });
  stage.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    slider.value = String((Number(slider.value) + step + frames) % frames);
    show();
    event.preventDefault();
  });
}
