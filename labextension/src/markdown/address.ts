const SAFE = /^(?:https?:\/\/|mailto:)[^\s\p{Cc}]+$/iu;

/**
 * The address a link may lead to, as the browser will read it; null for one not to be followed.
 *
 * Only addresses that name where they lead: what is relative would lead into this JupyterLab.
 */
export function address(written: string): string | null {
  if (!SAFE.test(written)) {
    return null;
  }
  try {
    const { href, protocol } = new URL(written);
    return /^(?:https?|mailto):$/.test(protocol) ? href : null;
  } catch {
    return null;
  }
}
