// Where one logs in.
"use strict";

// Only a path of this station: an address from elsewhere may have put the parameter there.
function wanted() {
  const next = new URLSearchParams(location.search).get("next") ?? "/";
  return /^\/(?![/\\])/.test(next) ? next : "/";
}

const login = document.getElementById("login");
login.addEventListener("submit", async (event) => {
  event.preventDefault();
  const who = await send("/api/login", { name: login.name.value, password: login.password.value });
  if (who) location.replace(wanted());
  else login.password.select();
});
