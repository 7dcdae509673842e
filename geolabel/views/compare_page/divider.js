// The divider between the picture before and the one after: a range input lies over both.
const divider = $("divider");
function part() {
  $("pair").style.setProperty("--at", `${divider.value}%`);
  divider.setAttribute("aria-valuetext", `${divider.value} % before`);
}
divider.addEventListener("input", part);
part();
