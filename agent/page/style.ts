/** How the page looks: made for a phone first, light and dark, no fonts and pictures from elsewhere. */
export const STYLE = `
:root{color-scheme:light dark;--bg:#f4f5f2;--card:#fff;--ink:#1d2420;--soft:#5d6963;--line:#dfe3de;--ok:#1b7f4b;--warn:#a86400;
--bad:#c0322b;--accent:#1c6fb8;--okbg:#e3f3e9;--warnbg:#fdf1dc;--badbg:#fbe5e3}
@media(prefers-color-scheme:dark){:root{--bg:#121614;--card:#1b211e;--ink:#e6ebe7;--soft:#9aa7a0;--line:#2d3632;--ok:#56c78a;--warn:#e2a33d;
--bad:#f07f78;--accent:#6ab4f0;--okbg:#173024;--warnbg:#33280f;--badbg:#3a1c1a}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
header{position:sticky;top:0;z-index:1;background:var(--bg);border-bottom:1px solid var(--line);padding:.7rem 0}
header div{max-width:60rem;margin:auto;padding:0 1rem;display:flex;flex-wrap:wrap;gap:.2rem .8rem;align-items:baseline}
h1{font-size:1.25rem;margin:0}
h2{font-size:.8rem;letter-spacing:.06em;text-transform:uppercase;color:var(--soft);margin:1.4rem 0 .5rem}
h3{font-size:1.02rem;margin:0;overflow-wrap:anywhere}
main{max-width:60rem;margin:auto;padding:0 1rem 2rem}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.8rem .9rem;margin:0 0 .7rem}
.sum{display:flex;flex-wrap:wrap;gap:.4rem;margin:1rem 0 -.4rem}
.cols .card{margin:0}
.cols{display:grid;gap:.7rem;align-items:start;grid-template-columns:minmax(0,1fr)}
@media(min-width:46rem){.cols{grid-template-columns:repeat(2,minmax(0,1fr))}}
.top{display:flex;gap:.6rem;align-items:baseline;justify-content:space-between}
.pill{font-size:.8rem;font-weight:600;border-radius:99px;padding:.1rem .6rem;white-space:nowrap;background:var(--line);color:var(--ink)}
.pill.ok{background:var(--okbg);color:var(--ok)}.pill.warn{background:var(--warnbg);color:var(--warn)}.pill.bad{background:var(--badbg);color:var(--bad)}
p{margin:.3rem 0 0;overflow-wrap:anywhere}
.soft{color:var(--soft);font-size:.88rem}
.do{border-left:3px solid var(--warn);background:var(--warnbg);border-radius:0 6px 6px 0;padding:.35rem .6rem;margin-top:.5rem}
.do b{font-weight:600}
.do.bad{border-color:var(--bad);background:var(--badbg)}
canvas{display:block;width:100%;height:auto}
ol{list-style:none;margin:0;padding:0}
li{border-top:1px solid var(--line);padding:.45rem 0;overflow-wrap:anywhere}
li:first-child{border-top:0}
time{color:var(--soft);font-variant-numeric:tabular-nums;font-size:.86rem;margin-right:.5rem;white-space:nowrap}
.error{color:var(--bad)}.warning{color:var(--warn)}.notice{color:var(--ink)}.info,.debug{color:var(--soft)}
details summary{cursor:pointer;color:var(--accent);font-size:.88rem;padding:.15rem 0}
pre{margin:.4rem 0 0;overflow-x:auto;font:12.5px/1.5 ui-monospace,"DejaVu Sans Mono",monospace;background:var(--bg);border-radius:6px;padding:.5rem .6rem}
pre .plus{color:var(--ok)}pre .minus{color:var(--bad)}pre .hunk{color:var(--soft)}
.log{max-height:24rem;overflow-y:auto}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1rem;margin-top:.4rem;font-size:.84rem;color:var(--soft)}
.legend i{display:inline-block;width:.7rem;height:.7rem;border-radius:2px;margin-right:.35rem;vertical-align:-1px}
.i-ok{background:var(--ok)}.i-warn{background:var(--warn)}.i-bad{background:var(--bad)}.i-none{background:var(--line)}.i-line{background:var(--accent)}
.stale main{opacity:.55}
#stale{display:none}.stale #stale{display:inline}
`;
