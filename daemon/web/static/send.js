// Speaks to the API: sends what a button says (a session pauses, a roll is sealed), and tells the person what came of it.
"use strict";

const told = document.getElementById("told");
// Good news is old after a while, milliseconds; a problem stays until something else is told.
const TOLD_MS = 20000;
let fading;

function tell(words, isProblem) {
  clearTimeout(fading);
  if (!isProblem) fading = setTimeout(() => (told.hidden = true), TOLD_MS);
  told.textContent = words;
  told.classList.toggle("alarm", isProblem);
  told.hidden = false;
}

// Send JSON; returns the answer, or null after the reason was told. `refused` is called with the problem, if given, and
// returns the words to tell.
async function send(address, content, refused) {
  try {
    const answer = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(content),
    });
    const text = await answer.text();
    if (answer.ok) return JSON.parse(text);
    tell(refused ? refused(problemIn(text)) : problemIn(text).detail, true);
  } catch {
    tell("The service does not answer. Nothing was changed, as far as this page knows.", true);
  }
  return null;
}

function problemIn(text) {
  try {
    return JSON.parse(text);
  } catch {
    return { detail: text };
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-post]");
  if (!button || (button.dataset.sure && !confirm(button.dataset.sure))) return;
  const content = JSON.parse(button.dataset.body ?? "{}");
  const typed = document.querySelector(button.dataset.sensitivity ?? "#no-such-field")?.value.trim().replace(",", ".");
  // What is no number is sent as it is: the service says what it expected.
  if (typed) content.sensitivity = /^[\d.]+$/.test(typed) ? Number(typed) : typed;
  button.disabled = true;
  if (button.dataset.wait) tell(button.dataset.wait, false);
  const answer = await send(button.dataset.post, content);
  button.disabled = false;
  if (answer) tell(answer.told ?? button.dataset.told, false);
});

document.getElementById("logout")?.addEventListener("click", async () => {
  await fetch("/api/logout", { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" });
  location.assign("/login");
});
