// The notice's style sheet, with EDGE in place of the edge that it stands at. A page themes it by the --tidings-*
// properties named here, and by the parts. The page's style sheets reach the host alone, so every declaration for the
// host is !important, which wins from inside a shadow tree. The colours are the system's for the colour scheme that
// notice.js sets, so one rule covers light, dark and forced colours; translucent white over the background, as an inset
// shadow, makes the card lighter than a dark page and leaves it as it is on a light one. Sizes are in em of the
// visitor's own font size, not in rem, which is the page's.
export default `
:host{all:initial!important;display:contents!important}
section,dialog{
--accent:var(--tidings-accent,CanvasText);
--radius:var(--tidings-radius,12px);
--gap:max(var(--tidings-gap,1.15em),env(safe-area-inset-left),env(safe-area-inset-right),env(safe-area-inset-EDGE));
--room:calc(100% - 2*var(--gap));
position:fixed;
z-index:2147483647;
inset:0;
box-sizing:border-box;
width:fit-content;
height:fit-content;
max-width:min(36em,var(--room));
max-height:var(--room);
margin:auto;
margin-EDGE:var(--gap);
overflow:auto;
padding:.7em;
border:1px solid var(--tidings-border,#8884);
border-radius:var(--radius);
background:var(--tidings-background,Canvas);
color:var(--tidings-color,CanvasText);
box-shadow:0 8px 28px -6px #0004,inset 0 0 0 999em var(--tidings-background,#fff1);
font:400 .875em/1.45 var(--tidings-font,system-ui,sans-serif);
overflow-wrap:anywhere;
opacity:0}
.in{opacity:1}
.start{margin-inline-start:var(--gap)}
.end{margin-inline-end:var(--gap)}
.bar{width:100%;max-width:none;margin-EDGE:0;margin-inline:0;padding-inline:var(--gap);padding-EDGE:max(.7em,env(safe-area-inset-EDGE));border-width:1px 0;border-radius:0}
.modal{width:26em;margin:auto;padding:1.5em}
dialog::backdrop{background:#0006}
div{display:flex;flex-wrap:wrap;align-items:center;justify-content:end;gap:.75em 1.5em}
#body{display:block;flex:1 1 auto;padding-inline-start:.5em}
.bar div{justify-content:center}
.bar #body{flex-grow:0}
.modal #body{flex-basis:100%;padding:0}
#actions{gap:.5em}
h2{margin:0 0 .4em;font-size:1.2em;font-weight:600}
a{color:inherit;text-underline-offset:.2em}
p{max-height:min(9em,25vh);margin:.5em 0 0;overflow:auto;white-space:pre-line;opacity:.8;font-variant-numeric:tabular-nums}
button{min-height:2.4em;padding:.3em .9em;border:1px solid transparent;border-radius:calc(var(--radius)*.6);background:none;color:inherit;font:inherit;font-weight:500;cursor:pointer}
button:hover{background:#8882}
#refresh{background:var(--accent);color:var(--tidings-on-accent,Canvas)}
#refresh:hover{opacity:.85}
#refresh[aria-busy=true]{opacity:.6;cursor:progress}
:not(dialog):focus-visible{outline:2px solid var(--accent);outline-offset:2px}
@media (max-width:30em){section,dialog{width:100%}}
@media (pointer:coarse){button{min-width:44px;min-height:44px}}
@media (prefers-reduced-motion:no-preference){.in{animation:in .25s}}
@media (forced-colors:active){#refresh{forced-color-adjust:none;background:Highlight;color:HighlightText}}
@media print{section,dialog{display:none}}
@keyframes in{0%{opacity:0;translate:0 .5em}}`;
