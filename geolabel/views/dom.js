"use strict";
// Elements, and files saved from the page: what every page with a program needs.

const $ = (id) => document.getElementById(id);

function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, set] of Object.entries(properties)) {
    if (name in element && !name.includes("-") && name !== "role") element[name] = set; else element.setAttribute(name, set);
  }
  element.append(...children);
  return element;
}

function swatch(color) {
  const box = make("i", {className: "swatch"});
  box.style.background = color;
  return box;
}

function save(text, kind, name) {
  const address = URL.createObjectURL(new Blob([text], {type: kind}));
  const link = make("a", {href: address, download: name});
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

// Rows of cells as CSV (RFC 4180).
function csv(rows) {
  const quoted = (said) => /[",\r\n]/.test(said) ? `"${said.replaceAll('"', '""')}"` : said;
  return rows.map((cells) => cells.map((cell) => quoted(String(cell))).join(",")).join("\r\n") + "\r\n";
}
