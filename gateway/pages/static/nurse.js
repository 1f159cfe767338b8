// Keeps the nurse's list fresh, but never under somebody's fingers: a form that is being filled in is left alone.
"use strict";
setInterval(() => {
  const filled = [...document.querySelectorAll("main input:not([type=hidden]), main select, main textarea")].some((each) => each.value);
  if (!filled && !document.hidden) location.reload();
}, 60000);
