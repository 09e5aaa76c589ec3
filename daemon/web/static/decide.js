// Decisions about a frame: one key each, and undo. In a review the next undecided frame follows.
"use strict";

const LAST = "filmscand.decided"; // the frame that the review decided about last, for undo

const DONE = {
  accept: "Accepted.",
  keep_raw: "The raw picture is kept.",
  scan_again: "Wanted again: it is listed under Review.",
  clean_again: "It is being cleaned again. The picture changes by itself; compare, then decide.",
  undo: "The last decision is undone.",
};

// A key that is pressed twice decides once.
let isSending = false;

function inReview() {
  return new URLSearchParams(location.search).has("review");
}

function settings() {
  const again = document.getElementById("again");
  const areas = (kind) => zoom.drawn.filter((area) => area.kind === kind).map((area) => area.corners);
  const wanted = { excluded: areas("excluded"), marked: areas("marked") };
  if (again.sensitivity.value !== again.sensitivity.defaultValue) wanted.sensitivity = Number(again.sensitivity.value);
  const film = [...again.film.options].find((option) => option.defaultSelected)?.value;
  if (again.film.value !== film) wanted.film = again.film.value;
  return wanted;
}

async function decideOn(kind) {
  const panel = document.getElementById("decide");
  if (kind === "undo" && inReview() && sessionStorage.getItem(LAST)) return undoLast();
  const content = { kind, revision: Number(panel.dataset.revision), ...(kind === "clean_again" ? settings() : {}) };
  const isVerdict = ["accept", "keep_raw", "scan_again"].includes(kind);
  if (isSending) return;
  isSending = true;
  const answer = await send(`/api/frames/${panel.dataset.frame}/decisions`, content);
  isSending = false;
  if (!answer) return;
  tell(DONE[kind], false);
  sessionStorage.removeItem(LAST);
  if (kind === "clean_again") zoom.drawn = [];
  if (isVerdict && inReview()) {
    sessionStorage.setItem(LAST, panel.dataset.frame);
    location.href = document.getElementById("after")?.href ?? "/review";
  } else readAgain();
}

async function undoLast() {
  const frame = sessionStorage.getItem(LAST);
  if (!(await send(`/api/frames/${frame}/decisions`, { kind: "undo" }))) return;
  sessionStorage.removeItem(LAST);
  location.href = `/frames/${frame}?review`;
}

let seen = document.getElementById("decide")?.dataset.revision;

// The page was read again: a new revision is there to be compared.
function tellRevision() {
  const revision = document.getElementById("decide")?.dataset.revision;
  if (seen && revision && revision !== seen) {
    tell(`Revision ${revision} is here. Compare it with the raw picture (b), then decide.`, false);
  }
  seen = revision;
}

function showSensitivity() {
  const again = document.getElementById("again");
  if (again) again.shown.value = Number(again.sensitivity.value).toFixed(2);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-decision]");
  if (button && !button.disabled) decideOn(button.dataset.decision);
});
document.addEventListener("submit", (event) => {
  if (event.target.id !== "again") return;
  event.preventDefault();
  decideOn("clean_again");
});
document.addEventListener("input", (event) => {
  if (event.target.name === "sensitivity") showSensitivity();
});
document.addEventListener("renewed", tellRevision);
document.addEventListener("keydown", (event) => {
  const slider = document.querySelector("#again [name=sensitivity]");
  if (!slider || slider.disabled || ![",", "."].includes(event.key)) return;
  if (event.key === ",") slider.stepDown();
  else slider.stepUp();
  showSensitivity();
});
