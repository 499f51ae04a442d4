"use strict";
// The plot of every gene: dots with names, for one method at a time.
const data = JSON.parse(document.getElementById("data").textContent);
const svg = document.getElementById("genes"), tip = document.getElementById("tip");
const method = document.getElementById("method"), across = document.getElementById("across");
const find = document.getElementById("find");
const NS = "http:" + "//www.w3.org/2000/svg", box = { left: 60, right: 880, top: 14, bottom: 370 };
for (const name of Object.keys(data.pcc)) method.add(new Option(name, name));
const make = (kind, attributes, text) => {
  const node = document.createElementNS(NS, kind);
  for (const key in attributes) node.setAttribute(key, attributes[key]);
  if (text !== undefined) node.textContent = text;
  return svg.appendChild(node);
};
function draw() {
  svg.replaceChildren();
  const xs = data[across.value], ys = data.pcc[method.value];
  const known = data.genes.map((_, i) => i).filter((i) => xs[i] !== null && ys[i] !== null);
  const most = Math.max(...known.map((i) => xs[i]), 0.1), low = Math.min(...known.map((i) => ys[i]), -0.1);
  const x = (v) => box.left + (v / most) * (box.right - box.left);
  const y = (v) => box.bottom - ((v - low) / (1 - low)) * (box.bottom - box.top);
  for (let tick = Math.ceil(low * 5) / 5; tick <= 1.001; tick += 0.2) {
    make("line", { class: "axis", x1: box.left, x2: box.right, y1: y(tick), y2: y(tick) });
    make("text", { x: box.left - 8, y: y(tick) + 4, "text-anchor": "end" }, tick.toFixed(1));
  }
  for (let part = 0; part <= 5; part++) {
    const v = (most * part) / 5;
    make("text", { x: x(v), y: box.bottom + 20, "text-anchor": "middle" }, v.toFixed(2));
  }
  const label = across.value === "ceiling" ? "noise ceiling (PCC of a perfect predictor)" : "mean expression, " + data.unit;
  make("text", { x: (box.left + box.right) / 2, y: box.bottom + 42, "text-anchor": "middle" }, label);
  make("text", { x: 14, y: 200, transform: "rotate(-90 14 200)", "text-anchor": "middle" }, "PCC, mean over sections");
  if (across.value === "ceiling") make("line", { class: "limit", x1: x(0), y1: y(0), x2: x(Math.min(most, 1)), y2: y(Math.min(most, 1)) });
  const wanted = find.value.trim().toLowerCase();
  for (const i of known) {
    const found = wanted && data.genes[i].toLowerCase().startsWith(wanted);
    const dot = make("circle", { cx: x(xs[i]), cy: y(ys[i]), r: found ? 6 : 3.5, class: found ? "found" : "gene" });
    const said = data.genes[i] + ": PCC " + ys[i].toFixed(2) + (data.ceiling[i] === null ? "" : ", ceiling " + data.ceiling[i].toFixed(2));
    dot.appendChild(document.createElementNS(NS, "title")).textContent = said;
    dot.addEventListener("mousemove", (event) => {
      tip.textContent = said;
      tip.style.cssText = `left:${event.clientX + 12}px;top:${event.clientY + 12}px;opacity:1`;
    });
    dot.addEventListener("mouseleave", () => (tip.style.opacity = 0));
    if (found) make("text", { x: x(xs[i]) + 9, y: y(ys[i]) + 4 }, data.genes[i]);
  }
}
for (const control of [method, across]) control.addEventListener("change", draw);
find.addEventListener("input", draw);
draw();
