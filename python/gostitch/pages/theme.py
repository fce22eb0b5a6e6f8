"""The look shared by all pages.

Colours for light, dark and paper, type, spacing, and the few elements every page has.

Blocks bring their own `STYLE` beside their markup and use only the variables defined here. Every
pair of text and ground colour keeps WCAG AA (4.5:1), every bar 3:1 against its ground;
`python/tests/pages` computes both in a browser.
"""

from __future__ import annotations

__all__ = ["STYLE"]

STYLE = """
:root {
  color-scheme: light dark;
  --ground: #ffffff; --raised: #f6f7f8; --ink: #17191c; --soft: #565c66; --line: #dfe2e6;
  --python: #bd740b; --python-ink: #8a5200; --python-wash: #fdf3e1;
  --go: #0b8299; --go-ink: #006274; --go-wash: #e3f4f7;
  --error: #b3261e; --error-wash: #fdeceb; --good: #1c6b3a;
  --stripe: rgba(255, 255, 255, .38);
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", "Segoe UI Mono", "DejaVu Sans Mono", Menlo,
    Consolas, monospace;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans",
    "DejaVu Sans", Arial, sans-serif;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #121417; --raised: #1a1d21; --ink: #e9ebee; --soft: #a4abb6; --line: #2e333a;
    --python: #d9962b; --python-ink: #f0b45a; --python-wash: #2c2315;
    --go: #2ba3ba; --go-ink: #68cfe2; --go-wash: #12292e;
    --error: #ff8a80; --error-wash: #331a19; --good: #7ed59c;
    --stripe: rgba(10, 20, 25, .34);
  }
}
@media print {
  :root {
    --ground: #ffffff; --raised: #ffffff; --ink: #000000; --soft: #444444; --line: #bbbbbb;
    --python: #bd740b; --python-ink: #8a5200; --python-wash: #ffffff;
    --go: #0b8299; --go-ink: #006274; --go-wash: #ffffff;
    --error: #b3261e; --error-wash: #ffffff; --good: #1c6b3a; --stripe: rgba(255, 255, 255, .38);
  }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .only-screen { display: none !important; }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.55 var(--sans); font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
}
main, header.page, footer.page { max-width: 1080px; margin: 0 auto; padding: 0 28px; }
header.page { padding-top: 56px; }
section { margin-top: 64px; }
h1 { font-size: 15px; font-weight: 600; margin: 0; letter-spacing: .01em; }
h2 {
  font-size: 21px; line-height: 1.25; font-weight: 650; letter-spacing: -.012em; margin: 0 0 6px;
}
h3 { font-size: 15px; font-weight: 650; margin: 0; }
p { margin: 0 0 12px; max-width: 68ch; }
.lead { color: var(--soft); margin-bottom: 20px; }
.soft { color: var(--soft); }
.nowrap { white-space: nowrap; }
code, pre, .mono { font-family: var(--mono); font-size: .88em; }
a { color: inherit; text-underline-offset: .18em; text-decoration-color: var(--soft); }
a:hover { text-decoration-color: currentColor; }
:focus-visible { outline: 2px solid var(--go-ink); outline-offset: 2px; border-radius: 3px; }
summary { cursor: pointer; }
.visually-hidden {
  position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path:
  inset(50%); white-space: nowrap;
}
.skip {
  position: absolute; left: 12px; top: -60px; background: var(--ground); padding: 8px 12px; z-index:
  9;
}
.skip:focus { top: 8px; }
.side {
  display: inline-block; flex: none; min-width: 30px; padding: 0 5px; border: 1px solid
  currentColor; border-radius: 4px;
  font: 600 11px/16px var(--sans); text-align: center; font-style: normal;
  vertical-align: 1.5px;
}
.side.python { color: var(--python-ink); background: var(--python-wash); border-style: dashed; }
.side.go { color: var(--go-ink); background: var(--go-wash); }
.side.other { color: var(--soft); border-style: dotted; }
.fill { background: var(--soft); border-radius: 2px; }
.fill.python { background: var(--python); }
.fill.go {
  background: repeating-linear-gradient(135deg, var(--stripe) 0 2px, transparent 2px 6px) var(--go);
}
footer.page {
  margin-top: 72px; padding-top: 18px; padding-bottom: 48px; color: var(--soft); font-size: 13px;
}
footer.page > div { border-top: 1px solid var(--line); padding-top: 16px; }
@media (max-width: 640px) {
  body { font-size: 15px; }
  main, header.page, footer.page { padding-left: 16px; padding-right: 16px; }
  header.page { padding-top: 28px; }
  section { margin-top: 48px; }
}
@media print {
  @page { margin: 14mm; }
  body { font-size: 10.5pt; }
  main, header.page, footer.page { max-width: none; padding-left: 0; padding-right: 0; }
  header.page { padding-top: 0; }
  section { margin-top: 28px; }
  h2 { break-after: avoid; }
}
"""
