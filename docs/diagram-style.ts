/* What the diagram looks like in the light and in the dark. Classes named like states carry their colour. */

const palette = {
  light: {
    page: '#ffffff',
    edge: '#d8dee6',
    text: '#1b2430',
    soft: '#51606f',
    start: '#51606f',
    ringing: '#a85b00',
    ringingFill: '#fff6e6',
    accepted: '#0b7a4b',
    acceptedFill: '#e9f8f0',
    ended: '#4b5b76',
    endedFill: '#f3f5f9',
  },
  dark: {
    page: '#0e131a',
    edge: '#2b3542',
    text: '#e8edf3',
    soft: '#a3b0be',
    start: '#a3b0be',
    ringing: '#f0b04f',
    ringingFill: '#2a2010',
    accepted: '#4cca8f',
    acceptedFill: '#0e281c',
    ended: '#9fb1cf',
    endedFill: '#171e29',
  },
};

const variables = (colours: Record<string, string>): string =>
  `svg{${Object.entries(colours)
    .map(([name, value]) => `--${name}:${value}`)
    .join(';')}}`;

export const style = `
${variables(palette.light)}
@media (prefers-color-scheme:dark){${variables(palette.dark)}}
text{font:13px ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;fill:var(--soft)}
.title{font-size:22px;font-weight:700;fill:var(--text)}
.name{font-size:20px;font-weight:700;letter-spacing:.04em;fill:var(--colour)}
.verb,.reason,.code{font-family:ui-monospace,SFMono-Regular,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace}
.verb{font-size:13.5px;font-weight:700;fill:var(--text)}
.reason{font-size:12px;font-weight:600;fill:var(--text);text-anchor:middle}
.code{font-size:12px}
.start,.legend{--colour:var(--start)}
.RINGING{--colour:var(--ringing);--fill:var(--ringingFill)}
.ACCEPTED{--colour:var(--accepted);--fill:var(--acceptedFill)}
.ENDED{--colour:var(--ended);--fill:var(--endedFill)}
.page{fill:var(--page);stroke:var(--edge)}
.state{fill:var(--fill);stroke:var(--colour);stroke-width:1.5}
.line{fill:none;stroke:var(--colour);stroke-width:1.75}
.trunk>.line{stroke-width:2.5}
.timer>.line{stroke-dasharray:6 4}
.point,.dot{fill:var(--colour)}
.clock{fill:none;stroke:var(--colour);stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round}
.chip{fill:var(--page);stroke:var(--colour);stroke-width:1.25}
`;
