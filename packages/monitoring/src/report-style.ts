/** Style of the drift page: light and dark, on screen and on paper, without any file from elsewhere. */
export const REPORT_STYLE = `
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#17202c;--soft:#5b6675;--line:#e1e5ea;--ref:#c3ccd8;--cur:#1f5fd0;--none:#1a7f4b;--warning:#9a6200;--critical:#b3261e;--tint:#eef1f5}
@media (prefers-color-scheme:dark){:root{--bg:#11151b;--card:#191f28;--ink:#e6eaf0;--soft:#98a4b3;--line:#2a323e;--ref:#465264;--cur:#7fb0ff;--none:#58c98e;--warning:#f0b452;--critical:#ff8a80;--tint:#222a35}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;font-variant-numeric:tabular-nums}
main{max-width:1080px;margin:0 auto;padding:32px 20px 64px}
h1{font-size:15px;font-weight:600;color:var(--soft);margin:0 0 12px}
h2{font-size:18px;margin:40px 0 12px}
h3{font-size:16px;margin:0;overflow-wrap:anywhere}
p{margin:6px 0}
.soft,small{color:var(--soft)}
.verdict{background:var(--card);border:1px solid var(--line);border-left:6px solid var(--tone);border-radius:10px;padding:20px 24px}
.verdict strong{display:block;font-size:26px;line-height:1.25;color:var(--tone);margin-bottom:6px}
.verdict ul{margin:12px 0 0;padding-left:20px}
.verdict li{overflow-wrap:anywhere}
.none{--tone:var(--none)}.warning{--tone:var(--warning)}.critical{--tone:var(--critical)}.quiet{--tone:var(--soft)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:16px 0 0}
.tiles div{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 16px}
.tiles b{display:block;font-size:22px;line-height:1.3}
.legend{display:flex;gap:4px 20px;flex-wrap:wrap;color:var(--soft);font-size:13px;margin-bottom:12px}
.legend i{display:inline-block;width:22px;height:12px;margin-right:6px;vertical-align:-1px;border-radius:2px}
.legend .a{background:var(--ref)}.legend .b{border:2px solid var(--cur)}
.column{display:grid;grid-template-columns:minmax(0,1fr) 360px minmax(0,250px);gap:8px 28px;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 20px;margin:0 0 12px;break-inside:avoid}
.column p{font-size:13.5px;overflow-wrap:anywhere}
.pill{display:inline-block;font-size:12.5px;font-weight:600;color:var(--tone);border:1px solid var(--tone);border-radius:99px;padding:0 9px;margin:4px 6px 4px 0}
.plot{width:100%;height:auto;display:block;align-self:center}
.plot text{font-size:11px;fill:var(--soft)}.plot .level{fill:var(--ink)}
.ref{fill:var(--ref)}.cur{fill:none;stroke:var(--cur);stroke-width:2}.axis{stroke:var(--line)}
table{border-collapse:collapse;width:100%;font-size:13px;align-self:center}
th,td{text-align:right;padding:2px 0 2px 10px;font-weight:400;white-space:nowrap}
th:first-child{text-align:left;padding-left:0;color:var(--soft)}thead th{color:var(--soft);border-bottom:1px solid var(--line)}
dl{display:grid;grid-template-columns:minmax(130px,210px) 1fr;gap:8px 20px;margin:0;font-size:14px}
dt{font-weight:600}dd{margin:0;color:var(--soft)}
.list{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 20px}
@media (max-width:960px){.column{grid-template-columns:1fr}.plot{max-width:420px}table{max-width:420px}dl{grid-template-columns:1fr;gap:2px}dd{margin-bottom:10px}}
@media print{body{background:none}main{max-width:none;padding:0}}
`
