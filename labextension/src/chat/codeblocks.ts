/** Where the walk stops: the buttons of a block, and messages that are not drawn yet. */
const STOPS = '.jp-OllamaLabChat-codebar, .jp-OllamaLabChat-message.jp-mod-far';

/** Give the first button of the next code block the focus, or of the one before. */
export function goToCodeBlock(panel: HTMLElement, by: 1 | -1): void {
  if (panel.contains(document.activeElement)) {
    step(panel, by);
  } else {
    // The command palette, when it closes, gives the notebook the focus in the next frame.
    requestAnimationFrame(() => requestAnimationFrame(() => step(panel, by)));
  }
}

function step(panel: HTMLElement, by: 1 | -1): void {
  const stops = [...panel.querySelectorAll<HTMLElement>(STOPS)];
  const at = stops.findIndex(stop => stop.contains(document.activeElement));
  const stop = stops[nextIndex(at, by, stops.length)];
  const button = stop?.querySelector('button');
  // A message that is far has no block yet: near the screen it is drawn, for the next step.
  const shown = button ? stop?.previousElementSibling : stop;
  shown?.scrollIntoView({ block: 'nearest' });
  button?.focus();
}

/** The one after, around the ends; the last one from outside, as it is the newest. */
export function nextIndex(at: number, by: 1 | -1, count: number): number {
  return at < 0 ? count - 1 : (at + by + count) % count;
}
