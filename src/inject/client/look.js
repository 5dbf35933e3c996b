// The notice's style sheet. For a page to theme: the --tidings-* properties named here, and the parts. Its own style
// sheets reach the host alone, so all that counts there is !important, which wins from in here. The colours are the
// system's for the colour scheme that notice.js sets, so light, dark and forced colours are one rule; white laid
// thinly over the background lifts the card off a dark page and leaves a light one as it is. Sizes are in em of the
// visitor's own font size, not in rem, which is the page's.
export default `
:host{all:initial!important;display:contents!important}
.notice{
--accent:var(--tidings-accent,CanvasText);
--radius:var(--tidings-radius,12px);
--gap:var(--tidings-gap,1.15em);
position:fixed;
z-index:2147483647;
inset:0;
box-sizing:border-box;
display:flex;
flex-wrap:wrap;
align-items:center;
gap:.75em 1.5em;
width:fit-content;
height:fit-content;
max-width:min(36em,100% - 2*var(--gap));
max-height:calc(100% - 2*var(--gap));
margin:auto;
overflow:auto;
padding:.7em;
padding-inline-start:1.25em;
border:1px solid var(--tidings-border,#8884);
border-radius:var(--radius);
background:var(--tidings-background,linear-gradient(#fff1,#fff1)Canvas);
color:var(--tidings-color,CanvasText);
box-shadow:0 1px 2px #0001,0 8px 28px -6px #0004;
font:400 .875em/1.45 var(--tidings-font,system-ui,sans-serif);
overflow-wrap:anywhere;
opacity:0}
.in{opacity:1}
.bar{width:100%;max-width:none;border-width:1px 0;border-radius:0}
.modal{width:26em;padding:1.5em}
::backdrop{background:#0006}
div{flex:1 1 9em}
.modal div{flex-basis:100%}
h2{margin:0 0 .4em;font-size:1.2em;font-weight:600}
a{color:inherit;text-underline-offset:.2em}
p{max-height:9em;margin:.5em 0 0;overflow:auto;white-space:pre-line;opacity:.8;font-variant-numeric:tabular-nums}
.actions{display:flex;flex:none;flex-wrap:wrap;justify-content:flex-end;gap:.5em;max-width:100%;margin-inline-start:auto}
button{min-height:2.4em;padding:.3em .9em;border:1px solid transparent;border-radius:calc(var(--radius)*.6);background:none;color:inherit;font:inherit;font-weight:500;cursor:pointer}
button:hover{background:#8882}
[part=refresh]{background:var(--accent)!important;color:var(--tidings-on-accent,Canvas)}
[part=refresh]:hover{opacity:.85}
[aria-busy]{opacity:.6;cursor:progress}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
@media (max-width:30em){.notice{width:100%}}
@media (pointer:coarse){button{min-width:44px;min-height:44px}}
@media (prefers-reduced-motion:no-preference){.in{animation:in .25s}}
@media print{.notice{display:none}}
@keyframes in{0%{opacity:0;translate:0 .5em}}
`;
