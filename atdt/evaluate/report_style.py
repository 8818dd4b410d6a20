"""The looks of a report: one style sheet, light, legible, and usable on a narrow screen."""

STYLE = """
:root {
  --ink: #1d232b; --soft: #5b6673; --line: #dfe3e8; --paper: #ffffff; --ground: #f6f7f9;
  --accent: #1f5fbf; --tint: #eaf1fc; --good: #1a7f4b; --bad: #b3341f; --warm: #fdf3e3;
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial,
    "DejaVu Sans", sans-serif;
}
main { max-width: 74rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
header { border-bottom: 1px solid var(--line); padding-bottom: 1.25rem; margin-bottom: 1rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0; letter-spacing: -0.015em; }
h2 { font-size: 1.4rem; line-height: 1.3; margin: 2.75rem 0 0.5rem; letter-spacing: -0.01em; }
h3 { font-size: 1.1rem; margin: 2rem 0 0.25rem; }
p { max-width: 46rem; margin: 0.6rem 0; }
.lead { font-size: 1.15rem; color: var(--soft); margin: 0.75rem 0 0; }
.box {
  border-left: 4px solid var(--accent); background: var(--tint); border-radius: 0 8px 8px 0;
  padding: 0.3rem 1.1rem; margin: 1.25rem 0; max-width: 50rem;
}
.box.warning { border-color: #c77a0a; background: var(--warm); }

figure { margin: 1.25rem 0 0; }
figure.wide {
  background: var(--paper); border: 1px solid var(--line); border-radius: 10px; overflow: hidden;
}
.scroll { overflow-x: auto; }
.scroll:focus-visible { outline: 2px solid var(--accent); outline-offset: -2px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
figcaption { font-weight: 600; line-height: 1.4; }
.wide figcaption { padding: 0.9rem 1rem 0.4rem; }
th, td { padding: 0.55rem 1rem; text-align: right; vertical-align: baseline; }
thead th {
  font-size: 0.82rem; font-weight: 600; color: var(--soft); white-space: nowrap;
  border-bottom: 1px solid var(--line);
}
tbody tr + tr > * { border-top: 1px solid var(--line); }
th[scope="row"], thead th:first-child { text-align: left; font-weight: 500; }
td.text { color: var(--soft); }
td.best strong { color: var(--accent); font-weight: 700; }
tr.emphasis { background: var(--tint); }
tr.emphasis th { font-weight: 650; }
tr.aside > * { color: var(--soft); }
.interval { display: block; font-size: 0.78rem; color: var(--soft); white-space: nowrap; }
.none { color: var(--soft); }
.tag {
  display: inline-block; font-size: 0.72rem; line-height: 1.5; padding: 0 0.5em; color: var(--soft);
  border: 1px solid var(--line); border-radius: 1em; background: var(--paper); white-space: nowrap;
}
.tag.mismatch { color: #8a4b00; border-color: #e3b878; background: var(--warm); }
sup { font-size: 0.7rem; color: var(--soft); margin-left: 0.15em; line-height: 0; }
.footnotes { font-size: 0.85rem; color: var(--soft); margin: 0.6rem 0 0; padding-left: 1.6rem; }

.chain ol { display: flex; flex-wrap: wrap; gap: 0.75rem; list-style: none; padding: 0;
  margin: 0.75rem 0; }
.chain li {
  flex: 1 1 9.5rem; display: flex; flex-direction: column; padding: 0.8rem 1rem;
  background: var(--paper); border: 1px solid var(--line); border-radius: 10px;
}
.chain li + li .where::before { content: "→ "; color: var(--soft); font-weight: 400; }
.chain .where { font-weight: 600; line-height: 1.35; }
.chain .metric, .chain .detail { font-size: 0.8rem; color: var(--soft); line-height: 1.4; }
.chain .number { font-size: 1.6rem; line-height: 1.4; font-variant-numeric: tabular-nums; }
.chain .change { font-size: 0.88rem; color: var(--soft); font-variant-numeric: tabular-nums; }
.chain .gain { color: var(--good); }
.chain .loss { color: var(--bad); }

.pictures th, .pictures td { padding: 0.3rem 0.35rem; text-align: center; vertical-align: middle; }
.pictures figcaption { padding: 0.9rem 0.8rem 0.4rem; }
.pictures thead > tr > * { border: 0; }
.pictures tbody tr + tr > * { border: 0; }
.pictures th[scope="row"] {
  font-size: 0.8rem; color: var(--soft); min-width: 6rem; max-width: 8rem; overflow-wrap: anywhere;
  text-align: left; padding-left: 0.8rem;
}
.pictures tr:last-child > * { padding-bottom: 0.8rem; }
.pictures img { display: block; width: 100%; min-width: 8.5rem; height: auto; border-radius: 4px; }
.legend { display: flex; flex-wrap: wrap; gap: 0.25rem 1.1rem; list-style: none; padding: 0;
  margin: 0.7rem 0 0; font-size: 0.85rem; color: var(--soft); }
.swatch { display: inline-block; width: 0.85em; height: 0.85em; border-radius: 3px;
  margin-right: 0.45em; vertical-align: -0.08em; border: 1px solid rgba(0, 0, 0, 0.15); }

.plot { background: var(--paper); border: 1px solid var(--line); border-radius: 10px;
  padding: 1rem; }
.plot img { display: block; max-width: 100%; height: auto; margin: 0 auto; }
.plot figcaption { margin-top: 0.6rem; font-weight: 400; font-size: 0.9rem; color: var(--soft); }

details { margin: 1.25rem 0; background: var(--paper); border: 1px solid var(--line);
  border-radius: 10px; padding: 0.6rem 1rem; }
summary { cursor: pointer; font-weight: 600; }
dl { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: 0.25rem 1.25rem;
  margin: 0.75rem 0 0.25rem; font-size: 0.9rem; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap; }
@media (max-width: 40rem) {
  h1 { font-size: 1.6rem; }
  th, td { padding: 0.5rem 0.6rem; }
  dl { grid-template-columns: 1fr; }
  dd { margin-bottom: 0.4rem; }
}
@media print { body { background: none; } figure, section { break-inside: avoid; } }
"""
