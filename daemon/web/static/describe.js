// What people write about frames: caption, date and mount number, typed or from a CSV file, and which way up they are
// shown. A frame is mirrored first and then turned clockwise: "90m".
"use strict";

const LIST_BYTES = 1000000; // the station takes requests of 1 MiB

// What was typed and not saved, by the name of its field: it outlives a page that is read again.
let unsaved = {};

// One after the other: each key turns what the one before it left.
let turning = Promise.resolve();

function orientationOf(word) {
  return { turn: parseInt(word, 10), mirrored: word.endsWith("m") };
}

// As a person sees it: a picture that was turned is mirrored left to right all the same.
function turnedBy({ turn, mirrored }, how) {
  if (how === "mirror") return { turn: (360 - turn) % 360, mirrored: !mirrored };
  return { turn: (turn + Number(how) + 360) % 360, mirrored };
}

function wordOf({ turn = 0, mirrored = false }) {
  return `${turn}${mirrored ? "m" : ""}`;
}

function turnFrame(how) {
  turning = turning.then(async () => {
    const viewer = document.getElementById("viewer");
    if (!viewer || viewer.dataset.busy !== "no") return;
    const wanted = turnedBy(orientationOf(viewer.dataset.turned), how);
    changes += 1;
    const answer = await send(`/api/frames/${viewer.dataset.frame}/description`, wanted);
    changes += 1;
    if (!answer) return;
    viewer.dataset.turned = wordOf(answer.description);
    showFrame();
  });
}

function turnTile(tile, how) {
  turning = turning.then(async () => {
    const frame = tile.querySelector("a").getAttribute("href").replace("/frames/", "");
    const answer = await send(`/api/frames/${frame}/description`, turnedBy(orientationOf(tile.dataset.turned), how));
    if (answer) await updateTile({ frame, stem: tile.dataset.stem });
  });
}

async function turnRoll(how) {
  const tiles = [...document.querySelectorAll("#sheet li")].filter((tile) => tile.querySelector("img"));
  const frames = tiles.map((tile) => ({
    number: Number(tile.dataset.number),
    ...turnedBy(orientationOf(tile.dataset.turned), how),
  }));
  await describeRoll({ frames });
}

async function describeRoll(content) {
  const panel = document.getElementById("describe-roll");
  const list = document.getElementById("list-problems");
  list.hidden = true;
  tell("The frames are being described.", false);
  const answer = await send(`/api/rolls/${panel.dataset.roll}/descriptions`, content, (problem) => {
    const problems = problem.problems ?? [];
    list.replaceChildren(
      ...problems.map((words) => {
        const entry = document.createElement("li");
        entry.textContent = words;
        return entry;
      }),
    );
    list.hidden = !problems.length;
    return problems.length ? `Nothing was taken: ${problems.length} of the lines do not fit. They are named below.` : problem.detail;
  });
  if (!answer) return;
  tell(`${answer.frames} frames are described, ${answer.unchanged} of them as before.`, false);
  const roll = await fetch(`/api/rolls/${panel.dataset.roll}`);
  if (!roll.ok) return;
  for (const frame of (await roll.json()).frames) {
    const tile = document.querySelector(`#sheet [data-stem="${frame.stem}"]`);
    if (tile) showTile(tile, frame);
  }
}

async function takeList(field) {
  const [file] = field.files;
  if (!file) return;
  try {
    if (file.size > LIST_BYTES) tell(`${file.name} is larger than a megabyte; send it in parts.`, true);
    else await describeRoll({ csv: new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer()) });
  } catch {
    tell(`${file.name} cannot be read as UTF-8. Save it as "CSV UTF-8", and choose it again.`, true);
  }
  // The same file may be chosen again when it was put right.
  field.value = "";
}

async function saveDescription(isNext) {
  const form = document.getElementById("describe");
  const typed = { caption: form.caption.value, date: form.date.value, mount_number: form.mount_number.value };
  if (!(await send(`/api/frames/${form.dataset.frame}/description`, typed))) return;
  unsaved = {};
  if (isNext) location.href = `${document.getElementById("after").href}#caption`;
  else {
    tell("Saved.", false);
    readAgain();
  }
}

document.addEventListener("submit", (event) => {
  if (event.target.id !== "describe") return;
  event.preventDefault();
  saveDescription(false);
});
document.addEventListener("input", (event) => {
  if (event.target.form?.id === "describe") unsaved[event.target.name] = event.target.value;
});
document.addEventListener("renewed", () => {
  const form = document.getElementById("describe");
  if (form) for (const [name, value] of Object.entries(unsaved)) form[name].value = value;
});
document.addEventListener("change", (event) => {
  if (event.target.id === "list") takeList(event.target);
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.turn) turnFrame(button.dataset.turn);
  else if (button.dataset.turnAll) turnRoll(button.dataset.turnAll);
  else if (button.id === "save-next") saveDescription(true);
});

const TURNS = { t: "90", T: "-90", h: "mirror" };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const form = event.target.closest("#describe");
  if (form && event.key === "Enter" && event.shiftKey && document.getElementById("save-next")) {
    event.preventDefault();
    saveDescription(true);
  } else if (form && event.key === "Escape") event.target.blur();
  if (event.target.closest("input:not([type=range]), textarea, select")) return;
  const tile = event.target.closest("#sheet li");
  if (tile && event.key in TURNS && document.getElementById("describe-roll")) turnTile(tile, TURNS[event.key]);
  const field = document.querySelector(`[data-focus-key="${CSS.escape(event.key)}"]`);
  if (field) {
    event.preventDefault();
    field.focus();
    field.select();
  }
});
if (location.hash === "#caption") document.getElementById("caption")?.focus();
