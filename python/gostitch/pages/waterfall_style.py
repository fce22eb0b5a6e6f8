"""The style sheet and the comfort script of the waterfall.

Twin of `waterfall.py` and `spanrow.py`, which make the markup.
"""

from __future__ import annotations

__all__ = ["SCRIPT", "STYLE"]

STYLE = """
.wf { --label: 300px; --time: 74px; }
.wf .controls {
  display: flex; flex-wrap: wrap; align-items: center; gap: 10px 24px; margin: 0 0 16px; font-size:
  14px;
}
.wf .controls input[type=checkbox] {
  width: 16px; height: 16px; margin: 0 4px 0 0; vertical-align: -2px; accent-color: var(--go);
}
.wf .filter {
  font: inherit; color: inherit; background: var(--ground); border: 1px solid var(--soft);
  border-radius: 6px;
  padding: 4px 10px; width: 220px; max-width: 100%;
}
.wf .found { color: var(--soft); }
.lane { margin-bottom: 28px; }
.lane > summary {
  display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 14px; padding: 8px 0; list-style:
  none;
}
.lane > summary::-webkit-details-marker,
.sp > summary::-webkit-details-marker,
.grp > summary::-webkit-details-marker {
  display: none;
}
.lane > summary::before { content: "▾"; width: 10px; color: var(--soft); }
.lane:not([open]) > summary::before { content: "▸"; }
.lane > summary b { font-size: 16px; font-weight: 650; }
.lane > summary .soft { font-size: 13px; }
.lane .counts { margin-left: auto; font-size: 13px; white-space: nowrap; }
.axis {
  padding: 0 var(--time) 0 var(--label); border-bottom: 1px solid var(--line); font-size: 11px;
  color: var(--soft);
}
.axis .ticks { position: relative; height: 18px; }
.axis .ticks span {
  position: absolute; left: calc(var(--x) * 100%); transform: translateX(-50%); white-space: nowrap;
}
.axis .ticks span:first-child { transform: none; }
.axis .ticks span:last-child { transform: translateX(-100%); }
.axis.one, .wf:has(.one-clock:checked) .axis.own { display: none; }
.wf:has(.one-clock:checked) .axis.one { display: block; }
.wf .lane { --scale: 1; --shift: 0; }
.wf:has(.one-clock:checked) .lane { --scale: var(--k); --shift: var(--o); }
.wf.large .sp, .wf.large .grp { content-visibility: auto; contain-intrinsic-size: auto 26px; }
.sp > summary, .grp > summary {
  display: grid; grid-template-columns: var(--label) minmax(0, 1fr) var(--time); align-items:
  center; min-height: 26px;
  list-style: none; border-bottom: 1px solid transparent;
}
.sp > summary:hover, .grp > summary:hover { background: var(--raised); }
.sp > summary:focus-visible, .grp > summary:focus-visible, .lane > summary:focus-visible {
  outline-offset: -2px;
}
.sp .nm, .grp .nm {
  display: flex; align-items: center; gap: 7px; min-width: 0; padding: 0 10px 0 calc(min(var(--d),
  12) * 14px);
  font-size: 13px;
}
.wf .nm b {
  font-weight: 450; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; unicode-bidi:
  isolate;
}
.wf [open] > summary .nm b { font-weight: 650; }
.wf .nm small { color: var(--soft); white-space: nowrap; }
.wf .fail {
  color: var(--error); font-style: normal; font-weight: 650; font-size: 12px; white-space: nowrap;
}
.wf .tk {
  position: relative; height: 100%; min-height: 26px;
  background: repeating-linear-gradient(90deg, var(--line) 0 1px, transparent 1px 25%);
}
.wf .tk i {
  position: absolute; top: 7px; height: 12px; min-width: 2px;
  left: calc((var(--shift) + var(--x) * var(--scale)) * 100%);
  width: calc(var(--w) * var(--scale) * 100%);
}
.wf .bad > summary .tk i { outline: 2px solid var(--error); outline-offset: 1px; }
.wf .du { text-align: right; font-size: 12px; color: var(--soft); white-space: nowrap; }
.sp > .more {
  margin: 2px 0 10px calc(min(var(--d), 12) * 14px + 15px); padding: 10px 14px; border-left: 3px
  solid var(--soft);
  background: var(--raised);
}
.sp.python > .more { border-left: 3px dashed var(--python); }
.sp.go > .more { border-left-color: var(--go); }
.wf .event { margin-top: 12px; }
.wf .event h3 { font-size: 13px; margin-bottom: 4px; }
.wf .event small { font-weight: 400; color: var(--soft); }
.wf .note {
  margin: 4px 0 6px calc(min(var(--d, 0), 12) * 14px); font-size: 13px; color: var(--soft);
}
.grp > summary .nm::before, .fold > summary::before {
  content: "▸"; color: var(--soft); font-size: 11px; margin-right: 4px;
}
.grp[open] > summary .nm::before, .fold[open] > summary::before { content: "▾"; }
.fold > summary {
  list-style: none; font-size: 13px; color: var(--soft); padding: 3px 0 3px calc(min(var(--d), 12) *
  14px);
}
.wf [data-hidden] { display: none; }
@media (max-width: 760px) {
  .wf { --label: 0px; --time: 0px; }
  .wf.large .sp, .wf.large .grp { contain-intrinsic-size: auto 45px; }
  .sp > summary, .grp > summary {
    grid-template-columns: minmax(0, 1fr) auto; gap: 0 8px; padding: 4px 0 5px;
  }
  .sp .nm, .grp .nm, .wf .note, .fold > summary { padding-left: calc(min(var(--d), 8) * 9px); }
  .wf .tk { grid-column: 1 / -1; grid-row: 2; min-height: 14px; }
  .wf .tk i { top: 2px; height: 10px; }
  .wf .du { grid-column: 2; grid-row: 1; }
  .sp > .more { margin-left: 4px; }
  .lane .counts { margin-left: 0; }
}
@media print {
  .sp > summary, .grp > summary { break-inside: avoid; }
  .wf.large .sp, .wf.large .grp { content-visibility: visible; }
}
"""

SCRIPT = """
for (const wf of document.querySelectorAll(".wf")) {
  const field = wf.querySelector(".filter"), found = wf.querySelector(".found");
  const rows = [...wf.querySelectorAll(".sp")];
  const boxes = [...wf.querySelectorAll(".grp, .fold")];
  let words, timer;
  field.hidden = found.hidden = false;
  const apply = () => {
    const wanted = field.value.trim().toLowerCase();
    words ??= rows.map(row => row.textContent.toLowerCase());
    let hits = 0;
    rows.forEach((row, n) => {
      const hit = words[n].includes(wanted);
      hits += hit;
      row.toggleAttribute("data-hidden", !hit);
    });
    for (const box of boxes) {
      const hit = box.querySelector(".sp:not([data-hidden])") !== null;
      box.toggleAttribute("data-hidden", !hit);
      box.open = wanted !== "" && hit;
    }
    found.textContent = wanted ? `${hits} of ${rows.length}` : "";
  };
  field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(apply, 120); });
  wf.addEventListener("keydown", event => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || event.target.tagName !== "SUMMARY") return;
    const all = [...wf.querySelectorAll("summary")].filter(one => one.checkVisibility());
    const next = all[all.indexOf(event.target) + step];
    if (next) { event.preventDefault(); next.focus(); }
  });
}
"""
