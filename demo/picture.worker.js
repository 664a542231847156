/* Draws the picture of somebody without a camera, also while their tab is not looked at. */

/**
 * @typedef {object} Order
 * @property {string} name
 * @property {number} tone
 * @property {number} width
 * @property {number} height
 * @property {WritableStream<VideoFrame>} [frames] where the pictures go
 * @property {OffscreenCanvas} [canvas] or where they are drawn
 */

const framesPerSecond = 15;

/** Of the same colours as the avatars in style.css. */
const hues = [278, 202, 11, 150, 36, 333];

globalThis.addEventListener('message', ({ data }) => {
  const {
    name,
    tone,
    width,
    height,
    frames,
    canvas = new OffscreenCanvas(width, height),
  } = /** @type {Order} */ (data);
  const writer = frames?.getWriter();
  const context = canvas.getContext('2d');
  if (!context) return;
  const start = performance.now();
  setInterval(() => {
    // Nobody takes them as fast as they come.
    if (writer && (writer.desiredSize ?? 0) <= 0) return;
    const time = performance.now() - start;
    draw(context, name, hues[tone] ?? 0, time / 1000);
    writer?.write(new VideoFrame(canvas, { timestamp: Math.round(time * 1000) })).catch(() => {});
  }, 1000 / framesPerSecond);
});

const radius = 58;

/**
 * Rings that go out from a name, as signals do.
 *
 * @param {OffscreenCanvasRenderingContext2D} context
 * @param {string} name
 * @param {number} hue
 * @param {number} seconds
 */
function draw(context, name, hue, seconds) {
  const { width, height } = context.canvas;
  const [x, y] = [width / 2, height * 0.46];
  const disc = (/** @type {number} */ left, /** @type {number} */ top, /** @type {number} */ size) => {
    context.beginPath();
    context.arc(left, top, size, 0, 2 * Math.PI);
  };
  context.fillStyle = `hsl(${hue} 34% 22%)`;
  context.fillRect(0, 0, width, height);
  context.lineWidth = 2;
  for (let ring = 0; ring < 5; ring++) {
    const part = (seconds / 7 + ring / 5) % 1;
    context.strokeStyle = `hsl(${hue} 50% 64% / ${0.55 * (1 - part)})`;
    disc(x, y, radius + part * width * 0.42);
    context.stroke();
  }
  context.fillStyle = `hsl(${hue} 45% 90%)`;
  disc(x, y, radius);
  context.fill();
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillStyle = `hsl(${hue} 45% 22%)`;
  context.font = '600 60px system-ui, sans-serif';
  context.fillText([...name][0]?.toUpperCase() ?? '', x, y + 4);
  // Goes round once in two seconds: who looks sees that it is live.
  const angle = seconds * Math.PI;
  context.fillStyle = `hsl(${hue} 85% 78%)`;
  disc(x + (radius + 14) * Math.cos(angle), y + (radius + 14) * Math.sin(angle), 6);
  context.fill();
  context.fillStyle = `hsl(${hue} 40% 92%)`;
  context.font = '500 17px system-ui, sans-serif';
  context.fillText(`${name}, ${new Date().toLocaleTimeString()}`, x, y + radius + 38);
}
