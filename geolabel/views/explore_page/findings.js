// What was found among the tiles: a tab each, groups of tiles in it.

const GROUPS = 40, EACH = 24, FEW = 4;

function startFindings(choose) {
  $("findings").hidden = !DATA.findings.length;
  const tabs = DATA.findings.map((finding, at) => make("button", {type: "button", role: "tab", id: "tab-" + at, "data-key": finding.key, "aria-controls": "finding"},
    finding.title, make("span", {className: "soft", textContent: count(sizeOf(finding))})));
  const turnTo = (at) => {
    tabs.forEach((tab, other) => { tab.setAttribute("aria-selected", other === at); tab.tabIndex = other === at ? 0 : -1; });
    $("finding").setAttribute("aria-labelledby", "tab-" + at);
    drawFinding(DATA.findings[at], choose);
  };
  tabs.forEach((tab, at) => {
    tab.addEventListener("click", () => turnTo(at));
    tab.addEventListener("keydown", ({key}) => {
      const to = {ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1}[key];
      if (to === undefined || !tabs[to]) return;
      tabs[to].focus();
      turnTo(to);
    });
  });
  $("tabs").append(...tabs);
  if (tabs.length) turnTo(0);
}

// Outliers are counted, and so are pairs: the tiles of one group, or else the groups.
function sizeOf({groups}) { return groups.length === 1 ? groups[0].rows.length : groups.length; }

function drawFinding(finding, choose) {
  const box = make("div", {className: "groups"}), more = make("button", {type: "button", className: "more"});
  let shown = 0;
  const add = () => {
    for (const group of finding.groups.slice(shown, shown + GROUPS)) box.append(groupOf(group, choose));
    shown = Math.min(finding.groups.length, shown + GROUPS);
    more.hidden = shown >= finding.groups.length;
    more.textContent = `Show more (${count(finding.groups.length - shown)})`;
  };
  more.addEventListener("click", add);
  $("finding").className = finding.key;
  $("finding").replaceChildren(make("p", {className: "soft", textContent: finding.about}), box, more);
  if (!finding.groups.length) box.append(make("p", {textContent: "Nothing was found."}));
  add();
}

function groupOf({title, note, rows}, choose) {
  const all = make("button", {type: "button", textContent: rows.length > 1 ? `Select ${count(rows.length)}` : "Select"});
  all.addEventListener("click", () => choose(rows));
  const gallery = make("div", {className: "gallery"});
  const group = make("div", {className: "group" + (rows.length > FEW ? " wide" : "")},
    make("div", {className: "row"}, make("h3", {textContent: title}), all), ...(note ? [make("p", {className: "soft small", textContent: note})] : []), gallery);
  fillGallery(gallery, rows, EACH);
  return group;
}
