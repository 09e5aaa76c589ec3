// Keeps a page live by the event stream of /api/events, and lets it be used from the keyboard. Without this script
// every page still shows what was true when it was loaded.
"use strict";

const main = document.getElementById("content");
const connection = document.getElementById("connection");
// A page is read again at most so often, milliseconds.
const PAUSE_MS = 1000;

let reading = false;
let again = false;
// Changes that this page sent and put in place by itself: what was read before them is old.
let changes = 0;
// The content as the server sent it last; what this script changed since is no news.
let sent = main.innerHTML;

// Read this page again and put its new content in place; the focus, what is unfolded and the place on the page stay.
async function readAgain() {
  if (reading) {
    again = true;
    return;
  }
  reading = true;
  const seen = changes;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    const text = await answer.text();
    if (changes !== seen) again = true;
    else if (answer.ok) replaceContent(new DOMParser().parseFromString(text, "text/html").getElementById("content"));
  } catch {
    // The event stream tells when the service is back.
  }
  setTimeout(() => {
    reading = false;
    if (again) {
      again = false;
      readAgain();
    }
  }, PAUSE_MS);
}

function replaceContent(fresh) {
  if (fresh.innerHTML === sent) return;
  sent = fresh.innerHTML;
  const viewer = document.getElementById("viewer");
  const focused = addressOf(document.activeElement);
  const caret = document.activeElement.selectionStart;
  const scrolled = [...main.querySelectorAll(".scroll")].map((box) => box.scrollLeft);
  const opened = [...main.querySelectorAll("details[open] > summary")].map((one) => one.textContent);
  main.replaceChildren(...fresh.childNodes);
  for (const one of main.querySelectorAll("details > summary")) {
    if (opened.includes(one.textContent)) one.parentElement.open = true;
  }
  main.querySelectorAll(".scroll").forEach((box, index) => (box.scrollLeft = scrolled[index] ?? 0));
  if (viewer) keepViewer(viewer);
  document.dispatchEvent(new Event("renewed"));
  const focus = focused && [...main.querySelectorAll("a, button, input")].find((one) => addressOf(one) === focused);
  focus?.focus();
  if (focus?.type === "text") focus.setSelectionRange(caret, caret);
}

// The picture stays as it is looked at, and learns what is new about its frame.
function keepViewer(viewer) {
  const place = document.getElementById("viewer");
  if (!place) return;
  Object.assign(viewer.dataset, place.dataset);
  place.replaceWith(viewer);
}

function addressOf(element) {
  return main.contains(element) ? element.id || element.getAttribute("href") : null;
}

// Put one frame of the contact sheet right, from what the API tells of it.
async function updateTile(move) {
  const sheet = document.getElementById("sheet");
  let tile = sheet.querySelector(`[data-stem="${move.stem}"]`);
  if (move.state === "dropped") {
    tile?.remove();
    return;
  }
  const answer = await fetch(`/api/frames/${move.frame}`);
  if (!answer.ok) return;
  if (!tile) tile = newTile(sheet, move);
  showTile(tile, (await answer.json()).sheet);
}

function showTile(tile, frame) {
  tile.dataset.look = frame.look;
  tile.querySelector(".state").textContent = frame.look_words;
  const reasons = frame.reasons.filter((reason) => reason.advice).map((reason) => reason.meaning);
  tile.querySelector(".why").textContent = [...reasons, frame.error ?? ""].join(" ");
  const { mount_number: mount, caption, date } = frame.description;
  tile.querySelector(".caption").textContent = [mount, caption, date].filter(Boolean).join(" · ");
  tile.dataset.turned = frame.turned;
  showPicture(tile.querySelector(".picture"), frame);
}

function newTile(sheet, move) {
  const tile = document.getElementById("tile").content.firstElementChild.cloneNode(true);
  tile.dataset.stem = move.stem;
  tile.dataset.number = move.number;
  tile.querySelector("a").href = `/frames/${move.frame}`;
  tile.querySelector(".number").textContent = move.number;
  const after = [...sheet.children].find((one) => Number(one.dataset.number) > move.number);
  sheet.insertBefore(tile, after ?? null);
  return tile;
}

function showPicture(place, frame) {
  if (!frame.revision) return;
  const address = `/api/frames/${frame.frame}/thumbnail?revision=${frame.revision}&turned=${frame.turned}`;
  let picture = place.querySelector("img");
  if (picture?.getAttribute("src") === address) return;
  if (!picture) {
    picture = document.createElement("img");
    picture.alt = "";
    picture.loading = "lazy";
    place.append(picture);
  }
  picture.src = address;
}

// The counts above the sheet.
async function updateCounts(roll) {
  const answer = await fetch(`/api/rolls/${roll}/summary`);
  if (!answer.ok) return;
  const found = await answer.json();
  const failed = found.failed + found.set_aside;
  document.getElementById("counts").textContent =
    `${found.frames} frames: ${found.archived} done, ${found.waiting} waiting, ${failed} failed`;
}

function onFrames(moves) {
  const kind = main.dataset.live;
  if (kind === "frames") {
    const ours = moves.filter((move) => move.roll === main.dataset.roll);
    ours.forEach(updateTile);
    if (ours.length) updateCounts(main.dataset.roll);
  } else if (kind === "frame" && moves.some((move) => move.frame === main.dataset.frame)) {
    readAgain();
  }
}

function listen() {
  const stream = new EventSource("/api/events");
  let lost = false;
  // What changed between the reading of this page and the first event of the stream was told to nobody.
  let missed = true;
  stream.addEventListener("open", () => {
    connection.hidden = true;
    lost = false;
  });
  stream.addEventListener("error", () => {
    lost = missed = true;
    // A stream that has reached its age is opened again at once; only a longer silence is worth a word.
    setTimeout(() => (connection.hidden = !lost), 4000);
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 4000);
  });
  stream.addEventListener("status", () => {
    if (missed || main.dataset.live === "status") readAgain();
    missed = false;
  });
  stream.addEventListener("frames", (event) => onFrames(JSON.parse(event.data)));
  stream.addEventListener("reload", readAgain);
}

// From frame to frame: on a frame's page to its neighbours, on a contact sheet along the tiles.
function step(by) {
  const neighbour = document.getElementById(by < 0 ? "before" : "after");
  if (neighbour) {
    neighbour.click();
    return;
  }
  const tiles = [...document.querySelectorAll(".sheet a")];
  if (!tiles.length) return;
  const at = tiles.indexOf(document.activeElement);
  tiles[Math.min(tiles.length - 1, Math.max(0, at < 0 ? 0 : at + by))].focus();
}

const STEPS = { j: 1, ArrowRight: 1, k: -1, ArrowLeft: -1 };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input:not([type=range]), textarea, select")) return;
  // Arrows scroll a table that is wider than the screen.
  if (event.key in STEPS && !event.target.closest(".scroll, [type=range]")) {
    step(STEPS[event.key]);
    event.preventDefault();
    return;
  }
  const target = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (target) target.click();
});

if (main.dataset.live) listen();
