import type { LabIcon } from '@jupyterlab/ui-components';
import type { ReactElement } from 'react';

/** A button that shows an icon and has a name for those who do not see it. */
export function IconButton({
  icon,
  name,
  onPress,
  isPressed,
  isDisabled = false,
  takesFocus = false,
  className = ''
}: IconButton.IProps): ReactElement {
  return (
    <button
      type="button"
      className={`jp-OllamaLabChat-icon ${className}`}
      title={name}
      aria-label={name}
      aria-pressed={isPressed}
      disabled={isDisabled}
      ref={takesFocus ? focusOnce : undefined}
      onClick={onPress}
    >
      <icon.react tag="span" aria-hidden="true" />
    </button>
  );
}

export namespace IconButton {
  export interface IProps {
    icon: LabIcon;
    name: string;
    onPress: () => void;
    /** For a button that stays down. */
    isPressed?: boolean;
    isDisabled?: boolean;
    /** Whether it has the focus when it appears. */
    takesFocus?: boolean;
    className?: string;
  }
}

/** Give an element the focus when it appears. */
export function focusOnce(element: HTMLElement | null): void {
  element?.focus();
}
