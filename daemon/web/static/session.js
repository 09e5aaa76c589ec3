// The form of a new session: for keyboard and barcode scanner.
"use strict";

const form = document.getElementById("order");

// What a person typed or a barcode holds, as the archive writes it.
function asName(text) {
  return text.trim().toLowerCase().replace(/[^a-z0-9_]+/g, "-").replace(/^-+|-+$/g, "");
}

function readCode(field) {
  const parts = field.value.trim().split("/").filter(Boolean);
  if (parts.length === 3) [form.collection.value, form.box.value, form.roll.value] = parts.map(asName);
  else field.value = asName(field.value);
}

let asked = 0;

async function showNext() {
  const place = [form.collection.value, form.box.value, form.roll.value];
  const next = document.getElementById("next");
  const problem = document.getElementById("roll-problem");
  const mine = (asked += 1);
  problem.hidden = true;
  if (!place.every(Boolean)) {
    next.textContent = "–";
    return;
  }
  const answer = await fetch(`/api/rolls/${place.map(encodeURIComponent).join("/")}/next`);
  // Somebody who types fast has asked again meanwhile.
  if (mine !== asked) return;
  const text = await answer.text();
  const found = answer.ok ? JSON.parse(text) : { problem: problemIn(text).detail };
  next.textContent = found.problem ? "–" : form.first_number.value || found.number;
  problem.textContent = found.problem ?? "";
  problem.hidden = !found.problem;
}

async function lookForScanners() {
  const note = document.getElementById("scanners-told");
  try {
    const answer = await fetch("/api/scanners");
    const text = await answer.text();
    if (!answer.ok) throw new Error(problemIn(text).detail);
    const found = JSON.parse(text).filter((one) => one.recipe);
    const known = new Set([...form.device.options].map((option) => option.value));
    for (const one of found.filter((each) => !known.has(each.device))) {
      form.device.append(new Option(`${one.vendor} ${one.model} (${one.device})`, one.device));
    }
    note.textContent = found.length
      ? `${found.length} scanner${found.length === 1 ? "" : "s"} found.`
      : "No scanner found. Switch it on, and open this page again; the command filmscand doctor tells more.";
  } catch (error) {
    note.textContent = error.message;
  }
}

// "1,3-6" as a list of numbers; null for nothing, and for what is no such text.
function positionsIn(text) {
  const found = new Set();
  for (const part of text.split(",").map((one) => one.trim()).filter(Boolean)) {
    const ends = /^(\d{1,3})(?:\s*-\s*(\d{1,3}))?$/.exec(part);
    if (!ends || Number(ends[2] ?? ends[1]) < Number(ends[1])) return null;
    for (let at = Number(ends[1]); at <= Number(ends[2] ?? ends[1]); at += 1) found.add(at);
  }
  return [...found].sort((one, other) => one - other);
}

function numberIn(field) {
  const text = field.value.trim();
  return text ? Number(text) : null;
}

function orderOf() {
  const positions = positionsIn(form.positions.value);
  const scanner = {
    resolution_dpi: numberIn(form.resolution_dpi),
    depth_bits: Number(form.depth_bits.value),
    samples: numberIn(form.samples) ?? 1,
    infrared: form.infrared.checked,
    autofocus: form.autofocus.checked,
    autoexposure: form.autoexposure.checked,
  };
  return {
    roll: form.roll.value,
    collection: form.collection.value,
    box: form.box.value,
    frames: positions?.length ? null : numberIn(form.frames),
    positions: positions?.length ? positions : null,
    first_number: numberIn(form.first_number),
    film: form.film.value,
    device: form.device.value || null,
    operator: form.operator.value.trim() || null,
    scanner,
  };
}

// Why the form cannot be sent, and the field to put right; null if it can.
function mistake() {
  const empty = [...form.querySelectorAll("[required]")].find((field) => !field.value.trim());
  if (empty) return [empty, `${empty.labels[0].textContent}: type a name or scan a code.`];
  const odd = [form.frames, form.first_number, form.resolution_dpi, form.samples].find(
    (field) => !/^\d*$/.test(field.value.trim()),
  );
  if (odd) return [odd, `${odd.labels[0].textContent}: expected a number, found ${odd.value}.`];
  if (positionsIn(form.positions.value) === null) {
    return [form.positions, `Frames of the strip: expected numbers such as 1,3-6, found ${form.positions.value}.`];
  }
  return null;
}

async function start() {
  [form.roll, form.collection, form.box].forEach(readCode);
  const wrong = mistake();
  if (wrong) {
    wrong[0].closest("details")?.setAttribute("open", "");
    wrong[0].focus();
    tell(wrong[1], true);
    return;
  }
  const button = document.getElementById("start");
  button.disabled = true;
  tell("Starting …", false);
  const session = await send("/api/sessions", orderOf());
  if (session) location.assign(`/sessions/${session.session}`);
  else {
    button.disabled = false;
    button.focus();
  }
}

// A barcode scanner types a code and Enter. Enter goes to the next field that is shown, and from the last to Start.
function moveOn(field) {
  if (field.name === "roll" || field.name === "collection" || field.name === "box") readCode(field);
  if (field.required && !field.value) {
    tell(`${field.labels[0].textContent}: type a name or scan a code.`, true);
    return;
  }
  told.hidden = true;
  const fields = [...form.querySelectorAll("input, select, #start")].filter((one) => one.checkVisibility());
  const after = fields[fields.indexOf(field) + 1];
  after.focus();
  after.select?.();
}

async function lookInside() {
  const button = document.getElementById("look");
  const positions = positionsIn(form.positions.value);
  button.disabled = true;
  tell("The scanner reads at a low resolution. This takes up to a minute …", false);
  const looked = await send("/api/looks", { device: form.device.value || null, position: positions?.[0] ?? 1 });
  button.disabled = false;
  if (!looked) return;
  told.hidden = true;
  const figure = document.getElementById("looked");
  figure.querySelector("img").src = looked.picture;
  figure.hidden = false;
}

document.getElementById("look").addEventListener("click", lookInside);
form.addEventListener("submit", (event) => event.preventDefault());
document.getElementById("start").addEventListener("click", start);
form.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches("input, select")) return;
  event.preventDefault();
  moveOn(event.target);
});
for (const name of ["collection", "box", "roll"]) {
  form[name].addEventListener("change", () => readCode(form[name]));
  form[name].addEventListener("change", showNext);
  form[name].addEventListener("blur", showNext);
}
form.first_number.addEventListener("change", showNext);
lookForScanners();
